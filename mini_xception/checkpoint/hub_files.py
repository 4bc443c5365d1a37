"""Download single files from Hugging Face Hub repositories. A failed download raises a one-line error."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # from httpx in huggingface_hub 1, from httpx2 in 2
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from mini_xception.checkpoint.folder import CONFIG, WEIGHTS
from mini_xception.errors import MiniXceptionError


def fetch_file(
    name: str,
    file: str,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Path:
    """Return the path of a repository's file in the cache. Download it if necessary.

    The options are the same as for :func:`~mini_xception.checkpoint.locate_checkpoint`.
    """
    try:
        cached = try_to_load_from_cache(name, file, cache_dir, revision)
        if not local_files_only and (force_download or not isinstance(cached, str)):
            # Send one request first. Without a cached file, hf_hub_download retries an unreachable Hub for 23 seconds.
            get_hf_file_metadata(hf_hub_url(name, file, revision=revision), token=token)
        return Path(
            hf_hub_download(
                name,
                file,
                revision=revision,
                cache_dir=cache_dir,
                token=token,
                local_files_only=local_files_only,
                force_download=force_download,
            )
        )
    except (HTTPError, OSError, ValueError) as error:
        _explain(error, name, file, revision or constants.DEFAULT_REVISION)


def fetch_optional_file(
    name: str, file: str, commit: str, token: str | bool | None = None, local_files_only: bool = False, **options: Any
) -> None:
    """Download one file of a repository. If the file does not exist or the Hub cannot be reached, do nothing.

    The options are the same as for :func:`~mini_xception.checkpoint.locate_checkpoint`.
    """
    known = try_to_load_from_cache(name, file, options.get("cache_dir"), commit)
    if local_files_only or (known is not None and not options.get("force_download")):
        return  # It was downloaded before, or this commit is known not to have it.
    with suppress(HTTPError, OSError, ValueError):
        with suppress(EntryNotFoundError):  # hf_hub_download records in the cache that the file does not exist.
            get_hf_file_metadata(hf_hub_url(name, file, revision=commit), token=token)  # See fetch_file.
        hf_hub_download(name, file, revision=commit, token=token, **options)


def _explain(error: Exception, name: str, file: str, revision: str) -> NoReturn:
    """Raise a one-line error that says why a file cannot be downloaded and what to do."""
    bundled = "to use the bundled weights, which need no download, omit the name"
    page, reason = f"{constants.ENDPOINT}/{name}", str(error).strip().split("\n")[0] or type(error).__name__
    match error:
        case HFValidationError():
            message = "folder not found, and not a valid repository name; a Hub repository is named user/repo"
        case GatedRepoError():
            message = f"the repository is gated; accept the terms at {page}, then run `hf auth login` or pass token=…"
        case RepositoryNotFoundError():
            message = (
                f"{file} not found: no such local folder and no such repository at {page}; "
                "for a private repository, run `hf auth login` or pass token=…"
            )
        case RevisionNotFoundError():
            message = f"{file} not found: no revision {revision!r}; choose one from {page}/tree/main"
        case OfflineModeIsEnabled():
            message = f"{file} of {revision} is not in the cache and HF_HUB_OFFLINE is set; {bundled}"
        case LocalEntryNotFoundError():
            message = f"{file} of {revision} is not in the cache; load it once without local_files_only"
        case EntryNotFoundError():
            message = f"the repository has no {file} at {revision}; a checkpoint needs {CONFIG} and {WEIGHTS}"
        case HfHubHTTPError() if error.response.status_code == 401:
            message = f"the Hub rejects the token for {file}; create a new one at {constants.ENDPOINT}/settings/tokens"
        case HfHubHTTPError():
            message = f"the Hub cannot serve {file} now ({reason}); try again later; {bundled}"
        case HTTPError():
            message = f"{file} is not in the cache and the Hub cannot be reached ({reason}); {bundled}"
        case _:
            message = f"{file} could not be downloaded ({reason}); try again"
    raise MiniXceptionError(f"{name}: {message}") from error
