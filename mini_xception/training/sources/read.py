"""The registry of the forms of data. To add a form, write a reader and add a row to READERS."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from mini_xception.errors import MiniXceptionError
from mini_xception.training.sources import folders, hub, tables, torch_data
from mini_xception.training.sources.samples import Columns, Samples


class Reader(NamedTuple):
    """A form of data: whether a path has this form, and the function that reads it."""

    form: str
    accepts: Callable[[Path], bool]
    read: Callable[[Path, Columns], Samples]


#: The forms of data, in the order in which they are tried.
READERS = (
    Reader(folders.FORM, Path.is_dir, folders.read_folder),
    Reader(tables.FORM, Path.is_file, lambda path, columns: tables.read_table(path, columns, path.parent)),
    Reader(
        hub.FORM,
        lambda path: hub.is_repository(path.as_posix()),
        lambda path, columns: hub.read_repository(path.as_posix(), columns),
    ),
)


def read_samples(source: Any, columns: Columns, names: tuple[str, ...] = ()) -> Samples:
    """Read the labelled images of a data set in any of its forms, without decoding them.

    Args:
        source: a path, the name of a data set on the Hub, or a torch Dataset or DataLoader.
        columns: names of a table's columns.
        names: names of the classes of a torch Dataset.

    Raises:
        MiniXceptionError: the data does not exist, has no supported form, or is malformed.
    """
    if not isinstance(source, str | os.PathLike):
        return torch_data.read_torch_data(source, names)
    for reader in READERS:
        if reader.accepts(Path(source)):
            return reader.read(Path(source), columns)
    raise MiniXceptionError(f"{source}: no such file or folder; use {'; '.join(reader.form for reader in READERS)}")
