"""Splits of a data set: given ones are kept, missing ones are drawn, and copies do not lie in two splits."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.media.atomic import atomic_write
from mini_xception.training.labelled import TEST, TRAIN, VALIDATION
from mini_xception.training.sources.samples import LeftOut

#: Files in a run's folder: the split of each image, and the images that are not used.
SPLITS, LEFT_OUT = "splits.csv", "left_out.csv"


def draw_validation(labels: Sequence[str], groups: Sequence[str], fraction: float, seed: int) -> np.ndarray:
    """Draw a validation set: in each class about the same fraction of the images, and each group whole.

    Args:
        labels: the class of each image.
        groups: the group of each image. Images of one group are not separated.
        fraction: the validation set's part of the images, above 0 and below 1.
        seed: seed of the random numbers.

    Returns:
        bool, (N,): whether an image belongs to the validation set. A class with two groups or more has images in both
        sets, as far as whole groups allow it.
    """
    classes, label = np.unique(np.asarray(labels), return_inverse=True)
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.zeros((len(names), len(classes)), np.int64)  # images of each group in each class
    np.add.at(counts, (group, label), 1)
    total = counts.sum(axis=0)
    target = np.clip(np.round(fraction * total), 1, np.maximum(total - 1, 1))
    taken, chosen = np.zeros(len(classes), np.int64), np.zeros(len(names), bool)
    order = np.random.default_rng(seed).permutation(len(names))
    # Large groups come first: small ones then fill what is missing.
    for name in order[np.argsort(-counts.sum(axis=1)[order], kind="stable")]:
        new = taken + counts[name]
        closer = np.square(new - target).sum() < np.square(taken - target).sum()
        leaves_some = (total - new >= np.minimum(total, 1)).all()
        if closer and leaves_some:
            taken, chosen[name] = new, True
    return chosen[group]


def find_copies(digests: Sequence[str], splits: Sequence[str]) -> dict[int, str]:
    """Find images of the training and validation sets that are copies of an image in a set that measures them.

    Args:
        digests: digest of each image's pixels.
        splits: split of each image.

    Returns:
        Index → reason, for images to leave out: copies of test images, and training images that are copies of
        validation images.
    """
    members = {split: {d for d, s in zip(digests, splits, strict=True) if s == split} for split in (TEST, VALIDATION)}
    copies = {}
    for index, (digest, split) in enumerate(zip(digests, splits, strict=True)):
        if split != TEST and digest in members[TEST]:
            copies[index] = "copy of a test image"
        elif split == TRAIN and digest in members[VALIDATION]:
            copies[index] = "copy of a validation image"
    return copies


def write_splits(run_dir: Path, rows: Iterable[tuple[str, str, str]], left_out: Iterable[LeftOut]) -> None:
    """Write each image's split, and the images that are not used with the reasons, to a run's folder.

    Args:
        run_dir: the run's folder.
        rows: the images' names, labels and splits.
        left_out: the images that are not used.

    Raises:
        MiniXceptionError: a file cannot be written.
    """
    tables: dict[str, list[tuple[str, ...]]] = {
        SPLITS: [("image", "label", "split"), *rows],
        LEFT_OUT: [LeftOut._fields, *left_out],
    }
    for name, table in tables.items():
        with (
            atomic_write(run_dir / name) as temporary,
            temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,  # for names of files
        ):
            csv.writer(file).writerows(table)


def read_splits(path: Path) -> dict[str, str]:
    """Read a run's ``splits.csv``: name of each image → its split.

    Raises:
        MiniXceptionError: the file is damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            return {row["image"]: row["split"] for row in csv.DictReader(file)}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise MiniXceptionError(f"{path}: not a table of splits ({error}); start the run again") from error
