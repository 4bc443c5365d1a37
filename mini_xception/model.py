"""mini_Xception: Arriaga, Plöger and Valdenegro, *Real-time Convolutional Neural Networks for Emotion and Gender
Classification*, 2017 (https://arxiv.org/abs/1710.07557), figure 4, as its PyTorch reproduction has it
(https://github.com/thgpddl/mini_Xception), whose layer names and checkpoints fit. Like that one, and unlike the
authors' own Keras code, every convolution has a bias. Softmax is left out: cross-entropy has its own.

The shapes in the comments are (channels × height × width) for a 48×48 input.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.hub import load_checkpoint
from mini_xception.preprocess import MTCNN_TO_FER2013, Framing, normalise

#: Side in pixels of the smallest input of which the base's two 3×3 convolutions leave something.
SMALLEST_SIDE = 5


class SeparableConv2d(nn.Module):
    """A 3×3 convolution in two steps: each channel by itself, then across channels (Chollet 2017)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.depth_conv = nn.Conv2d(in_channels, in_channels, kernel_size=3, padding=1, groups=in_channels)
        self.point_conv = nn.Conv2d(in_channels, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.point_conv(self.depth_conv(x))


class ResidualBlock(nn.Module):
    """Two separable convolutions and a pooling, plus a strided 1×1 convolution as the shortcut.

    Halves the side, rounding up.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.left = nn.Sequential(
            SeparableConv2d(in_channels, out_channels),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            SeparableConv2d(out_channels, out_channels),
            nn.BatchNorm2d(out_channels),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.right = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=2),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.left(x) + self.right(x)


class MiniXception(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="mini_xception",
    pipeline_tag="image-classification",
    license="mit",
    tags=["facial-expression-recognition", "fer2013"],
):
    """The network and everything about its input that its weights depend on.

    Every argument is stored in ``config.json`` and travels with the weights.

    Args:
        labels: names of the classes, in the order of the logits.
        image_size: side of the square input in pixels.
        mean: subtracted from grey pixels in [0, 1].
        std: divides what remains.
        framing: how a detector's box maps onto the square that the network was trained on.
        temperature: divides the logits before softmax where probabilities are wanted, see Guo et al. 2017; the logits
            are left as they are.

    Raises:
        MiniXceptionError: an argument has no meaning.
    """

    def __init__(
        self,
        labels: Sequence[str] = EMOTIONS,
        image_size: int = 48,
        mean: float = 0.0,
        std: float = 1.0,
        framing: Framing | dict[str, float] = MTCNN_TO_FER2013,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        if isinstance(labels, str) or len(set(labels)) < len(labels) or not all(isinstance(x, str) for x in labels):
            raise MiniXceptionError(f"labels must be different names, not {labels!r}")
        if not isinstance(image_size, int) or image_size < SMALLEST_SIDE:
            raise MiniXceptionError(f"image_size must be a whole number from {SMALLEST_SIDE} on, not {image_size!r}")
        if not (isinstance(mean, float | int) and isinstance(std, float | int) and std > 0):
            raise MiniXceptionError(f"mean and std must be numbers and std above 0, not {mean!r} and {std!r}")
        if not isinstance(temperature, float | int) or not 0 < temperature < math.inf:
            raise MiniXceptionError(f"temperature must be a number above 0, not {temperature!r}")
        self.labels = tuple(labels)
        self.image_size = image_size
        self.mean = mean
        self.std = std
        self.framing = framing if isinstance(framing, Framing) else Framing(**framing)
        self.temperature = temperature

        self.base = nn.Sequential(
            nn.Conv2d(1, 8, kernel_size=3),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, kernel_size=3),
            nn.BatchNorm2d(8),
            nn.ReLU(),
        )
        self.module1 = ResidualBlock(8, 16)
        self.module2 = ResidualBlock(16, 32)
        self.module3 = ResidualBlock(32, 64)
        self.module4 = ResidualBlock(64, 128)
        self.conv = nn.Conv2d(128, len(self.labels), kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (N, labels), of normalised grey faces, float, (N, 1, S, S); see :meth:`preprocess`."""
        x = self.base(x)  # 8×44×44
        x = self.module1(x)  # 16×22×22
        x = self.module2(x)  # 32×11×11
        x = self.module3(x)  # 64×6×6
        x = self.module4(x)  # 128×3×3
        x = self.conv(x)  # 7×3×3
        return x.mean(dim=(-2, -1))  # global average pooling: 7 logits

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.conv.weight.device

    def preprocess(self, crops: Sequence[np.ndarray] | np.ndarray) -> Tensor:
        """Network input from N uint8 face crops of any size, grey or RGB: float32, (N, 1, S, S), on the model's device.

        Raises:
            MiniXceptionError: a crop is not a uint8 picture.
        """
        return torch.from_numpy(normalise(crops, self.image_size, self.mean, self.std)).to(self.device)

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        name: str | os.PathLike[str] | None = None,
        *,
        device: str | torch.device | None = None,
        **download: Any,
    ) -> MiniXception:
        """Load a checkpoint, strictly, ready for inference.

        Args:
            name: a checkpoint folder, a Hub repository ``"user/repo"``, or None for the bundled weights.
            device: a torch device; "auto" is CUDA, else MPS, else the CPU; None is torch's default device.
            download: revision, cache_dir, token, local_files_only, force_download of ``hf_hub_download``.

        Raises:
            MiniXceptionError: a file or tensor is missing, damaged, or another network's.
        """
        target, shown = resolve_device(device), name or "the bundled weights"
        with torch.device("cpu"):
            config, tensors = load_checkpoint(name, **download)
            try:
                model = cls(**config)
            except (TypeError, MiniXceptionError) as error:
                raise MiniXceptionError(f"{shown}: config.json is damaged or another model's ({error})") from error
            try:
                model.load_state_dict(tensors, strict=True)
            except RuntimeError as error:
                reason = " ".join(str(error).split())
                raise MiniXceptionError(f"{shown}: the weights do not fit: {reason}") from error
        return model.to(target).eval()


def resolve_device(device: str | torch.device | None) -> torch.device:
    """A torch device from its name; "auto" is CUDA, else MPS, else the CPU; None is torch's default device.

    Raises:
        MiniXceptionError: no device has this name, or this machine has none such.
    """
    if device is None:
        return torch.empty(0).device
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    except (RuntimeError, AssertionError) as error:
        raise MiniXceptionError(f"device {str(device)!r} cannot be used here: {str(error).splitlines()[0]}") from error
    return resolved
