"""Degradations: augmentations that imitate what cameras, light and compression do to faces in photos.

Each degradation changes a part of a batch only, so most images stay as they are. The number of changed images depends
only on the size of the batch. The step of a run can therefore be recorded on a GPU.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from mini_xception.training.augmentation import PixelAugmentation, uniform

if TYPE_CHECKING:
    from torch import Generator, Tensor

#: The part of a batch that each degradation changes, rounded up to whole images. A larger part costs accuracy on clean
#: images (docs/research/experiments.md).
SHARE = 0.03
#: Side of JPEG's blocks in pixels, and its standard table for luminance at quality 50, row by row.
BLOCK = 8
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
#: JPEG is applied to faces that are this many times larger, as in a photo.
ENLARGEMENT = 3


class Degradation(PixelAugmentation):
    """Base class of augmentations that change a part of a batch, SHARE."""

    def __call__(self, faces: Tensor, generator: Generator) -> Tensor:
        import torch

        drawn = torch.rand(len(faces), device=faces.device, generator=generator)
        chosen = drawn.argsort()[: math.ceil(SHARE * len(faces))]
        return faces.index_copy(0, chosen, self.degrade(faces[chosen], generator))

    @abstractmethod
    def degrade(self, faces: Tensor, generator: Generator) -> Tensor:
        """Degrade every image of a batch. The arguments and the result are those of ``__call__``."""


@dataclass(frozen=True)
class Overexposure(Degradation):
    """Overexposure: adds a random number of grey levels, from 0 to the given number, and clips at 255."""

    group = "light"

    levels: float

    def degrade(self, faces: Tensor, generator: Generator) -> Tensor:
        return (faces + uniform(len(faces), 0.0, self.levels, generator).view(-1, 1, 1, 1)).clamp(max=255)


@dataclass(frozen=True)
class Shadow(Degradation):
    """Shadow: darkens about half of an image by a random fraction, from 0 to the given one.

    The edge of the shadow is a straight line of random direction, at most a quarter of the side from the centre.
    """

    group = "light"

    fraction: float

    def degrade(self, faces: Tensor, generator: Generator) -> Tensor:
        x, y = _coordinates(faces)
        angle, offset, darkness = (
            uniform(len(faces), low, high, generator).view(-1, 1, 1, 1)
            for low, high in ((0.0, 2 * math.pi), (-0.25, 0.25), (0.0, self.fraction))
        )
        distance = angle.cos() * x + angle.sin() * y + offset * faces.shape[-1]
        return faces * (1 - darkness * distance.add(0.5).clamp(0, 1))


@dataclass(frozen=True)
class Defocus(Degradation):
    """Defocus: as blur, with a random sigma from 0 to the given number of pixels, but for a part of a batch."""

    sigma: float

    def degrade(self, faces: Tensor, generator: Generator) -> Tensor:
        return gaussian_blur(faces, uniform(len(faces), 0.0, self.sigma, generator), self.sigma)


@dataclass(frozen=True)
class Motion(Degradation):
    """Motion: blurs along a line of random direction, with a random length from 0 to the given number of pixels."""

    length: float

    def degrade(self, faces: Tensor, generator: Generator) -> Tensor:
        import torch

        radius = math.ceil(self.length / 2)
        angle, length = (uniform(len(faces), 0.0, high, generator).view(-1, 1, 1, 1) for high in (math.pi, self.length))
        reach = torch.arange(-radius, radius + 1, device=faces.device, dtype=faces.dtype)
        x, y = reach.view(1, 1, 1, -1), reach.view(1, 1, -1, 1)
        along, across = angle.cos() * x + angle.sin() * y, angle.cos() * y - angle.sin() * x
        kernel = (length / 2 + 0.5 - along.abs()).clamp(0, 1) * (1 - across.abs()).clamp(min=0)
        kernel = kernel / kernel.sum(dim=(2, 3), keepdim=True)
        padded = torch.nn.functional.pad(faces.transpose(0, 1), [radius] * 4, mode="replicate")
        return torch.nn.functional.conv2d(padded, kernel, groups=len(faces)).transpose(0, 1)


@dataclass(frozen=True)
class Resolution(Degradation):
    """Resolution: shrinks an image by a random factor, from 1 to the given one, and enlarges it again."""

    factor: float

    def degrade(self, faces: Tensor, generator: Generator) -> Tensor:
        side = faces.shape[-1]
        factor = uniform(len(faces), 1.0, max(1.0, self.factor), generator)
        maps = _resampling(side).to(faces)[(side / factor).round().long().clamp(1, side) - 1]
        return (maps @ faces.squeeze(1) @ maps.transpose(1, 2)).unsqueeze(1)


@dataclass(frozen=True)
class Noise(Degradation):
    """Noise: adds Gaussian noise with a random sigma, from 0 to the given number of grey levels."""

    sigma: float

    def degrade(self, faces: Tensor, generator: Generator) -> Tensor:
        import torch

        sigma = uniform(len(faces), 0.0, self.sigma, generator).view(-1, 1, 1, 1)
        return (faces + sigma * torch.randn(faces.shape, device=faces.device, generator=generator)).clamp(0, 255)


@dataclass(frozen=True)
class Jpeg(Degradation):
    """JPEG: codes an image with a random quality, from 100 down to 100 minus the given number.

    The image is first enlarged, so the blocks are as small as those of a photo.
    """

    loss: float

    def degrade(self, faces: Tensor, generator: Generator) -> Tensor:
        import torch

        n, _, height, width = faces.shape
        quality = uniform(n, 100.0 - self.loss, 100.0, generator).clamp(min=1)
        scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(n, 1, 1, 1)
        steps = (torch.tensor(LUMINANCE, device=faces.device) * scale).clamp(min=1)
        down, across = (-(-side * ENLARGEMENT // BLOCK) for side in (height, width))
        size = (down * BLOCK, across * BLOCK)
        large = torch.nn.functional.interpolate(faces, size=size, mode="bilinear", align_corners=False) - 128
        blocks = large.view(n, down, BLOCK, across, BLOCK).transpose(2, 3).reshape(n, -1, BLOCK, BLOCK)
        cosines = _cosines().to(faces)
        rounded = (cosines @ blocks @ cosines.T / steps).round() * steps
        decoded = (
            (cosines.T @ rounded @ cosines).view(n, down, across, BLOCK, BLOCK).transpose(2, 3).reshape(large.shape)
        )
        coded = (decoded + 128).clamp(0, 255)
        return torch.nn.functional.interpolate(coded, size=(height, width), mode="area")


def gaussian_blur(faces: Tensor, sigma: Tensor, largest: float) -> Tensor:
    """Blur each image with its own sigma.

    Args:
        faces: float, (N, 1, H, W).
        sigma: float, (N,), in pixels, on the faces' device.
        largest: the largest sigma; the kernel reaches three times as far.
    """
    import torch

    radius = math.ceil(3 * largest)
    reach = torch.arange(-radius, radius + 1, device=faces.device)
    taps = torch.exp(-reach.square() / (2 * sigma.clamp(min=1e-3).view(-1, 1).square()))
    taps = (taps / taps.sum(dim=1, keepdim=True)).view(-1, 1, 1, 2 * radius + 1)
    blurred = torch.nn.functional.pad(faces.transpose(0, 1), [radius] * 4, mode="replicate")
    for kernel in (taps, taps.transpose(2, 3)):
        blurred = torch.nn.functional.conv2d(blurred, kernel, groups=len(faces))
    return blurred.transpose(0, 1)


def _coordinates(faces: Tensor) -> tuple[Tensor, Tensor]:
    """Return the pixels' x (1, 1, 1, W) and y (1, 1, H, 1), from the centre."""
    import torch

    height, width = faces.shape[2:]
    x, y = (torch.arange(n, device=faces.device, dtype=faces.dtype) - (n - 1) / 2 for n in (width, height))
    return x.view(1, 1, 1, -1), y.view(1, 1, -1, 1)


@lru_cache(maxsize=4)
def _resampling(side: int) -> Tensor:
    """Return one matrix for each side from 1 to ``side``, (side, side, side): shrink a column to it, and enlarge it."""
    import torch

    columns = torch.eye(side).unsqueeze(1)
    shrunk = (torch.nn.functional.interpolate(columns, size=n, mode="area") for n in range(1, side + 1))
    enlarged = [torch.nn.functional.interpolate(small, size=side, mode="linear") for small in shrunk]
    return torch.stack([rows.squeeze(1).T for rows in enlarged])


@lru_cache(maxsize=1)
def _cosines() -> Tensor:
    """Return the orthonormal discrete cosine transform of a block's columns, (BLOCK, BLOCK)."""
    import torch

    frequency, place = torch.arange(BLOCK).view(-1, 1), torch.arange(BLOCK).view(1, -1)
    matrix = math.sqrt(2 / BLOCK) * torch.cos(math.pi / BLOCK * (place + 0.5) * frequency)
    matrix[0] /= math.sqrt(2)
    return matrix
