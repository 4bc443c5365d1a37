"""Checkpoints, read strictly and written: ``config.json`` and ``model.safetensors`` in a folder or a Hub repository."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # of httpx in huggingface_hub 1, of httpx2 in 2
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from mini_xception.errors import MiniXceptionError

if TYPE_CHECKING:
    from torch import Tensor

#: The default checkpoint, part of the package.
BUNDLED = Path(__file__).parent / "weights"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
#: The network for other programs, which a checkpoint may have; see ``export``.
GRAPH = "model.onnx"
#: Key of the weights file's metadata under which format version and provenance stand, as JSON.
METADATA = "mini_xception"
#: Of both files; raised when an older mini_xception could misread what a newer one wrote.
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint folder holds.

    Attributes:
        config: the network's constructor arguments.
        tensors: its state dict.
        provenance: where the weights come from: ``recipe``, the command that made them, and ``commit``, the code's.
    """

    config: dict[str, Any]
    tensors: dict[str, Tensor]
    provenance: dict[str, str] = field(default_factory=dict)


def load_checkpoint(
    name: str | os.PathLike[str] | None = None,
    *,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Checkpoint:
    """Read a checkpoint.

    What is in the cache is not fetched again, and with ``HF_HUB_OFFLINE=1`` no network is touched.

    Args:
        name: a folder, a Hub repository ``"user/repo"``, or None for the bundled checkpoint.
        revision: a branch, tag or commit of the repository; None is ``main``.
        cache_dir: where downloads are kept; None is huggingface_hub's cache.
        token: of the Hub; None is the one that ``hf auth login`` stored.
        local_files_only: take what is in the cache.
        force_download: fetch what is in the cache again.

    Raises:
        MiniXceptionError: a file is missing, damaged or of a newer format; the message names it and says what to do.
    """
    folder = Path(BUNDLED if name is None else name)
    if not folder.is_dir():
        if folder.exists():
            raise MiniXceptionError(
                f"{folder} is a file, not a checkpoint folder; `mini-xception convert` makes one of a .pth or .hdf5"
            )
        if str(name).count("/") != 1:
            raise MiniXceptionError(f"{name}: no such folder, and no name of a Hub repository (user/repo)")
        options = {"cache_dir": cache_dir, "token": token, "force_download": force_download}
        folder = _fetch(str(name), CONFIG, revision, local_files_only, options).parent
        # It is named after the commit: both files are of the same, whatever is pushed meanwhile.
        _fetch(str(name), WEIGHTS, folder.name, local_files_only, options)
    elif revision:
        raise MiniXceptionError(f"{name or 'the bundled checkpoint'}: a folder has no revision {revision!r}")
    for file in (CONFIG, WEIGHTS):
        if not (folder / file).is_file():
            raise MiniXceptionError(f"{folder} holds no {file}; a checkpoint folder has {CONFIG} and {WEIGHTS}")
    return Checkpoint(_read_config(folder / CONFIG), *_read_tensors(folder / WEIGHTS))


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, each file beside its place and then moved into it; equal checkpoints are equal files.

    A ``model.onnx`` of other weights is removed.

    Raises:
        OSError: the folder cannot be written.
    """
    from safetensors.torch import save

    config = {"format_version": FORMAT_VERSION, **checkpoint.config}
    text = json.dumps(config, indent=2, sort_keys=True, default=float)  # NumPy's numbers are none of JSON's.
    tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
    # One key: safetensors writes several in a random order.
    provenance = json.dumps({"format_version": FORMAT_VERSION, **checkpoint.provenance}, sort_keys=True)
    contents = {
        CONFIG: f"{text}\n".encode(),
        WEIGHTS: save(tensors, {METADATA: provenance}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    if any(not (folder / name).is_file() or (folder / name).read_bytes() != data for name, data in contents.items()):
        (folder / GRAPH).unlink(missing_ok=True)  # It is another checkpoint's.
    for name, data in contents.items():
        beside = folder / f".{name}"
        beside.write_bytes(data)
        os.replace(beside, folder / name)


def _fetch(name: str, file: str, revision: str | None, local_files_only: bool, options: dict[str, Any]) -> Path:
    """The path in the cache of one file of a repository, downloaded if it is not there."""
    try:
        cached = try_to_load_from_cache(name, file, options["cache_dir"], revision)
        if not local_files_only and (options["force_download"] or not isinstance(cached, str)):
            # Asked once: where nothing is cached, hf_hub_download asks a Hub that it cannot reach for 23 seconds.
            get_hf_file_metadata(hf_hub_url(name, file, revision=revision), token=options["token"])
        return Path(hf_hub_download(name, file, revision=revision, local_files_only=local_files_only, **options))
    except (HTTPError, OSError, ValueError) as error:
        _explain(error, name, file, revision or constants.DEFAULT_REVISION)


def _explain(error: Exception, name: str, file: str, revision: str) -> NoReturn:
    """Say in one line why a file of a repository cannot be had, and what to do."""
    bundled = "without a name the bundled weights load"
    page, reason = f"{constants.ENDPOINT}/{name}", str(error).strip().split("\n")[0] or type(error).__name__
    match error:
        case HFValidationError():
            message = "no such folder, and no name of a Hub repository (user/repo)"
        case GatedRepoError():
            message = (
                f"gated, {file} is not given out: accept its conditions at {page}, then `hf auth login` or token=…"
            )
        case RepositoryNotFoundError():
            message = (
                f"no folder of that name here and no such repository at {page}, so no {file}; "
                "a private one needs a token: `hf auth login` or token=…"
            )
        case RevisionNotFoundError():
            message = f"the repository has no revision {revision!r} to take {file} from; {page}/tree/main lists them"
        case OfflineModeIsEnabled():
            message = f"{file} of {revision} is not in the cache and HF_HUB_OFFLINE is set; {bundled}"
        case LocalEntryNotFoundError():
            message = f"{file} of {revision} is not in the cache; load it once without local_files_only"
        case EntryNotFoundError():
            message = f"the repository holds no {file} at {revision}; a checkpoint has {CONFIG} and {WEIGHTS}"
        case HfHubHTTPError() if error.response.status_code == 401:
            message = f"the Hub refuses the token for {file}; make another at {constants.ENDPOINT}/settings/tokens"
        case HfHubHTTPError():
            message = f"the Hub gives no {file} now ({reason}); try again later; {bundled}"
        case HTTPError():
            message = f"{file} is not in the cache and the Hub not reachable ({reason}); {bundled}"
        case _:
            message = f"{file} could not be fetched ({reason}); try again"
    raise MiniXceptionError(f"{name}: {message}") from error


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MiniXceptionError(f"{path}: not readable as JSON ({error}); fetch the checkpoint again") from error
    if not isinstance(config, dict):
        raise MiniXceptionError(f"{path}: must be a JSON object, is a {type(config).__name__}")
    _check_version(path, config.pop("format_version", FORMAT_VERSION))
    return config


def _read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with path.open("rb") as start:
            if start.read(20) == b"version https://git-":
                raise MiniXceptionError(
                    f"{path}: a git-LFS pointer, not the weights; run `git lfs pull` there, or fetch it again"
                )
        with torch.device("cpu"), safe_open(path, framework="pt") as file:  # whichever device is the caller's default
            provenance = json.loads((file.metadata() or {}).get(METADATA, "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  It is no dictionary.
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise MiniXceptionError(f"{path}: damaged or cut short ({error}); fetch the checkpoint again") from error
    if not isinstance(provenance, dict):
        raise MiniXceptionError(f"{path}: its metadata {METADATA!r} is no JSON object; fetch the checkpoint again")
    _check_version(path, provenance.pop("format_version", FORMAT_VERSION))
    if broken := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise MiniXceptionError(
            f"{path}: {', '.join(broken)} holds numbers that are not finite; train or fetch it again"
        )
    return tensors, provenance


def _check_version(path: Path, version: object) -> None:
    if not str(version).isdecimal():
        raise MiniXceptionError(f"{path}: its format_version is {version!r}, no number; fetch the checkpoint again")
    if int(str(version)) > FORMAT_VERSION:
        raise MiniXceptionError(
            f"{path}: its format_version is {version}, this mini_xception reads {FORMAT_VERSION}; "
            "pip install --upgrade mini-xception"
        )
