"""FER2013, loaded from any form in which it is distributed.

The supported forms are:

- Kaggle's ``fer2013.csv`` or ``icml_face_data.csv``, plain, ``.gz`` or ``.zip``
- a folder with the PyTorch reference's ``train.csv`` and ``test.csv``
- a folder of images, ``train/<emotion>/*`` and ``test/<emotion>/*``; each file name begins with the name of a split

The data is decoded once and stored in the user's cache folder.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.media.image import SUFFIXES, load_image
from mini_xception.training.cache import cached
from mini_xception.training.labelled import LabelledFaces

#: Side of FER2013's images in pixels.
SIDE = 48
SPLITS: tuple[str, ...] = ("Training", "PublicTest", "PrivateTest")

#: Columns of FER2013's CSV files.
_HEADER = {"emotion", "pixels", "Usage"}
#: Errors of a CSV file that is damaged or something else. A RuntimeError means that a zip file is encrypted or uses a
#: compression that Python does not support.
UNREADABLE = (OSError, EOFError, RuntimeError, UnicodeDecodeError, csv.Error, zlib.error, zipfile.BadZipFile)

#: What :func:`load_fer2013` accepts, as text.
FORMS = (
    "fer2013.csv or icml_face_data.csv (plain, .gz or .zip), a folder with train.csv and test.csv, "
    "or a folder of images"
)

#: A decoded row: label, index of its split, pixels.
Row = tuple[int, int, np.ndarray]


def load_fer2013(path: str | os.PathLike[str], split: str) -> LabelledFaces:
    """Load one split of FER2013.

    Args:
        path: the data, in any of the forms that this module supports.
        split: "Training", "PublicTest" or "PrivateTest".

    Raises:
        MiniXceptionError: the file or the split does not exist, or a row is malformed. The message names the row.
    """
    if split not in SPLITS:
        raise MiniXceptionError(f"split {split!r} not found; choose one of {', '.join(SPLITS)}")
    path = Path(path)
    if not path.exists():
        raise MiniXceptionError(f"{path}: no such file or folder; use {FORMS}")
    decoded = _decode_cached(path)
    chosen = np.flatnonzero(decoded["splits"] == SPLITS.index(split))
    if len(chosen) == 0:
        present = [SPLITS[i] for i in np.unique(decoded["splits"])]
        raise MiniXceptionError(f"{path}: contains no {split} images, only {', '.join(present)}; use the complete data")
    return LabelledFaces(decoded["images"][chosen], decoded["labels"][chosen], chosen, split)


def _decode_cached(path: Path) -> dict[str, np.ndarray]:
    files = _files(path)
    names = "|".join(str(file.relative_to(path)) for file in files)
    return cached("fer2013", names, files, ("images", "labels", "splits"), lambda: _decode(path, files))


def _files(path: Path) -> list[Path]:
    """Return the files that contain the data."""
    if not path.is_dir():
        return [path]
    if tables := [table for name in ("train", "test") if (table := path / f"{name}.csv").is_file()]:
        return tables
    images = (file for file in path.glob("*/*/*") if file.suffix.lower() in SUFFIXES)
    return sorted(file for file in images if not file.name.startswith("."))  # macOS adds "._…" files.


def _decode(path: Path, files: list[Path]) -> dict[str, np.ndarray]:
    if not path.is_dir() or (files and files[0].parent == path):
        rows = [row for table in files for row in _rows_of_csv(table)]
    else:
        rows = list(_rows_of_images(path, files))
    labels, splits, images = zip(*rows, strict=True)
    return {"images": np.stack(images), "labels": np.array(labels, np.int64), "splits": np.array(splits, np.int64)}


def _rows_of_csv(path: Path) -> Iterator[Row]:
    number = 0
    try:
        with open_text(path) as file:
            reader = csv.DictReader(file)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            missing = _HEADER - set(reader.fieldnames)
            if missing:
                raise MiniXceptionError(
                    f"{path}: columns missing from the header: {', '.join(sorted(missing))}; use {FORMS}"
                )
            for number, row in enumerate(reader, start=1):
                yield _decode_row(row, where=f"{path}, row {number}")
    except UNREADABLE as error:
        raise MiniXceptionError(f"{path}: cannot be read after row {number} ({error}); use {FORMS}") from error
    if number == 0:
        raise MiniXceptionError(f"{path}: the file has a header but no rows; download the data again")


def _decode_row(row: dict[str, str | None], where: str) -> Row:
    emotion, usage = (row["emotion"] or "").strip(), (row["Usage"] or "").strip()
    if not emotion.isdecimal() or int(emotion) >= len(EMOTIONS):
        raise MiniXceptionError(f"{where}: column 'emotion' is {emotion!r}; it must be 0–{len(EMOTIONS) - 1}")
    if usage not in SPLITS:
        raise MiniXceptionError(f"{where}: column 'Usage' is {usage!r}; it must be one of {', '.join(SPLITS)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # NumPy warns about text that is not a number.
            pixels = np.fromstring(row["pixels"] or "", np.int64, sep=" ")
    except (ValueError, DeprecationWarning) as error:
        reason = "the pixels are not whole numbers separated by spaces"
        raise MiniXceptionError(f"{where}: {reason}; download the data again") from error
    if pixels.size != SIDE * SIDE:
        raise MiniXceptionError(
            f"{where}: the image has {pixels.size} pixels; it must have {SIDE}×{SIDE} = {SIDE * SIDE}"
        )
    if pixels.min() < 0 or pixels.max() > 255:
        raise MiniXceptionError(f"{where}: a pixel is outside 0–255; pixels must be 8-bit grey values")
    return int(emotion), SPLITS.index(usage), pixels.astype(np.uint8).reshape(SIDE, SIDE)


def _rows_of_images(folder: Path, files: list[Path]) -> Iterator[Row]:
    if not files:
        raise MiniXceptionError(f"{folder}: contains neither train.csv nor images in train/<emotion>/; use {FORMS}")
    for file in files:
        if file.parent.name not in EMOTIONS:
            emotions = ", ".join(EMOTIONS)
            raise MiniXceptionError(f"{file}: the folder name is not an emotion; it must be one of {emotions}")
        split = file.name.split("_")[0]
        if split not in SPLITS:
            prefixes = ", ".join(f"{name}_" for name in SPLITS)
            raise MiniXceptionError(
                f"{file}: the file name does not name a split; it must begin with one of {prefixes}"
            )
        image = load_image(file)
        if image.shape[:2] != (SIDE, SIDE):
            size = f"{image.shape[1]}×{image.shape[0]}"
            raise MiniXceptionError(f"{file}: the image is {size} pixels; it must be {SIDE}×{SIDE}")
        yield EMOTIONS.index(file.parent.name), SPLITS.index(split), image[:, :, 1]


def is_fer2013(path: Path) -> bool:
    """Whether a path leads to FER2013, in a form that :func:`load_fer2013` accepts, and not to other faces."""
    if not path.exists():
        return False
    files = _files(path)
    if not path.is_dir() or (files and files[0].parent == path):
        if not path.is_dir() and not path.name.lower().endswith((".csv", ".csv.gz", ".gz", ".zip")):
            return False
        try:
            return all(_is_fer2013_table(table) for table in files)
        except (*UNREADABLE, MiniXceptionError):
            return False
    named = (file.parent.name in EMOTIONS and file.name.split("_")[0] in SPLITS for file in files)
    return bool(files) and all(named) and _is_small(files[0])


def has_training_splits(path: Path) -> bool:
    """Whether FER2013 at a path has both Training and PublicTest. A part of FER2013 may have only one of them."""
    try:
        present = np.unique(_decode_cached(path)["splits"])
    except MiniXceptionError:
        return True  # load_fer2013 reports the reason.
    return {SPLITS.index("Training"), SPLITS.index("PublicTest")} <= set(present.tolist())


def _is_small(file: Path) -> bool:
    try:
        return load_image(file).shape[:2] == (SIDE, SIDE)
    except MiniXceptionError:
        return True


def _is_fer2013_table(table: Path) -> bool:
    """Whether a table has FER2013's columns, and its first row has FER2013's numbers and size, not those of others."""
    with open_text(table) as file:
        header = [name.strip() for name in next(csv.reader(file), [])]
        first = dict(zip(header, next(csv.reader(file), []), strict=False))
    named = any(character.isalpha() for character in first.get("emotion", ""))
    return set(header) >= _HEADER and not named and first.get("pixels", "").count(" ") < SIDE * SIDE + 1


def open_text(path: Path) -> IO[str]:
    """Open a CSV file, plain, ``.gz`` or in a ``.zip``."""
    csv.field_size_limit(2**31 - 1)  # The pixels of a 224×224 image are longer than Python's default.
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    if path.suffix != ".zip":
        return open(path, newline="", encoding="utf-8-sig")
    archive = zipfile.ZipFile(path)
    tables = [name for name in archive.namelist() if name.endswith(".csv") and not name.startswith("__MACOSX")]
    known = [name for name in tables if Path(name).name in ("fer2013.csv", "icml_face_data.csv")]
    if len(known or tables) != 1:
        raise MiniXceptionError(
            f"{path}: contains {', '.join(tables) or 'no CSV file'}; it must contain fer2013.csv or "
            "icml_face_data.csv, or only one CSV file"
        )
    return io.TextIOWrapper(archive.open((known or tables)[0]), encoding="utf-8-sig", newline="")
