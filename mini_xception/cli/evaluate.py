"""Evaluate a checkpoint on one split of a data set, in float32, with one forward pass per image."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from mini_xception.cli.data import OWN_SPLITS, add_data, load_split
from mini_xception.cli.options import add_checkpoint, add_device, add_quiet, make_writable
from mini_xception.evaluation.metrics import Metrics, measure, reliability
from mini_xception.training.data import SPLITS

if TYPE_CHECKING:
    from mini_xception.recognizer import EmotionRecognizer

#: Images per update of the progress bar.
CHUNK = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument(
        "--split",
        required=True,
        choices=(*OWN_SPLITS, *SPLITS),
        help="train, validation, test or all; for FER2013: Training, PublicTest (the validation set) or PrivateTest "
        "(the test set)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.add_argument(
        "--tta",
        action="store_true",
        help="also report scores with test-time augmentation: the probabilities are averaged over each image and its "
        "horizontally flipped copy",
    )
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="write confusion_matrix.png and reliability.png to this folder"
    )
    add_quiet(parser)
    add_checkpoint(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    import torch

    from mini_xception.recognizer import EmotionRecognizer

    torch.backends.cudnn.allow_tf32 = False  # TF32 would round float32 values on GPUs.
    if args.plots:
        make_writable(args.plots)
    # Other engines could compute in bfloat16.
    recognizer = EmotionRecognizer.from_pretrained(
        args.checkpoint, revision=args.revision, device=args.device, engine="torch", detector=None
    )
    faces = load_split(args, recognizer)
    probabilities = _classify(recognizer, faces.images, args.quiet)
    metrics = measure(probabilities, faces.labels, recognizer.labels)
    averaged = None
    if args.tta:
        flipped = _classify(recognizer, faces.images[:, :, ::-1], args.quiet)
        averaged = measure((probabilities + flipped) / 2, faces.labels, recognizer.labels)

    if args.json:
        added = {"tta": averaged.to_dict()} if averaged else {}
        print(json.dumps({**metrics.to_dict(), **added}))
    else:
        print(_report(metrics, averaged, _name(args.split)))
    if args.plots:
        from mini_xception.evaluation.plots import plot_confusion_matrix, plot_reliability

        title = f"{_name(args.split)}: accuracy {metrics.accuracy:.2%}"
        plot_confusion_matrix(metrics.confusion_matrix, recognizer.labels, title, args.plots / "confusion_matrix.png")
        plot_reliability(reliability(probabilities, faces.labels), _name(args.split), args.plots / "reliability.png")
    return 0


def _classify(recognizer: EmotionRecognizer, images: np.ndarray, quiet: bool) -> np.ndarray:
    """Classify images, uint8, (N, H, W), and show a progress bar."""
    starts = range(0, len(images), CHUNK)
    hidden = True if quiet else None  # None shows the bar on terminals only.
    bar = tqdm(starts, unit=f" × {CHUNK} images", leave=False, disable=hidden)
    return np.concatenate([recognizer.classify(images[start : start + CHUNK]) for start in bar])


def _name(split: str) -> str:
    return f"{split} (the validation set)" if split == "PublicTest" else split


def _report(metrics: Metrics, averaged: Metrics | None, name: str) -> str:
    labels = list(metrics.recall)
    lines = [f"{name}: {metrics.n:,} images, one forward pass per image", _summary(metrics)]
    if averaged:
        lines += ["with test-time augmentation, the average over each image and its flipped copy:", _summary(averaged)]
    lines += [
        "",
        "Confusion matrix: rows are true labels, columns are predictions",
        " " * 9 + "".join(f"{label:>9}" for label in labels) + "   recall  precision",
    ]
    for label, row in zip(labels, metrics.confusion_matrix, strict=True):
        counts = "".join(f"{count:>9}" for count in row)
        lines.append(f"{label:>9}{counts}{metrics.recall[label]:>9.1%}{metrics.precision[label]:>11.1%}")
    return "\n".join(lines)


def _summary(metrics: Metrics) -> str:
    return (
        f"accuracy {metrics.accuracy:.2%}   balanced {metrics.balanced_accuracy:.2%}   "
        f"macro-F1 {metrics.macro_f1:.4f}   ECE {metrics.ece:.4f}"
    )
