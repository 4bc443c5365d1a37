"""Face crops of an image: detect the faces, then cut out each one, upright, in the framing that the network was trained
on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mini_xception.boxes import Box
from mini_xception.detection.detections import Detections
from mini_xception.detection.detector import Detector, ThoroughDetector
from mini_xception.detection.follow import detect_near
from mini_xception.detection.light import stretch_crop
from mini_xception.detection.pose import Pose, cut_square
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.landmarks import TILTED_DEGREES, Landmarks, roll_degrees
from mini_xception.network.preprocess import Framing


class FaceCrop(NamedTuple):
    """A detected face, not yet classified.

    Attributes:
        box: (x1, y1, x2, y2) in the image's pixels, x2 and y2 exclusive.
        score: the detector's confidence in [0, 1].
        landmarks: five points, x and y in the image's pixels; None if the detector has none.
        pixels: uint8, RGB (H, W, 3) or grey (H, W).
    """

    box: Box
    score: float
    landmarks: Landmarks | None
    pixels: np.ndarray


@dataclass(frozen=True)
class FaceCropper:
    """Detects the faces of an image and cuts them out, in the detector's order. Picklable, for worker processes.

    Attributes:
        detector: the face detector; None if each image is already a face crop.
        framing: how the detector's boxes map to the network's square crops.
        min_face_size: the smallest face that the detector finds in one pass, in pixels.
        thorough: whether :meth:`search` may take a second look at an image.
    """

    detector: Detector | None
    framing: Framing
    min_face_size: int = 40
    thorough: bool = True

    def __call__(self, image: np.ndarray) -> list[FaceCrop]:
        """Search an image, RGB, uint8, (H, W, 3), for faces, and cut them out."""
        return self.cut(image, self.search(image))

    def search(self, image: np.ndarray) -> Detections:
        """Detect the faces of an image, at any roll if the detector can. Boxes lie at least partly inside the image."""
        if self.thorough and isinstance(self.detector, ThoroughDetector):
            return _valid(Detections.of(*self.detector.search(image)), image)
        return self.detect(image)

    def detect(self, image: np.ndarray) -> Detections:
        """Detect the faces of an image in one pass. Boxes lie at least partly inside the image."""
        if self.detector is None:
            height, width = image.shape[:2]
            return Detections.of(np.array([[0, 0, width, height]]), np.ones(1))
        return _valid(Detections.of(*self.detector(image)), image)

    def detect_near(self, image: np.ndarray, faces: Sequence[Face]) -> Detections | None:
        """Detect the faces of the previous frame again. This takes a fraction of the time of :meth:`detect`.

        Returns:
            As for :meth:`detect`, with one face per known face, in the same order. None if there is no detector, if a
            face was lost, or if two known faces lead to the same face.
        """
        if self.detector is None:
            return None
        found = detect_near(image, faces, self.detector, self.min_face_size)
        if found is None:
            return None
        valid = _valid(found, image)
        return valid if len(valid.boxes) == len(faces) else None

    def cut(self, image: np.ndarray, faces: Detections) -> list[FaceCrop]:
        """Cut out detected faces."""
        height, width = image.shape[:2]
        return [
            FaceCrop(
                box=clip_box(box, width, height),
                score=min(float(score), 1.0),
                landmarks=_as_landmarks(landmarks),
                pixels=image if self.detector is None else crop_upright(image, box, landmarks, self.framing),
            )
            for box, score, landmarks in zip(*faces, strict=True)
        ]


def crop_upright(image: np.ndarray, box: np.ndarray, landmarks: np.ndarray, framing: Framing) -> np.ndarray:
    """Cut a square face crop from an image. Turn a tilted face upright, and stretch the contrast of a dark one.

    Args:
        image: RGB, uint8, (H, W, 3).
        box: (x1, y1, x2, y2) in pixels, from a detector.
        landmarks: (5, 2), from the same detector; not a number if it has none.
        framing: scale and centre offset, as fractions of the box's longer side, in the upright face.

    Returns:
        RGB, uint8, (S, S, 3), S = round(framing.scale * longer side).

    Raises:
        MiniXceptionError: the box lies wholly outside the image.
    """
    roll = roll_degrees(landmarks)
    if not abs(roll) > TILTED_DEGREES:  # also if there are no landmarks
        return stretch_crop(crop_face(image, box, framing))
    x1, y1, x2, y2 = map(float, box)
    side = max(x2 - x1, y2 - y1)
    turned = Pose((x1 + x2) / 2, (y1 + y2) / 2, side, roll)
    x, y = turned.to_image(0.5 + framing.offset_x, 0.5 + framing.offset_y)
    size = max(1, round(framing.scale * side))
    return stretch_crop(cut_square(image, Pose(x, y, framing.scale * side, roll), size))


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


def _valid(faces: Detections, image: np.ndarray) -> Detections:
    """Drop boxes that are empty, not finite, or wholly outside the image. A user's detector may return such boxes."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = faces.boxes.T
    inside = (x1 < x2) & (y1 < y2) & (x1 < width) & (y1 < height) & (x2 > 0) & (y2 > 0)
    return faces.select(inside & np.isfinite(faces.boxes).all(axis=1))


def _as_landmarks(landmarks: np.ndarray) -> Landmarks | None:
    if not np.isfinite(landmarks).all():
        return None
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in landmarks)
