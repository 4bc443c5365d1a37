"""MTCNN's cascade of three networks (Zhang et al. 2016, https://arxiv.org/abs/1604.02878).

The first network proposes boxes on every level of an image pyramid; the second and third networks refine them. Weights,
thresholds, rounding and order are the same as in facenet-pytorch, so the boxes are the same too. This implementation is
faster, because it uses one integral image for all levels and candidates and runs each stage on all candidates at once.

A box is a row of float32: x1, y1, x2, y2 in pixels, then the score. Within the cascade, the offsets of x1, y1, x2 and
y2 follow, as fractions of the box's sides. A face is a box that is followed by its landmarks: x of the five landmarks,
then y, in pixels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from mini_xception.detection.integral import average, bins, integrate, shrink
from mini_xception.detection.networks import load_network
from mini_xception.detection.suppress import overlap_any, suppress, suppress_inside
from mini_xception.network.engines import Engine

#: The first network's window and step in pixels. The window is also the smallest possible ``min_face_size``.
WINDOW, STRIDE = 12, 2
#: Ratio between the scales of neighbouring pyramid levels.
PYRAMID_FACTOR = 0.709
#: Input sides of the second and third networks, in pixels.
REFINE_SIDE, OUTPUT_SIDE = 24, 48
#: Minimum scores in the three stages.
PROPOSE_SCORE, REFINE_SCORE, OUTPUT_SCORE = 0.6, 0.7, 0.7
#: Minimum scores of a candidate, which may be a face, in the second and third stages.
CANDIDATE_REFINE_SCORE, CANDIDATE_OUTPUT_SCORE = 0.1, 0.2
#: Maximum intersection over union of two candidates.
CANDIDATE_OVERLAP = 0.5
#: PROPOSE_SCORE as a difference of two logits. Comparing logits avoids a softmax over the whole image.
PROPOSE_LOGIT = math.log(PROPOSE_SCORE / (1 - PROPOSE_SCORE))
#: Maximum overlap of two boxes, on one pyramid level and after each stage. Overlap is the intersection over union;
#: after the last stage, it is the intersection over the area of the smaller box.
LEVEL_OVERLAP, STAGE_OVERLAP = 0.5, 0.7
#: Candidates whose pixels are averaged at once. More would not fit into the processor's cache.
BATCH_SIZE = 64


class Proposals(NamedTuple):
    """The result of the first two networks for an image.

    Attributes:
        integral: the integral image, int32, (H + 1, W + 1, 4).
        boxes: boxes, the second network's scores, at least CANDIDATE_REFINE_SCORE, and offsets, float32, (N, 9).
    """

    integral: np.ndarray
    boxes: np.ndarray


class Cascade:
    """The three stages. Thread-safe.

    Args:
        device: the name of a torch device.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._propose, self._refine, self._output = (_load(name, device) for name in ("pnet", "rnet", "onet"))

    def propose(self, image: np.ndarray, min_face_size: int, max_levels: int | None = None) -> Proposals:
        """Run the first two networks.

        Args:
            image: RGB, uint8, (H, W, 3).
            min_face_size: smallest face to look for, in pixels, at least WINDOW.
            max_levels: maximum number of pyramid levels, the largest first; None for all.
        """
        integral = integrate(image)
        scales = _scales(min(image.shape[:2]), min_face_size)[:max_levels]
        levels = [self._proposals(integral, scale) for scale in scales]
        boxes = suppress(np.concatenate([*levels, np.empty((0, 9), np.float32)]), STAGE_OVERLAP)
        boxes[:, :4] += boxes[:, 5:] * np.tile(boxes[:, 2:4] - boxes[:, :2], 2)
        return Proposals(
            integral, self._score(self._refine, integral, _square(boxes), REFINE_SIDE, CANDIDATE_REFINE_SCORE)
        )

    def faces(self, proposals: Proposals) -> np.ndarray:
        """Return the faces, as facenet-pytorch finds them: float32, (N, 15), the highest score first."""
        boxes = proposals.boxes[proposals.boxes[:, 4] > REFINE_SCORE]
        return self._finish(proposals.integral, _shift(suppress(boxes, STAGE_OVERLAP)), OUTPUT_SCORE)

    def candidates(self, proposals: Proposals, faces: np.ndarray, limit: int) -> np.ndarray:
        """Return what may also be a face: float32, (N, 15), the highest score first.

        Args:
            proposals: from :meth:`propose`.
            faces: the known faces, (M, 15). A candidate does not overlap them.
            limit: maximum number of candidates.
        """
        boxes = _shift(suppress(proposals.boxes.copy(), CANDIDATE_OVERLAP))
        return self._finish(proposals.integral, boxes[~overlap_any(boxes, faces)][:limit], CANDIDATE_OUTPUT_SCORE)

    def examine(self, faces: np.ndarray) -> np.ndarray:
        """Run the third network on squares that were cut from an image.

        Args:
            faces: RGB, uint8, (N, OUTPUT_SIDE, OUTPUT_SIDE, 3).

        Returns:
            float32, (N, 15): the logit of "face", then x1, y1, x2, y2 and the landmarks as fractions of the square.
        """
        outputs = self._output(np.ascontiguousarray(faces.transpose(0, 3, 1, 2), np.float32))[:, :, 0, 0]
        outputs[:, 1] -= outputs[:, 0]
        outputs[:, 4:6] += 1
        return outputs[:, 1:]

    def _proposals(self, integral: np.ndarray, scale: float) -> np.ndarray:
        """Return the first network's candidates on one pyramid level: (N, 9)."""
        height, width = integral.shape[0] - 1, integral.shape[1] - 1
        logits = self._propose(shrink(integral, int(height * scale + 1), int(width * scale + 1)))[0]
        y, x = np.nonzero(logits[1] - logits[0] >= PROPOSE_LOGIT)
        logits = logits[:, y, x].T
        corner = STRIDE * np.stack([x, y], axis=1).astype(np.float32)
        box = np.floor(np.hstack([corner + 1, corner + WINDOW]) / np.float32(scale))
        return suppress(np.hstack([box, _scores(logits), logits[:, 2:]]), LEVEL_OVERLAP)

    def _finish(self, integral: np.ndarray, boxes: np.ndarray, min_score: float) -> np.ndarray:
        """Return the boxes that the third network accepts, as faces: (N, 15)."""
        boxes = self._score(self._output, integral, _square(boxes), OUTPUT_SIDE, min_score)
        corner, size = boxes[:, :2], boxes[:, 2:4] - boxes[:, :2] + 1
        # As in facenet-pytorch, a landmark is one pixel nearer to the origin than a corner with the same fraction.
        boxes[:, 9:] = boxes[:, 9:] * size.repeat(5, axis=1) + corner.repeat(5, axis=1) - 1
        return np.delete(suppress_inside(_shift(boxes), STAGE_OVERLAP), range(5, 9), axis=1)

    def _score(
        self, network: Engine, integral: np.ndarray, boxes: np.ndarray, side: int, min_score: float
    ) -> np.ndarray:
        """Return the boxes that a network accepts, with its scores, offsets and landmarks: (N, 9) or (N, 19)."""
        height, width = integral.shape[0] - 1, integral.shape[1] - 1
        # As in facenet-pytorch: round towards zero, and include the pixel before the corner.
        corners = boxes[:, :4].astype(np.int32)
        x1, y1 = np.maximum(corners[:, :2], 1).T - 1
        x2, y2 = np.minimum(corners[:, 2:], (width, height)).T
        inside = (x1 < x2) & (y1 < y2)
        boxes, x1, y1, x2, y2 = boxes[inside], x1[inside], y1[inside], x2[inside], y2[inside]
        found = [np.empty((0, 9 if side == REFINE_SIDE else 19), np.float32)]
        for start in range(0, len(boxes), BATCH_SIZE):
            batch = slice(start, start + BATCH_SIZE)
            rows, columns = bins(y1[batch], y2[batch], side), bins(x1[batch], x2[batch], side)
            logits = network(average(integral, rows, columns))[:, :, 0, 0]
            faces = np.hstack([boxes[batch, :4], _scores(logits), logits[:, 2:]])
            found.append(faces[faces[:, 4] > min_score])
        return np.concatenate(found)


