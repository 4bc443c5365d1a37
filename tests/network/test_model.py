"""The network: shapes, parameters and arguments."""

import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest
import torch
from torch.nn import functional

from mini_xception import EMOTIONS, MiniXception, MiniXceptionError
from mini_xception.network.model import StridedConv2d

STAGES = {
    "base": (8, 44, 44),
    "module1": (16, 22, 22),
    "module2": (32, 11, 11),
    "module3": (64, 6, 6),
    "module4": (128, 3, 3),
    "conv": (7, 3, 3),
}


def test_stages_have_the_shapes_of_the_paper():
    model = MiniXception()
    x = torch.zeros(2, 1, 48, 48)
    for name, shape in STAGES.items():
        x = model.get_submodule(name)(x)
        assert tuple(x.shape) == (2, *shape), name
    assert model(torch.zeros(2, 1, 48, 48)).shape == (2, 7)


def test_parameters_are_those_of_the_reference():
    model = MiniXception()
    assert sum(parameter.numel() for parameter in model.parameters()) == 58_047
    state = model.state_dict()
    assert len(state) == 116
    assert {"base.0.weight", "module1.left.0.depth_conv.weight", "module1.right.0.weight", "conv.bias"} <= set(state)


def test_logits_are_not_probabilities():
    model = MiniXception().eval()
    with torch.no_grad():
        model.conv.bias += 5
        assert (model(torch.zeros(1, 1, 48, 48)).sum() - 1).abs() > 1


def test_larger_input_works():
    assert MiniXception(image_size=64)(torch.zeros(1, 1, 64, 64)).shape == (1, 7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0),
        ("temperature", "warm"),
        ("temperature", float("inf")),
        ("norm_epsilon", -1),
        ("padding", "same"),
        ("bias", 1),
        ("metrics", [0.66]),
        ("upsample_to", 40),
        ("upsample_to", 64.0),
    ],
)
def test_invalid_arguments_are_an_error(name, value):
    with pytest.raises(MiniXceptionError, match=name):
        MiniXception(**{name: value})


def test_a_network_enlarges_its_input():
    """It computes the same as a network for larger images, on enlarged images."""
    torch.manual_seed(0)
    small, large = MiniXception(upsample_to=64).eval(), MiniXception(image_size=64).eval()
    large.load_state_dict(small.state_dict())
    faces = torch.rand(2, 1, 48, 48)
    with torch.inference_mode():
        expected = large(functional.interpolate(faces, (64, 64), mode="bilinear"))
        torch.testing.assert_close(small(faces), expected)
        assert small.evidence(faces).shape == (2, 7, 4, 4)


def test_preprocess_follows_the_config(portrait):
    model = MiniXception(image_size=64, mean=0.5, std=0.5)
    batch = model.preprocess([portrait, portrait[:, :, 0]])
    assert batch.shape == (2, 1, 64, 64)
    assert batch.dtype == torch.float32
    assert -1 <= batch.min() < -0.9
    assert 0.9 < batch.max() <= 1


def test_bundled_weights_give_the_golden_logits():
    """The logits of two simple images depend on the network, the weights and the scaling of pixels."""
    model = MiniXception.from_pretrained()
    assert model.labels == EMOTIONS
    assert not model.training
    ramp = np.tile(np.linspace(0, 255, 48).astype(np.uint8), (48, 1))
    with torch.inference_mode():
        logits = model(model.preprocess([ramp, ramp.T]))
    torch.testing.assert_close(logits, torch.tensor(GOLDEN_LOGITS), atol=2e-3, rtol=0)


GOLDEN_LOGITS = [
    [2.0314, -2.5564, 0.6345, 1.4976, 0.6738, 0.5967, 2.1609],
    [1.6487, -0.2865, 0.7720, 0.6378, 0.7677, 1.5303, 2.0556],
]


def test_gradients_with_two_threads_do_not_crash():
    """oneDNN's weight gradient of a strided convolution with few channels would hang or crash this process."""
    script = """
        import torch
        from mini_xception.network.model import StridedConv2d

        torch.set_num_threads(2)
        for channels in (4, 8):
            conv = StridedConv2d(channels, 2 * channels, kernel_size=1, stride=2)
            faces = torch.rand(64, channels, 44, 44).to(memory_format=torch.channels_last)
            for _ in range(60):
                conv.zero_grad()
                conv(faces).sum().backward()
            expected = faces[..., ::2, ::2].sum(dim=(0, 2, 3)).expand(2 * channels, channels)
            torch.testing.assert_close(conv.weight.grad[..., 0, 0], expected, rtol=1e-4, atol=0)
    """
    subprocess.run([sys.executable, "-c", dedent(script)], check=True, timeout=60)


def test_strided_convolution_is_equal_with_and_without_gradients():
    conv = StridedConv2d(8, 16, kernel_size=1, stride=2)
    faces = torch.rand(3, 8, 11, 11)
    with torch.no_grad():
        expected = conv(faces)
    torch.testing.assert_close(conv(faces), expected)
