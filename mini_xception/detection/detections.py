"""The result of a detector."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Detections(NamedTuple):
    """The faces in an image.

    Attributes:
        boxes: x1, y1, x2, y2 in the image's pixels, float32, (N, 4). A box may lie partly outside the image. The box of
            a tilted face is a square with the face's centre.
        scores: float32, (N,), in [0, 1].
        landmarks: x and y in the image's pixels, in the order of LANDMARKS, float32, (N, 5, 2); not a number if the
            detector has none.
    """

    boxes: np.ndarray
    scores: np.ndarray
    landmarks: np.ndarray

    @classmethod
    def of(cls, boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray | None = None) -> Detections:
        """Create detections from what a detector returned: two arrays, or three."""
        boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
        if landmarks is None:
            landmarks = np.full((len(boxes), 5, 2), np.nan)
        return cls(boxes, np.asarray(scores, np.float32), np.asarray(landmarks, np.float32).reshape(-1, 5, 2))

    def select(self, chosen: np.ndarray) -> Detections:
        """Return some of the faces, by a mask or by indices."""
        return Detections(*(array[chosen] for array in self))