def _load(name: str, device: str) -> Engine:
    if device == "cpu":
        return load_network(name)
    from mini_xception.detection.torch_networks import load_torch_network  # PyTorch is slow to import

    return load_torch_network(name, device)


def _scales(shorter_side: int, min_face_size: int) -> list[float]:
    """Return the scales of the pyramid levels, down to the last level that can hold the window."""
    scale = WINDOW / min_face_size
    shorter = shorter_side * scale
    scales = []
    while shorter >= WINDOW:
        scales.append(scale)
        scale *= PYRAMID_FACTOR
        shorter *= PYRAMID_FACTOR
    return scales


def _scores(logits: np.ndarray) -> np.ndarray:
    """Return the probability of "face", (N, 1), from the logits of "no face" and "face" in columns 0 and 1."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(logits[:, :1] - logits[:, 1:2]))


def _shift(boxes: np.ndarray) -> np.ndarray:
    """Add the offsets to the corners. Sides include their last pixel, as in the networks' training."""
    size = boxes[:, 2:4] - boxes[:, :2] + 1
    boxes[:, :4] += boxes[:, 5:9] * np.tile(size, 2)
    return boxes


def _square(boxes: np.ndarray) -> np.ndarray:
    """Extend each box to a square about its centre."""
    size = boxes[:, 2:4] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True, initial=0)
    boxes[:, :2] = boxes[:, :2] + size * np.float32(0.5) - side * np.float32(0.5)
    boxes[:, 2:4] = boxes[:, :2] + side
    return boxes
