"""Face detectors, which return boxes and scores.

To add a detector, write a class, and add a row to DETECTORS below. Also add the name to DETECTORS in
``cli/options.py``; a test checks that both contain the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import cv2
import numpy as np

from mini_xception.boxes import Box, iou
from mini_xception.detection.mtcnn import MTCNN
from mini_xception.errors import MiniXceptionError

#: :func:`detect_near` extends a face's box by this fraction of its longer side in every direction.
MARGIN = 0.5
#: :func:`detect_near` scales a large crop down until the face is this many times as large as the smallest face that the
#: detector finds, because larger crops take longer.
NEAR_SIZE = 1.25
#: Minimum intersection over union of a face's box and its box in the previous frame.
MIN_IOU = 0.3
#: If the boxes found in two crops have a higher intersection over union than this, they belong to the same face.
SAME_FACE_IOU = 0.5


class Detector(Protocol):
    """A callable that finds faces.

    It takes an RGB image, uint8, (H, W, 3). It returns boxes, float32, (N, 4), and scores in [0, 1], float32, (N,). A
    box is x1, y1, x2, y2 in the image's pixels and may lie partly outside the image.
    """

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


#: Name → class. Each class is constructed with ``min_face_size`` and ``device``.
DETECTORS: dict[str, Callable[..., Detector]] = {"mtcnn": MTCNN}


def load_detector(name: str, min_face_size: int, device: str) -> Detector:
    """Create a detector from its name.

    Args:
        name: a name in DETECTORS.
        min_face_size: the smallest face to look for, in pixels of the image. It is not a strict minimum: MTCNN still
            finds faces down to about half this size.
        device: the name of a torch device.

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
        boxes: the faces' boxes in the previous frame.
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
    if min(crop.shape[:2]) * scale < 1:  # The box lies outside this frame, which is smaller than the previous one.
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
