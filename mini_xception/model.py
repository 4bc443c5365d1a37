"""mini_Xception: Arriaga, Plöger and Valdenegro, *Real-time Convolutional Neural Networks for Emotion and Gender
Classification*, 2017 (https://arxiv.org/abs/1710.07557), figure 4, as its PyTorch reproduction has it
(https://github.com/thgpddl/mini_Xception), whose layer names and checkpoints fit, without softmax, which cross-entropy
has. What the authors' Keras code does otherwise is in three arguments: ``bias``, ``padding`` and ``norm_epsilon``.
The shapes in the comments are (channels × height × width) for a 48×48 input.
"""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn import functional

from mini_xception.devices import resolve_device
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.hub import Checkpoint, load_checkpoint, save_checkpoint
from mini_xception.preprocess import MTCNN_TO_FER2013, Framing, normalise

#: Side in pixels of the smallest input of which the base's two 3×3 convolutions leave something.
SMALLEST_SIDE = 5
PADDINGS = ("symmetric", "tensorflow")


class SeparableConv2d(nn.Module):
    """A 3×3 convolution in two steps: each channel by itself, then across channels (Chollet 2017)."""

    def __init__(self, in_channels: int, out_channels: int, bias: bool) -> None:
        super().__init__()
        self.depth_conv = nn.Conv2d(in_channels, in_channels, kernel_size=3, padding=1, groups=in_channels, bias=bias)
        self.point_conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.point_conv(self.depth_conv(x))


class TensorFlowMaxPool2d(nn.Module):
    """TensorFlow's 3×3, stride 2, ``same`` pooling: an even side is padded by one after it and none before."""

    def forward(self, x: Tensor) -> Tensor:
        odd = (int(x.shape[-2]) % 2, int(x.shape[-1]) % 2)  # numbers, also while the network is exported
        return functional.max_pool2d(x, kernel_size=3, stride=2, padding=odd, ceil_mode=True)


class StridedConv2d(nn.Conv2d):
    """A strided 1×1 convolution. Where it may have a gradient, what the stride leaves is picked first: for less than 16
    channels in channels_last, oneDNN's weight gradient writes past its workspace and ends in a crash
    (https://github.com/uxlfoundation/oneDNN/issues/6035)."""

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return super().forward(x)
        return functional.conv2d(functional.avg_pool2d(x, 1, self.stride), self.weight, self.bias)


class ResidualBlock(nn.Module):
    """Two separable convolutions and a pooling, plus a strided 1×1 convolution; halves the side, rounding up."""

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


