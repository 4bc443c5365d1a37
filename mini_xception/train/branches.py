"""Second paths beside the depthwise convolutions, for training alone: Ding et al. 2021 (https://arxiv.org/abs/2101.03697)
and, for depthwise convolutions, Vasu et al. 2023 (https://arxiv.org/abs/2206.04040). What is linear between two ReLUs
trains better as a sum of normalised paths, and folds into one convolution afterwards: the network that is saved is
mini_Xception, with its 58,047 parameters.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from mini_xception.model import MiniXception, SeparableConv2d


class BranchedConv2d(nn.Module):
    """A depthwise 3×3 convolution with batch norm, plus the input itself with batch norm.

    Args:
        conv: the convolution, with a bias; its weights are the first path's.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm2d(conv.out_channels)
        self.identity = nn.BatchNorm2d(conv.in_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x)) + self.identity(x)

    @torch.no_grad()
    def folded(self) -> nn.Conv2d:
        """One convolution that does the same with the statistics that the norms have gathered."""
        scale, shift = _affine(self.norm)
        identity_scale, identity_shift = _affine(self.identity)
        conv = copy.deepcopy(self.conv)
        assert conv.bias is not None
        conv.weight.mul_(scale.view(-1, 1, 1, 1))
        conv.weight[:, 0, 1, 1] += identity_scale  # the middle tap, which looks at the pixel itself
        conv.bias.copy_(conv.bias * scale + shift + identity_shift)
        return conv


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """What batch norm multiplies by and adds when it does not train."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale, norm.bias - norm.running_mean * scale


def add_branches(model: MiniXception) -> None:
    """Give a network with random weights its second paths, in place."""
    for module in model.modules():
        if isinstance(module, SeparableConv2d):
            module.depth_conv = BranchedConv2d(module.depth_conv)  # type: ignore[assignment]


def fold_branches(model: MiniXception) -> MiniXception:
    """A copy without second paths, which says the same as the model in evaluation mode, but for rounding."""
    model = copy.deepcopy(model)
    for module in model.modules():
        if isinstance(module, SeparableConv2d) and isinstance(module.depth_conv, BranchedConv2d):
            module.depth_conv = module.depth_conv.folded()
    return model
