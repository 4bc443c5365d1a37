"""Images and squares that are turned to make a face upright.

A *transform* is an affine matrix, float64, (2, 3), that maps a point of a turned image to the original image. Points
are in pixels; the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np


class Pose(NamedTuple):
    """Where an upright square lies in an image.

    Attributes:
        x: the centre, in pixels of the image.
        y: the centre, in pixels of the image.
        side: in pixels of the image.
        roll: by how much the square is turned, in degrees, clockwise.
    """

    x: float
    y: float
    side: float
    roll: float

    def to_image(self, across: float, down: float) -> tuple[float, float]:
        """Map a point from fractions of the square to pixels of the image."""
        x, y = apply(square_transform(self, 1), np.array([[across, down]]))[0]
        return float(x), float(y)


def apply(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map points, (N, 2), from a turned image to the original image."""
    return points @ transform[:, :2].T + transform[:, 2]


def rotation(x: float, y: float, degrees: float) -> np.ndarray:
    """Return the transform that turns an image about a point."""
    return _transform((x, y), degrees, 1.0, 2 * x, 2 * y)


def turn(image: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Turn a whole image so that faces with this roll become upright.

    Args:
        image: RGB, uint8, (H, W, 3).
        degrees: the roll.

    Returns:
        The turned image, black outside the original image, and its transform.
    """
    height, width = image.shape[:2]
    cosine, sine = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    return _turn(image, degrees, round(width * cosine + height * sine), round(width * sine + height * cosine))


def turn_in_frame(image: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Turn an image within its own frame, so that it has no more pixels than before. Its corners may be lost.

    At a roll of ±90°, the frame lies on its side.

    Args:
        image: RGB, uint8, (H, W, 3).
        degrees: the roll.

    Returns:
        The turned image, black outside the original image, and its transform.
    """
    height, width = image.shape[:2]
    lies_on_its_side = abs(degrees) == 90
    return _turn(image, degrees, *((height, width) if lies_on_its_side else (width, height)))


def cut_square(image: np.ndarray, pose: Pose, size: int) -> np.ndarray:
    """Cut a turned square from an image, upright. Pixels outside the image are black.

    Args:
        image: RGB or grey, uint8, (H, W, 3) or (H, W).
        pose: where the square lies.
        size: side of the result in pixels.

    Returns:
        uint8, (size, size, 3) or (size, size).
    """
    factor = size / pose.side
    if factor < 1:  # Interpolation would skip pixels, so average them first.
        reach = math.ceil(pose.side * math.sqrt(0.5))
        left, top = max(math.floor(pose.x) - reach, 0), max(math.floor(pose.y) - reach, 0)
        image = image[top : max(math.ceil(pose.y) + reach, 0), left : max(math.ceil(pose.x) + reach, 0)]
        if min(image.shape[:2]) * factor < 1:  # The square lies outside the image, or only touches it.
            return np.zeros((size, size, *image.shape[2:]), np.uint8)
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        pose = Pose((pose.x - left) * factor, (pose.y - top) * factor, size, pose.roll)
    return _warp(image, square_transform(pose, size), size, size)


def square_transform(pose: Pose, size: int) -> np.ndarray:
    """Return the transform of a square with a pose, as an image of size × size pixels."""
    return _transform((pose.x, pose.y), pose.roll, pose.side / size, size, size)


def _turn(image: np.ndarray, degrees: float, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    transform = _transform((image.shape[1] / 2, image.shape[0] / 2), degrees, 1.0, width, height)
    return _warp(image, transform, width, height), transform


def _transform(centre: tuple[float, float], degrees: float, scale: float, width: float, height: float) -> np.ndarray:
    """Return the transform of width × height pixels around a centre, each as large as ``scale`` pixels."""
    cosine, sine = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, np.array(centre) - linear @ np.array([width / 2, height / 2])])


def _warp(image: np.ndarray, transform: np.ndarray, width: int, height: int) -> np.ndarray:
    # OpenCV's points count from the centre of the first pixel.
    between_centres = np.column_stack([transform[:, :2], apply(transform, np.array([[0.5, 0.5]]))[0] - 0.5])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, between_centres, (width, height), flags=flags)
