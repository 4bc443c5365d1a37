"""Folders of images: ``class/*``, ``split/class/*``, or images with a ``metadata`` file beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from mini_xception.errors import MiniXceptionError
from mini_xception.media.image import SUFFIXES
from mini_xception.training.sources.samples import Columns, LeftOut, Sample, Samples, split_of
from mini_xception.training.sources.tables import SUFFIXES as TABLES
from mini_xception.training.sources.tables import read_table

FORM = "a folder with one folder of images per class, which may lie in the folders train, validation and test"


def read_folder(folder: Path, columns: Columns) -> Samples:
    """Read a folder of images, or a folder of tables with the names of splits.

    The name of an image's class is the name of the folder below the data's folder, or below the split's folder. Deeper
    folders are searched, too. Links are followed. Hidden files, system files and files that are not images are skipped.

    Raises:
        MiniXceptionError: the folder contains no labelled images, mixes folders of splits and of classes, or has a
            folder that cannot be read.
    """
    if tables := _tables(folder):
        found = Samples()
        for table, split in tables:
            found.add(read_table(table, columns, folder, split))
        return found
    found = Samples()
    places = _places(folder)
    files = list(_files(folder))
    other = [file for file in files if file.suffix.lower() not in SUFFIXES]
    for file in files:
        if file.suffix.lower() not in SUFFIXES:
            continue
        parts = file.relative_to(folder).parts
        split = places[parts[0]] if len(parts) > 1 else None
        above = parts[1:-1] if split else parts[:-1]
        if not above:
            found.left_out.append(LeftOut("/".join(parts), "not in the folder of a class", split or ""))
            continue
        found.samples.append(Sample("/".join(parts), file, above[0], split))
    if not found.samples:
        raise MiniXceptionError(f"{folder}: {_reason(len(found.left_out), other)}; use {FORM}")
    if other:
        found.notes.append(
            f"files that are not images: {len(other)}, such as {other[0].relative_to(folder).as_posix()}"
        )
    return found


def _tables(folder: Path) -> list[tuple[Path, str | None]]:
    """Return the folder's tables with their splits: ``metadata`` files, or tables with the names of splits."""
    children = [child for child in sorted(folder.iterdir()) if not _is_hidden(child.name)]
    inner = [(path, split_of(child.name)) for child in children if child.is_dir() for path in _metadata(child)]
    beside: list[tuple[Path, str | None]] = [(path, None) for path in _metadata(folder)]
    if metadata := beside + [(path, split) for path, split in inner if split]:
        return metadata
    tables = [child for child in children if child.suffix.lower() in TABLES and child.is_file()]
    return [(table, split_of(table.name)) for table in tables if split_of(table.name)]


def _metadata(folder: Path) -> list[Path]:
    paths = (folder / f"metadata{suffix}" for suffix in TABLES)
    return [path for path in paths if path.is_file()][:1]


def _places(folder: Path) -> dict[str, str | None]:
    """Return the split of each folder inside the data's folder; None if these are the folders of classes."""
    inner = {child.name: split_of(child.name) for child in sorted(folder.iterdir()) if child.is_dir()}
    inner = {name: split for name, split in inner.items() if not _is_hidden(name) and any(_files(folder / name))}
    splits = [name for name, split in inner.items() if split and _has_folders(folder / name)]
    others = [name for name in inner if name not in splits]
    if splits and others:
        raise MiniXceptionError(
            f"{folder}: {splits[0]} is the folder of a split, but {others[0]} is not; use only folders of splits, such "
            "as train and test, or only folders of classes"
        )
    return inner if splits else dict.fromkeys(inner)


def _has_folders(folder: Path) -> bool:
    return any(child.is_dir() and not _is_hidden(child.name) for child in folder.iterdir())


def _files(folder: Path) -> Iterator[Path]:
    """Yield all visible files in a folder, sorted. Each linked folder is entered once, so loops end."""
    entered: set[str] = set()
    for place, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        yield from (Path(place, name) for name in sorted(names) if not _is_hidden(name))


def _refuse(error: OSError) -> NoReturn:
    raise MiniXceptionError(f"{error.filename}: cannot be read ({error.strerror})") from error


def _is_hidden(name: str) -> bool:
    """Whether a name is one of the files and folders that systems add: ``.DS_Store``, ``@eaDir``, ``Thumbs.db``."""
    return name.startswith((".", "@", "__MACOSX")) or name.lower() in ("thumbs.db", "desktop.ini")


def _reason(loose: int, other: list[Path]) -> str:
    if loose:
        return f"the {loose} images lie in no folder of a class"
    if other:
        return f"contains no images, only other files such as {other[0].name}"
    return "contains no images"
