"""Publishing on a Hub: one commit, a model card that others can edit, no leaked secrets, and resuming."""

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard

from mini_xception import EmotionRecognizer, MiniXception, MiniXceptionError, __version__
from mini_xception.checkpoint.push import push_folder
from tests.checkpoint.conftest import OWNER_TOKEN, READER_TOKEN, REPO
from tests.checkpoint.hub_state import Fault

METRICS = {"dataset": "FER2013", "split": "PublicTest", "n": 3589, "accuracy": 0.66012, "macro_f1": 0.6284}


def push(folder, repo=REPO, token=OWNER_TOKEN, **options):
    return push_folder(folder, repo, token=token, **options)


def refusal(folder, repo=REPO, **options) -> str:
    with pytest.raises(MiniXceptionError) as caught:
        push(folder, repo, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def readme(hub) -> str:
    return hub.model(REPO).files["README.md"].decode()


def test_pushed_model_loads_unchanged(hub, portrait):
    """Labels, temperature, metrics, provenance and logits are those of the pushed model, here with three classes."""
    model = MiniXception(labels=["no", "maybe", "yes"], temperature=1.5, metrics=METRICS).eval()
    model.provenance = {"recipe": "mini-xception train --data fer2013.csv", "commit": "abc"}
    address = model.push_to_hub(REPO, token=OWNER_TOKEN, tag="v1.0")
    repo = hub.model(REPO)
    assert address == f"{hub.url}/{REPO}/commit/{repo.tags['v1.0']}"
    assert len(repo.commits) == 2
    loaded = MiniXception.from_pretrained(REPO, revision="v1.0")
    assert loaded.config == model.config
    assert loaded.provenance == model.provenance
    faces = torch.rand(3, 1, 48, 48)
    with torch.inference_mode():
        assert torch.equal(loaded(faces), model(faces))
    (face,) = EmotionRecognizer(loaded, detector=None)(portrait)
    assert tuple(face.probabilities) == ("no", "maybe", "yes")


def test_push_without_changes_makes_no_commit(hub, folder):
    first = push(folder, tag="v1")
    sent = len(hub.sent("PUT"))
    assert push(folder, tag="v1") == first
    assert (len(hub.model(REPO).commits), len(hub.sent("PUT"))) == (2, sent)
    saved_again = MiniXception.from_pretrained(folder)
    assert saved_again.push_to_hub(REPO, token=OWNER_TOKEN) == first  # Equal models give equal files.


def test_commit_message(hub, folder):
    push(folder, commit_message="Trained on better labels")
    assert hub.model(REPO).messages == ["initial commit", "Trained on better labels"]
    MiniXception(labels=["a", "b"]).save_pretrained(folder)
    push(folder)
    assert hub.model(REPO).messages[-1] == f"Pushed by mini_xception {__version__}"


def test_tags_are_not_moved(hub, folder):
    push(folder, tag="v1")
    tagged = hub.model(REPO).tags["v1"]
    MiniXception(labels=["a", "b"]).save_pretrained(folder)
    assert "the tag v1 already belongs to" in refusal(folder, tag="v1")
    assert hub.model(REPO).tags["v1"] == tagged
    push(folder, tag="v2")
    assert len(MiniXception.from_pretrained(REPO, revision="v1").labels) == 7
    assert len(MiniXception.from_pretrained(REPO, revision="v2").labels) == 2


def test_running_again_makes_a_tag_that_failed(hub, folder):
    hub.faults.append(Fault("POST .*/tag/", status=503))
    assert "run the command again to tag it" in refusal(folder, tag="v1")
    push(folder, tag="v1")
    assert len(hub.model(REPO).commits) == 2
    assert hub.model(REPO).tags["v1"] == hub.model(REPO).branches["main"]


def test_private_branch_and_pull_request(hub, folder):
    push(folder, private=True)
    assert hub.model(REPO).private
    with pytest.raises(MiniXceptionError, match="token"):
        MiniXception.from_pretrained(REPO)
    MiniXception.from_pretrained(REPO, token=OWNER_TOKEN)

    hub.model(REPO).private = False
    MiniXception(labels=["a", "b"]).save_pretrained(folder)
    push(folder, branch="two-classes")
    assert MiniXception.from_pretrained(REPO, revision="two-classes").labels == ("a", "b")
    assert "the token has no write permission" in refusal(folder, token=READER_TOKEN)
    assert push(folder, token=READER_TOKEN, create_pr=True).endswith("/discussions/1")
    assert MiniXception.from_pretrained(REPO, revision="refs/pr/1").labels == ("a", "b")
    assert len(MiniXception.from_pretrained(REPO).labels) == 7
    assert "tag" in refusal(folder, create_pr=True, tag="v1")


def test_plots_of_a_run_are_pushed_from_inside_its_folder(hub, tmp_path, monkeypatch):
    folder = tmp_path / "run" / "best"
    MiniXception().save_pretrained(folder)
    (tmp_path / "run" / "curves.png").write_bytes(b"a plot")
    monkeypatch.chdir(folder)
    push(".")
    assert "curves.png" in hub.model(REPO).files


def test_a_readme_that_is_not_utf_8_is_named(hub, folder):
    (folder / "README.md").write_text("notes", encoding="utf-16")
    assert refusal(folder) == f"{folder / 'README.md'}: not UTF-8 text; save it as UTF-8"
    (folder / "README.md").unlink()
    push(folder)
    hub.model(REPO).push({"README.md": "notes".encode("utf-16")})
    assert refusal(folder) == f"{REPO}/README.md: not UTF-8 text; save it as UTF-8"


def test_files_of_earlier_weights_are_deleted(hub, folder):
    MiniXception(metrics=METRICS).save_pretrained(folder)
    for name in ("model.onnx", "curves.png"):
        (folder / name).write_bytes(b"of the first weights")
    push(folder)
    hub.model(REPO).push({"notes.txt": b"by hand"})
    MiniXception(labels=["a", "b"]).save_pretrained(folder)
    (folder / "curves.png").unlink()
    push(folder)
    assert set(hub.model(REPO).files) == {
        ".gitattributes",
        "README.md",
        "config.json",
        "model.safetensors",
        "notes.txt",
    }
    assert ModelCard(readme(hub)).data.eval_results is None
    assert "0.6601" not in readme(hub)


def test_failed_push_changes_nothing_and_can_be_resumed(hub, folder):
    push(folder)
    repo = hub.model(REPO)
    before, files = repo.branches["main"], repo.files
    MiniXception(labels=["a", "b"]).save_pretrained(folder)
    hub.faults.append(Fault("POST .*/commit/", status=503))
    message = refusal(folder)
    assert "push failed: the Hub answered with status 503; run the command again to resume" in message
    assert (repo.branches["main"], repo.files) == (before, files)
    sent = len(hub.sent("PUT"))
    push(folder)
    assert len(hub.sent("PUT")) == sent  # The weights had arrived the first time.
    assert MiniXception.from_pretrained(REPO).labels == ("a", "b")


def test_commit_is_not_repeated_if_its_answer_is_lost(hub, folder):
    hub.faults.append(Fault("POST .*/commit/", cut_after=10))
    assert "push failed" in (message := refusal(folder))
    assert message.endswith("; run the command again to resume")
    push(folder)
    assert len(hub.model(REPO).commits) == 2


def test_simultaneous_push_is_rejected(hub, folder, monkeypatch):
    push(folder)
    MiniXception(labels=["a", "b"]).save_pretrained(folder)
    answer = type(hub).answer

    def push_in_between(self, request):
        if "/preupload/" in request.path:
            hub.model(REPO).push({"README.md": b"somebody else's"})
        return answer(self, request)

    monkeypatch.setattr(type(hub), "answer", push_in_between)
    assert "someone else pushed at the same time" in refusal(folder)
    assert readme(hub) == "somebody else's"


def test_rejected_pushes(hub, folder, tmp_path):
    assert "hf auth login" in refusal(folder, token=False)
    assert "hf auth login" in refusal(folder, token="hf_wrong")
    assert "the token has no write permission" in refusal(folder, "stranger/faces")
    assert "absent: folder not found" in refusal(tmp_path / "absent")
    hub.close()
    assert "Connection refused" in refusal(folder)
    assert hub.repos == {}


def test_secrets_are_neither_sent_nor_stored(hub, folder, run, tmp_path):
    """The token is only in the Authorization header of requests to the Hub."""
    result = run("push", folder, REPO, "--private", "--tag", "v1")
    assert (result.returncode, result.stdout) == (0, f"{hub.url}/{REPO}/commit/{hub.model(REPO).tags['v1']}\n")
    MiniXception.from_pretrained(REPO, token=OWNER_TOKEN)
    secrets = (OWNER_TOKEN, str(tmp_path))
    seen = 0
    for request in hub.requests:
        headers = dict(request.headers)
        authorization = headers.pop("authorization", None)
        assert authorization in (None, f"Bearer {OWNER_TOKEN}")
        assert authorization is None or request.server == "hub"
        for secret in secrets:
            assert secret not in f"{request.path} {headers}"
            assert secret.encode() not in request.body
        seen += authorization is not None
    assert seen > 5
    stored = [data for repo in hub.repos.values() for files in repo.commits.values() for data in files.values()]
    stored += hub.storage.values()
    stored += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    stored += [result.stderr.encode()]
    assert not any(OWNER_TOKEN.encode() in data for data in stored)


def test_command_rejects_a_checkpoint_that_does_not_load(hub, folder, run):
    (folder / "config.json").write_text("{}")
    result = run("push", folder, REPO)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "config.json" in line
    assert hub.requests == []


@pytest.mark.usefixtures("hub")
def test_new_last_layer_drops_metrics_and_temperature():
    MiniXception(metrics=METRICS, temperature=2.0).push_to_hub(REPO, token=OWNER_TOKEN)
    model = MiniXception.from_pretrained(REPO, num_classes=3, ignore_mismatched_head=True)
    assert (model.metrics, model.temperature) == (None, 1.0)
    probabilities = EmotionRecognizer(model, detector=None).classify(np.zeros((1, 48, 48), np.uint8))
    assert probabilities.sum() == pytest.approx(1)
