"""Reading of Keras models without Keras: ``.hdf5`` and ``.h5`` files of any version, ``.keras`` files of Keras 3."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

#: The first bytes of an HDF5 file.
HDF5 = b"\x89HDF\r\n\x1a\n"
#: Files in a .keras file.
KERAS_CONFIG, KERAS_WEIGHTS = "config.json", "model.weights.h5"
#: Limits of the files and of the weights in memory, in bytes. The official model has 230 KB of weights.
MAX_BYTES = 64_000_000


def is_keras_file(path: Path) -> bool:
    """Check whether a file is an HDF5 file or a .keras file.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if file.read(len(HDF5)) == HDF5:
            return True
    # A .pth file is a ZIP archive too, with other contents.
    try:
        with zipfile.ZipFile(path) as archive:
            return KERAS_WEIGHTS in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False


def read_keras_file(path: Path) -> tuple[list[dict[str, Any]], list[list[np.ndarray]]]:
    """Read the layers of a Keras model, and the weights of each layer that has any, in the order of the layers.

    Raises:
        ModuleNotFoundError: h5py is not installed.
        Exception: the file is damaged, is larger than MAX_BYTES, or contains only weights. On damaged files, h5py
            raises almost any exception.
    """
    import h5py

    with path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
    if not is_archive:
        with h5py.File(path, "r") as file:
            layers = json.loads(file.attrs["model_config"])["config"]["layers"]
            groups = [file["model_weights"][name] for name in file["model_weights"].attrs["layer_names"]]
            return layers, _read([[group[name] for name in group.attrs["weight_names"]] for group in groups])
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES:,} bytes")
        layers = json.loads(archive.read(KERAS_CONFIG))["config"]["layers"]
        with h5py.File(io.BytesIO(archive.read(KERAS_WEIGHTS)), "r") as file:
            return layers, _read([_variables(file["layers"], name) for name in _group_names(layers)])


def _group_names(layers: list[dict[str, Any]]) -> list[str]:
    """Return the groups of layers in a .keras file: the class's name, with a number from the second layer on."""
    numbers: Counter[str] = Counter()
    names = []
    for layer in layers:
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", layer["class_name"]).lower()
        names.append(f"{name}_{numbers[name]}" if numbers[name] else name)
        numbers[name] += 1
    return names


def _variables(groups: Any, name: str) -> list[Any]:
    variables = groups[name]["vars"] if name in groups else {}
    return [variables[str(number)] for number in range(len(variables))]


def _read(weights: list[list[Any]]) -> list[list[np.ndarray]]:
    """Read the values. The sizes are checked first, because a damaged file can state any size."""
    if sum(dataset.nbytes for layer in weights for dataset in layer) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES:,} bytes of weights")
    return [[dataset[()] for dataset in layer] for layer in weights if layer]
