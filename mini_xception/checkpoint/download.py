"""Find a checkpoint's folder by its name: bundled, local, or downloaded from the Hugging Face Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mini_xception.checkpoint.folder import BUNDLED, CONFIG, GRAPH, WEIGHTS
from mini_xception.errors import MiniXceptionError


def locate_checkpoint(
    name: str | os.PathLike[str] | None = None,
    *,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Path:
    """Return a checkpoint's folder. Download it from the Hub if necessary.

    Cached files are not downloaded again. With ``HF_HUB_OFFLINE=1``, nothing is downloaded.

    Args:
        name: a folder, a Hub repository ``"user/repo"``, or None for the bundled checkpoint.
        revision: a branch, tag or commit of the repository. None uses ``main``.
        cache_dir: folder of the download cache. None uses huggingface_hub's default.
        token: an access token for the Hub. None uses the token stored by ``hf auth login``.
        local_files_only: use cached files only.
        force_download: download files again even if they are cached.

    Raises:
        MiniXceptionError: the checkpoint does not exist or cannot be downloaded.
    """
    folder = Path(BUNDLED if name is None else name)
    if folder.is_dir():
        if revision:
            raise MiniXceptionError(
                f"{name or 'the bundled checkpoint'}: a local folder has no revision {revision!r}; omit the revision"
            )
        return folder
    if folder.exists():
        raise MiniXceptionError(
            f"{folder}: not a folder; convert a .pth or .hdf5 file to a checkpoint folder with `mini-xception convert`"
        )
    if str(name).count("/") != 1:
        raise MiniXceptionError(f"{name}: folder not found; a Hub repository is named user/repo")
    try:
        from mini_xception.checkpoint.hub_files import fetch_file  # huggingface_hub is slow to import
    except ModuleNotFoundError as error:
        raise MiniXceptionError(
            f"{name}: folder not found; to download it from the Hub, pip install huggingface-hub"
        ) from error

    options: dict[str, Any] = {
        "cache_dir": cache_dir,
        "token": token,
        "local_files_only": local_files_only,
        "force_download": force_download,
    }
    folder = fetch_file(str(name), CONFIG, revision=revision, **options).parent
    # The folder is named after the commit. Both files come from this commit, even if someone pushes in the meantime.
    fetch_file(str(name), WEIGHTS, revision=folder.name, **options)
    return folder


def fetch_graph(name: str | os.PathLike[str] | None, folder: Path, **options: Any) -> None:
    """Download the ``model.onnx`` of a Hub checkpoint into its folder, if the repository has one.

    Args:
        name: as for :func:`locate_checkpoint`. If it is None or a local folder, nothing is downloaded.
        folder: the result of :func:`locate_checkpoint`.
        options: keyword arguments, as for :func:`locate_checkpoint`.
    """
    if name is None or Path(name).is_dir() or (folder / GRAPH).is_file():
        return
    from mini_xception.checkpoint.hub_files import fetch_optional_file

    options.pop("revision", None)  # The folder is named after the commit.
    fetch_optional_file(str(name), GRAPH, commit=folder.name, **options)
