"""From a checkpoint folder to a repository on the Hub, in one commit."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi, constants
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, HTTPError
from huggingface_hub.utils import validate_repo_id

from mini_xception import __version__
from mini_xception.card import PICTURES, RESULTS, renew_card, results_file, write_card
from mini_xception.errors import MiniXceptionError
from mini_xception.hub import CONFIG, GRAPH, WEIGHTS, load_checkpoint

README = "README.md"


def push_folder(
    folder: str | os.PathLike[str],
    repo: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    tag: str | None = None,
    create_pr: bool = False,
    token: str | bool | None = None,
) -> str:
    """Publish a checkpoint folder.

    The repository gets the folder's files, its plots and those of the run it is the best of, and a model card; plots,
    ``model.onnx`` and results of an earlier push that the folder does not have are taken away. All is one commit on
    what was there: it happens wholly or not at all, and large files that an earlier try sent are not sent again. A
    README in the repository keeps what others wrote, see :func:`card.renew_card`; the first starts with the folder's.

    Args:
        folder: with config.json and model.safetensors.
        repo: "user/repo", which is made if it does not exist.
        private: whether a new repository is; None is the account's default.
        revision: a branch, which is made if it does not exist; None is ``main``.
        tag: a name for the commit, which must not be another's.
        create_pr: open a pull request instead of changing the branch.
        token: with the right to write; None is the one that ``hf auth login`` stored.

    Returns:
        The address of the commit, or of the pull request.

    Raises:
        MiniXceptionError: the folder is no checkpoint, or the Hub refuses or cannot be reached.
    """
    if tag and create_pr:
        raise MiniXceptionError("a pull request has no tag yet; tag what it becomes when it is merged")
    check_name(repo)
    folder = Path(folder)
    if not folder.is_dir():
        raise MiniXceptionError(f"{folder}: no such folder")
    folder = folder.resolve()  # "." has no name.
    checkpoint = load_checkpoint(folder)
    files = _files(folder)
    card = write_card(repo, checkpoint.config, checkpoint.provenance, files)
    contents = {name: path.read_bytes() for name, path in files.items()}
    if results := results_file(checkpoint.config.get("metrics")):
        contents[RESULTS] = results
    local = (folder / README).read_bytes().decode() if (folder / README).is_file() else ""
    api = HfApi(token=token, library_name="mini_xception", library_version=__version__)
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        if revision and not create_pr and not revision.startswith("refs/"):
            api.create_branch(repo, branch=revision, exist_ok=True)
        present = api.model_info(repo, revision=revision)
        contents[README] = renew_card(_readme(api, repo, present.sha), local, card).encode()
        # What an earlier push left must not stand beside these weights: a plot, a graph or results of others.
        stale = {file.rfilename for file in present.siblings or []} & {GRAPH, RESULTS, *PICTURES} - set(contents)
        commit: CommitInfo = api.create_commit(
            repo,
            [
                *(CommitOperationAdd(name, data) for name, data in contents.items()),
                *(CommitOperationDelete(name) for name in sorted(stale)),
            ],
            commit_message=f"Pushed by mini_xception {__version__}",
            revision=revision,
            create_pr=create_pr,
            parent_commit=present.sha,
        )
    except MiniXceptionError:
        raise
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        raise MiniXceptionError(
            f"{repo}: not pushed, {_reason(error)}; nothing there is half done, a repeat sends only what is missing"
        ) from error
    if tag:
        _tag(api, repo, tag, commit.oid)
    return commit.pr_url or commit.commit_url


def check_name(repo: str) -> None:
    """See before a long work that its result can have this name.

    Raises:
        MiniXceptionError: it is no "user/repo".
    """
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise MiniXceptionError(f"{repo}: no name of a repository; {error}") from error
    if "/" not in repo:
        raise MiniXceptionError(f"{repo}: no name of a repository, which is user/repo")


def _files(folder: Path) -> dict[str, Path]:
    """What is published as it is: name in the repository → path."""
    found = {name: folder / name for name in (CONFIG, WEIGHTS, GRAPH, *PICTURES)}
    if folder.name == "best":  # A run draws its plots beside its best checkpoint.
        found |= {name: folder.parent / name for name in PICTURES if not found[name].is_file()}
    return {name: path for name, path in found.items() if path.is_file()}


def _readme(api: HfApi, repo: str, commit: str | None) -> str:
    """What the repository has, or ""."""
    with tempfile.TemporaryDirectory() as empty:  # Not from the cache, which huggingface_hub takes without a network.
        try:
            return Path(api.hf_hub_download(repo, README, revision=commit, local_dir=empty)).read_bytes().decode()
        except EntryNotFoundError:
            return ""


def _tag(api: HfApi, repo: str, tag: str, commit: str) -> None:
    try:
        present = {ref.name: ref.target_commit for ref in api.list_repo_refs(repo).tags}
        if tag not in present:
            api.create_tag(repo, tag=tag, revision=commit)
    except (HTTPError, OSError) as error:
        raise MiniXceptionError(
            f"{repo}: pushed as {commit}, but not tagged {tag}, {_reason(error)}; repeat the push to tag it"
        ) from error
    if present.get(tag, commit) != commit:
        raise MiniXceptionError(
            f"{repo}: pushed as {commit}, but the tag {tag} is on {present[tag]} and stays there; choose another"
        )


def _reason(error: Exception) -> str:
    """Why the Hub did not do something, in one line."""
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status == 401:
            return f"no valid token: `hf auth login`, or make one at {constants.ENDPOINT}/settings/tokens"
        if status == 403:
            return "the token has no right to write there"
        if status == 412:
            return "somebody else pushed at the same moment"
        return f"the Hub answers {status}"
    cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
    return " ".join(str(cause).split()) or type(cause).__name__
