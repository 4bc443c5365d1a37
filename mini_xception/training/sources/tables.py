"""Tables with a column of images and one of labels: CSV, Parquet and JSON Lines."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.training.fer2013 import UNREADABLE, open_text
from mini_xception.training.sources.samples import Columns, LeftOut, Sample, Samples, split_of

FORM = "a CSV, Parquet or JSON Lines file with a column of images (paths, bytes or pixels) and one of labels"
#: Suffixes of tables. CSV files may also be compressed.
SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".gz", ".zip")
#: Names of columns that are recognised, in lower case, the first ones first.
IMAGE_COLUMNS = (
    "image",
    "pixels",
    "file_name",
    "filename",
    "image_path",
    "img_path",
    "filepath",
    "path",
    "file",
    "img",
)
LABEL_COLUMNS = ("label", "labels", "emotion", "expression", "class", "class_name", "category", "target")
SPLIT_COLUMNS = ("split", "usage", "set", "subset")
#: FER2013's form of pixels: whole numbers, separated by spaces.
PIXELS = re.compile(r"\s*\d+(\s+\d+)+\s*")

Row = dict[str, Any]


def read_table(path: Path, columns: Columns, root: Path, split: str | None = None) -> Samples:
    """Read a table.

    Args:
        path: the table. Relative paths of images in it are relative to its folder.
        columns: names of the columns.
        root: the data's folder, which names of images are relative to.
        split: the split of all rows; None uses the column of splits, if there is one.

    Raises:
        MiniXceptionError: the table cannot be read, has no rows, or lacks a column.
    """
    rows, names = _read_rows(path)
    if not rows:
        raise MiniXceptionError(f"{path}: the table has no rows; use {FORM}")
    return table_samples(rows, names, columns, path.name, path.parent, root, split)


def table_samples(
    rows: Sequence[Row],
    names: dict[str, list[str]],
    columns: Columns,
    title: str,
    folder: Path,
    root: Path,
    split: str | None = None,
) -> Samples:
    """Make samples from the rows of a table.

    Args:
        rows: column → value.
        names: column of numbers → names of its classes.
        columns: names of the columns.
        title: name of the table in messages.
        folder: relative paths of images are relative to this folder.
        root: the data's folder, which names of images are relative to.
        split: the split of all rows; None uses the column of splits, if there is one.

    Raises:
        MiniXceptionError: a column is missing.
    """
    image_column = _find(rows[0], columns.image, IMAGE_COLUMNS, "images", "--image-column", title)
    label_column = _find(rows[0], columns.label, LABEL_COLUMNS, "labels", "--label-column", title)
    split_column = next((name for name in rows[0] if name and name.strip().lower() in SPLIT_COLUMNS), None)
    if columns.group and columns.group not in rows[0]:
        raise _missing(rows[0], columns.group, "groups", "--group-column", title)
    classes = names.get(label_column) or _emotions(rows, image_column, label_column)
    found = Samples(names=tuple(classes))
    for number, row in enumerate(rows, start=1):
        where = f"{title} row {number}"
        image, label = row[image_column], _label(row[label_column], classes)
        place = split or (split_of(str(row[split_column])) if split_column else None)
        group = _group(row[columns.group]) if columns.group else None
        if isinstance(image, dict):  # The form of the Hugging Face Hub.
            image = image.get("bytes") or image.get("path")
        if label is None:
            found.left_out.append(LeftOut(where, "no label", place or ""))
        elif isinstance(image, str) and image.strip() and not PIXELS.fullmatch(image):
            file = folder / image.strip()
            # A path from the Hub is that of a downloaded copy.
            name = where if isinstance(row[image_column], dict) else _relative(file, root)
            found.samples.append(Sample(name, file, label, place, group))
        elif isinstance(image, bytes):
            found.samples.append(Sample(where, image, label, place, group))
        elif (pixels := _pixels(image)) is not None:
            found.samples.append(Sample(where, pixels, label, place, group))
        else:
            reason = "the pixels are not a square of numbers from 0 to 255" if image else "no image"
            found.left_out.append(LeftOut(where, reason, place or "", label))
    return found


def _read_rows(path: Path) -> tuple[list[Row], dict[str, list[str]]]:
    """Return a table's rows, and the names of the classes of columns of numbers."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            return _read_parquet(path)
        if suffix == ".jsonl":
            with path.open(encoding="utf-8-sig") as file:
                rows = [json.loads(line) for line in file if line.strip()]
            columns = {name: None for row in rows for name in row}
            return [columns | row for row in rows], {}
        with open_text(path) as file:
            head = file.readline()
            delimiter = max(",;\t", key=head.count)
            header = next(csv.reader([head], delimiter=delimiter), [])
            reader = csv.DictReader(file, [name.strip() for name in header], delimiter=delimiter, restval="")
            return list(reader), {}
    except UNREADABLE as error:
        reason = " ".join(str(error).split())  # Arrow's messages have several lines.
        raise MiniXceptionError(f"{path}: cannot be read ({reason}); use {FORM}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise MiniXceptionError(f"{path}: not a table of JSON lines ({error}); use {FORM}") from error


def _read_parquet(path: Path) -> tuple[list[Row], dict[str, list[str]]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise MiniXceptionError(f"{path}: reading Parquet needs pyarrow; pip install 'mini-xception[data]'") from error
    try:
        table = parquet.read_table(path)
    except pyarrow.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise MiniXceptionError(f"{path}: cannot be read ({reason}); use {FORM}") from error
    described = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    features = described.get("info", {}).get("features", {})
    names = {name: kind["names"] for name, kind in features.items() if isinstance(kind, dict) and "names" in kind}
    return table.to_pylist(), names


def _find(row: Row, given: str | None, known: Sequence[str], what: str, option: str, title: str) -> str:
    if given is not None and given in row:
        return given
    lower = {name.strip().lower(): name for name in row if name}
    found = next((lower[name] for name in known if name in lower), None)
    if given is not None or found is None:
        raise _missing(row, given, what, option, title)
    return found


def _missing(row: Row, given: str | None, what: str, option: str, title: str) -> MiniXceptionError:
    columns = ", ".join(str(name) for name in row if name)
    reason = f"no column {given!r}" if given else f"no column of {what} was recognised"
    return MiniXceptionError(f"{title}: {reason}; name it with {option}; the columns are {columns}")


def _label(value: Any, classes: Sequence[str]) -> str | None:
    """Return the name of a label, or None if there is none. A number is an index into the names of the classes."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None or value != value else str(value).strip()  # NaN differs from itself.
    if re.fullmatch(r"\d+\.0", text):
        text = text[:-2]  # pandas writes whole numbers in this form if the column has gaps.
    if not text or (isinstance(value, int) and value < 0):  # The Hub marks a missing label with -1.
        return None
    number = int(text) if text.isdecimal() else len(classes)
    return classes[number] if number < len(classes) else text


def _group(value: Any) -> str | None:
    return None if value is None or value != value else str(value)  # NaN differs from itself.


def _emotions(rows: Sequence[Row], image_column: str, label_column: str) -> tuple[str, ...]:
    """Return FER2013's names if a table looks like FER2013's: pixels, and numbers below 7 in a column "emotion"."""
    numbers = {str(row[label_column]).strip() for row in rows}
    likely = label_column.lower() == "emotion" and image_column.lower() == "pixels"
    return EMOTIONS if likely and numbers <= set(map(str, range(len(EMOTIONS)))) else ()


def _pixels(value: Any) -> np.ndarray | None:
    """Return pixels, uint8, (S, S), from FER2013's text; None if the text is something else."""
    if not isinstance(value, str) or not PIXELS.fullmatch(value):
        return None
    numbers = np.array(value.split(), np.int64)
    side = round(len(numbers) ** 0.5)
    if side * side != len(numbers) or numbers.max() > 255:
        return None
    return numbers.astype(np.uint8).reshape(side, side)


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()
