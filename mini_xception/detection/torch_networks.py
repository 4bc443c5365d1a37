"""MTCNN's three networks in PyTorch, with facenet-pytorch's weights. They run on CUDA or are exported to ONNX files.

Each maps RGB pixels in 0–255, float32, (N, 3, H, W), to (N, 6, h, w): the logits of "no face" and "face", and the
offsets of the box's corners (x1, y1, x2, y2) as fractions of its sides. onet adds ten channels, (N, 16, 1, 1): x of the
five landmarks, then y, as fractions of the box's sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from mini_xception.detection.networks import SIDES
from mini_xception.errors import MiniXceptionError
from mini_xception.network.devices import initial_torch_defaults
from mini_xception.network.graph import to_onnx
from mini_xception.network.torch_engine import TorchEngine

#: Network → layer → window side of the max pooling after that layer. The stride is 2, and output sides are rounded up.
POOLINGS: dict[str, dict[int, int]] = {"pnet": {1: 2}, "rnet": {1: 3, 2: 3}, "onet": {1: 3, 2: 3, 3: 2}}
#: Channels in a block of ONNX Runtime's fast layout (NCHWc).
BLOCK = 16


class Layer(NamedTuple):
    """A convolution, the slopes of the PReLU that follows, and the window side of the max pooling after the PReLU."""

    weight: Tensor
    bias: Tensor
    slopes: Tensor
    pooling: int | None


@initial_torch_defaults()
def load_torch_network(name: str, device: str) -> TorchEngine:
    """Load "pnet", "rnet" or "onet" in PyTorch.

    Raises:
        MiniXceptionError: facenet-pytorch's weights are missing.
    """
    return TorchEngine(_network(*_read_layers(name), _modules).to(device))


@initial_torch_defaults()
def native_graph(name: str) -> bytes:
    """Export a network for native ONNX Runtime, with channels padded to multiples of BLOCK for its fast layout.

    Raises:
        MiniXceptionError: facenet-pytorch's weights are missing.
    """
    return _graph(name, _network(*_read_layers(name), _modules_in_blocks))


@initial_torch_defaults()
def web_graph(name: str) -> bytes:
    """Export a network for ONNX Runtime Web, which lacks the fast layout. The channels are not padded.

    In ONNX Runtime Web, padded channels would only cost time: on the pyramid of a 640×480 image, pnet takes 11 ms with
    them and 8 ms without.

    Raises:
        MiniXceptionError: facenet-pytorch's weights are missing.
    """
    return _graph(name, _network(*_read_layers(name), _modules))


def _graph(name: str, network: nn.Module) -> bytes:
    return to_onnx(network, torch.zeros(1, 3, SIDES[name], SIDES[name]), free_sides=name == "pnet")


def _read_layers(name: str) -> tuple[list[Layer], nn.Conv2d]:
    spec = find_spec("facenet_pytorch")  # Importing the package would import torchvision, which is slow.
    if spec is None or spec.origin is None:
        raise MiniXceptionError("facenet-pytorch is not installed; pip install 'facenet-pytorch<2.6'")
    path = Path(spec.origin).parent / "data" / f"{name}.pt"
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise MiniXceptionError(f"{path}: cannot be read ({error.strerror}); reinstall facenet-pytorch") from error

    layers: list[Layer] = []

    def weight(key: str) -> Tensor:
        values = state[f"{key}.weight"]
        if values.ndim == 4:
            return values
        # A dense layer on (width, height, channels) is a convolution over its whole input.
        channels = len(layers[-1].bias)
        side = math.isqrt(values.shape[1] // channels)
        return values.reshape(-1, side, side, channels).permute(0, 3, 2, 1)

    keys = [key.removesuffix(".weight") for key in state if key.endswith(".weight")]
    for number, key in enumerate(
        (key for key in keys if key.startswith(("conv", "dense")) and "_" not in key), start=1
    ):
        slopes = state[f"prelu{number}.weight"]
        layers.append(Layer(weight(key), state[f"{key}.bias"], slopes, POOLINGS[name].get(number)))
    # The networks expect pixels in [−1, 1]: fold (pixel − 127.5) / 128 into the first convolution.
    first = layers[0]
    bias = first.bias - first.weight.sum(dim=(1, 2, 3)) * 127.5 / 128
    layers[0] = first._replace(weight=first.weight / 128, bias=bias)
    # Join the heads: logits, offsets and, in onet, landmarks.
    heads = [key for key in keys if key.endswith(("_1", "_2", "_3"))]
    head = _convolution(torch.cat([weight(key) for key in heads]), torch.cat([state[f"{key}.bias"] for key in heads]))
    return layers, head


def _network(layers: list[Layer], head: nn.Conv2d, modules: Callable[[Layer], list[nn.Module]]) -> nn.Sequential:
    return nn.Sequential(*(module for layer in layers for module in modules(layer)), head).eval()


def _modules(layer: Layer) -> list[nn.Module]:
    prelu = nn.PReLU(len(layer.slopes))
    prelu.load_state_dict({"weight": layer.slopes})
    return [_convolution(layer.weight, layer.bias), prelu, *_pooling(layer)]


def _modules_in_blocks(layer: Layer) -> list[nn.Module]:
    """Build a layer whose output channels, and so the next layer's input channels, fill whole blocks."""
    falls = layer.slopes < 0
    if layer.pooling and len(layer.bias) + int(falls.sum()) <= _whole_blocks(len(layer.bias)):
        falling = layer.slopes[falls]
        weight = torch.cat([layer.weight, layer.weight[falls] * falling.reshape(-1, 1, 1, 1)])
        bias = torch.cat([layer.bias, layer.bias[falls] * falling])
        return [_convolution(*_in_blocks(weight, bias)), *_pooling(layer), PooledPReLU(layer.slopes)]
    slopes = pad(layer.slopes, (0, _whole_blocks(len(layer.slopes)) - len(layer.slopes)))
    return [_convolution(*_in_blocks(layer.weight, layer.bias)), BlockedPReLU(slopes), *_pooling(layer)]


