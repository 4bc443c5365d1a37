"""Non-maximum suppression: of several overlapping boxes, only the box with the highest score is kept.

A box is a row: x1, y1, x2, y2 in pixels, then the score; more columns may follow.
"""

from __future__ import annotations

import cv2
import numpy as np

#: Two boxes show the same face if they share more than this fraction of the smaller box.
SAME_FACE = 0.4


def suppress(boxes: np.ndarray, max_overlap: float) -> np.ndarray:
    """Drop boxes whose intersection over union with a higher-scored box exceeds ``max_overlap``."""
    if len(boxes) < 2:
        return boxes
    corner_and_size = np.hstack([boxes[:, :2], boxes[:, 2:4] - boxes[:, :2]]).astype(np.float64)
    return boxes[cv2.dnn.NMSBoxes(corner_and_size, boxes[:, 4], 0.0, max_overlap)]  # type: ignore[arg-type]


def suppress_inside(boxes: np.ndarray, max_overlap: float) -> np.ndarray:
    """Drop boxes whose overlap with a higher-scored box exceeds ``max_overlap`` times the area of the smaller box."""
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    areas = (boxes[:, 2:4] - boxes[:, :2] + 1).prod(axis=1)
    kept: list[int] = []
    for i, box in enumerate(boxes):
        near, far = np.maximum(boxes[kept, :2], box[:2]), np.minimum(boxes[kept, 2:4], box[2:4])
        shared = np.maximum(far - near + 1, 0).prod(axis=1)
        if (shared <= max_overlap * np.minimum(areas[kept], areas[i])).all():
            kept.append(i)
    return boxes[kept]


def overlap_any(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which boxes, (N, 4 or more), show the same face as one of the others: bool, (N,)."""
    boxes, others = boxes[:, np.newaxis], others[np.newaxis]
    shared = (np.minimum(boxes[..., 2:4], others[..., 2:4]) - np.maximum(boxes[..., :2], others[..., :2])).clip(0)
    areas, other_areas = ((box[..., 2:4] - box[..., :2]).prod(axis=2) for box in (boxes, others))
    return (shared.prod(axis=2) > SAME_FACE * np.minimum(areas, other_areas)).any(axis=1)
