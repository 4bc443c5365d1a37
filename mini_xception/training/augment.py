"""Augmentations: random changes to a batch of faces that keep the expression.

An augmentation is a class with one parameter, its strength. It changes a whole batch at once, on the batch's device,
and draws separate random numbers for each image. Consecutive geometric augmentations are combined into one affine map,
so each image is resampled only once. Four geometric augmentations therefore take no longer, and blur no more, than one.

To add an augmentation, write a class and add a row to AUGMENTATIONS. ``mini-xception train`` gets an option for each
row, and the web page a slider. The option's help is the first line of the class's docstring, without the name before
the colon.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mini_xception.training.augmentation import Augmentation, GeometricAugmentation, PixelAugmentation, uniform
from mini_xception.training.degrade import Defocus, Jpeg, Motion, Noise, Overexposure, Resolution, Shadow, gaussian_blur

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class SaltAndPepper(PixelAugmentation):
    """Noise: sets a pixel to 0 with the given probability, and to 255 with the same probability.

    Equivalent to ``Salt_Pepper_Noise`` in the PyTorch reference.
    """

    probability: float

    def __call__(self, faces: Tensor, generator: Generator) -> Tensor:
        import torch

        noise = torch.rand(faces.shape, device=faces.device, generator=generator)
        return faces.masked_fill(noise < self.probability, 0.0).masked_fill(noise > 1 - self.probability, 255.0)


@dataclass(frozen=True)
class Brightness(PixelAugmentation):
    """Brightness: multiplies an image by a random factor in the range 1 ± fraction."""

    group = "light"
    fraction: float

    def __call__(self, faces: Tensor, generator: Generator) -> Tensor:
        return (faces * _around_one(len(faces), self.fraction, generator).view(-1, 1, 1, 1)).clamp(0, 255)


@dataclass(frozen=True)
class Contrast(PixelAugmentation):
    """Contrast: multiplies each pixel's difference from the mean by a random factor in the range 1 ± fraction."""

    group = "light"
    fraction: float

    def __call__(self, faces: Tensor, generator: Generator) -> Tensor:
        mean = faces.mean(dim=(1, 2, 3), keepdim=True)
        factor = _around_one(len(faces), self.fraction, generator).view(-1, 1, 1, 1)
        return ((faces - mean) * factor + mean).clamp(0, 255)


@dataclass(frozen=True)
class Blur(PixelAugmentation):
    """Blur: applies a Gaussian blur with a random sigma, from 0 to the given number of pixels.

    The blur imitates faces that are small, out of focus or compressed as JPEG.
    """

    sigma: float

    def __call__(self, faces: Tensor, generator: Generator) -> Tensor:
        return gaussian_blur(faces, uniform(len(faces), 0.0, self.sigma, generator), self.sigma)


@dataclass(frozen=True)
class Zoom(GeometricAugmentation):
    """Zoom: scales width and height by two independent random factors in the range 1 ± fraction.

    Equivalent to ``zoom_range`` in Keras.
    """

    fraction: float

    def matrices(self, n: int, side: int, generator: Generator) -> Tensor:
        import torch

        x, y = (1 / _around_one(n, self.fraction, generator) for _ in range(2))
        zero = torch.zeros_like(x)
        return _matrices((x, zero, zero), (zero, y, zero))


@dataclass(frozen=True)
class Shift(GeometricAugmentation):
    """Shift: moves an image horizontally and vertically by whole pixels, up to the given fraction of its side.

    Each distance is drawn uniformly from 0 to ``fraction`` of the side, then rounded down to whole pixels. Its sign is
    random. Equivalent to ``Width_Shift_Range`` and ``Height_Shift_Range`` in the PyTorch reference.
    """

    fraction: float

    def matrices(self, n: int, side: int, generator: Generator) -> Tensor:
        import torch

        size = torch.rand(2, n, device=generator.device, generator=generator) * self.fraction
        sign = torch.rand(2, n, device=generator.device, generator=generator).sub(0.5).sign()
        x, y = sign * (size * side).floor() * (2 / side)  # Coordinates run from −1 to 1.
        one, zero = torch.ones_like(x), torch.zeros_like(x)
        return _matrices((one, zero, x), (zero, one, y))


@dataclass(frozen=True)
class Rotation(GeometricAugmentation):
    """Rotation: rotates an image by a random angle, up to the given number of degrees in either direction."""

    degrees: float

    def matrices(self, n: int, side: int, generator: Generator) -> Tensor:
        import torch

        angle = uniform(n, -self.degrees, self.degrees, generator) * (math.pi / 180)
        cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
        return _matrices((cos, -sin, zero), (sin, cos, zero))


@dataclass(frozen=True)
class Flip(GeometricAugmentation):
    """Flip: flips an image horizontally with the given probability."""

    probability: float

    def matrices(self, n: int, side: int, generator: Generator) -> Tensor:
        import torch

        drawn = torch.rand(n, device=generator.device, generator=generator)
        x = torch.where(drawn < self.probability, -1.0, 1.0)
        one, zero = torch.ones_like(x), torch.zeros_like(x)
        return _matrices((x, zero, zero), (zero, one, zero))


