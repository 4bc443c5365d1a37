"""Synthetic faces, and short runs on them."""

import csv
import sys
from dataclasses import replace

import numpy as np
import torch

from mini_xception import MiniXception
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.training import RUNS
from mini_xception.training.labelled import LabelledFaces

CONFIG = replace(
    RUNS["best"],
    epochs=4,
    batch_size=16,
    augmentations={"shift": 0.02, "flip": 0.5},
    mixed_precision="no",
    vote_weight=0.0,
    teacher_weight=0.0,
)
RUN_FOLDER = {"best", "last", "log.csv", "run_state.pt", "curves.png", "confusion_matrix.png",
              "report.html", "report.json"}  # fmt: skip


def synthetic_faces(n: int, seed: int, split: str) -> LabelledFaces:
    """Make images whose label is the position of a bright band."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, n)
    images = rng.integers(0, 60, (n, 48, 48), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[6 * label : 6 * label + 8] += 180
    return LabelledFaces(images, labels, np.arange(n), split)


TRAINING, VALIDATION = synthetic_faces(160, 0, "Training"), synthetic_faces(64, 1, "PublicTest")


def command(fer2013_csv, run_dir, *options):
    return [sys.executable, "-m", "mini_xception", "train", "--data", str(fer2013_csv), "--run", str(run_dir),
            "--preset", "reference", "--epochs", "4", "--batch-size", "16", *options]  # fmt: skip


def same_weights(a, b) -> bool:
    ours, theirs = (MiniXception.from_pretrained(folder).state_dict() for folder in (a, b))
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def uncalibrated(folder) -> np.ndarray:
    """Return a checkpoint's probabilities for the validation set at temperature 1."""
    model = MiniXception.from_pretrained(folder)
    model.temperature = 1.0
    return EmotionRecognizer(model, detector=None, engine="torch").classify(VALIDATION.images)


def without_speed(log) -> list[dict[str, str]]:
    with log.open() as file:
        return [{**row, "images_per_s": ""} for row in csv.DictReader(file)]
