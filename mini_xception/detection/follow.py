"""Detection near the faces of the previous frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mini_xception.boxes import iou
from mini_xception.detection.detections import Detections
from mini_xception.detection.detector import Detector
from mini_xception.detection.pose import apply, turn
from mini_xception.faces import Face
from mini_xception.landmarks import TILTED_DEGREES

#: A face's box is extended by this fraction of its longer side in every direction.
MARGIN = 0.5
#: A large crop is scaled down until the face is this many times as large as the smallest face that the detector finds,
#: because larger crops take longer.
NEAR_SIZE = 1.25
#: Minimum intersection over union of a face's box and its box in the previous frame.
MIN_IOU = 0.3
#: If the boxes found in two crops have a higher intersection over union than this, they belong to the same face.
SAME_FACE_IOU = 0.5


def detect_near(image: np.ndarray, faces: Sequence[Face], detector: Detector, min_face_size: int) -> Detections | None:
    """Detect one face near each face of the previous frame, in small crops of the image.

    A crop is turned by the roll that the face had.

    Args:
        image: RGB, uint8, (H, W, 3).
        faces: the faces of the previous frame.
        detector: called with each crop, which may be scaled down.
        min_face_size: the smallest face that the detector finds, in pixels.

    Returns:
        The faces in the same order; None if a face was lost, or if two faces lead to the same one.
    """
    found = [_detect_near_one(image, face, detector, min_face_size) for face in faces]
    kept = [face for face in found if face is not None]
    if len(kept) < len(faces):
        return None
    near = Detections(*(np.concatenate(arrays) for arrays in zip(*kept, strict=True)))
    return None if (np.triu(iou(near.boxes, near.boxes), k=1) > SAME_FACE_IOU).any() else near


def _detect_near_one(image: np.ndarray, face: Face, detector: Detector, min_face_size: int) -> Detections | None:
    x1, y1, x2, y2 = face.box
    side = max(x2 - x1, y2 - y1)
    margin = round(MARGIN * side)
    left, top = max(x1 - margin, 0), max(y1 - margin, 0)
    crop = np.ascontiguousarray(image[top : y2 + margin, left : x2 + margin])
    scale = min(1.0, NEAR_SIZE * min_face_size / side)
    if min(crop.shape[:2]) * scale < 1:  # The box lies outside this frame, which is smaller than the previous one.
        return None
    if scale < 1:
        crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    roll = face.roll_degrees or 0.0
    if abs(roll) > TILTED_DEGREES:
        crop, transform = turn(crop, round(roll))
        found = _turn_back(Detections.of(*detector(crop)), transform)
    else:
        found = Detections.of(*detector(crop))
    if len(found.boxes) == 0:
        return None
    corner = np.array([left, top], np.float32)
    found = Detections(found.boxes / scale + np.tile(corner, 2), found.scores, found.landmarks / scale + corner)
    overlaps = iou(found.boxes, np.array([face.box]))[:, 0]
    best = overlaps.argmax()
    return found.select(np.array([best])) if overlaps[best] >= MIN_IOU else None


def _turn_back(found: Detections, transform: np.ndarray) -> Detections:
    """Map faces from a turned image to the original. Their boxes become squares."""
    centres = apply(transform, (found.boxes[:, :2] + found.boxes[:, 2:]) / 2)
    half = (found.boxes[:, 2:] - found.boxes[:, :2]).max(axis=1, keepdims=True, initial=0) / 2
    landmarks = apply(transform, found.landmarks.reshape(-1, 2)).reshape(-1, 5, 2)
    return Detections.of(np.hstack([centres - half, centres + half]), found.scores, landmarks)
