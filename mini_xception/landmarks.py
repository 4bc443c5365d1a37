"""The five landmarks of a face, and the roll that follows from them."""

from __future__ import annotations

import math

import numpy as np

#: The landmarks in the detector's order. Left and right are those of the image when the face is upright.
LANDMARKS: tuple[str, ...] = ("left_eye", "right_eye", "nose", "left_mouth_corner", "right_mouth_corner")
#: x and y of each landmark, in pixels of the image.
Landmarks = tuple[tuple[float, float], ...]
#: A face whose roll exceeds this many degrees is tilted: its crop is turned upright.
TILTED_DEGREES = 15.0


def roll_degrees(landmarks: np.ndarray | Landmarks) -> float:
    """Compute by how much a face is turned in the image plane.

    Two directions are averaged: from the left eye to the right eye, and from the eyes to the mouth, turned by −90°.

    Args:
        landmarks: (5, 2), x and y in pixels, in the order of LANDMARKS.

    Returns:
        Degrees in [−180, 180], clockwise; 0 if the face is upright.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = np.asarray(landmarks, float)
    across = right_eye - left_eye
    down = (left_mouth + right_mouth - left_eye - right_eye) / 2
    return math.degrees(math.atan2(across[1] - down[0], across[0] + down[1]))
