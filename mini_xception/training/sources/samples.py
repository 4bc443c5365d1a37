"""Images with labels that are not decoded yet. Every reader returns them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mini_xception.training.labelled import TEST, TRAIN, VALIDATION

#: Names of splits, in lower case → the split.
SPLIT_NAMES: dict[str, str] = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "publictest": VALIDATION,
    "test": TEST,
    "testing": TEST,
    "privatetest": TEST,
}


class Sample(NamedTuple):
    """An image with its label.

    Attributes:
        source: the image's name: its path in the data's folder, or its row in a table.
        image: the image's file, the bytes of a file, or grey or RGB pixels, uint8.
        label: name of the class.
        split: "train", "validation" or "test"; None if the data has no splits.
        group: images of one group, such as a person, are kept in one split; None if groups are not used.
    """

    source: str
    image: Path | bytes | np.ndarray
    label: str
    split: str | None = None
    group: str | None = None


class LeftOut(NamedTuple):
    """An image that is not used, and the reason. ``split`` and ``label`` are "" if they are not known."""

    source: str
    reason: str
    split: str = ""
    label: str = ""


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns. None recognises the column by its name. Without ``group``, groups are not used."""

    image: str | None = None
    label: str | None = None
    group: str | None = None


@dataclass
class Samples:
    """The samples of a data set.

    Attributes:
        samples: the images with their labels.
        left_out: rows and files that are not used.
        notes: other remarks for the user, one line each.
        names: names of the classes in their order; empty sorts the labels.
    """

    samples: list[Sample] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    names: tuple[str, ...] = ()

    def add(self, other: Samples) -> None:
        """Add the samples of another part of the data."""
        self.samples += other.samples
        self.left_out += other.left_out
        self.notes += other.notes
        self.names = self.names or other.names


def split_of(name: str) -> str | None:
    """Return the split that a folder, a file or a cell names, such as "train-00000-of-00004" or "PublicTest"."""
    return SPLIT_NAMES.get(re.split(r"[-_.]", name.strip().lower())[0])
