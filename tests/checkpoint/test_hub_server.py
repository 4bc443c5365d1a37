"""The local Hub speaks the real protocol: huggingface_hub works with it, without this package."""

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from tests.checkpoint.conftest import OWNER_TOKEN, READER_TOKEN, REPO

SMALL, LARGE = b"small\n", b"large" * 1000


@pytest.fixture
def api(hub):  # noqa: ARG001  The Hub must run.
    return HfApi(token=OWNER_TOKEN)


def push(api, message="files", **options):
    files = {"small.txt": SMALL, "large.safetensors": LARGE}
    operations = [CommitOperationAdd(path, data) for path, data in files.items()]
    return api.create_commit(REPO, operations, commit_message=message, **options)


def test_downloaded_files_equal_the_uploaded_ones(api):
    api.create_repo(REPO)
    commit = push(api)
    for revision in ("main", commit.oid):
        for path, data in (("small.txt", SMALL), ("large.safetensors", LARGE)):
            with open(hf_hub_download(REPO, path, revision=revision), "rb") as file:
                assert file.read() == data
    assert {entry.path for entry in api.list_repo_tree(REPO)} == {".gitattributes", "small.txt", "large.safetensors"}


def test_unchanged_files_are_not_uploaded_again(api, hub):
    api.create_repo(REPO)
    assert push(api).oid == push(api, "again").oid
    assert len(hub.sent("PUT")) == 1
    assert hub.model(REPO).messages == ["initial commit", "files"]


def test_branches_tags_and_pull_requests(api):
    api.create_repo(REPO)
    api.create_branch(REPO, branch="next")
    commit = push(api, revision="next")
    api.create_tag(REPO, tag="v1", revision=commit.oid)
    assert api.list_repo_refs(REPO).tags[0].target_commit == commit.oid
    with pytest.raises(HfHubHTTPError, match="already exists"):
        api.create_tag(REPO, tag="v1")
    stranger = HfApi(token=READER_TOKEN)
    with pytest.raises(HfHubHTTPError, match="403"):
        push(stranger)
    request = push(stranger, create_pr=True)
    assert request.pr_revision == "refs/pr/1"
    assert "small.txt" in api.list_repo_files(REPO, revision="refs/pr/1")
    assert "small.txt" not in api.list_repo_files(REPO)
    with pytest.raises(HfHubHTTPError, match="412"):
        push(api, "late", parent_commit=commit.oid)


def test_read_permissions(hub, api):
    api.create_repo(REPO, private=True)
    push(api)
    for token in (False, READER_TOKEN):
        with pytest.raises(RepositoryNotFoundError):
            hf_hub_download(REPO, "small.txt", token=token)
    hub.model(REPO).private, hub.model(REPO).gated = False, True
    for token in (False, READER_TOKEN):
        with pytest.raises(GatedRepoError):
            hf_hub_download(REPO, "small.txt", token=token)
    with pytest.raises(RevisionNotFoundError):
        hf_hub_download(REPO, "small.txt", revision="absent", token=OWNER_TOKEN)
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_repo(REPO)
