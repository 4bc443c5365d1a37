"""Face detectors: an RGB image in, boxes and scores out. To add one, write a class and a row in DETECTORS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import cv2
import numpy as np

from mini_xception.boxes import Box, iou
from mini_xception.detection.mtcnn import MTCNN
from mini_xception.errors import MiniXceptionError

#: :func:`detect_near` searches a crop that extends a face's box by this fraction of its side in every direction.
MARGIN = 0.5
#: The crop is scaled so that the face is this many times the smallest face the detector finds; larger costs more.
NEAR_SIZE = 1.25
#: A face must overlap the box of the frame before by this intersection over union.
MIN_IOU = 0.3
#: Two crops whose boxes overlap by more than this contain the same face.
SAME_FACE_IOU = 0.5


class Detector(Protocol):
    """Finds faces.

    Called with an RGB image, uint8, (H, W, 3), it returns boxes, float32, (N, 4), as x1, y1, x2, y2 in the image's
    pixels, possibly partly outside the image, and scores in [0, 1], float32, (N,).
    """

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


#: name → class; each is constructed with ``min_face_size`` and ``device``.
DETECTORS: dict[str, Callable[..., Detector]] = {"mtcnn": MTCNN}


def load_detector(name: str, min_face_size: int, device: str) -> Detector:
    """Make a detector from its name.

    Args:
        name: a name in DETECTORS.
        min_face_size: the smallest face to find, in pixels of the image.
        device: a torch device.

    Raises:
        MiniXceptionError: no detector has this name.
    """
    if name not in DETECTORS:
        raise MiniXceptionError(f"detector {name!r} not found; choose one of {', '.join(DETECTORS)}")
    return DETECTORS[name](min_face_size=min_face_size, device=device)


def detect_near(
    image: np.ndarray, boxes: Sequence[Box], detector: Detector, min_face_size: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Detect one face near each box, in small crops of the image.

    Args:
        image: RGB, uint8, (H, W, 3).
        boxes: where the faces were in the frame before.
        detector: called with each crop, which may be scaled down.
        min_face_size: the smallest face that the detector finds, in pixels.

    Returns:
        Boxes, float32, (N, 4), and scores, float32, (N,), in the order of the boxes; None if a face was lost, or if two
        boxes lead to the same face.
    """
    found = [_detect_near_one(image, box, detector, min_face_size) for box in boxes]
    kept = np.array([face for face in found if face is not None], np.float32).reshape(-1, 5)
    if len(kept) < len(boxes) or (np.triu(iou(kept[:, :4], kept[:, :4]), k=1) > SAME_FACE_IOU).any():
        return None
    return kept[:, :4], kept[:, 4]


def _detect_near_one(image: np.ndarray, box: Box, detector: Detector, min_face_size: int) -> np.ndarray | None:
    """Return the face near a box as (x1, y1, x2, y2, score), or None."""
    x1, y1, x2, y2 = box
    side = max(x2 - x1, y2 - y1)
    margin = round(MARGIN * side)
    left, top = max(x1 - margin, 0), max(y1 - margin, 0)
    crop = np.ascontiguousarray(image[top : y2 + margin, left : x2 + margin])
    scale = min(1.0, NEAR_SIZE * min_face_size / side)
    if min(crop.shape[:2]) * scale < 1:  # This frame is smaller than the one before and ends before the box.
        return None
    if scale < 1:
        crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found, scores = detector(crop)
    if len(found) == 0:
        return None
    found = found / scale + np.array([left, top, left, top])
    overlaps = iou(found, np.array([box]))[:, 0]
    best = int(overlaps.argmax())
    return np.append(found[best], scores[best]) if overlaps[best] >= MIN_IOU else None
