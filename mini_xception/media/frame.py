"""Images of decoded video frames: upright, with square pixels, and of one size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

#: DVDs and old cameras have pixels that are not square. If a file states that the longer side of a pixel is more than
#: this many times the shorter side, its pixels are treated as square.
MAX_PIXEL_ASPECT = 4


def upright(frame: VideoFrame, pixel_width: float) -> np.ndarray:
    """Return a frame's image with square pixels, rotated and flipped by the container's display matrix.

    The matrix maps (x, y) to (a·x + c·y, b·x + d·y).

    Args:
        frame: a decoded frame.
        pixel_width: width of a pixel divided by its height.

    Returns:
        RGB, uint8, (H, W, 3), contiguous.
    """
    image: np.ndarray = frame.to_ndarray(format="rgb24")
    if pixel_width != 1:
        image = cv2.resize(image, (max(1, round(frame.width * pixel_width)), frame.height))
    side_data: Any = frame.side_data  # PyAV's annotations cover only motion vectors.
    try:
        matrix = np.frombuffer(side_data["DISPLAYMATRIX"], np.int32)
    except (KeyError, ValueError):  # ValueError: PyAV does not know the type of some side data.
        return image
    a, b, _, c, d, *_ = matrix.tolist()
    x_scale, y_scale = a, d
    if abs(b) > abs(a):  # A quarter turn swaps the axes.
        image = image.transpose(1, 0, 2)
        x_scale, y_scale = c, b
    return np.ascontiguousarray(image[:: -1 if y_scale < 0 else 1, :: -1 if x_scale < 0 else 1])


def fit(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale an image to fit into a size, and centre it between black borders. Its shape is kept.

    Args:
        image: RGB, uint8, (H, W, 3).
        height: height of the result in pixels.
        width: width of the result in pixels.

    Returns:
        RGB, uint8, (height, width, 3); the image itself if it already has this size.
    """
    if image.shape[:2] == (height, width):
        return image
    scale = min(height / image.shape[0], width / image.shape[1])
    new_height, new_width = (max(1, round(scale * side)) for side in image.shape[:2])
    top, left = (height - new_height) // 2, (width - new_width) // 2
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[top : top + new_height, left : left + new_width] = cv2.resize(
        image, (new_width, new_height), interpolation=method
    )
    return canvas
