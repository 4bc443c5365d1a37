"""Publish a checkpoint folder on the Hugging Face Hub, in one commit."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi, constants
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, HTTPError
from huggingface_hub.utils import validate_repo_id

from mini_xception import __version__
from mini_xception.checkpoint.card import PLOTS, RESULTS, renew_card, results_file, write_card
from mini_xception.checkpoint.folder import CONFIG, GRAPH, WEIGHTS, read_checkpoint
from mini_xception.errors import MiniXceptionError

README = "README.md"


def push_folder(
    folder: str | os.PathLike[str],
    repo_id: str,
    *,
    private: bool | None = None,
    branch: str | None = None,
    tag: str | None = None,
    commit_message: str | None = None,
    create_pr: bool = False,
    token: str | bool | None = None,
) -> str:
    """Publish a checkpoint folder.

    The weights, the configuration, ``model.onnx`` if present, the plots and a model card are published. For a run's
    ``best`` folder, plots are also taken from the run's folder. Plots, ``model.onnx`` and results from an earlier push
    are deleted from the repository if this push does not replace them. All changes are in one commit, so a push is
    never published only in part.

    If the repository has a README, text that others wrote is kept; see
    :func:`~mini_xception.checkpoint.card.renew_card`. A new README begins with the folder's README.

    Args:
        folder: a checkpoint folder, with ``config.json`` and ``model.safetensors``.
        repo_id: "user/repo". The repository is created if it does not exist.
        private: whether a new repository is private. None uses the account's default.
        branch: the branch to push to. It is created if it does not exist. None uses ``main``.
        tag: name of a new tag on the commit.
        commit_message: the commit's message. None uses "Pushed by mini_xception" and the version.
        create_pr: open a pull request instead of changing the branch.
        token: an access token with write permission. None uses the token stored by ``hf auth login``.

    Returns:
        The URL of the commit or of the pull request.

    Raises:
        MiniXceptionError: the folder is not a checkpoint, or the Hub rejects the upload or cannot be reached.
    """
    if tag and create_pr:
        raise MiniXceptionError("a pull request cannot be tagged; tag the commit after the merge")
    check_repo_id(repo_id)
    folder = Path(folder)
    if not folder.is_dir():
        raise MiniXceptionError(f"{folder}: folder not found")
    folder = folder.resolve()  # because the name of "." is empty
    checkpoint = read_checkpoint(folder)
    files = _files(folder)
    card = write_card(repo_id, checkpoint.config, checkpoint.provenance, files)
    contents = {name: path.read_bytes() for name, path in files.items()}
    if results := results_file(checkpoint.config.get("metrics")):
        contents[RESULTS] = results
    local = _read_text(folder / README, str(folder / README)) if (folder / README).is_file() else ""
    api = HfApi(token=token, library_name="mini_xception", library_version=__version__)
    try:
        api.create_repo(repo_id, private=private, exist_ok=True)
        if branch and not create_pr and not branch.startswith("refs/"):
            api.create_branch(repo_id, branch=branch, exist_ok=True)
        present = api.model_info(repo_id, revision=branch)
        contents[README] = renew_card(_readme(api, repo_id, present.sha), local, card).encode()
        # Delete the plots, the graph and the results that belong to earlier weights.
        stale = {file.rfilename for file in present.siblings or []} & {GRAPH, RESULTS, *PLOTS} - set(contents)
        commit: CommitInfo = api.create_commit(
            repo_id,
            [
                *(CommitOperationAdd(name, data) for name, data in contents.items()),
                *(CommitOperationDelete(name) for name in sorted(stale)),
            ],
            commit_message=commit_message or f"Pushed by mini_xception {__version__}",
            revision=branch,
            create_pr=create_pr,
            parent_commit=present.sha,
        )
    except MiniXceptionError:
        raise
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        # The commit may have succeeded and only its answer been lost, so the message does not describe the repository.
        raise MiniXceptionError(f"{repo_id}: push failed: {_reason(error)}; run the command again to resume") from error
    if tag:
        _tag(api, repo_id, tag, commit.oid)
    return commit.pr_url or commit.commit_url


def check_repo_id(repo_id: str) -> None:
    """Check that a repository's name is valid. Training does this before it starts.

    Raises:
        MiniXceptionError: the name is not a valid "user/repo".
    """
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise MiniXceptionError(f"{repo_id}: not a valid repository name; {error}") from error
    if "/" not in repo_id:
        raise MiniXceptionError(f"{repo_id}: not a valid repository name; use user/repo")


def _files(folder: Path) -> dict[str, Path]:
    """Return the files that are published unchanged, as name in the repository → path."""
    found = {name: folder / name for name in (CONFIG, WEIGHTS, GRAPH, *PLOTS)}
    if folder.name == "best":  # A run's plots are next to its "best" folder.
        found |= {name: folder.parent / name for name in PLOTS if not found[name].is_file()}
    return {name: path for name, path in found.items() if path.is_file()}


def _readme(api: HfApi, repo_id: str, commit: str | None) -> str:
    """Return the repository's README, or ""."""
    with tempfile.TemporaryDirectory() as empty:  # Bypass the cache, which may be outdated.
        try:
            readme = api.hf_hub_download(repo_id, README, revision=commit, local_dir=empty)
        except EntryNotFoundError:
            return ""
        return _read_text(Path(readme), f"{repo_id}/{README}")


def _read_text(path: Path, name: str) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise MiniXceptionError(f"{name}: not UTF-8 text; save it as UTF-8") from error


def _tag(api: HfApi, repo_id: str, tag: str, commit: str) -> None:
    try:
        present = {ref.name: ref.target_commit for ref in api.list_repo_refs(repo_id).tags}
        if tag not in present:
            api.create_tag(repo_id, tag=tag, revision=commit)
    except (HTTPError, OSError) as error:
        raise MiniXceptionError(
            f"{repo_id}: published as {commit}, but not tagged {tag}: {_reason(error)}; run the command again to tag it"
        ) from error
    if present.get(tag, commit) != commit:
        raise MiniXceptionError(
            f"{repo_id}: published as {commit}, but the tag {tag} already belongs to {present[tag]}; choose another tag"
        )


def _reason(error: Exception) -> str:
    """Return why the Hub rejected a request, in one line."""
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status == 401:
            return f"no valid token: run `hf auth login`, or create one at {constants.ENDPOINT}/settings/tokens"
        if status == 403:
            return "the token has no write permission: use a token that has it, or open a pull request"
        if status == 412:
            return "someone else pushed at the same time"
        return f"the Hub answered with status {status}"
    cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
    return " ".join(str(cause).split()) or type(cause).__name__
