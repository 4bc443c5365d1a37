"""More contrast for dark and flat images, before detection, and for face crops, before classification."""

from __future__ import annotations

import cv2
import numpy as np

#: An image is stretched if its contrast is less than this, in grey levels.
MIN_IMAGE_CONTRAST = 180
#: A face crop is stretched if its contrast is less than this. Stretching crops with more contrast than 140 lowers the
#: accuracy; ``benchmarks/contrast.py`` measures it.
MIN_CROP_CONTRAST = 120
#: Contrast is the range of grey levels without this fraction of the pixels at either end. It is small for an image,
#: where a face may have few of the pixels.
IMAGE_TAIL, CROP_TAIL = 0.001, 0.01
#: A contrast below this is noise, which is not stretched.
NOISE = 8
#: A large image is measured on a grid of at least this many rows and columns.
GRID = 256


def stretch_image(image: np.ndarray) -> np.ndarray:
    """Map the grey levels of a dark or flat image, RGB, uint8, to 0–255. Other images are returned as they are."""
    return _stretch(image, MIN_IMAGE_CONTRAST, IMAGE_TAIL)


def stretch_crop(crop: np.ndarray) -> np.ndarray:
    """Map the grey levels of a dark or flat face crop, RGB or grey, to 0–255. Others are returned as they are."""
    return _stretch(crop, MIN_CROP_CONTRAST, CROP_TAIL)


def _stretch(image: np.ndarray, min_contrast: int, tail: float) -> np.ndarray:
    step = max(1, min(image.shape[:2]) // GRID)
    grid = np.ascontiguousarray(image[::step, ::step])
    grey = cv2.cvtColor(grid, cv2.COLOR_RGB2GRAY) if grid.ndim == 3 else grid
    counts = np.bincount(grey.reshape(-1), minlength=256).cumsum()
    ignored = int(tail * counts[-1])
    low = int(np.searchsorted(counts, ignored, side="right"))
    high = int(np.searchsorted(counts, counts[-1] - ignored))
    if not NOISE <= high - low < min_contrast:
        return image
    levels = (np.arange(256) - low) * (255 / (high - low))
    return cv2.LUT(image, np.rint(levels.clip(0, 255)).astype(np.uint8))
