"""Where the faces of a picture are, cut out for the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mini_xception.detectors import Detector
from mini_xception.faces import Box
from mini_xception.preprocess import Framing, clip_box, crop_face


class FoundFace(NamedTuple):
    """A face whose expression is not read yet.

    Attributes:
        box: (x1, y1, x2, y2) in the image's pixels, exclusive at the far side.
        score: the detector's confidence in [0, 1].
        crop: uint8, RGB (H, W, 3) or grey (H, W).
    """

    box: Box
    score: float
    crop: np.ndarray


@dataclass(frozen=True)
class FaceFinder:
    """Finds the faces of a picture and cuts them as the network wants them, in the detector's order.

    Attributes:
        detector: None where each picture is already one cropped face.
        framing: from the detector's boxes to the network's squares.
    """

    detector: Detector | None
    framing: Framing

    def __call__(self, image: np.ndarray) -> list[FoundFace]:
        """The faces of an image, RGB, uint8, (H, W, 3)."""
        return self.cut(image, *self.detect(image))

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes and scores as :class:`Detector` has them, each box at least partly inside the image."""
        height, width = image.shape[:2]
        if self.detector is None:
            return np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32)
        return _valid_boxes(*self.detector(image), width, height)

    def cut(self, image: np.ndarray, boxes: np.ndarray, scores: np.ndarray) -> list[FoundFace]:
        """Cut out what :meth:`detect` found."""
        height, width = image.shape[:2]
        return [
            FoundFace(
                box=clip_box(box, width, height),
                score=min(float(score), 1.0),
                crop=image if self.detector is None else crop_face(image, box, self.framing),
            )
            for box, score in zip(boxes, scores, strict=True)
        ]


def _valid_boxes(boxes: np.ndarray, scores: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Without boxes that are empty, not finite, or wholly outside the image; MTCNN gives none, another may."""
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    x1, y1, x2, y2 = boxes.T
    valid = np.isfinite(boxes).all(axis=1) & (x1 < x2) & (y1 < y2) & (x1 < width) & (y1 < height) & (x2 > 0) & (y2 > 0)
    return boxes[valid], np.asarray(scores, np.float32)[valid]