def _pooling(layer: Layer) -> list[nn.Module]:
    return [nn.MaxPool2d(layer.pooling, stride=2, ceil_mode=True)] if layer.pooling else []


def _convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    convolution = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2])
    convolution.load_state_dict({"weight": weight, "bias": bias})
    return convolution


class BlockedPReLU(nn.Module):
    """PReLU as slope·x + (1 − slope)·relu(x). Each product is a depthwise 1×1 convolution.

    ONNX Runtime's fast layout supports such convolutions but not PRelu. With this class instead of ``nn.PReLU``,
    pnet takes half the time.
    """

    def __init__(self, slopes: Tensor) -> None:
        super().__init__()
        channels = len(slopes)
        self.all, self.positive = (nn.Conv2d(channels, channels, 1, groups=channels, bias=False) for _ in range(2))
        self.all.load_state_dict({"weight": slopes.reshape(-1, 1, 1, 1)})
        self.positive.load_state_dict({"weight": 1 - slopes.reshape(-1, 1, 1, 1)})
        self.factors_are_positive = bool((slopes <= 1).all())

    def forward(self, x: Tensor) -> Tensor:
        # ONNX Runtime fuses a relu that follows the product. That order is correct only if no factor is negative.
        if self.factors_are_positive:
            return self.all(x) + torch.relu(self.positive(x))
        return self.all(x) + self.positive(torch.relu(x))


class PooledPReLU(nn.Module):
    """PReLU after a max pooling instead of before it: the same result from a quarter of the values.

    If a channel's slope is 0 or more, PReLU is monotonic, so the order does not matter. If it is negative, PReLU is
    max(x, slope·x). The convolution before the pooling computes slope·x as an extra channel, which is pooled too. This
    module then computes the maximum of the two pooled channels, a and b, as a + relu(b − a).
    """

    def __init__(self, slopes: Tensor) -> None:
        super().__init__()
        channels = _whole_blocks(len(slopes))
        straight, bent = torch.zeros(channels, channels), torch.zeros(channels, channels)
        factors = torch.ones(channels)
        more = len(slopes)
        for i, slope in enumerate(slopes):
            if slope >= 0:
                straight[i, i], bent[i, i], factors[i] = slope, 1, 1 - slope
            else:
                straight[i, i], bent[i, i], bent[i, more] = 1, -1, 1
                more += 1
        self.straight, self.bent = (nn.Conv2d(channels, channels, 1, bias=False) for _ in range(2))
        self.factors = nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
        self.straight.load_state_dict({"weight": straight[..., None, None]})
        self.bent.load_state_dict({"weight": bent[..., None, None]})
        self.factors.load_state_dict({"weight": factors.reshape(-1, 1, 1, 1)})

    def forward(self, x: Tensor) -> Tensor:
        return self.straight(x) + self.factors(torch.relu(self.bent(x)))


def _whole_blocks(channels: int) -> int:
    return channels + -channels % BLOCK


def _in_blocks(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Pad a convolution's output channels with zeros, and also its input channels unless they are colours."""
    channels, in_channels = weight.shape[:2]
    missing = _whole_blocks(channels) - channels
    in_missing = _whole_blocks(in_channels) - in_channels if in_channels > 3 else 0
    return pad(weight, (0, 0, 0, 0, 0, in_missing, 0, missing)), pad(bias, (0, missing))
