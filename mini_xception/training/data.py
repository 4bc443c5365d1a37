"""FER2013, loaded from any form in which it is distributed, and training targets from other sources.

The supported forms are:

- Kaggle's ``fer2013.csv`` or ``icml_face_data.csv``, plain, ``.gz`` or ``.zip``
- a folder with the PyTorch reference's ``train.csv`` and ``test.csv``
- a folder of images, ``train/<emotion>/*`` and ``test/<emotion>/*``; each file name begins with the name of a split

The data is decoded once and stored in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.media.atomic import atomic_write
from mini_xception.media.cache import cache_folder
from mini_xception.media.image import SUFFIXES, load_image

#: Side of FER2013's images in pixels.
SIDE = 48
SPLITS: tuple[str, ...] = ("Training", "PublicTest", "PrivateTest")

#: Columns of FER+'s ``fer2013new.csv``, in the order of EMOTIONS.
_VOTE_COLUMNS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
#: What :func:`load_fer2013` accepts, as text.
FORMS = (
    "fer2013.csv or icml_face_data.csv (plain, .gz or .zip), a folder with train.csv and test.csv, "
    "or a folder of images"
)

#: A decoded row: label, index of its split, pixels.
Row = tuple[int, int, np.ndarray]


@dataclass(frozen=True)
class LabelledFaces:
    """Face images with their labels.

    Attributes:
        images: uint8, (N, 48, 48), grey.
        labels: int64, (N,), indices into EMOTIONS.
        rows: int64, (N,), the row of each image in the data, counted from 0, not counting the header.
        split: name of the split. It is shown next to scores.
    """

    images: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    split: str

    def __len__(self) -> int:
        return len(self.labels)


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


def load_votes(path: str | os.PathLike[str], split: str, rows: np.ndarray) -> np.ndarray:
    """Load FER+'s votes for the seven emotions.

    Args:
        path: ``fer2013new.csv``. Its row *i* describes row *i* of FER2013's CSV file.
        split: the split that the rows belong to.
        rows: int64, (N,), as in :class:`LabelledFaces`.

    Returns:
        float32, (N, 7). Each row holds an image's votes for the seven emotions, divided by their sum. A row is all
        zeros if none of the image's votes is for any of the seven, or if the file has no image name in that row.

    Raises:
        MiniXceptionError: the file does not exist, or its rows do not match FER2013's rows.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            table = list(csv.DictReader(file))
        chosen = [table[row] for row in rows]
        # The votes of a row without an image name are not usable.
        counts = [[float(row[column]) * bool(row["Image name"]) for column in _VOTE_COLUMNS] for row in chosen]
    except OSError as error:
        raise MiniXceptionError(f"{path}: cannot be read ({error.strerror})") from error
    except IndexError as error:
        reason = f"the file has {len(table)} rows, fewer than the FER2013 data"
        raise MiniXceptionError(f"{path}: {reason}; use the unmodified fer2013new.csv of FER+") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise MiniXceptionError(f"{path}: not FER+'s fer2013new.csv ({error}); download it again") from error
    for number, row in zip(rows, chosen, strict=True):
        if row.get("Usage") != split:
            reason = f"column 'Usage' is {row.get('Usage')!r}, but in the FER2013 data it is {split!r}"
            raise MiniXceptionError(
                f"{path}, row {number + 1}: {reason}; use data whose rows are in the original order"
            )
    votes = np.array(counts, np.float32)
    if not (np.isfinite(votes).all() and (votes >= 0).all()):
        raise MiniXceptionError(f"{path}: a vote is negative or not finite; download the file again")
    return votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)


def load_teacher(path: str | os.PathLike[str], n: int) -> np.ndarray:
    """Load a teacher's probabilities.

    Args:
        path: a NumPy file, written by ``recipes/teacher.py``.
        n: number of images.

    Returns:
        float32, (n, 7), in the order of the images.

    Raises:
        MiniXceptionError: the file does not exist, or does not contain one row of probabilities per image.
    """
    again = "create it with recipes/teacher.py"
    try:
        probabilities = np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, EOFError, TypeError, ValueError) as error:
        raise MiniXceptionError(f"{path}: not a file of teacher probabilities ({error}); {again}") from error
    if probabilities.shape != (n, len(EMOTIONS)):
        needed = (n, len(EMOTIONS))
        reason = f"the shape is {probabilities.shape}, but the data needs {needed}"
        raise MiniXceptionError(f"{path}: {reason}; {again} for this data")
    if not ((probabilities >= 0).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)):
        reason = "a row is not a probability distribution"
        raise MiniXceptionError(f"{path}: {reason}; its values must be 0 or more and sum to 1")
    return probabilities


def _decode_cached(path: Path) -> dict[str, np.ndarray]:
    cached = cache_folder() / f"fer2013-{_fingerprint(path)}.npz"
    damaged = (EOFError, KeyError, OSError, ValueError, zlib.error, zipfile.BadZipFile)
    with contextlib.suppress(*damaged), np.load(cached, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in ("images", "labels", "splits")}
    decoded = _decode(path)
    # If the cache cannot be written, the next start decodes the data again, which takes seconds.
    with contextlib.suppress(MiniXceptionError), atomic_write(cached) as temporary:
        np.savez(temporary, **decoded)  # type: ignore[arg-type]
    return decoded


def _fingerprint(path: Path) -> str:
    """Compute a digest of the path and of each file's name, size and modification time."""
    digest = hashlib.sha256(str(path.resolve()).encode())
    for file in sorted(filter(Path.is_file, path.rglob("*"))) if path.is_dir() else [path]:
        status = file.stat()
        digest.update(f"|{file.relative_to(path)}|{status.st_size}|{status.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _decode(path: Path) -> dict[str, np.ndarray]:
    if not path.is_dir():
        rows = list(_rows_of_csv(path))
    elif tables := [table for name in ("train", "test") if (table := path / f"{name}.csv").is_file()]:
        rows = [row for table in tables for row in _rows_of_csv(table)]
    else:
        rows = list(_rows_of_images(path))
    labels, splits, images = zip(*rows, strict=True)
    return {"images": np.stack(images), "labels": np.array(labels, np.int64), "splits": np.array(splits, np.int64)}


def _rows_of_csv(path: Path) -> Iterator[Row]:
    number = 0
    try:
        with _open_text(path) as file:
            reader = csv.DictReader(file)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            missing = {"emotion", "pixels", "Usage"} - set(reader.fieldnames)
            if missing:
                raise MiniXceptionError(
                    f"{path}: columns missing from the header: {', '.join(sorted(missing))}; use {FORMS}"
                )
            for number, row in enumerate(reader, start=1):
                yield _decode_row(row, where=f"{path}, row {number}")
    except (OSError, EOFError, RuntimeError, UnicodeDecodeError, csv.Error, zlib.error, zipfile.BadZipFile) as error:
        # A RuntimeError means that a zip file is encrypted or uses a compression that Python does not support.
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


def _rows_of_images(folder: Path) -> Iterator[Row]:
    images = (file for file in folder.glob("*/*/*") if file.suffix.lower() in SUFFIXES)
    files = sorted(file for file in images if not file.name.startswith("."))  # macOS adds "._…" files.
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


def _open_text(path: Path) -> IO[str]:
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
