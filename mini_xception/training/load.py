"""Labelled faces from any form of data: read, decode, split and check them, and say what was found."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mini_xception.detection.crop import FaceCropper
from mini_xception.errors import MiniXceptionError
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.training.decode import FACES, choose_faces, decode
from mini_xception.training.fer2013 import has_training_splits, is_fer2013, load_fer2013
from mini_xception.training.labelled import TEST, TRAIN, VALIDATION, LabelledFaces
from mini_xception.training.sources.read import read_samples
from mini_xception.training.sources.samples import Columns, LeftOut, Sample
from mini_xception.training.splits import draw_validation, find_copies

#: The part of the training images that becomes the validation set, if the data has none.
VALIDATION_FRACTION = 0.2
#: A class with fewer training images gets a warning.
FEW = 10


@dataclass(frozen=True)
class FaceData:
    """A data set of labelled faces.

    Attributes:
        splits: name of each split → its faces. All splits have the same classes.
        faces: "detect" if the faces were cut out of photos, "crop" if each image is a face.
        left_out: images that are not used, with the reasons.
        notes: remarks and warnings for the user, one line each.
    """

    splits: dict[str, LabelledFaces]
    faces: str = "crop"
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def training(self) -> LabelledFaces:
        """The training set."""
        return self.splits[TRAIN]

    @property
    def validation(self) -> LabelledFaces:
        """The validation set."""
        return self.splits[VALIDATION]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the labels."""
        return next(iter(self.splits.values())).classes


def load_faces(
    source: Any,
    *,
    faces: str = "auto",
    validation: float = VALIDATION_FRACTION,
    image_column: str | None = None,
    label_column: str | None = None,
    group_column: str | None = None,
    classes: Sequence[str] = (),
    size: int = 48,
    seed: int = 0,
    cropper: FaceCropper | None = None,
    workers: int | None = None,
    quiet: bool = False,
) -> FaceData:
    """Load labelled faces, in a training set, a validation set and, if the data has one, a test set.

    Splits of the data are kept. If it has no validation set, one is drawn from the training images: seeded, and with
    the same mix of classes. FER2013 is loaded in its own splits, without PrivateTest; a part of it that lacks Training
    or PublicTest is treated as other data.

    Args:
        source: a folder of images, a table, the name of a data set on the Hub, FER2013, or a torch Dataset or
            DataLoader; docs/training.md describes the forms.
        faces: "detect" finds the largest face of each photo and cuts it out, as in recognition; "crop" takes each image
            as a face; "auto" decides from the data.
        validation: the part of the training images to draw, if the data has no validation set.
        image_column: a table's column of images; None recognises it by its name.
        label_column: a table's column of labels; None recognises it by its name.
        group_column: a table's column of groups, such as persons. The drawn set contains only whole groups.
        classes: names of the classes of a torch Dataset, in the order of its labels.
        size: side of the images in pixels, the network's input.
        seed: seed of the drawn validation set.
        cropper: detects the faces and cuts them out; None uses that of a recogniser with the bundled weights.
        workers: number of worker processes that decode; None uses one per core for 100 images or more.
        quiet: hide the progress bar.

    Raises:
        MiniXceptionError: the data cannot be read, no image can be used, or the classes or splits do not allow
            training.
    """
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    if path and is_fer2013(path) and has_training_splits(path):
        return FaceData({TRAIN: load_fer2013(source, "Training"), VALIDATION: load_fer2013(source, "PublicTest")})
    if not 0 < validation < 1:
        raise MiniXceptionError(f"validation is {validation}; it must be above 0 and below 1")
    columns = Columns(image_column, label_column, group_column)
    pool = load_pool(source, columns, tuple(classes), faces, size, cropper, workers, quiet)
    splits = [sample.split or TRAIN for sample in pool.samples]
    if None in {sample.split for sample in pool.samples} and len(set(splits)) > 1:
        raise MiniXceptionError(f"{pool.dataset}: some images have no split; give a split to all images, or to none")
    if VALIDATION not in splits:
        candidates = [i for i, split in enumerate(splits) if split == TRAIN]
        labels = [pool.samples[i].label for i in candidates]
        groups = [pool.samples[i].group or pool.digests[i] for i in candidates]
        for index, drawn in zip(candidates, draw_validation(labels, groups, validation, seed), strict=True):
            splits[index] = VALIDATION if drawn else TRAIN
    copies = find_copies(pool.digests, splits)
    used = [i for i in range(len(splits)) if i not in copies]
    left_out = [LeftOut(pool.samples[i].source, copies[i], splits[i], pool.samples[i].label) for i in copies]
    present = {name: [i for i in used if splits[i] == name] for name in (TRAIN, VALIDATION, TEST)}
    found = {name: pool.select(indices, name) for name, indices in present.items() if indices}
    _check(pool.dataset, pool.classes, found)
    return FaceData(found, pool.faces, pool.left_out + left_out, pool.notes + _warnings(pool.classes, found))


