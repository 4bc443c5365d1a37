"""Rectangles in pixels."""

from __future__ import annotations

import numpy as np

#: (x1, y1, x2, y2) in pixels of the original image; x2 and y2 are exclusive.
Box = tuple[int, int, int, int]


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compute the intersection over union of each box in ``boxes`` with each box in ``others``.

    Args:
        boxes: (N, 4), x1, y1, x2, y2.
        others: (M, 4).

    Returns:
        float, (N, M), in [0, 1].
    """
    low = np.maximum(boxes[:, np.newaxis, :2], others[np.newaxis, :, :2])
    high = np.minimum(boxes[:, np.newaxis, 2:], others[np.newaxis, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    areas, other_areas = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (boxes, others))
    return shared / (areas[:, np.newaxis] + other_areas - shared)
