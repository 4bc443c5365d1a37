"""mini_Xception (Arriaga, Plöger and Valdenegro, *Real-time Convolutional Neural Networks for Emotion and Gender
Classification*, 2017, https://arxiv.org/abs/1710.07557), figure 4.

Layer names follow the PyTorch reproduction (https://github.com/thgpddl/mini_Xception), so its checkpoints can be
loaded. The softmax is omitted, because cross-entropy includes it. The authors' Keras code differs in three arguments:
``bias``, ``padding`` and ``norm_epsilon``. Shapes in comments are (channels × height × width) for a 48×48 input
that is not upsampled, and seven labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mini_xception.faces import EMOTIONS
from mini_xception.network.config import ModelConfig
from mini_xception.network.preprocess import MTCNN_TO_FER2013, Framing, normalise
from mini_xception.network.pretrained import Pretrained


class SeparableConv2d(nn.Module):
    """A 3×3 convolution within each channel, then a 1×1 convolution across channels (Chollet 2017)."""

    def __init__(self, in_channels: int, out_channels: int, bias: bool) -> None:
        super().__init__()
        self.depth_conv = nn.Conv2d(in_channels, in_channels, kernel_size=3, padding=1, groups=in_channels, bias=bias)
        self.point_conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.point_conv(self.depth_conv(x))


class TensorFlowMaxPool2d(nn.Module):
    """TensorFlow's 3×3 max pooling with stride 2 and ``same`` padding: even sides are padded only at the end."""

    def forward(self, x: Tensor) -> Tensor:
        odd = (int(x.shape[-2]) % 2, int(x.shape[-1]) % 2)  # integers, also during export
        return functional.max_pool2d(x, kernel_size=3, stride=2, padding=odd, ceil_mode=True)


class StridedConv2d(nn.Conv2d):
    """A strided 1×1 convolution.

    In training, the input is subsampled first and then convolved without a stride. This avoids a crash: with fewer than
    16 channels in channels_last format, oneDNN's weight gradient writes past its workspace
    (https://github.com/uxlfoundation/oneDNN/issues/6035).
    """

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return super().forward(x)
        return functional.conv2d(functional.avg_pool2d(x, 1, self.stride), self.weight, self.bias)