class MiniXception(nn.Module, PyTorchModelHubMixin):  # whose methods are replaced by strict ones
    """The network and everything about its input that its weights depend on.

    Every argument is stored in ``config.json`` and travels with the weights.

    Args:
        labels: names of the classes, in the order of the logits.
        image_size: side of the square input in pixels.
        mean: subtracted from grey pixels in [0, 1].
        std: divides what remains.
        framing: how a detector's box maps onto the square that the network was trained on.
        padding: of the max poolings, "symmetric" or "tensorflow".
        bias: whether the convolutions before batch norm have one; the last convolution always has.
        norm_epsilon: added to batch norm's variances.
        temperature: divides the logits before softmax, where probabilities are wanted (Guo et al. 2017).
        metrics: what was measured with these weights, ready for JSON: "dataset" and "split" are names, "accuracy",
            "macro_f1" and others fractions of 1; for people and model cards alone.

    Attributes:
        provenance: ``recipe``, the command that made the weights, and ``commit``, the code's; in the weights file.

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
        padding: str = "symmetric",
        bias: bool = True,
        norm_epsilon: float = 1e-5,
        temperature: float = 1.0,
        metrics: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        named = not isinstance(labels, str | dict) and all(isinstance(x, str) for x in labels)
        if not named or not 0 < len(labels) == len(set(labels)):
            raise MiniXceptionError(f"labels must be different names, not {labels!r}")
        if not isinstance(image_size, int) or image_size < SMALLEST_SIDE:
            raise MiniXceptionError(f"image_size must be a whole number from {SMALLEST_SIDE} on, not {image_size!r}")
        if not (isinstance(mean, float | int) and isinstance(std, float | int) and abs(mean) < math.inf > std > 0):
            raise MiniXceptionError(f"mean and std must be numbers and std above 0, not {mean!r} and {std!r}")
        if padding not in PADDINGS or not isinstance(bias, bool):
            raise MiniXceptionError(
                f"padding is one of {PADDINGS} and bias true or false, not {padding!r} and {bias!r}"
            )
        for number in (norm_epsilon, temperature):
            if not isinstance(number, float | int) or not 0 < number < math.inf:
                raise MiniXceptionError(f"norm_epsilon and temperature must be numbers above 0, not {number!r}")
        if not isinstance(metrics, dict | None):
            raise MiniXceptionError(f"metrics must be a dictionary, not {metrics!r}")
        self.labels = tuple(labels)
        self.image_size = image_size
        self.mean = mean
        self.std = std
        self.framing = framing if isinstance(framing, Framing) else Framing(**framing)
        self.padding = padding
        self.bias = bias
        self.norm_epsilon = norm_epsilon
        self.temperature = temperature
        self.metrics = metrics
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
        """Network input from N uint8 face crops of any size, grey or RGB: (N, 1, S, S), on the model's device.

        Raises:
            MiniXceptionError: a crop is not a uint8 picture.
        """
        return torch.from_numpy(normalise(crops, self.image_size, self.mean, self.std)).to(self.conv.weight)

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        name: str | os.PathLike[str] | None = None,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype = torch.float32,
        labels: Sequence[str] | None = None,
        num_classes: int | None = None,
        ignore_mismatched_head: bool = False,
        **download: Any,
    ) -> MiniXception:
        """Load a checkpoint, strictly, ready for inference.

        Args:
            name: a checkpoint folder, a Hub repository ``"user/repo"``, or None for the bundled weights.
            device: a torch device; "auto" is CUDA, else MPS, else the CPU; None is torch's default device.
            dtype: of weights and input.
            labels: the classes to train it for next; None is the checkpoint's.
            num_classes: the same, where only their number is known; they are called "0", "1", ….
            ignore_mismatched_head: where the classes are not the checkpoint's, give the network a new last layer with
                random weights instead of refusing.
            download: revision, cache_dir, token, local_files_only, force_download of :func:`hub.load_checkpoint`.

        Raises:
            MiniXceptionError: a file or tensor is missing, damaged, or another network's.
        """
        target, checkpoint = resolve_device(device), load_checkpoint(name, **download)
        try:
            with torch.device("cpu"):
                model = _assemble(checkpoint, labels, num_classes, ignore_mismatched_head)
        except MiniXceptionError as error:
            raise MiniXceptionError(f"{name or 'the bundled weights'}: {error}") from error
        return model.to(target, dtype).eval()

    @property
    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as ``config.json`` has them."""
        values = {name: getattr(self, name) for name in ARGUMENTS}
        return values | {"labels": list(self.labels), "framing": vars(self.framing)}

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:  # type: ignore[override]
        """Make a checkpoint folder, ``config.json`` and ``model.safetensors``; equal models are equal files.

        Raises:
            OSError: the folder cannot be written.
        """
        save_checkpoint(Path(folder), Checkpoint(self.config, self.state_dict(), self.provenance))

    def push_to_hub(self, repo: str, **options: Any) -> str:  # type: ignore[override]
        """Publish the model on the Hub, with a model card, in one commit.

        Args:
            repo: "user/repo".
            options: private, revision, tag, create_pr, token of :func:`publish.push_folder`.

        Returns:
            The address of the commit, or of the pull request.

        Raises:
            MiniXceptionError: the Hub refuses or cannot be reached.
        """
        from mini_xception.publish import push_folder

        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return push_folder(folder, repo, **options)


#: What ``config.json`` may hold, and what it must: without these the pixels would be guessed.
ARGUMENTS = frozenset(inspect.signature(MiniXception).parameters)
REQUIRED = frozenset({"labels", "image_size", "mean", "std", "framing"})


def _assemble(
    checkpoint: Checkpoint, labels: Sequence[str] | None, num_classes: int | None, ignore_mismatched_head: bool
) -> MiniXception:
    config, tensors = checkpoint.config, checkpoint.tensors
    unknown, missing = sorted(set(config) - ARGUMENTS), sorted(REQUIRED - set(config))
    if unknown or missing:
        what = f"unknown: {', '.join(unknown) or 'nothing'}; missing: {', '.join(missing) or 'nothing'}"
        raise MiniXceptionError(f"config.json is another model's, or a newer mini_xception's ({what})")
    try:
        model = MiniXception(**config)
    except (TypeError, MiniXceptionError) as error:
        raise MiniXceptionError(f"config.json is damaged or another model's ({error})") from error

    if labels is None and num_classes not in (None, len(model.labels)):
        labels = [str(i) for i in range(num_classes)]
    if labels is not None and tuple(labels) != model.labels:
        if not ignore_mismatched_head:
            raise MiniXceptionError(
                f"its classes are {', '.join(model.labels)}, not {', '.join(labels)}; ignore_mismatched_head=True "
                "gives it a new last layer for them, with random weights, to be trained"
            )
        model = MiniXception(**model.config | {"labels": labels, "temperature": 1.0, "metrics": None})
        checkpoint = replace(checkpoint, provenance={})  # It is not what that command made any more.
        tensors = tensors | {f"conv.{name}": tensor for name, tensor in model.conv.state_dict().items()}
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise MiniXceptionError(f"model.safetensors does not fit config.json: {reason}") from error
    model.provenance = checkpoint.provenance
    return model