def augment(faces: Tensor, augmentations: Sequence[Augmentation], generator: Generator) -> Tensor:
    """Apply augmentations in order. Areas outside the original image become black.

    Args:
        faces: float, (N, 1, S, S), pixels in 0–255.
        augmentations: the result of :func:`build`.
        generator: a generator on the faces' device. The same seed gives the same result.

    Returns:
        float, (N, 1, S, S), pixels in 0–255.
    """
    pending: Tensor | None = None
    for augmentation in augmentations:
        if isinstance(augmentation, GeometricAugmentation):
            matrices = augmentation.matrices(len(faces), faces.shape[-1], generator)
            pending = matrices if pending is None else pending @ matrices
        else:
            faces, pending = augmentation(_resample(faces, pending), generator), None
    return _resample(faces, pending)


def _resample(faces: Tensor, matrices: Tensor | None) -> Tensor:
    import torch

    if matrices is None:
        return faces
    grid = torch.nn.functional.affine_grid(matrices[:, :2], list(faces.shape), align_corners=False)
    return torch.nn.functional.grid_sample(faces, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _around_one(n: int, fraction: float, generator: Generator) -> Tensor:
    return uniform(n, 1 - fraction, 1 + fraction, generator)


def _matrices(first: tuple[Tensor, Tensor, Tensor], second: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    import torch

    zero, one = torch.zeros_like(first[0]), torch.ones_like(first[0])
    return torch.stack([*first, *second, zero, zero, one], dim=1).view(-1, 3, 3)


@dataclass(frozen=True)
class Entry:
    """A row of AUGMENTATIONS: a class and the largest strength allowed. The smallest strength is 0."""

    kind: type[Augmentation]
    strongest: float


#: name → entry, in the order of application. Pixel augmentations come first, so all geometric ones share one sampling.
AUGMENTATIONS: dict[str, Entry] = {
    "salt_and_pepper": Entry(SaltAndPepper, strongest=0.2),
    "brightness": Entry(Brightness, strongest=0.5),
    "contrast": Entry(Contrast, strongest=0.5),
    "blur": Entry(Blur, strongest=2.0),
    "overexposure": Entry(Overexposure, strongest=150.0),
    "shadow": Entry(Shadow, strongest=1.0),
    "defocus": Entry(Defocus, strongest=4.0),
    "motion": Entry(Motion, strongest=12.0),
    "resolution": Entry(Resolution, strongest=6.0),
    "noise": Entry(Noise, strongest=60.0),
    "jpeg": Entry(Jpeg, strongest=95.0),
    "zoom": Entry(Zoom, strongest=0.3),
    "shift": Entry(Shift, strongest=0.3),
    "rotation": Entry(Rotation, strongest=45.0),
    "flip": Entry(Flip, strongest=1.0),
}


def build(strengths: dict[str, float]) -> tuple[Augmentation, ...]:
    """Create the augmentations whose strength is above 0, in the order of AUGMENTATIONS.

    Args:
        strengths: name → strength. A missing name means strength 0.
    """
    chosen = {name: strengths.get(name, 0.0) for name in AUGMENTATIONS}
    return tuple(AUGMENTATIONS[name].kind(strength) for name, strength in chosen.items() if strength > 0)  # type: ignore[call-arg]


#: Named sets of strengths. ``keras`` comes from the official project. ``basic`` and ``full`` are the first and the
#: second set of the PyTorch reference. ``best`` is this project's. ``mild`` has the augmentations of ``best``
#: at 30 to 50 % of their strengths, and the same ``flip``. ``photos`` imitates faces that are detected in bad photos.
PRESETS: dict[str, dict[str, float]] = {
    "keras": {"zoom": 0.1, "shift": 0.1, "rotation": 10.0, "flip": 0.5},
    "basic": {"brightness": 0.2, "rotation": 10.0, "flip": 0.5},
    "full": {"salt_and_pepper": 0.05, "brightness": 0.2, "shift": 0.1, "rotation": 10.0, "flip": 0.5},
    "best": {"brightness": 0.2, "contrast": 0.2, "blur": 0.7, "zoom": 0.1, "shift": 0.1, "rotation": 10.0, "flip": 0.5},
    "mild": {
        "brightness": 0.1,
        "contrast": 0.1,
        "blur": 0.3,
        "zoom": 0.03,
        "shift": 0.04,
        "rotation": 4.0,
        "flip": 0.5,
    },
    "photos": {
        "brightness": 0.15,
        "contrast": 0.15,
        "overexposure": 90.0,
        "shadow": 0.65,
        "blur": 0.4,
        "defocus": 2.2,
        "motion": 6.0,
        "resolution": 2.5,
        "noise": 15.0,
        "jpeg": 80.0,
        "zoom": 0.06,
        "shift": 0.05,
        "rotation": 7.0,
        "flip": 0.5,
    },
}
