"""MTCNN's three networks, fully convolutional, with the weights of the installed facenet-pytorch.

Each maps RGB pixels in 0–255, float32, (N, 3, H, W), to (N, 6, h, w): the logits of "no face" and "face", and how far
off the box's corners are (x1, y1, x2, y2, as fractions of its sides).
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

from mini_xception.engines import Engine, OnnxEngine, TorchEngine, is_installed, to_onnx
from mini_xception.errors import MiniXceptionError

#: Side in pixels of what each network looks at.
SIDES: dict[str, int] = {"pnet": 12, "rnet": 24, "onet": 48}
#: Layer → side of the max pooling behind it, of stride 2, which keeps what is left over at the edge.
POOLINGS: dict[str, dict[int, int]] = {"pnet": {1: 2}, "rnet": {1: 3, 2: 3}, "onet": {1: 3, 2: 3, 3: 2}}
#: ONNX Runtime's fast layout (NCHWc) holds channels in blocks of this many.
BLOCK = 16


class Layer(NamedTuple):
    """A convolution, the slopes of the PReLU behind it, and the side of the pooling behind that."""

    weight: Tensor
    bias: Tensor
    slopes: Tensor
    pooling: int | None


def load_network(name: str, device: str) -> Engine:
    """``pnet``, ``rnet`` or ``onet``: on a CPU in ONNX Runtime where that is installed, else in PyTorch.

    Raises:
        MiniXceptionError: the weight file is not where facenet-pytorch has it.
    """
    layers, head = _read_layers(name)
    if torch.device(device).type != "cpu" or not is_installed("onnx"):
        return TorchEngine(_network(layers, head, _prelu).to(device))
    return OnnxEngine(_graph(name, _network([_in_blocks(layer) for layer in layers], head, BlockedPReLU)))


def web_graph(name: str) -> bytes:
    """``pnet``, ``rnet`` or ``onet`` as an ONNX file for ONNX Runtime Web; needs onnx.

    Its WebAssembly has no fast layout, so that blocks would cost time there: pnet's pyramid of 640×480 pixels takes
    11 ms with them and 8 ms without.

    Raises:
        MiniXceptionError: as :func:`load_network`.
    """
    return _graph(name, _network(*_read_layers(name), _prelu))


def _graph(name: str, network: nn.Module) -> bytes:
    return to_onnx(network, torch.zeros(1, 3, SIDES[name], SIDES[name]), free_sides=name == "pnet")


def _read_layers(name: str) -> tuple[list[Layer], nn.Conv2d]:
    spec = find_spec("facenet_pytorch")  # Importing it would import torchvision, which takes longer than a photo.
    if spec is None or spec.origin is None:
        raise MiniXceptionError("facenet-pytorch, whose weights the detector uses, is not installed")
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
        # A dense layer on (width, height, channels) is a convolution over the whole of its input.
        channels = len(layers[-1].bias)
        side = math.isqrt(values.shape[1] // channels)
        return values.reshape(-1, side, side, channels).permute(0, 3, 2, 1)

    keys = [key.removesuffix(".weight") for key in state if key.endswith(".weight")]
    for number, key in enumerate(
        (key for key in keys if key.startswith(("conv", "dense")) and "_" not in key), start=1
    ):
        slopes = state[f"prelu{number}.weight"]
        layers.append(Layer(weight(key), state[f"{key}.bias"], slopes, POOLINGS[name].get(number)))
    # Trained on pixels in [−1, 1]: (pixel − 127.5) / 128 becomes part of the first convolution.
    first = layers[0]
    bias = first.bias - first.weight.sum(dim=(1, 2, 3)) * 127.5 / 128
    layers[0] = first._replace(weight=first.weight / 128, bias=bias)
    # The two heads as one; onet's third, which gives landmarks, is left out.
    heads = [key for key in keys if key.endswith(("_1", "_2"))]
    head = _convolution(torch.cat([weight(key) for key in heads]), torch.cat([state[f"{key}.bias"] for key in heads]))
    return layers, head


def _network(layers: list[Layer], head: nn.Conv2d, prelu: Callable[[Tensor], nn.Module]) -> nn.Sequential:
    network = nn.Sequential()
    for weight, bias, slopes, pooling in layers:
        network.append(_convolution(weight, bias)).append(prelu(slopes))
        if pooling:
            network.append(nn.MaxPool2d(pooling, stride=2, ceil_mode=True))
    return network.append(head).eval()


def _convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    convolution = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2])
    convolution.load_state_dict({"weight": weight, "bias": bias})
    return convolution


def _prelu(slopes: Tensor) -> nn.PReLU:
    prelu = nn.PReLU(len(slopes))
    prelu.load_state_dict({"weight": slopes})
    return prelu


class BlockedPReLU(nn.Module):
    """PReLU as slope·x + (1 − slope)·relu(x), each product a convolution of single channels.

    ONNX Runtime has these in its fast layout and PRelu not, so that pnet takes half the time.
    """

    def __init__(self, slopes: Tensor) -> None:
        super().__init__()
        channels = len(slopes)
        self.all, self.positive = (nn.Conv2d(channels, channels, 1, groups=channels, bias=False) for _ in range(2))
        self.all.load_state_dict({"weight": slopes.reshape(-1, 1, 1, 1)})
        self.positive.load_state_dict({"weight": 1 - slopes.reshape(-1, 1, 1, 1)})
        self.factors_are_positive = bool((slopes <= 1).all())

    def forward(self, x: Tensor) -> Tensor:
        # A relu behind the product becomes part of it, but may stand there only if the factor keeps the sign.
        if self.factors_are_positive:
            return self.all(x) + torch.relu(self.positive(x))
        return self.all(x) + self.positive(torch.relu(x))


def _in_blocks(layer: Layer) -> Layer:
    """The layer with its output channels, and so the next one's input, filled up with zeros to whole blocks."""
    weight, bias, slopes, pooling = layer
    missing = -len(bias) % BLOCK
    in_missing = -weight.shape[1] % BLOCK if weight.shape[1] > 3 else 0
    return Layer(
        pad(weight, (0, 0, 0, 0, 0, in_missing, 0, missing)),
        pad(bias, (0, missing)),
        pad(slopes, (0, missing)),
        pooling,
    )
