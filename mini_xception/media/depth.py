"""Conversion of pixels with 9 to 16 bits per channel to 8 bits."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

#: TIFF entries: bits per sample, meaning of the smallest value, and largest possible value.
BITS, PHOTOMETRIC, MAX_VALUE = 258, 262, 281
WHITE_IS_ZERO = 0


def to_8_bits(pixels: np.ndarray, white: int | None = None) -> np.ndarray:
    """Scale 16-bit pixels to 8 bits.

    Many cameras and scanners store 10, 12 or 14 bits in 16-bit files, without saying so.

    Args:
        pixels: uint16, of any shape.
        white: value of white. None uses the largest number with as many bits as the largest pixel, at least 255.

    Returns:
        uint8, of the same shape.
    """
    white = white or (1 << max(8, int(pixels.max()).bit_length())) - 1
    scaled = np.minimum(np.arange(1 << 16), white) * 255 + white // 2
    return (scaled // white).astype(np.uint8)[pixels]


def grey_to_8_bits(image: Image.Image) -> Image.Image:
    """Convert a decoded grey image of Pillow's modes I;16 and I, with values from 0 to 65,535, to mode L."""
    pixels = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    grey = to_8_bits(pixels.astype(np.uint16, copy=False), _stated_white(tags, int(pixels.max())))
    # Pillow inverts only images with up to 8 bits.
    return Image.fromarray(255 - grey if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else grey)


def _stated_white(tags: dict[int, object], largest: int) -> int | None:
    """Return the value of white that a TIFF states, if it says more than the number of bits in the file."""
    bits, stated = (tags.get(tag) for tag in (BITS, MAX_VALUE))
    first = stated[0] if isinstance(stated, tuple) and stated else stated
    if isinstance(first, int) and max(largest, 1) <= first < np.iinfo(np.uint16).max:
        return first
    return 4095 if bits == (12,) else None


def has_deep_colour(image: Image.Image) -> bool:
    """Check whether a file that Pillow opened, but not decoded yet, has colours of 16 bits per channel."""
    return image.mode in ("RGB", "RGBA", "LA") and any(";16" in str(tile[3]) for tile in getattr(image, "tile", []))


def load_deep_colour(image: Image.Image, data: bytes) -> Image.Image | None:
    """Decode a PNG or TIFF file with colours of 16 bits per channel again if all its colours are dark.

    Args:
        image: the image as decoded by Pillow, which keeps only the upper 8 bits.
        data: the file.

    Returns:
        The image, scaled to 8 bits; None if it uses the upper bits, or if OpenCV cannot decode the file.
    """
    extrema = image.getextrema()[: 1 if image.mode == "LA" else 3]
    if np.max(extrema) > 127:
        return None
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgr is None or bgr.dtype != np.uint16 or bgr.ndim != 3 or bgr.shape[2] not in (3, 4):
        return None
    rgb = Image.fromarray(to_8_bits(bgr[:, :, 2::-1]))
    if bgr.shape[2] == 4:
        rgb.putalpha(Image.fromarray(to_8_bits(bgr[:, :, 3])))
    return rgb
