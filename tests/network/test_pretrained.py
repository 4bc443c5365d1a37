"""MiniXception as a huggingface_hub mixin: loading, saving and publishing."""

import pytest
import torch
from huggingface_hub import ModelCard, PyTorchModelHubMixin

from mini_xception import MiniXception, MiniXceptionError
from mini_xception.network.preprocess import Framing
from tests.checkpoint.conftest import OWNER_TOKEN, READER_TOKEN, REPO

METRICS = {"dataset": "FER2013", "split": "PublicTest", "n": 3589, "accuracy": 0.6612}


def refusal(*arguments, **options) -> str:
    with pytest.raises(MiniXceptionError) as caught:
        MiniXception.from_pretrained(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_it_is_the_mixin():
    assert issubclass(MiniXception, PyTorchModelHubMixin)


def test_a_channels_last_model_loads_unchanged(tmp_path):
    """The trainer's networks have this memory format."""
    model = MiniXception().to(memory_format=torch.channels_last)
    model.save_pretrained(tmp_path)
    loaded = MiniXception.from_pretrained(tmp_path)
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight), name


def test_saved_model_loads_unchanged(tmp_path):
    model = MiniXception(
        labels=["sad", "glad"], image_size=64, mean=0.5, std=0.25, framing=Framing(scale=1.2, offset_y=0.1)
    ).eval()
    model.save_pretrained(tmp_path)
    loaded = MiniXception.from_pretrained(tmp_path)
    assert loaded.labels == ("sad", "glad")
    assert (loaded.image_size, loaded.mean, loaded.std) == (64, 0.5, 0.25)
    assert loaded.framing == Framing(scale=1.2, offset_y=0.1)
    faces = torch.rand(3, 1, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded(faces), model(faces))


def test_save_pretrained_accepts_strings_and_makes_folders(tmp_path):
    MiniXception().save_pretrained(f"{tmp_path}/new/checkpoint")
    assert MiniXception.from_pretrained(f"{tmp_path}/new/checkpoint").config == MiniXception().config


def test_loaded_model_is_in_evaluation_mode():
    assert not MiniXception.from_pretrained().training


def test_push_to_hub_with_the_keywords_of_the_mixin(hub):
    model = MiniXception(metrics=METRICS)
    url = model.push_to_hub(
        REPO, commit_message="First weights", private=True, token=OWNER_TOKEN, branch="dev", create_pr=False
    )
    repo = hub.model(REPO)
    assert url == f"{hub.url}/{REPO}/commit/{repo.branches['dev']}"
    assert repo.messages == ["initial commit", "First weights"]
    assert repo.private
    assert "model.safetensors" not in repo.files
    assert {"README.md", "config.json", "model.safetensors"} <= set(repo.commits[repo.branches["dev"]])

    repo.private = False
    url = model.push_to_hub(repo_id=REPO, token=READER_TOKEN, create_pr=True)
    assert url == f"{hub.url}/{REPO}/discussions/1"


def test_from_pretrained_with_the_keywords_of_the_mixin(hub, tmp_path):
    MiniXception(labels=["a", "b"]).push_to_hub(REPO, token=OWNER_TOKEN, private=True, branch="dev")
    options = {"token": OWNER_TOKEN, "revision": "dev", "cache_dir": tmp_path / "elsewhere"}
    assert "not in the cache" in refusal(REPO, local_files_only=True, **options)
    assert "token" in refusal(REPO, **options | {"token": False})
    model = MiniXception.from_pretrained(REPO, force_download=False, **options)
    assert model.labels == ("a", "b")
    assert list((tmp_path / "elsewhere").rglob("model.safetensors"))

    hub.requests.clear()
    MiniXception.from_pretrained(REPO, local_files_only=True, **options)
    assert hub.requests == []
    MiniXception.from_pretrained(REPO, force_download=True, **options)
    assert hub.sent("GET", "for-download")


@pytest.mark.parametrize("options", [{"map_location": "cpu"}, {"strict": False}, {"temperature": 2.0}])
def test_unsupported_keywords_are_not_ignored(options):
    with pytest.raises(TypeError, match=next(iter(options))):
        MiniXception.from_pretrained(**options)


def test_generated_card_is_the_pushed_card(hub):
    model = MiniXception(metrics=METRICS)
    model.provenance = {"recipe": "mini-xception train --data fer2013.csv"}
    model.push_to_hub(REPO, token=OWNER_TOKEN)
    card = model.generate_model_card(REPO)
    assert str(card) == hub.model(REPO).files["README.md"].decode()
    assert isinstance(card, ModelCard)
    assert card.data.library_name == "mini_xception"
    assert "| 0.6612 |" in card.text
    assert 'from_pretrained("user/repo")' in model.generate_model_card().text


def test_number_of_classes_must_match_the_labels():
    assert "num_classes is 3, but there are 2 labels; omit num_classes" in refusal(labels=["no", "yes"], num_classes=3)
    options = {"labels": ["no", "yes"], "num_classes": 2, "ignore_mismatched_head": True}
    assert MiniXception.from_pretrained(**options).labels == ("no", "yes")


def test_device_auto_prefers_an_accelerator():
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert MiniXception.from_pretrained(device="auto").device.type == best


def test_default_device_is_that_of_torch():
    with torch.device("meta"):
        assert MiniXception.from_pretrained().device.type == "meta"
    assert MiniXception.from_pretrained().device.type == "cpu"


def test_missing_devices_are_an_error():
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    assert refusal(device="cuda").startswith("device 'cuda': not available (")
    assert "toaster" in refusal(device="toaster")
