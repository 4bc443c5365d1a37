"""Face crops of an image: detect the faces, then cut out each one in the framing that the network was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mini_xception.boxes import Box
from mini_xception.detection.detector import Detector, detect_near
from mini_xception.errors import MiniXceptionError
from mini_xception.network.preprocess import Framing


class FaceCrop(NamedTuple):
    """A detected face, not yet classified.

    Attributes:
        box: (x1, y1, x2, y2) in the image's pixels, x2 and y2 exclusive.
        score: the detector's confidence in [0, 1].
        pixels: uint8, RGB (H, W, 3) or grey (H, W).
    """

    box: Box
    score: float
    pixels: np.ndarray


@dataclass(frozen=True)
class FaceCropper:
    """Detects the faces of an image and cuts them out, in the detector's order. Picklable, for worker processes.

    Attributes:
        detector: the face detector; None if each image is already a face crop.
        framing: how the detector's boxes map to the network's square crops.
        min_face_size: the smallest face that the detector finds, in pixels.
    """

    detector: Detector | None
    framing: Framing
    min_face_size: int = 40

    def __call__(self, image: np.ndarray) -> list[FaceCrop]:
        """Detect the faces of an image, RGB, uint8, (H, W, 3), and cut them out."""
        return self.cut(image, *self.detect(image))

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Detect faces in the whole image.

        Returns:
            Boxes, float32, (N, 4), each at least partly inside the image, and scores, float32, (N,).
        """
        height, width = image.shape[:2]
        if self.detector is None:
            return np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32)
        return _valid_boxes(*self.detector(image), width, height)

    def detect_near(self, image: np.ndarray, boxes: Sequence[Box]) -> tuple[np.ndarray, np.ndarray] | None:
        """Detect faces near the boxes of the previous frame. This takes a fraction of the time of :meth:`detect`.

        Returns:
            As for :meth:`detect`, with one face per box, in the order of the boxes. None if there is no detector, if
            a face was lost, or if two boxes lead to the same face.
        """
        if self.detector is None:
            return None
        found = detect_near(image, boxes, self.detector, self.min_face_size)
        if found is None:
            return None
        valid = _valid_boxes(*found, image.shape[1], image.shape[0])
        return valid if len(valid[0]) == len(boxes) else None

    def cut(self, image: np.ndarray, boxes: np.ndarray, scores: np.ndarray) -> list[FaceCrop]:
        """Cut out the faces that :meth:`detect` or :meth:`detect_near` found."""
        height, width = image.shape[:2]
        return [
            FaceCrop(
                box=clip_box(box, width, height),
                score=min(float(score), 1.0),
                pixels=image if self.detector is None else crop_face(image, box, self.framing),
            )
            for box, score in zip(boxes, scores, strict=True)
        ]


def crop_face(image: np.ndarray, box: Sequence[float] | np.ndarray, framing: Framing) -> np.ndarray:
    """Cut a square face crop from an image. Pixels outside the image are black.

    Args:
        image: RGB or grey, uint8, (H, W, 3) or (H, W).
        box: (x1, y1, x2, y2) in pixels, from a detector.
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
    # A negative stop would count from the end of the array.
    inside = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    square = np.zeros((side, side, *image.shape[2:]), np.uint8)
    y, x = min(max(-top, 0), side), min(max(-left, 0), side)
    square[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return square


def clip_box(box: Sequence[float] | np.ndarray, width: int, height: int) -> Box:
    """Round a detector's box to whole pixels and clip it to an image of width × height. The result is never empty."""
    x1 = min(max(round(box[0]), 0), width - 1)
    y1 = min(max(round(box[1]), 0), height - 1)
    return x1, y1, max(min(round(box[2]), width), x1 + 1), max(min(round(box[3]), height), y1 + 1)


def _valid_boxes(boxes: np.ndarray, scores: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Drop boxes that are empty, not finite, or wholly outside the image. A user's detector may return such boxes."""
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    x1, y1, x2, y2 = boxes.T
    valid = np.isfinite(boxes).all(axis=1) & (x1 < x2) & (y1 < y2) & (x1 < width) & (y1 < height) & (x2 > 0) & (y2 > 0)
    return boxes[valid], np.asarray(scores, np.float32)[valid]
