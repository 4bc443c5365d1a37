"""A program's own defaults in PyTorch change neither the weights nor the exported graphs, and they are kept."""

import numpy as np
import pytest
import torch

from mini_xception import EmotionRecognizer, MiniXception
from mini_xception.demo.augmentation import augmented_views
from mini_xception.detection.torch_networks import load_torch_network, web_graph
from mini_xception.network.convert import convert_checkpoint
from mini_xception.network.graph import make_graph
from mini_xception.training.augment import PRESETS

CROPS = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)


@pytest.fixture(scope="module")
def expected():
    """The bundled weights, a graph of the detector and logits, before any default is changed."""
    logits = load_torch_network("pnet", "cpu")(np.ones((1, 3, 24, 24), np.float32))
    return MiniXception.from_pretrained().state_dict(), web_graph("pnet"), logits


@pytest.fixture(params=["bfloat16", "float64", "meta"])
def default(request):
    if request.param == "meta":  # The default device, on which tensors have no values.
        torch.set_default_device("meta")
    else:
        torch.set_default_dtype(getattr(torch, request.param))
    yield request.param
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)


def test_weights_are_loaded_unchanged(default, expected):
    model = MiniXception.from_pretrained(device="cpu")
    for name, weight in expected[0].items():
        assert torch.equal(model.state_dict()[name], weight), name
    other = MiniXception.from_pretrained(device="cpu", num_classes=2, ignore_mismatched_head=True)
    assert other.conv.weight.dtype == torch.float32
    assert torch.get_default_dtype() == getattr(torch, default, torch.float32)
    assert torch.get_default_device().type == ("meta" if default == "meta" else "cpu")


def test_graphs_are_exported_unchanged(default, expected):  # noqa: ARG001
    model = MiniXception.from_pretrained(device="cpu")
    probabilities = EmotionRecognizer(model, detector=None, engine="torch").classify(CROPS)
    assert np.allclose(EmotionRecognizer(model, detector=None).classify(CROPS), probabilities, atol=1e-4)
    assert len(make_graph(model)) > 200_000
    assert web_graph("pnet") == expected[1]
    inputs = np.ones((1, 3, 24, 24), np.float32)
    assert np.allclose(load_torch_network("pnet", "cpu")(inputs), expected[2], atol=1e-5)


def test_checkpoints_are_converted_unchanged(default, expected, tmp_path):  # noqa: ARG001
    torch.save(expected[0], tmp_path / "reference.pth")
    convert_checkpoint(tmp_path / "reference.pth", tmp_path / "folder")
    converted = MiniXception.from_pretrained(tmp_path / "folder", device="cpu").state_dict()
    for name, weight in expected[0].items():
        assert torch.equal(converted[name], weight), name


def test_faces_are_augmented(default):  # noqa: ARG001
    assert augmented_views(CROPS[0], PRESETS["full"], seed=0).std() > 0
