"""FER2013 in every form people have it, decoded once into one array and cached in the user's cache folder.

The forms: Kaggle's ``fer2013.csv`` and ``icml_face_data.csv``, plain, ``.gz`` or ``.zip``; a folder with the PyTorch
reference's ``train.csv`` and ``test.csv``; a folder of pictures, ``train/<emotion>/*`` and ``test/<emotion>/*``, whose
file names begin with their split.
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
from platformdirs import user_cache_path

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.media.atomic import atomic_write
from mini_xception.media.image import SUFFIXES, load_image

#: FER2013's pictures are 48×48 grey.
SIDE = 48
SPLITS: tuple[str, ...] = ("Training", "PublicTest", "PrivateTest")

#: The columns of FER+'s ``fer2013new.csv`` in the order of EMOTIONS.
_VOTE_COLUMNS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_FORMS = "fer2013.csv (also .gz, .zip), icml_face_data.csv, a folder with train.csv and test.csv, or one of pictures"

#: A decoded row: label, index of its split, pixels.
Row = tuple[int, int, np.ndarray]


@dataclass(frozen=True)
class LabelledFaces:
    """Pictures with their labels.

    Attributes:
        images: uint8, (N, 48, 48).
        labels: int64, (N,), indices into EMOTIONS.
        rows: int64, (N,), each picture's row in the file, counted from 0 without the header.
    """

    images: np.ndarray
    labels: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def load_fer2013(path: str | os.PathLike[str], split: str) -> LabelledFaces:
    """Read one split of FER2013.

    Args:
        path: the data in any of the module's forms.
        split: Training, PublicTest or PrivateTest.

    Raises:
        MiniXceptionError: no such data or split, or a malformed row, which is named.
    """
    if split not in SPLITS:
        raise MiniXceptionError(f"split {split!r} is none of {', '.join(SPLITS)}")
    path = Path(path)
    if not path.exists():
        raise MiniXceptionError(f"{path}: no such file; FER2013 is {_FORMS}")
    decoded = _decode_cached(path)
    chosen = np.flatnonzero(decoded["splits"] == SPLITS.index(split))
    if len(chosen) == 0:
        present = [SPLITS[i] for i in np.unique(decoded["splits"])]
        raise MiniXceptionError(f"{path}: no row has Usage {split}; the data has {', '.join(present)}")
    return LabelledFaces(decoded["images"][chosen], decoded["labels"][chosen], chosen)


def load_votes(path: str | os.PathLike[str], split: str, rows: np.ndarray) -> np.ndarray:
    """Read FER+'s votes for the seven emotions.

    Args:
        path: ``fer2013new.csv``; its row *i* belongs to row *i* of FER2013's CSV file.
        split: the split that the rows belong to.
        rows: int64, (N,), of :class:`LabelledFaces`.

    Returns:
        float32, (N, 7), each picture's votes as fractions of their sum; zeros where nobody voted for any of the seven.

    Raises:
        MiniXceptionError: no such file, or its rows are not FER2013's.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            table = list(csv.DictReader(file))
        chosen = [table[row] for row in rows]
        # A row without an image name has no usable votes.
        counts = [[float(row[column]) * bool(row["Image name"]) for column in _VOTE_COLUMNS] for row in chosen]
    except OSError as error:
        raise MiniXceptionError(f"{path}: cannot be read ({error.strerror})") from error
    except IndexError as error:
        raise MiniXceptionError(f"{path}: {len(table)} rows, fewer than the data has; it must be row by row") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise MiniXceptionError(f"{path}: not FER+'s fer2013new.csv ({error})") from error
    for number, row in zip(rows, chosen, strict=True):
        if row.get("Usage") != split:
            raise MiniXceptionError(f"{path}, row {number + 1}: Usage is {row.get('Usage')!r}, the data has {split!r}")
    votes = np.array(counts, np.float32)
    if not (np.isfinite(votes).all() and (votes >= 0).all()):
        raise MiniXceptionError(f"{path}: a vote is no count")
    return votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)


def load_teacher(path: str | os.PathLike[str], n: int) -> np.ndarray:
    """Read a teacher's probabilities.

    Args:
        path: a NumPy file, as ``recipes/teacher.py`` writes it.
        n: how many pictures there are.

    Returns:
        float32, (n, 7), in the pictures' order.

    Raises:
        MiniXceptionError: no such file, or not one row of probabilities a picture.
    """
    try:
        probabilities = np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, EOFError, TypeError, ValueError) as error:
        raise MiniXceptionError(f"{path}: no file of a teacher's probabilities ({error})") from error
    if probabilities.shape != (n, len(EMOTIONS)):
        raise MiniXceptionError(f"{path}: shape {probabilities.shape}, the data needs ({n}, {len(EMOTIONS)})")
    if not ((probabilities >= 0).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)):
        raise MiniXceptionError(f"{path}: a row is no distribution; probabilities are at least 0 and sum to 1")
    return probabilities


