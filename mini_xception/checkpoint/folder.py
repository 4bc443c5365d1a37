"""The checkpoint folder: ``config.json``, ``model.safetensors`` and, optionally, ``model.onnx``."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.media.atomic import atomic_folder, atomic_write

#: The default checkpoint. It is part of the package.
BUNDLED = Path(__file__).parents[1] / "weights"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
#: The network as an ONNX file. It is optional; see ``network/graph.py``.
GRAPH = "model.onnx"
#: Key in the metadata of the weights file. Its value holds the format version and the provenance, as JSON.
METADATA = "mini_xception"
#: Format version of CONFIG and WEIGHTS. It is increased when an older mini_xception could misread newer files.
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Checkpoint:
    """The contents of a checkpoint folder.

    Attributes:
        config: the network's constructor arguments.
        tensors: the network's state dict, as NumPy arrays, so PyTorch is not needed.
        provenance: the origin of the weights: the command as ``recipe``, the version of the code as ``commit``.
    """

    config: dict[str, Any]
    tensors: dict[str, np.ndarray]
    provenance: dict[str, str] = field(default_factory=dict)


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint folder.

    Raises:
        MiniXceptionError: a file is missing, damaged or in a newer format. The message names the file.
    """
    for file in (CONFIG, WEIGHTS):
        if not (folder / file).is_file():
            raise MiniXceptionError(f"{folder}: {file} is missing; a checkpoint folder has {CONFIG} and {WEIGHTS}")
    return Checkpoint(_read_config(folder / CONFIG), *_read_tensors(folder / WEIGHTS))


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint folder. Equal checkpoints give identical files.

    A new folder is complete or absent, even if writing is interrupted. In an existing folder, each file is replaced
    atomically. A ``model.onnx`` in the folder is removed if the weights or the configuration change.

    Raises:
        MiniXceptionError: the folder cannot be written.
    """
    from safetensors.numpy import save

    config = {"format_version": FORMAT_VERSION, **checkpoint.config}
    text = json.dumps(config, indent=2, sort_keys=True, default=float)  # float: JSON has no NumPy numbers
    # safetensors ignores strides: it would write the values of a channels-last array in the wrong order.
    tensors = {name: np.asarray(array, order="C") for name, array in checkpoint.tensors.items()}
    # Everything is under one key, because safetensors writes several keys in random order.
    provenance = json.dumps({"format_version": FORMAT_VERSION, **checkpoint.provenance}, sort_keys=True)
    contents = {CONFIG: f"{text}\n".encode(), WEIGHTS: save(tensors, {METADATA: provenance})}
    if not os.path.lexists(folder):
        with atomic_folder(folder) as new:
            for name, data in contents.items():
                (new / name).write_bytes(data)
        return
    try:
        changed = [name for name, data in contents.items() if _read_bytes(folder / name) != data]
        with ExitStack() as files:  # All files are complete before the first one is replaced.
            for name in changed:
                files.enter_context(atomic_write(folder / name)).write_bytes(contents[name])
        if changed:
            (folder / GRAPH).unlink(missing_ok=True)
    except OSError as error:
        raise MiniXceptionError(f"{folder}: cannot be written ({error.strerror})") from error


def _read_bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MiniXceptionError(f"{path}: not valid JSON ({error}); download the checkpoint again") from error
    if not isinstance(config, dict):
        kind = type(config).__name__
        raise MiniXceptionError(f"{path}: must be a JSON object, not a {kind}; download the checkpoint again")
    _check_version(path, config.pop("format_version", FORMAT_VERSION))
    return config


def _read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with path.open("rb") as start:
            if start.read(20) == b"version https://git-":
                raise MiniXceptionError(
                    f"{path}: a git-LFS pointer, not the weights; run `git lfs pull` in its repository"
                )
        with safe_open(path, framework="numpy") as file:
            provenance = json.loads((file.metadata() or {}).get(METADATA, "{}"))
            names = list(file.keys())
            # NumPy has no bfloat16. Whether safetensors reads it depends on which other packages are installed.
            if any(file.get_slice(name).get_dtype() == "BF16" for name in names):
                raise MiniXceptionError(f"{path}: bfloat16 weights are not supported; save the weights in float32")
            tensors = {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise MiniXceptionError(f"{path}: damaged or truncated ({error}); download the checkpoint again") from error
    if not isinstance(provenance, dict):
        raise MiniXceptionError(
            f"{path}: the metadata entry {METADATA!r} must be a JSON object; download the checkpoint again"
        )
    _check_version(path, provenance.pop("format_version", FORMAT_VERSION))
    if broken := [name for name, tensor in tensors.items() if not np.isfinite(tensor).all()]:
        raise MiniXceptionError(f"{path}: some values are not finite in {', '.join(broken)}; train or download again")
    return tensors, provenance


def _check_version(path: Path, version: object) -> None:
    if not str(version).isdecimal():
        raise MiniXceptionError(
            f"{path}: format_version must be a number, not {version!r}; download the checkpoint again"
        )
    if int(str(version)) > FORMAT_VERSION:
        raise MiniXceptionError(
            f"{path}: format_version is {version}, but this mini_xception supports up to {FORMAT_VERSION}; "
            "upgrade mini_xception"
        )
