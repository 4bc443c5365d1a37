"""Base classes of the augmentations, and what their implementations share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator, Tensor


class PixelAugmentation(ABC):
    """Base class of augmentations that change grey values and move no pixels."""

    #: The group on the Augmentation tab of the web page: "light", "sharpness" (which includes noise) or "geometry".
    group = "sharpness"

    @abstractmethod
    def __call__(self, faces: Tensor, generator: Generator) -> Tensor:
        """Change the grey values of a batch.

        Args:
            faces: float, (N, 1, H, W), pixels in 0–255.
            generator: a generator on the faces' device.

        Returns:
            float, (N, 1, H, W), pixels in 0–255.
        """


class GeometricAugmentation(ABC):
    """Base class of augmentations that move pixels."""

    group = "geometry"

    @abstractmethod
    def matrices(self, n: int, side: int, generator: Generator) -> Tensor:
        """Return one affine map per image, from output to input coordinates.

        Args:
            n: number of images.
            side: side of an image in pixels. Coordinates run from −1 to 1 over this side.
            generator: a generator on the images' device.

        Returns:
            float, (n, 3, 3).
        """


Augmentation = PixelAugmentation | GeometricAugmentation


def uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    """Draw n numbers between low and high, on the generator's device."""
    import torch

    return torch.rand(n, device=generator.device, generator=generator) * (high - low) + low
