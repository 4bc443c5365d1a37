"""Test vectors of the detector's steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from mini_xception.detection.cascade import Cascade
from mini_xception.detection.second_look import check_roll, examine
from mini_xception.detection.suppress import overlap_any, suppress, suppress_inside
from tests.web.arrays import Arrays
from tests.web.image_vectors import turned_face


def suppressed():
    """Suppress boxes. Some of them overlap, and some have equal scores."""
    rng = np.random.default_rng(3)
    for count in (0, 1, 2, 60, 200):
        near = rng.integers(0, 120, (count, 2))
        boxes = np.hstack([near, near + rng.integers(10, 60, (count, 2)), rng.integers(60, 100, (count, 1)) / 100])
        boxes = np.hstack([boxes, np.arange(count)[:, np.newaxis].repeat(4, 1)]).astype(np.float32)
        for max_overlap in (0.5, 0.7):
            yield {
                "boxes": boxes.tolist(),
                "max_overlap": max_overlap,
                "of_union": suppress(boxes.copy(), max_overlap)[:, 5].tolist(),
                "of_smaller": suppress_inside(boxes.copy(), max_overlap)[:, 5].tolist(),
            }


def overlaps() -> dict[str, Any]:
    """Ask which boxes show the same face as one of a few others."""
    rng = np.random.default_rng(7)
    near = rng.uniform(0, 200, (80, 2))
    boxes = np.hstack([near, near + rng.uniform(10, 60, (80, 2)), np.ones((80, 1))]).astype(np.float32)
    found = overlap_any(boxes[20:], boxes[:20])
    return {"boxes": boxes[20:].tolist(), "others": boxes[:20].tolist(), "overlap": found.tolist()}


def rolled(arrays: Arrays):
    """Compare uncertain faces at four rolls: the face of a turned portrait, the same on its head, and none."""
    for degrees in (0.0, 35.0, -120.0):
        image, face = turned_face(degrees)
        wrong, elsewhere, certain = face.copy(), face.copy(), face.copy()
        wrong[5:10], wrong[10:15] = face[[9, 8, 7, 6, 5]], face[[14, 13, 12, 11, 10]]
        elsewhere[[0, 2, *range(5, 10)]] -= face[2] - face[0]
        for row, score in ((face, 0.95), (wrong, 0.92), (elsewhere, 0.91), (certain, 0.999)):
            row[4] = score
        rows = np.stack([face, wrong, elsewhere, certain])
        stay, candidates = check_roll(Cascade(), image, rows)
        yield {
            "image": arrays.image(image),
            "rows": rows.tolist(),
            "faces": stay.tolist(),
            "candidates": candidates.tolist(),
        }


def examined(arrays: Arrays):
    """Examine candidates around the face of a turned portrait. Most of them are not faces."""
    cascade = Cascade()
    rng = np.random.default_rng(8)
    for degrees in (0.0, 35.0, 90.0, 180.0):
        image, face = turned_face(degrees)
        size = face[2] - face[0]
        candidates = []
        for shift in (0.0, 0.1, 0.3, 1.0):
            for score in (0.3, 0.9):
                candidate = face.copy()
                candidate[[0, 2, *range(5, 10)]] += shift * size * rng.choice([-1, 1])
                candidate[[1, 3, *range(10, 15)]] += shift * size * rng.choice([-1, 1])
                candidate[4] = score
                candidates.append(candidate)
        faces = examine(cascade, image, np.array(candidates, np.float32))
        yield {
            "image": arrays.image(image),
            "candidates": np.array(candidates, np.float32).tolist(),
            "faces": faces.tolist(),
        }
