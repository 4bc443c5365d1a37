"""Publishing to a Hub: one commit, a card that others may write in, nothing secret, and a repeat that goes on."""

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard

from mini_xception import EmotionRecognizer, MiniXception, MiniXceptionError
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


def test_what_is_pushed_loads_elsewhere(hub, portrait):
    """Three classes of one's own: labels, temperature, metrics and probabilities follow."""
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


def test_a_push_without_a_change_is_no_commit(hub, folder):
    first = push(folder, tag="v1")
    sent = len(hub.sent("PUT"))
    assert push(folder, tag="v1") == first
    assert (len(hub.model(REPO).commits), len(hub.sent("PUT"))) == (2, sent)
    saved_again = MiniXception.from_pretrained(folder)
    assert saved_again.push_to_hub(REPO, token=OWNER_TOKEN) == first  # Equal models are equal files.


def test_tags_stay_where_they_are(hub, folder):
    push(folder, tag="v1")
    tagged = hub.model(REPO).tags["v1"]
    MiniXception(labels=["a", "b"]).save_pretrained(folder)
    assert "the tag v1 is on" in refusal(folder, tag="v1")
    assert hub.model(REPO).tags["v1"] == tagged
    push(folder, tag="v2")
    assert len(MiniXception.from_pretrained(REPO, revision="v1").labels) == 7
    assert len(MiniXception.from_pretrained(REPO, revision="v2").labels) == 2


def test_a_failed_tag_is_made_by_a_repeat(hub, folder):
    hub.faults.append(Fault("POST .*/tag/", status=503))
    assert "repeat the push to tag it" in refusal(folder, tag="v1")
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
    push(folder, revision="two-classes")
    assert MiniXception.from_pretrained(REPO, revision="two-classes").labels == ("a", "b")
    assert "no right to write" in refusal(folder, token=READER_TOKEN)
    assert push(folder, token=READER_TOKEN, create_pr=True).endswith("/discussions/1")
    assert MiniXception.from_pretrained(REPO, revision="refs/pr/1").labels == ("a", "b")
    assert len(MiniXception.from_pretrained(REPO).labels) == 7
    assert "tag" in refusal(folder, create_pr=True, tag="v1")


def test_pushed_from_inside_its_folder_a_run_has_its_plots(hub, tmp_path, monkeypatch):
    folder = tmp_path / "run" / "best"
    MiniXception().save_pretrained(folder)
    (tmp_path / "run" / "curves.png").write_bytes(b"a picture")
    monkeypatch.chdir(folder)
    push(".")
    assert "curves.png" in hub.model(REPO).files


def test_nothing_of_earlier_weights_is_left(hub, folder):
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


def test_a_failed_push_changes_nothing_and_a_repeat_goes_on(hub, folder):
    push(folder)
    repo = hub.model(REPO)
    before, files = repo.branches["main"], repo.files
    MiniXception(labels=["a", "b"]).save_pretrained(folder)
    hub.faults.append(Fault("POST .*/commit/", status=503))
    message = refusal(folder)
    assert "503" in message
    assert "a repeat sends only what is missing" in message
    assert (repo.branches["main"], repo.files) == (before, files)
    sent = len(hub.sent("PUT"))
    push(folder)
    assert len(hub.sent("PUT")) == sent  # The weights had arrived.
    assert MiniXception.from_pretrained(REPO).labels == ("a", "b")


def test_a_push_whose_answer_is_lost_is_not_made_twice(hub, folder):
    hub.faults.append(Fault("POST .*/commit/", cut_after=10))
    assert "a repeat sends only what is missing" in refusal(folder)
    push(folder)
    assert len(hub.model(REPO).commits) == 2


def test_a_push_beside_another_is_refused(hub, folder, monkeypatch):
    push(folder)
    MiniXception(labels=["a", "b"]).save_pretrained(folder)
    answer = type(hub).answer

    def push_in_between(self, request):
        if "/preupload/" in request.path:
            hub.model(REPO).push({"README.md": b"somebody else's"})
        return answer(self, request)

    monkeypatch.setattr(type(hub), "answer", push_in_between)
    assert "at the same moment" in refusal(folder)
    assert readme(hub) == "somebody else's"


def test_who_may_not(hub, folder, tmp_path):
    assert "hf auth login" in refusal(folder, token=False)
    assert "hf auth login" in refusal(folder, token="hf_wrong")
    assert "no right to write" in refusal(folder, "stranger/faces")
    assert "no such folder" in refusal(tmp_path / "absent")
    hub.close()
    assert "Connection refused" in refusal(folder)
    assert hub.repos == {}


def test_nothing_secret_is_sent_or_stored(hub, folder, run, tmp_path):
    """The token is in the Authorization header of requests to the Hub, and nowhere else."""
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


def test_the_command_refuses_what_does_not_load(hub, folder, run):
    (folder / "config.json").write_text("{}")
    result = run("push", folder, REPO)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "config.json" in line
    assert hub.requests == []


@pytest.mark.usefixtures("hub")
def test_weights_with_another_head_lose_what_was_measured():
    MiniXception(metrics=METRICS, temperature=2.0).push_to_hub(REPO, token=OWNER_TOKEN)
    model = MiniXception.from_pretrained(REPO, num_classes=3, ignore_mismatched_head=True)
    assert (model.metrics, model.temperature) == (None, 1.0)
    probabilities = EmotionRecognizer(model, detector=None).classify(np.zeros((1, 48, 48), np.uint8))
    assert probabilities.sum() == pytest.approx(1)
