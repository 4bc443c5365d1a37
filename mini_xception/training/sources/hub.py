"""Data sets on the Hugging Face Hub, read with the package ``datasets``."""

from __future__ import annotations

import re
from pathlib import Path

from mini_xception.errors import MiniXceptionError
from mini_xception.training.sources.samples import Columns, Samples, split_of
from mini_xception.training.sources.tables import table_samples

FORM = "a data set on the Hugging Face Hub, user/dataset"


def is_repository(name: str) -> bool:
    """Whether a name has the form of a repository: ``user/dataset``."""
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None


def read_repository(name: str, columns: Columns) -> Samples:
    """Download a data set, and read all its splits.

    Raises:
        MiniXceptionError: ``datasets`` is not installed, the data set cannot be downloaded or has several
            configurations, or a column is missing.
    """
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise MiniXceptionError(
            f"{name}: no such file or folder; to download a data set from the Hub, pip install 'mini-xception[data]'"
        ) from error
    datasets.logging.set_verbosity_error()
    try:
        splits = datasets.load_dataset(name)
    except Exception as error:  # The loader raises the exceptions of a dozen packages.
        reason = str(error).strip().partition("\n")[0]
        raise MiniXceptionError(
            f"{name}: not a folder here, and the Hub's data set cannot be loaded ({reason})"
        ) from error
    found = Samples()
    for split, data in splits.items():
        features = data.features
        names = {column: kind.names for column, kind in features.items() if isinstance(kind, datasets.ClassLabel)}
        for column, kind in features.items():
            if isinstance(kind, datasets.Image):  # Decode later, in parallel.
                data = data.cast_column(column, datasets.Image(decode=False))
        title = f"{name} {split}"
        part = table_samples(list(data), names, columns, title, Path(), Path(), split_of(split))
        found.add(part)
    return found