class ResidualBlock(nn.Module):
    """Two separable convolutions and a max pooling, plus a strided 1×1 convolution of the same input. Halves the sides,
    rounding up.
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool, padding: str) -> None:
        super().__init__()
        self.left = nn.Sequential(
            SeparableConv2d(in_channels, out_channels, bias),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            SeparableConv2d(out_channels, out_channels, bias),
            nn.BatchNorm2d(out_channels),
            TensorFlowMaxPool2d() if padding == "tensorflow" else nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.right = nn.Sequential(
            StridedConv2d(in_channels, out_channels, kernel_size=1, stride=2, bias=bias),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.left(x) + self.right(x)


class MiniXception(nn.Module, Pretrained):
    """The mini_Xception network, with the preprocessing settings that its weights depend on.

    All arguments are stored with the weights, in ``config.json``.

    Args:
        labels: names of the classes, in the order of the logits.
        image_size: side of the square input in pixels, at least SMALLEST_SIDE.
        mean: subtracted from grey values in [0, 1].
        std: divides the grey values after the subtraction.
        framing: how a detector's box maps to the square crop that the network was trained on.
        padding: padding of the max poolings, "symmetric" or "tensorflow".
        bias: whether the convolutions before batch norm have a bias; the last convolution always has one.
        norm_epsilon: added to the variance in batch norm.
        temperature: divides the logits before softmax, to calibrate the probabilities (Guo et al. 2017).
        metrics: scores of these weights, JSON-ready, shown in model cards. "dataset" and "split" are names; "accuracy",
            "macro_f1" and other scores are numbers from 0 to 1.
        upsample_to: side to which the network enlarges its input, by bilinear interpolation, before the first
            convolution; at least image_size. With None, the input keeps its size.

    Attributes:
        provenance: ``recipe``, the command that created the weights, and ``commit``, the version of the code.

    Raises:
        MiniXceptionError: an argument is invalid.
    """

    def __init__(
        self,
        labels: Sequence[str] = EMOTIONS,
        image_size: int = 48,
        mean: float = 0.0,
        std: float = 1.0,
        framing: Framing | dict[str, float] = MTCNN_TO_FER2013,
        padding: str = "symmetric",
        bias: bool = True,
        norm_epsilon: float = 1e-5,
        temperature: float = 1.0,
        metrics: dict[str, Any] | None = None,
        upsample_to: int | None = None,
    ) -> None:
        super().__init__()
        framing = framing if isinstance(framing, Framing) else Framing(**framing)
        ModelConfig(
            labels, image_size, mean, std, framing, padding, bias, norm_epsilon, temperature, metrics, upsample_to
        )
        self.labels = tuple(labels)
        self.image_size = image_size
        self.mean = mean
        self.std = std
        self.framing = framing
        self.padding = padding
        self.bias = bias
        self.norm_epsilon = norm_epsilon
        self.temperature = temperature
        self.metrics = metrics
        self.upsample_to = upsample_to
        self.provenance: dict[str, str] = {}

        self.base = nn.Sequential(
            nn.Conv2d(1, 8, kernel_size=3, bias=bias),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, kernel_size=3, bias=bias),
            nn.BatchNorm2d(8),
            nn.ReLU(),
        )
        self.module1 = ResidualBlock(8, 16, bias, padding)
        self.module2 = ResidualBlock(16, 32, bias, padding)
        self.module3 = ResidualBlock(32, 64, bias, padding)
        self.module4 = ResidualBlock(64, 128, bias, padding)
        self.conv = nn.Conv2d(128, len(self.labels), kernel_size=3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = norm_epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits, (N, labels), from the output of :meth:`preprocess`, float, (N, 1, S, S)."""
        x = self.features(x)  # 128×3×3
        x = self.conv(x)  # 7×3×3
        return x.mean(dim=(-2, -1))  # global average pooling: 7 logits

    def features(self, x: Tensor) -> Tensor:
        """Compute the input of the last convolution, (N, 128, rows, columns)."""
        if self.upsample_to is not None:
            x = functional.interpolate(x, size=(self.upsample_to, self.upsample_to), mode="bilinear")
        x = self.base(x)  # 8×44×44
        x = self.module1(x)  # 16×22×22
        x = self.module2(x)  # 32×11×11
        x = self.module3(x)  # 64×6×6
        return self.module4(x)  # 128×3×3

    def evidence(self, x: Tensor) -> Tensor:
        """Divide the logits among the cells of the features, from the input of :meth:`forward`.

        The last convolution and the average pooling are linear, so each cell of the features adds a share to each
        logit. In the output of the last convolution, a cell would hold shares of its neighbours, too.

        Returns:
            One map per class, (N, labels, rows, columns). The mean of a class's map is its logit.
        """
        x = self.features(x).unsqueeze(1)  # 1×128×3×3
        x = (x * self.shares(x)).sum(dim=2)  # 7×3×3
        return x + self.conv.get_parameter("bias")[:, None, None]

    def shares(self, features: Tensor) -> Tensor:
        """Compute what each feature adds to the sum of each class's map, (labels, 128, rows, columns)."""
        # The transposed convolution of ones sums the weights with which a cell enters the output.
        ones = features.new_ones(1, len(self.labels), *features.shape[-2:])
        shares = functional.conv_transpose2d(ones, self.conv.weight, padding=1, groups=len(self.labels))
        return shares.unflatten(1, (len(self.labels), -1))[0]

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.conv.weight.device

    def preprocess(self, crops: Sequence[np.ndarray] | np.ndarray) -> Tensor:
        """Convert N uint8 face crops, grey or RGB, of any size, to network input, (N, 1, S, S), on the model's device.

        Raises:
            MiniXceptionError: a crop is not a uint8 image.
        """
        return torch.from_numpy(normalise(crops, self.image_size, self.mean, self.std)).to(self.conv.weight)

    @property
    def settings(self) -> ModelConfig:
        """The constructor's arguments."""
        return ModelConfig(**{field.name: getattr(self, field.name) for field in fields(ModelConfig)})

    @property
    def config(self) -> dict[str, Any]:
        """The constructor's arguments, JSON-ready, as stored in ``config.json``."""
        return self.settings.to_json()
