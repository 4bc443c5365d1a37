"""FER2013 as Kaggle gives it: ``fer2013.csv`` with the columns ``emotion,pixels,Usage``, plain or gzipped."""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import os
import tempfile
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from platformdirs import user_cache_path

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS

#: FER2013's pictures are 48×48 grey.
SIDE = 48
SPLITS: tuple[str, ...] = ("Training", "PublicTest", "PrivateTest")

#: The columns of FER+'s ``fer2013new.csv`` in the order of EMOTIONS.
_VOTE_COLUMNS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


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
    """Read one split of FER2013; the decoded file is cached in the user's cache folder.

    Args:
        path: ``fer2013.csv`` or ``fer2013.csv.gz``.
        split: Training, PublicTest or PrivateTest.

    Raises:
        MiniXceptionError: no such file or split, or a malformed row, which is named.
    """
    if split not in SPLITS:
        raise MiniXceptionError(f"split {split!r} is none of {', '.join(SPLITS)}")
    path = Path(path)
    if not path.is_file():
        raise MiniXceptionError(f"{path}: no such file; FER2013 is Kaggle's fer2013.csv, plain or .gz")
    decoded = _decode_cached(path)
    chosen = np.flatnonzero(decoded["splits"] == SPLITS.index(split))
    if len(chosen) == 0:
        present = [SPLITS[i] for i in np.unique(decoded["splits"])]
        raise MiniXceptionError(f"{path}: no row has Usage {split}; the file has {', '.join(present)}")
    return LabelledFaces(decoded["images"][chosen], decoded["labels"][chosen], chosen)


def load_votes(path: str | os.PathLike[str]) -> np.ndarray:
    """Read FER+'s votes for the seven emotions.

    Args:
        path: ``fer2013new.csv``; its row *i* belongs to FER2013's row *i*.

    Returns:
        float32, (rows, 7), each row's votes as fractions of their sum; zeros where no vote is for any of the seven.
    """
    with open(path, newline="", encoding="utf-8") as file:
        counts = [
            [float(row[column]) for column in _VOTE_COLUMNS] if row["Image name"] else [0.0] * len(EMOTIONS)
            for row in csv.DictReader(file)
        ]
    votes = np.array(counts, np.float32)
    return votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)


def _decode_cached(path: Path) -> dict[str, np.ndarray]:
    status = path.stat()
    key = hashlib.sha256(f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}".encode()).hexdigest()[:16]
    cached = user_cache_path("mini_xception") / f"fer2013-{key}.npz"
    with contextlib.suppress(OSError, ValueError, zipfile.BadZipFile), np.load(cached, allow_pickle=False) as arrays:
        return dict(arrays)
    decoded = _decode(path)
    with contextlib.suppress(OSError):  # A cache that cannot be written costs seconds at the next start, nothing else.
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cached.parent, suffix=".npz", delete=False) as file:
            np.savez(file, **decoded)  # type: ignore[arg-type]
        os.replace(file.name, cached)
    return decoded


def _decode(path: Path) -> dict[str, np.ndarray]:
    images: list[np.ndarray] = []
    labels: list[int] = []
    splits: list[int] = []
    try:
        with _open_text(path) as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            missing = {"emotion", "pixels", "Usage"} - set(reader.fieldnames or ())
            if missing:
                raise MiniXceptionError(f"{path}: the header lacks {', '.join(sorted(missing))}; is this fer2013.csv?")
            for number, row in enumerate(reader, start=1):
                label, split, pixels = _decode_row(row, where=f"{path}, row {number}")
                labels.append(label)
                splits.append(split)
                images.append(pixels)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise MiniXceptionError(f"{path}: not a readable fer2013.csv ({error})") from error
    if not images:
        raise MiniXceptionError(f"{path}: the file has a header but no rows")
    return {"images": np.stack(images), "labels": np.array(labels, np.int64), "splits": np.array(splits, np.int64)}


def _decode_row(row: dict[str, str], where: str) -> tuple[int, int, np.ndarray]:
    emotion, usage = row["emotion"], row["Usage"]
    if not (emotion or "").isdigit() or int(emotion) >= len(EMOTIONS):
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


def _open_text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8", newline="")
    return open(path, newline="", encoding="utf-8")
