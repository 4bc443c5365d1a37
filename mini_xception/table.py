"""Faces as rows of a CSV file, with the same columns for photos, videos and the browser page."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TextIO

from mini_xception.faces import Face
from mini_xception.landmarks import LANDMARKS
from mini_xception.media.atomic import atomic_write

#: The columns of the landmarks, which are empty without landmarks.
LANDMARK_COLUMNS: tuple[str, ...] = ("roll_degrees", *(f"{name}_{axis}" for name in LANDMARKS for axis in "xy"))
#: The columns that precede the labels' probabilities. For a photo, ``time_s`` and ``track_id`` are empty.
COLUMNS: tuple[str, ...] = (
    *("path", "time_s", "track_id"),
    *("x1", "y1", "x2", "y2", "score", "emotion", "confidence"),
    *LANDMARK_COLUMNS,
)

#: A function that writes one face. Its arguments are the path of the image or video, the face, and the frame's time in
#: seconds (None for a photo).
WriteFace = Callable[[str | PathLike[str], Face, float | None], None]


def to_row(path: str | PathLike[str], face: Face, time_s: float | None = None) -> dict[str, Any]:
    """Return a face as a table row, column → value. COLUMNS are followed by one column per label.

    Args:
        path: the image's or video's path.
        face: a face in the image or video.
        time_s: the frame's time in seconds; None for a photo.
    """
    fixed = (fspath(path), time_s, face.track_id, *face.box, face.score, face.emotion, face.confidence)
    landmarks = (
        [None] * 2 * len(LANDMARKS) if face.landmarks is None else [v for point in face.landmarks for v in point]
    )
    return dict(zip(COLUMNS, (*fixed, face.roll_degrees, *landmarks), strict=True)) | face.probabilities


@contextmanager
def open_table(path: Path, labels: Sequence[str]) -> Iterator[WriteFace]:
    """Write a CSV file with one row per face, atomically.

    Args:
        path: the CSV file.
        labels: names of the classes.

    Yields:
        A function that writes one face.

    Raises:
        MiniXceptionError: the file cannot be written.
    """
    with (
        atomic_write(path) as temporary,
        # A file name may hold bytes that are not UTF-8; surrogateescape writes them back unchanged.
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        yield _start_table(file, labels)


def to_csv(path: str | PathLike[str], faces: Sequence[Face]) -> str:
    """Return the table of the faces of one photo, as the contents of a CSV file.

    Args:
        path: the photo's path.
        faces: one face or more.
    """
    file = io.StringIO(newline="")
    write = _start_table(file, list(faces[0].probabilities))
    for face in faces:
        write(path, face, None)
    return file.getvalue()


def _start_table(file: TextIO, labels: Sequence[str]) -> WriteFace:
    """Write the header of a table, and return a function that writes one face."""
    writer = csv.writer(file)
    writer.writerow([*COLUMNS, *labels])

    def write(source: str | PathLike[str], face: Face, time_s: float | None) -> None:
        row = to_row(source, face, time_s)
        values = [row[column] for column in (*COLUMNS, *labels)]
        writer.writerow([f"{value:.6f}" if isinstance(value, float) else value for value in values])

    return write