def _decode_cached(path: Path) -> dict[str, np.ndarray]:
    cached = user_cache_path("mini_xception") / f"fer2013-{_fingerprint(path)}.npz"
    damaged = (EOFError, KeyError, OSError, ValueError, zlib.error, zipfile.BadZipFile)
    with contextlib.suppress(*damaged), np.load(cached, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in ("images", "labels", "splits")}
    decoded = _decode(path)
    # A cache that cannot be written costs seconds at the next start, nothing else.
    with contextlib.suppress(OSError, MiniXceptionError):
        cached.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(cached) as partial:
            np.savez(partial, **decoded)  # type: ignore[arg-type]
    return decoded


def _fingerprint(path: Path) -> str:
    """Changes whenever a file of the data does."""
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
        rows = list(_rows_of_pictures(path))
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
                raise MiniXceptionError(f"{path}: the header lacks {', '.join(sorted(missing))}; FER2013 is {_FORMS}")
            for number, row in enumerate(reader, start=1):
                yield _decode_row(row, where=f"{path}, row {number}")
    except (OSError, EOFError, RuntimeError, UnicodeDecodeError, csv.Error, zlib.error, zipfile.BadZipFile) as error:
        # RuntimeError: a zip file that is encrypted, or packed by a method that Python does not know.
        raise MiniXceptionError(f"{path}: damaged after row {number} ({error}); FER2013 is {_FORMS}") from error
    if number == 0:
        raise MiniXceptionError(f"{path}: the file has a header but no rows")


def _decode_row(row: dict[str, str | None], where: str) -> Row:
    emotion, usage = (row["emotion"] or "").strip(), (row["Usage"] or "").strip()
    if not emotion.isdecimal() or int(emotion) >= len(EMOTIONS):
        raise MiniXceptionError(f"{where}: emotion is {emotion!r}, it must be 0–{len(EMOTIONS) - 1}")
    if usage not in SPLITS:
        raise MiniXceptionError(f"{where}: Usage is {usage!r}, it must be one of {', '.join(SPLITS)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # NumPy's word for text that is no number
            pixels = np.fromstring(row["pixels"] or "", np.int64, sep=" ")
    except (ValueError, DeprecationWarning) as error:
        raise MiniXceptionError(f"{where}: pixels must be whole numbers, separated by spaces") from error
    if pixels.size != SIDE * SIDE:
        raise MiniXceptionError(f"{where}: {pixels.size} pixels, there must be {SIDE}×{SIDE} = {SIDE * SIDE}")
    if pixels.min() < 0 or pixels.max() > 255:
        raise MiniXceptionError(f"{where}: a pixel lies outside 0–255")
    return int(emotion), SPLITS.index(usage), pixels.astype(np.uint8).reshape(SIDE, SIDE)


def _rows_of_pictures(folder: Path) -> Iterator[Row]:
    pictures = (file for file in folder.glob("*/*/*") if file.suffix.lower() in SUFFIXES)
    files = sorted(file for file in pictures if not file.name.startswith("."))  # macOS leaves "._…" beside each.
    if not files:
        raise MiniXceptionError(f"{folder}: neither train.csv nor train/<emotion>/ with pictures; FER2013 is {_FORMS}")
    for file in files:
        if file.parent.name not in EMOTIONS:
            raise MiniXceptionError(f"{file}: the folder must be one of {', '.join(EMOTIONS)}")
        split = file.name.split("_")[0]
        if split not in SPLITS:
            raise MiniXceptionError(f"{file}: the name must begin with {', '.join(f'{name}_' for name in SPLITS)}")
        image = load_image(file)
        if image.shape[:2] != (SIDE, SIDE):
            raise MiniXceptionError(f"{file}: {image.shape[1]}×{image.shape[0]} pixels, there must be {SIDE}×{SIDE}")
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
        raise MiniXceptionError(f"{path}: must hold one CSV file, holds {', '.join(tables) or 'none'}")
    return io.TextIOWrapper(archive.open((known or tables)[0]), encoding="utf-8-sig", newline="")
