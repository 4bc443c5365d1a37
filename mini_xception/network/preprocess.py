"""Conversion of face crops to network input, shared by training, evaluation, the recogniser and the demo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

from mini_xception.errors import MiniXceptionError

if TYPE_CHECKING:
    from torch import Tensor

Pixels = TypeVar("Pixels", np.ndarray, "Tensor")


@dataclass(frozen=True)
class Framing:
    """How a detector's box maps to the square crop that the network was trained on.

    Attributes:
        scale: side of the square, as a fraction of the box's longer side.
        offset_x: how far the square's centre lies to the right of the box's centre, as a fraction of the box's longer
            side.
        offset_y: how far the square's centre lies below the box's centre, as a fraction of the box's longer side.

    Raises:
        MiniXceptionError: an argument is not a finite number, or the scale is not above 0.
    """

    scale: float = 1.0
    offset_x: float = 0.0
    offset_y: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.scale, self.offset_x, self.offset_y)
        if not all(isinstance(number, float | int) and math.isfinite(number) for number in numbers) or self.scale <= 0:
            raise MiniXceptionError(
                f"scale, offset_x and offset_y must be finite numbers, scale above 0, not {numbers}"
            )


#: Maps an MTCNN box to FER2013's framing. Of the framings that ``benchmarks/framing.py`` compares, this one gave the
#: weights of version 0.1.0 the highest accuracy; see ``recipes/logs/framing.txt``. MTCNN's boxes are 1.04 times as high
#: as FER2013's images, which suggests nearly the same scale, 1 / 1.04 = 0.96.
MTCNN_TO_FER2013 = Framing(scale=0.95, offset_y=-0.03)


def to_grey(crop: np.ndarray, size: int) -> np.ndarray:
    """Convert a crop to grey and resize it to the network's input size.

    Downscaling averages pixels (``INTER_AREA``); upscaling interpolates between them (``INTER_LINEAR``).

    Args:
        crop: RGB or grey, uint8, (H, W, 3), (H, W, 1) or (H, W).
        size: side of the result in pixels.

    Returns:
        uint8, (size, size).

    Raises:
        MiniXceptionError: the crop is not a uint8 image with one or three channels, or has no pixels.
    """
    if not isinstance(crop, np.ndarray) or crop.dtype != np.uint8:
        kind = crop.dtype if isinstance(crop, np.ndarray) else type(crop).__name__
        raise MiniXceptionError(f"a face crop must be a uint8 array with pixels 0–255, not {kind}")
    if crop.ndim not in (2, 3) or crop.size == 0 or (crop.ndim == 3 and crop.shape[2] not in (1, 3)):
        raise MiniXceptionError(
            f"a face crop must be grey (H, W) or RGB (H, W, 3) with at least one pixel, not of shape {crop.shape}"
        )
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) if crop.ndim == 3 and crop.shape[2] == 3 else crop
    grey = grey.reshape(crop.shape[:2])
    if grey.shape == (size, size):
        return grey
    shrinks = min(grey.shape) >= size
    return cv2.resize(grey, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def scale_pixels(pixels: Pixels, mean: float, std: float) -> Pixels:
    """Scale grey values from 0–255 to network input. The array or tensor may have any shape."""
    return (pixels / 255.0 - mean) / std


def normalise(crops: Sequence[np.ndarray] | np.ndarray, size: int, mean: float, std: float) -> np.ndarray:
    """Convert face crops to network input.

    Args:
        crops: N face crops, uint8, grey or RGB, each of any size.
        size: side of the network's input in pixels.
        mean: subtracted from grey values in [0, 1].
        std: divides the grey values after the subtraction.

    Returns:
        float32, (N, 1, size, size).
    """
    # A table of all 256 grey values, in float32 even if mean or std is a NumPy float64.
    table = scale_pixels(np.arange(256, dtype=np.float32), mean, std).astype(np.float32)
    scaled = np.empty((len(crops), 1, size, size), np.float32)
    for i, crop in enumerate(crops):
        cv2.LUT(to_grey(crop, size), table, scaled[i, 0])
    return scaled
