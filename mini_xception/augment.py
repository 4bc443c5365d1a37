"""Augmentations: random changes to a batch of faces that leave the expression as it is.

Each is one class, called with a batch and a generator, so that a seed makes it repeatable. All of them work on the
batch at once, per picture, on the device where the batch is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor
from torch.nn import functional


class Augmentation(Protocol):
    """Takes and returns faces: float, (N, 1, H, W), pixels in 0–255."""

    def __call__(self, faces: Tensor, generator: Generator) -> Tensor: ...


def _uniform(n: int, low: float, high: float, faces: Tensor, generator: Generator) -> Tensor:
    return torch.empty(n, device=faces.device).uniform_(low, high, generator=generator)


@dataclass(frozen=True)
class RandomAffine:
    """Mirror, turn, scale and shift each face in one bilinear resampling; what comes from outside is black.

    Attributes:
        flip: probability of the mirror image.
        degrees: largest rotation to either side.
        scale: the size is multiplied by U(1 − scale, 1 + scale).
        shift: the largest shift to each side, as a fraction of the face's side.
    """

    flip: float = 0.5
    degrees: float = 10.0
    scale: float = 0.1
    shift: float = 0.1

    def __call__(self, faces: Tensor, generator: Generator) -> Tensor:
        n = len(faces)
        mirror = torch.where(_uniform(n, 0, 1, faces, generator) < self.flip, -1.0, 1.0)
        angle = _uniform(n, -self.degrees, self.degrees, faces, generator) * (math.pi / 180)
        zoom = 1 / _uniform(n, 1 - self.scale, 1 + self.scale, faces, generator)
        # affine_grid's coordinates span 2 over the side.
        shift_x = 2 * _uniform(n, -self.shift, self.shift, faces, generator)
        shift_y = 2 * _uniform(n, -self.shift, self.shift, faces, generator)
        cos, sin = zoom * angle.cos(), zoom * angle.sin()
        theta = torch.stack([cos * mirror, -sin, shift_x, sin * mirror, cos, shift_y], dim=1).view(n, 2, 3)
        grid = functional.affine_grid(theta, list(faces.shape), align_corners=False)
        return functional.grid_sample(faces, grid, align_corners=False)


@dataclass(frozen=True)
class RandomBrightnessContrast:
    """Multiply each face's brightness by U(1 ± brightness) and its contrast about its mean by U(1 ± contrast)."""

    brightness: float = 0.2
    contrast: float = 0.2

    def __call__(self, faces: Tensor, generator: Generator) -> Tensor:
        n = len(faces)
        brightness = _uniform(n, 1 - self.brightness, 1 + self.brightness, faces, generator).view(n, 1, 1, 1)
        contrast = _uniform(n, 1 - self.contrast, 1 + self.contrast, faces, generator).view(n, 1, 1, 1)
        mean = faces.mean(dim=(1, 2, 3), keepdim=True)
        return (((faces - mean) * contrast + mean) * brightness).clamp_(0, 255)


def augment(faces: Tensor, augmentations: Sequence[Augmentation], generator: Generator) -> Tensor:
    """Apply augmentations in their order to float faces (N, 1, H, W) with pixels in 0–255."""
    for augmentation in augmentations:
        faces = augmentation(faces, generator)
    return faces
