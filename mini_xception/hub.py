"""Reading checkpoints, strictly: a folder or a Hub repository with ``config.json`` and ``model.safetensors``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from mini_xception.errors import MiniXceptionError

if TYPE_CHECKING:
    from torch import Tensor

#: The default checkpoint, part of the package.
BUNDLED = Path(__file__).parent / "weights"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"


def load_checkpoint(
    name: str | os.PathLike[str] | None = None, **download: Any
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a checkpoint's configuration and tensors.

    Args:
        name: a folder, a Hub repository ``"user/repo"``, or None for the bundled checkpoint.
        download: revision, cache_dir, token, local_files_only, force_download of ``hf_hub_download``.

    Raises:
        MiniXceptionError: a file is missing or damaged; the message names it and says what to do.
    """
    name = BUNDLED if name is None else name
    config_path, weights_path = (_find_file(name, file, download) for file in (CONFIG, WEIGHTS))
    return _read_config(config_path), _read_tensors(weights_path)


def _find_file(name: str | os.PathLike[str], file: str, download: dict[str, Any]) -> Path:
    folder = Path(name)
    if folder.is_dir():
        if not (folder / file).is_file():
            raise MiniXceptionError(f"{folder} holds no {file}; a checkpoint folder has {CONFIG} and {WEIGHTS}")
        return folder / file
    if folder.exists():
        raise MiniXceptionError(
            f"{folder} is a file, not a checkpoint folder; `mini-xception convert` makes one of a .pth"
        )
    if str(name).count("/") != 1:
        raise MiniXceptionError(f"{name}: no such folder, and no name of a Hub repository (user/repo)")
    try:
        return Path(hf_hub_download(str(name), file, **download))
    except HFValidationError as error:
        raise MiniXceptionError(f"{name}: no such folder, and no name of a Hub repository (user/repo)") from error
    except LocalEntryNotFoundError as error:
        raise MiniXceptionError(
            f"{name}: {file} is not in the cache and the Hub cannot be reached; without a name the bundled weights load"
        ) from error
    except HfHubHTTPError as error:
        reason = str(error).strip().splitlines()[0]
        raise MiniXceptionError(
            f"{name}: no folder of that name here, and the Hub gave no {file} ({reason})"
        ) from error


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MiniXceptionError(f"{path}: not readable as JSON ({error}); fetch the checkpoint again") from error
    if not isinstance(config, dict):
        raise MiniXceptionError(f"{path}: must be a JSON object, is a {type(config).__name__}")
    return config


def _read_tensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise MiniXceptionError(f"{path}: damaged or cut short ({error}); fetch the checkpoint again") from error
