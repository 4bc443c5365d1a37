"""Reading of PyTorch files from other trainers: finding the network's state dict among what else they contain."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mini_xception.errors import MiniXceptionError

#: Parts of names that DataParallel, averaging, torch.compile and FSDP add.
WRAPPER = r"(?:(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.)"
WRAPPERS = re.compile(rf"(^|\.){WRAPPER}+")
#: A tensor that every mini_Xception has. Its name is used to find the network in a file, and the names' prefix.
FIRST = "base.0.weight"
FIRST_NAME = re.compile(rf"((?:.*\.)?)base\.{WRAPPER}*0\.{WRAPPER}*weight")
#: Levels of dictionaries and lists that are searched.
LEVELS = 4
#: Classes that trainers store beside the weights, and that contain only values: options, and NumPy's numbers.
VALUES: list[Any] = [
    argparse.Namespace,
    type(Path()),
    np.dtype,
    np.ndarray,
    *{type(np.dtype(code)) for code in "?bBhHiIlLefd"},
    *(
        (function, f"numpy.{core}.multiarray.{name}")
        for core in ("core", "_core")
        for name, function in (("scalar", np.float64(0).__reduce__()[0]), ("_reconstruct", np.zeros(0).__reduce__()[0]))
    ),
]


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a mini_Xception's state dict from a file of ``torch.save`` or of safetensors.

    The state dict may be inside other dictionaries, as in ``{"state_dict": …}``. Its names may have a prefix, such as
    ``module.``, ``_orig_mod.`` or ``model.``.

    Raises:
        MiniXceptionError: the file cannot be read, or contains no mini_Xception, or several different ones.
    """
    networks = dict(_networks(_load(path)))
    if not networks:
        raise MiniXceptionError(
            f"{path}: not a state dict of the PyTorch reference (no tensor's name ends in {FIRST}); "
            "save the network's state_dict()"
        )
    (name, state), *others = networks.items()
    for other, tensors in others:
        if not _are_equal(state, tensors):
            raise MiniXceptionError(
                f"{path}: contains several networks ({name or 'the file itself'}, {other}); save one of them alone"
            )
    return state


def _are_equal(state: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    try:
        return state.keys() == other.keys() and all(torch.equal(state[key], other[key]) for key in state)
    except RuntimeError:  # They have other data types, or one has no values.
        return False


def _load(path: Path) -> object:
    try:
        with path.open("rb") as file:
            if file.read(9)[8:] == b"{":  # The header's length, then the header as JSON.
                from safetensors.torch import load_file

                return load_file(path)
        with torch.serialization.safe_globals(VALUES):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # For a file of another kind, torch.load raises almost any exception.
        refused = re.search(r"[Uu]nsupported (?:global: )?GLOBAL (\S+)", str(error))
        if refused:
            raise MiniXceptionError(
                f"{path}: loading it would run code ({refused[1]}), which is not allowed; "
                "save the network's state_dict() alone"
            ) from error
        raise MiniXceptionError(
            f"{path}: neither a PyTorch file that contains only tensors nor a Keras file, or damaged; "
            "use a .pth file of the PyTorch reference, or an .hdf5, .h5 or .keras file of the Keras project"
        ) from error


def _networks(contents: object, place: str = "", level: int = 0) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield each network in a file, with the keys that lead to it and the prefix of its names."""
    if isinstance(contents, list | tuple):
        contents = dict(enumerate(contents))
    if not isinstance(contents, Mapping) or level == LEVELS:
        return
    tensors = {key: value for key, value in contents.items() if isinstance(key, str) and isinstance(value, Tensor)}
    for found in filter(None, map(FIRST_NAME.fullmatch, tensors)):
        own = {key.removeprefix(found[1]): tensor for key, tensor in tensors.items() if key.startswith(found[1])}
        yield f"{place}{found[1]}".strip("."), {WRAPPERS.sub(r"\1", key): tensor for key, tensor in own.items()}
    for key, value in contents.items():
        yield from _networks(value, f"{place}{key}.", level + 1)
