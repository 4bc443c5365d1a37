"""Faces as rows of a CSV file. Photos, videos and the browser page write the same columns."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from mini_xception.faces import Face
from mini_xception.media.atomic import atomic_write

#: The columns before those of the labels' probabilities. A photo has no ``time_s`` and no ``track_id``.
COLUMNS: tuple[str, ...] = (
    *("path", "time_s", "track_id"),
    *("x1", "y1", "x2", "y2", "score", "emotion", "confidence"),
)

#: Writes one face: the image's or video's path, the face, and its time in seconds (None in a photo).
WriteFace = Callable[[str | PathLike[str], Face, float | None], None]


def to_row(path: str | PathLike[str], face: Face, time_s: float | None = None) -> dict[str, Any]:
    """Return a face as a table row, column → value, with one column per label after COLUMNS.

    Args:
        path: the image or video.
        face: one of its faces.
        time_s: the frame's time in seconds; None in a photo.
    """
    fixed = (fspath(path), time_s, face.track_id, *face.box, face.score, face.emotion, face.confidence)
    return dict(zip(COLUMNS, fixed, strict=True)) | face.probabilities


@contextmanager
def open_table(path: Path, labels: Sequence[str]) -> Iterator[WriteFace]:
    """Write a CSV file with one row per face, atomically.

    Args:
        path: the file.
        labels: names of the classes.

    Yields:
        A function that writes one face.

    Raises:
        MiniXceptionError: the file cannot be written.
    """
    with (
        atomic_write(path) as temporary,
        # A file name may hold bytes that are not UTF-8; surrogateescape writes them back as they are.
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *labels])

        def write(source: str | PathLike[str], face: Face, time_s: float | None) -> None:
            row = to_row(source, face, time_s)
            values = [row[column] for column in (*COLUMNS, *labels)]
            writer.writerow([f"{value:.6f}" if isinstance(value, float) else value for value in values])

        yield write
