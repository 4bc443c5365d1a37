"""From a picture and a box to network input: the only place where pixels become numbers the network sees.

Training, evaluation, the recogniser and the demo all go through here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Box

if TYPE_CHECKING:
    from torch import Tensor

Pixels = TypeVar("Pixels", np.ndarray, "Tensor")


@dataclass(frozen=True)
class Framing:
    """How a detector's box maps onto the square that the network was trained on.

    Attributes:
        scale: side of the square, as a fraction of the box's longer side.
        offset_x: how far the square's centre lies right of the box's centre, as a fraction of the box's longer side.
        offset_y: the same, downwards.

    Raises:
        MiniXceptionError: an argument is no number, or the scale not above 0.
    """

    scale: float = 1.0
    offset_x: float = 0.0
    offset_y: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.scale, self.offset_x, self.offset_y)
        if not all(isinstance(number, float | int) and math.isfinite(number) for number in numbers) or self.scale <= 0:
            raise MiniXceptionError(f"framing must be numbers, its scale above 0, not {numbers}")


#: From an MTCNN box to FER2013's framing: what their sizes ask for, 1/1.04, and the best of those that
#: ``recipes/measure_framing.py`` tries (``recipes/logs/framing.txt``).
MTCNN_TO_FER2013 = Framing(scale=0.95, offset_y=-0.03)


def crop_face(image: np.ndarray, box: Sequence[float] | np.ndarray, framing: Framing) -> np.ndarray:
    """Cut a square face from an image, black where the square leaves it.

    Args:
        image: RGB or grey, uint8, (H, W, 3) or (H, W).
        box: (x1, y1, x2, y2) in pixels, as the detector gave it.
        framing: scale and centre offset, as fractions of the box's longer side.

    Returns:
        uint8, (S, S, 3) or (S, S), S = round(framing.scale * longer side).

    Raises:
        MiniXceptionError: the box lies wholly outside the image.
    """
    x1, y1, x2, y2 = box
    longer_side = max(x2 - x1, y2 - y1)
    side = max(1, round(framing.scale * longer_side))
    left = round((x1 + x2) / 2 + framing.offset_x * longer_side - side / 2)
    top = round((y1 + y2) / 2 + framing.offset_y * longer_side - side / 2)

    height, width = image.shape[:2]
    if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
        raise MiniXceptionError(f"box {tuple(map(float, box))} lies outside the image of {width}×{height} pixels")
    # A stop below 0 would count from the far side.
    inside = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    square = np.zeros((side, side, *image.shape[2:]), np.uint8)
    y, x = min(max(-top, 0), side), min(max(-left, 0), side)
    square[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return square


def clip_box(box: Sequence[float] | np.ndarray, width: int, height: int) -> Box:
    """Round a detector's box to whole pixels inside an image of width × height; never empty."""
    x1 = min(max(round(box[0]), 0), width - 1)
    y1 = min(max(round(box[1]), 0), height - 1)
    return x1, y1, max(min(round(box[2]), width), x1 + 1), max(min(round(box[3]), height), y1 + 1)


def to_grey(crop: np.ndarray, size: int) -> np.ndarray:
    """Make a crop the grey square of the network's size.

    Shrinking averages the pixels it merges (``INTER_AREA``), growing interpolates between them (``INTER_LINEAR``).

    Args:
        crop: RGB or grey, uint8, (H, W, 3), (H, W, 1) or (H, W).
        size: side in pixels.

    Returns:
        uint8, (size, size).

    Raises:
        MiniXceptionError: not a uint8 picture of one or three channels.
    """
    if not isinstance(crop, np.ndarray) or crop.dtype != np.uint8:
        kind = crop.dtype if isinstance(crop, np.ndarray) else type(crop).__name__
        raise MiniXceptionError(f"a face crop must be a uint8 array with pixels 0–255, not {kind}")
    if crop.ndim not in (2, 3) or crop.size == 0 or (crop.ndim == 3 and crop.shape[2] not in (1, 3)):
        raise MiniXceptionError(f"a face crop must be grey (H, W) or RGB (H, W, 3), not of shape {crop.shape}")
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) if crop.ndim == 3 and crop.shape[2] == 3 else crop
    grey = grey.reshape(crop.shape[:2])
    if grey.shape == (size, size):
        return grey
    shrinks = min(grey.shape) >= size
    return cv2.resize(grey, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def scale_pixels(pixels: Pixels, mean: float, std: float) -> Pixels:
    """Network input from grey pixels in 0–255, as floats: an array or a tensor of any shape."""
    return (pixels / 255.0 - mean) / std


def normalise(crops: Sequence[np.ndarray] | np.ndarray, size: int, mean: float, std: float) -> np.ndarray:
    """Make network input from face crops.

    Args:
        crops: N face crops, uint8, grey or RGB, each of any size.
        size: side of the network's input in pixels.
        mean: subtracted from pixels in [0, 1].
        std: divides what remains.

    Returns:
        float32, (N, 1, size, size).
    """
    # Of all the pixels there are; in float32 even if mean or std is a NumPy float64, which would win.
    table = scale_pixels(np.arange(256, dtype=np.float32), mean, std).astype(np.float32)
    scaled = np.empty((len(crops), 1, size, size), np.float32)
    for i, crop in enumerate(crops):
        cv2.LUT(to_grey(crop, size), table, scaled[i, 0])
    return scaled
