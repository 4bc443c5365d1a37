"""From a checkpoint's name to its folder: bundled, local, or downloaded from the Hugging Face Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

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

from mini_xception.checkpoint.folder import BUNDLED, CONFIG, WEIGHTS
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
    """Find a checkpoint's folder, and download it from the Hub if necessary.

    Cached files are not downloaded again. With ``HF_HUB_OFFLINE=1`` no network is used.

    Args:
        name: a folder, a Hub repository ``"user/repo"``, or None for the bundled checkpoint.
        revision: a branch, tag or commit of the repository; None is ``main``.
        cache_dir: the download cache; None is huggingface_hub's.
        token: an access token for the Hub; None is the one stored by ``hf auth login``.
        local_files_only: use cached files only.
        force_download: download cached files again.

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
            f"{folder}: a file, not a checkpoint folder; `mini-xception convert` makes one from a .pth or .hdf5 file"
        )
    if str(name).count("/") != 1:
        raise MiniXceptionError(f"{name}: folder not found; a Hub repository is named user/repo")
    options = {"cache_dir": cache_dir, "token": token, "force_download": force_download}
    folder = _fetch(str(name), CONFIG, revision, local_files_only, options).parent
    # The folder is named after the commit, so both files are of the same commit whatever is pushed meanwhile.
    _fetch(str(name), WEIGHTS, folder.name, local_files_only, options)
    return folder


def _fetch(name: str, file: str, revision: str | None, local_files_only: bool, options: dict[str, Any]) -> Path:
    """Return the cached path of one file of a repository, downloading it if necessary."""
    try:
        cached = try_to_load_from_cache(name, file, options["cache_dir"], revision)
        if not local_files_only and (options["force_download"] or not isinstance(cached, str)):
            # Ask once first: without a cached file, hf_hub_download retries an unreachable Hub for 23 seconds.
            get_hf_file_metadata(hf_hub_url(name, file, revision=revision), token=options["token"])
        return Path(hf_hub_download(name, file, revision=revision, local_files_only=local_files_only, **options))
    except (HTTPError, OSError, ValueError) as error:
        _explain(error, name, file, revision or constants.DEFAULT_REVISION)


def _explain(error: Exception, name: str, file: str, revision: str) -> NoReturn:
    """Raise the one-line error that says why a file cannot be downloaded, and what to do."""
    bundled = "the bundled weights need no network: omit the name"
    page, reason = f"{constants.ENDPOINT}/{name}", str(error).strip().split("\n")[0] or type(error).__name__
    match error:
        case HFValidationError():
            message = "folder not found, and not a valid repository name; a Hub repository is named user/repo"
        case GatedRepoError():
            message = f"{file} is gated; accept the conditions at {page}, then run `hf auth login` or pass token=…"
        case RepositoryNotFoundError():
            message = (
                f"{file} not found: no such folder here and no such repository at {page}; "
                "for a private repository run `hf auth login` or pass token=…"
            )
        case RevisionNotFoundError():
            message = f"{file} not found: no revision {revision!r}; {page}/tree/main lists the revisions"
        case OfflineModeIsEnabled():
            message = f"{file} of {revision} is not in the cache and HF_HUB_OFFLINE is set; {bundled}"
        case LocalEntryNotFoundError():
            message = f"{file} of {revision} is not in the cache; load it once without local_files_only"
        case EntryNotFoundError():
            message = f"the repository has no {file} at {revision}; a checkpoint has {CONFIG} and {WEIGHTS}"
        case HfHubHTTPError() if error.response.status_code == 401:
            message = f"the Hub rejects the token for {file}; create a new one at {constants.ENDPOINT}/settings/tokens"
        case HfHubHTTPError():
            message = f"the Hub cannot serve {file} now ({reason}); try again later; {bundled}"
        case HTTPError():
            message = f"{file} is not in the cache and the Hub cannot be reached ({reason}); {bundled}"
        case _:
            message = f"{file} could not be downloaded ({reason}); try again"
    raise MiniXceptionError(f"{name}: {message}") from error