@dataclass(frozen=True)
class Pool:
    """All usable images of a data set, decoded.

    Attributes:
        samples: one per image. Their own images are not decoded.
        images: uint8, (N, S, S), grey.
        digests: digest of each image's pixels.
        classes: names of the classes.
        dataset: name of the data set.
        faces: "detect" or "crop".
        left_out: images that are not used.
        notes: remarks for the user.
    """

    samples: list[Sample]
    images: np.ndarray
    digests: list[str]
    classes: tuple[str, ...]
    dataset: str
    faces: str
    left_out: list[LeftOut]
    notes: list[str]

    def select(self, indices: Sequence[int], split: str) -> LabelledFaces:
        """Return some of the images as one split."""
        number = {name: i for i, name in enumerate(self.classes)}
        chosen = [self.samples[i] for i in indices]
        rows = np.array(indices, np.int64)
        labels = np.array([number[sample.label] for sample in chosen], np.int64)
        sources = tuple(sample.source for sample in chosen)
        return LabelledFaces(self.images[rows], labels, rows, split, self.classes, self.dataset, sources)


def load_pool(
    source: Any,
    columns: Columns,
    names: tuple[str, ...] = (),
    faces: str = "auto",
    size: int = 48,
    cropper: FaceCropper | None = None,
    workers: int | None = None,
    quiet: bool = False,
) -> Pool:
    """Read and decode a data set, without drawing splits. The arguments are those of :func:`load_faces`.

    Raises:
        MiniXceptionError: the data cannot be read, or no image can be used.
    """
    if faces not in FACES:
        raise MiniXceptionError(f"faces is {faces!r}; it must be {', '.join(FACES[:-1])} or {FACES[-1]}")
    named = isinstance(source, str | os.PathLike)
    dataset = (str(source) if not Path(source).exists() else Path(source).resolve().name) if named else "own data"
    read = read_samples(source, columns, names)
    if columns.group and all(sample.group is None for sample in read.samples):
        raise MiniXceptionError(
            f"{dataset}: no image has a group; --group-column needs a table with a column {columns.group!r}"
        )
    cropper = cropper or EmotionRecognizer.from_pretrained(device="cpu").cropper
    mode = choose_faces(read.samples, cropper) if faces == "auto" else faces
    images, missing = decode(read.samples, mode, cropper, size, workers, quiet)
    left_out = [LeftOut(read.samples[i].source, why, read.samples[i].split or "", read.samples[i].label)
                for i, why in missing.items()]  # fmt: skip
    used = [i for i in range(len(read.samples)) if i not in missing]
    if not used:
        every = read.left_out + left_out
        why = f", for example {every[0].source}: {every[0].reason}" if every else ""
        hint = "; use --faces crop if each image is a face" if mode == "detect" else ""
        raise MiniXceptionError(f"{dataset}: none of {len(every)} images can be used{why}{hint}")
    images = images[used]
    # The samples' own images are not needed any more.
    samples = [read.samples[i]._replace(image=b"") for i in used]
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    classes = _order({sample.label for sample in samples}, read.names)
    return Pool(samples, images, digests, classes, dataset, mode, read.left_out + left_out, read.notes)


def _order(labels: set[str], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes in the data's own order, or sorted, numbers by their value."""
    if labels <= set(names):
        return tuple(name for name in names if name in labels)
    numeric = all(label.isdecimal() for label in labels)
    return tuple(sorted(labels, key=lambda label: (int(label), label) if numeric else (0, label)))


def _check(dataset: str, classes: tuple[str, ...], splits: dict[str, LabelledFaces]) -> None:
    """Raise an error if the classes or the splits do not allow training."""
    total = sum(map(len, splits.values()))
    if len(classes) < 2:
        raise MiniXceptionError(
            f"{dataset}: all {total} images have the class {classes[0]!r}; give two classes or more"
        )
    if len(classes) > max(2, total / 2):
        raise MiniXceptionError(
            f"{dataset}: {total} images have {len(classes)} different labels, such as {classes[0]!r}; name the "
            "column of the classes with --label-column"
        )
    if TRAIN not in splits:
        raise MiniXceptionError(f"{dataset}: no training images, only {', '.join(splits)}; add a split named train")
    if VALIDATION not in splits:
        raise MiniXceptionError(
            f"{dataset}: {len(splits[TRAIN])} training images are too few for a validation set; give each class two "
            "images or more"
        )
    for name, faces in splits.items():
        for label in np.unique(faces.labels):
            if label not in splits[TRAIN].labels:
                raise MiniXceptionError(
                    f"{dataset}: the class {classes[label]!r} has images in {name}, but none in train; add training "
                    "images, or remove the class"
                )


def _warnings(classes: tuple[str, ...], splits: dict[str, LabelledFaces]) -> list[str]:
    notes = []
    counts = {name: np.bincount(faces.labels, minlength=len(classes)) for name, faces in splits.items()}
    for index, label in enumerate(classes):
        if counts[TRAIN][index] < FEW:
            n = counts[TRAIN][index]
            notes.append(f"warning: the class {label!r} has {n} training images; {FEW} or more are needed to learn it")
        absent = [name for name in splits if name != TRAIN and counts[name][index] == 0]
        notes += [f"warning: the class {label!r} has no images in {name}; its recall is not defined" for name in absent]
    return notes
