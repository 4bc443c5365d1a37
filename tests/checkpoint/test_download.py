"""Loading from a Hub: the requested revision, from the cache if possible. An error is one line."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save

from mini_xception import EmotionRecognizer, MiniXception, MiniXceptionError
from mini_xception.checkpoint.download import fetch_graph, locate_checkpoint
from mini_xception.checkpoint.folder import METADATA
from tests.checkpoint.conftest import OWNER_TOKEN, READER_TOKEN, REPO
from tests.checkpoint.hub_state import Fault

FILES = ("config.json", "model.safetensors")


@pytest.fixture
def repo(hub, folder):
    """A repository with the checkpoint folder's two files."""
    created = hub.create(REPO)
    created.push(contents(folder))
    return created


def contents(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def logits(model):
    with torch.inference_mode():
        return model(torch.linspace(0, 1, 48 * 48).reshape(1, 1, 48, 48))


def same(one, other):
    return torch.equal(logits(one), logits(other))


def refusal(name=REPO, **options) -> str:
    with pytest.raises(MiniXceptionError) as caught:
        MiniXception.from_pretrained(name, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith((name, str(constants.HF_HUB_CACHE)))
    return message


def test_branch_tag_and_commit(repo, folder):
    first = repo.branches["main"]
    repo.tags["v1.0"] = first
    MiniXception(labels=["a", "b"]).save_pretrained(folder)
    second = repo.push(contents(folder))
    assert MiniXception.from_pretrained(REPO).labels == ("a", "b")
    for revision in ("v1.0", first):
        assert len(MiniXception.from_pretrained(REPO, revision=revision).labels) == 7
    assert MiniXception.from_pretrained(REPO, revision=second).labels == ("a", "b")


def test_cached_checkpoint_needs_no_network(repo, hub, monkeypatch, capfd):
    first = MiniXception.from_pretrained(REPO)
    hub.requests.clear()
    assert same(MiniXception.from_pretrained(REPO, local_files_only=True), first)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert same(MiniXception.from_pretrained(REPO), first)
    assert hub.requests == []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert same(MiniXception.from_pretrained(REPO, revision=repo.branches["main"]), first)
    assert hub.requests == []  # A commit never changes.
    hub.close()  # The Hub need not be reachable.
    assert same(MiniXception.from_pretrained(REPO), first)
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("repo")
def test_force_download_and_cache_dir(hub, tmp_path):
    MiniXception.from_pretrained(REPO)
    hub.requests.clear()
    MiniXception.from_pretrained(REPO)
    assert not hub.sent("GET")
    MiniXception.from_pretrained(REPO, force_download=True)
    assert len(hub.sent("GET", "config.json|for-download")) == 2
    MiniXception.from_pretrained(REPO, cache_dir=tmp_path / "elsewhere")
    assert len(list((tmp_path / "elsewhere").rglob("model.safetensors"))) == 1


def test_private_and_gated(repo):
    repo.private = True
    assert "token" in refusal()
    assert "token" in refusal(token=READER_TOKEN)
    MiniXception.from_pretrained(REPO, token=OWNER_TOKEN)
    repo.private, repo.gated = False, True
    message = refusal(force_download=True)
    assert "gated" in message
    assert f"{constants.ENDPOINT}/{REPO}" in message
    assert "gated" in refusal(force_download=True, token=READER_TOKEN)
    repo.readers.add("reader")
    MiniXception.from_pretrained(REPO, force_download=True, token=READER_TOKEN)


def test_missing_repository_revision_and_files(repo):
    assert "no such local folder and no such repository" in refusal("owner/absent")
    assert "no such repository" in refusal("owner/absent", token=OWNER_TOKEN)
    assert "no revision 'v9'" in refusal(revision="v9")
    assert "rejects the token" in refusal(token="hf_wrong")
    assert "not a valid repository name" in refusal("owner/--")
    for name in FILES:
        kept = repo.files.pop(name)
        assert f"the repository has no {name}" in refusal()
        repo.files[name] = kept
    MiniXception.from_pretrained(REPO)


def test_pickled_weights_are_not_a_fallback(repo):
    repo.files["pytorch_model.bin"] = repo.files.pop("model.safetensors")
    assert "the repository has no model.safetensors" in refusal()


def test_damaged_files(repo):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 248260\n"
    whole = repo.files["model.safetensors"]
    for data, reason in ((pointer, "git-LFS pointer"), (whole[:-100], "truncated"), (b"", "truncated")):
        repo.push({"model.safetensors": data})
        message = refusal()
        assert reason in message
        assert "model.safetensors" in message
    repo.push({"config.json": b"{"})
    assert "config.json" in refusal()


def test_configs_of_other_models_and_newer_versions(repo):
    config = json.loads(repo.files["config.json"])
    repo.push({"config.json": json.dumps({"architectures": ["ResNet"]}).encode()})
    assert "belongs to another model" in refusal()
    repo.push({"config.json": b"{}"})
    assert "missing entries: framing, image_size, labels, mean, std" in refusal()
    repo.push({"config.json": json.dumps(config | {"format_version": 2}).encode()})
    assert "upgrade mini_xception" in refusal()
    repo.push({"config.json": json.dumps(config | {"format_version": "x"}).encode()})
    assert "format_version must be a number" in refusal()
    metadata = {METADATA: json.dumps({"format_version": 2})}
    repo.push({"config.json": json.dumps(config).encode(), "model.safetensors": save({}, metadata)})
    message = refusal()
    assert "model.safetensors" in message
    assert "upgrade mini_xception" in message


def test_unreachable_hub_is_an_error_at_once(hub, monkeypatch):
    hub.close()
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    message = refusal()
    assert "the Hub cannot be reached" in message
    assert "bundled weights" in message
    assert slept == []  # huggingface_hub alone would sleep and retry
    assert "local_files_only" in refusal(local_files_only=True)
    assert "force_download" in refusal(local_files_only=True, force_download=True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in refusal()


@pytest.mark.usefixtures("repo")
def test_hub_that_is_down(hub):
    hub.faults.append(Fault("HEAD", status=503, times=100))
    assert "503" in refusal()
    hub.faults.clear()
    MiniXception.from_pretrained(REPO)
    hub.faults.append(Fault("HEAD", status=503, times=100))
    MiniXception.from_pretrained(REPO)  # The cached files are enough.


@pytest.mark.usefixtures("repo")
def test_interrupted_download_is_resumed(hub, folder, monkeypatch):
    monkeypatch.setattr(
        constants, "DOWNLOAD_CHUNK_SIZE", 50_000
    )  # huggingface_hub keeps whole chunks, of 10 MB by default.
    hub.faults.append(Fault("GET .*for-download", cut_after=100_000))
    assert same(MiniXception.from_pretrained(REPO), MiniXception.from_pretrained(folder))
    assert [request.headers.get("range") for request in hub.sent("GET", "for-download")] == [None, "bytes=100000-"]


def test_truncated_download_is_never_loaded(repo, hub):
    hub.faults.append(Fault("GET .*for-download", body=repo.files["model.safetensors"][:1000]))
    assert "model.safetensors could not be downloaded" in refusal()
    MiniXception.from_pretrained(REPO)


def test_both_files_are_of_the_same_commit(repo, hub, folder, monkeypatch):
    """Here, a push happens between the two downloads."""
    answer = type(hub).answer

    def push_after_config(self, request):
        answered = answer(self, request)
        if request.method == "GET" and "config.json" in request.path:
            repo.push({"config.json": b"{}", "model.safetensors": b"new"})
        return answered

    monkeypatch.setattr(type(hub), "answer", push_after_config)
    assert same(MiniXception.from_pretrained(REPO), MiniXception.from_pretrained(folder))


def test_graph_is_downloaded_once(repo, hub):
    repo.push({"model.onnx": b"a graph"})
    for asked in (2, 0):  # once to check that the Hub can be reached, once by huggingface_hub
        hub.requests.clear()
        checkpoint = locate_checkpoint(REPO)
        fetch_graph(REPO, checkpoint)
        assert (checkpoint / "model.onnx").read_bytes() == b"a graph"
        assert len(hub.sent("HEAD", "model.onnx")) == asked


@pytest.mark.usefixtures("repo")
def test_missing_graph_is_asked_for_once(hub):
    for asked in (2, 0):
        hub.requests.clear()
        checkpoint = locate_checkpoint(REPO)
        fetch_graph(REPO, checkpoint)
        assert not (checkpoint / "model.onnx").exists()
        assert len(hub.sent("HEAD", "model.onnx")) == asked


@pytest.mark.usefixtures("repo")
def test_graph_does_not_delay_loading_if_the_hub_cannot_be_reached(hub, monkeypatch):
    checkpoint = locate_checkpoint(REPO)
    hub.requests.clear()
    fetch_graph(REPO, checkpoint, local_files_only=True)
    assert hub.requests == []
    hub.close()
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    fetch_graph(REPO, checkpoint)
    assert slept == []


def test_token_is_sent_only_to_the_hub(repo, hub):
    repo.private = True
    MiniXception.from_pretrained(REPO, token=OWNER_TOKEN)
    assert {request.server for request in hub.requests} == {"hub", "storage"}
    for request in hub.requests:
        assert ("authorization" in request.headers) == (request.server == "hub")


def test_stored_token_in_another_process(repo, run, environment, tmp_path):
    repo.private = True
    code = f"from mini_xception import MiniXception; print(MiniXception.from_pretrained({REPO!r}).labels)"
    command = [sys.executable, "-c", code]
    options = {"capture_output": True, "text": True, "cwd": tmp_path, "check": False}
    assert subprocess.run(command, env=environment, **options).stdout.startswith("('angry'")
    result = run("predict", "x.jpg", "--checkpoint", REPO, HF_TOKEN="", HF_HOME=str(tmp_path / "other"))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "hf auth login" in line


@pytest.mark.usefixtures("repo")
def test_other_classes_on_request_alone():
    for asked in ({"num_classes": 3}, {"labels": ["no", "yes"]}):
        assert "ignore_mismatched_head=True" in refusal(**asked)
    assert MiniXception.from_pretrained(REPO, num_classes=7).labels[0] == "angry"
    model = MiniXception.from_pretrained(REPO, labels=["no", "yes", "maybe"], ignore_mismatched_head=True)
    assert model.provenance == {}  # The recipe did not create this model.
    body = MiniXception.from_pretrained(REPO)
    assert torch.equal(model.module4.right[0].weight, body.module4.right[0].weight)
    assert EmotionRecognizer(model, detector=None).classify(np.zeros((2, 48, 48), np.uint8)).shape == (2, 3)
    assert MiniXception.from_pretrained(REPO, num_classes=2, ignore_mismatched_head=True).labels == ("0", "1")


@pytest.mark.usefixtures("repo")
def test_dtype_and_temperature(portrait):
    exact = EmotionRecognizer.from_pretrained(REPO, detector=None, device="cpu")
    half = EmotionRecognizer.from_pretrained(REPO, detector=None, device="cpu", dtype=torch.bfloat16)
    assert half.model(half.model.preprocess([portrait])).dtype == torch.bfloat16
    assert np.abs(half.classify([portrait]) - exact.classify([portrait])).max() < 0.02

    warm = MiniXception(temperature=2.0).eval()
    warm.load_state_dict(exact.model.state_dict())
    crops = exact.model.preprocess([portrait])
    with torch.inference_mode():
        assert torch.equal(warm(crops), exact.model(crops))
        expected = (exact.model(crops) / 2).softmax(dim=1).numpy()
    recognizer = EmotionRecognizer(warm, detector=None, engine="torch")
    assert recognizer.classify([portrait]) == pytest.approx(expected, abs=1e-5)
