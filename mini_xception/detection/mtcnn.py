"""MTCNN: a cascade of three networks (Zhang et al. 2016, https://arxiv.org/abs/1604.02878).

The first network proposes boxes on every level of an image pyramid; the second and third networks refine them. Weights,
thresholds, rounding and order are the same as in facenet-pytorch, so the boxes are the same too. This implementation is
faster, because it uses one integral image for all levels and candidates and runs each stage on all candidates at once.

A box is a row of float32: x1, y1, x2, y2 in pixels, then the score. Within the cascade, the offsets of x1, y1, x2 and
y2 follow, as fractions of the box's sides.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from mini_xception.detection.networks import load_network
from mini_xception.network.engines import Engine

#: Images whose longer side exceeds this many pixels are scaled down for detection.
MAX_SIDE = 4096
#: The first network's window and step in pixels. The window is also the smallest possible ``min_face_size``.
WINDOW, STRIDE = 12, 2
#: Ratio between the scales of neighbouring pyramid levels.
PYRAMID_FACTOR = 0.709
#: Input sides of the second and third networks, in pixels.
REFINE_SIDE, OUTPUT_SIDE = 24, 48
#: Minimum scores in the three stages.
PROPOSE_SCORE, REFINE_SCORE, OUTPUT_SCORE = 0.6, 0.7, 0.7
#: PROPOSE_SCORE as a difference of two logits. Comparing logits avoids a softmax over the whole image.
PROPOSE_LOGIT = math.log(PROPOSE_SCORE / (1 - PROPOSE_SCORE))
#: Maximum overlap of two boxes, on one pyramid level and after each stage. Overlap is the intersection over union;
#: after the last stage, it is the intersection over the area of the smaller box.
LEVEL_OVERLAP, STAGE_OVERLAP = 0.5, 0.7
#: Candidates per forward pass. More would not fit into the processor's cache.
BATCH_SIZE = 64


class MTCNN:
    """MTCNN (Zhang et al. 2016, https://arxiv.org/abs/1604.02878) with facenet-pytorch's weights.

    Args:
        min_face_size: smallest face to look for, in pixels of the image. It is not a strict minimum: as in
            facenet-pytorch, faces down to about half this size are still found.
        min_score: minimum confidence of a face; false detections score about 0.80–0.85.
        device: the name of a torch device.
    """

    def __init__(self, min_face_size: int = 40, min_score: float = 0.9, device: str = "cpu") -> None:
        self.min_face_size = min_face_size
        self.min_score = min_score
        self._cascade = Cascade(device)

    def __reduce__(self) -> tuple[type[MTCNN], tuple[int, float]]:
        """Pickle the settings only. Worker processes create their own detector, on the CPU."""
        return MTCNN, (self.min_face_size, self.min_score)

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes, float32, (N, 4), and scores, float32, (N,), the largest face first."""
        scale = min(1.0, MAX_SIDE / max(image.shape[:2]))
        min_face_size = max(round(self.min_face_size * scale), WINDOW)
        if min(image.shape[:2]) * scale < min_face_size:
            return np.empty((0, 4), np.float32), np.empty(0, np.float32)
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found = self._cascade(image, min_face_size)
        found = found[found[:, 4] >= self.min_score]
        areas = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])
        found = found[np.argsort(-areas, kind="stable")]
        return found[:, :4] / scale, found[:, 4]


class Cascade:
    """The three stages. Thread-safe.

    Args:
        device: the name of a torch device.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._propose, self._refine, self._output = (_load(name, device) for name in ("pnet", "rnet", "onet"))

    def __call__(self, image: np.ndarray, min_face_size: int) -> np.ndarray:
        """Return boxes and scores, float32, (N, 5), the highest score first.

        Args:
            image: RGB, uint8, (H, W, 3).
            min_face_size: smallest face to look for, in pixels, at least WINDOW.
        """
        # Four channels, because NumPy gathers 16-byte items fastest. If int32 overflows, differences are still correct.
        integral = cv2.integral(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA))
        levels = [self._proposals(integral, scale) for scale in _scales(min(image.shape[:2]), min_face_size)]
        boxes = _suppress(np.concatenate([*levels, np.empty((0, 9), np.float32)]), STAGE_OVERLAP)
        boxes[:, :4] += boxes[:, 5:] * np.tile(boxes[:, 2:4] - boxes[:, :2], 2)

        boxes = self._refine_boxes(self._refine, integral, _square(boxes), REFINE_SIDE, REFINE_SCORE)
        boxes = _shift(_suppress(boxes, STAGE_OVERLAP))
        boxes = self._refine_boxes(self._output, integral, _square(boxes), OUTPUT_SIDE, OUTPUT_SCORE)
        return _suppress_inside(_shift(boxes), STAGE_OVERLAP)[:, :5]

    def _proposals(self, integral: np.ndarray, scale: float) -> np.ndarray:
        """Return the first network's candidates on one pyramid level: (N, 9)."""
        height, width = integral.shape[0] - 1, integral.shape[1] - 1
        logits = self._propose(_shrink(integral, int(height * scale + 1), int(width * scale + 1)))[0]
        y, x = np.nonzero(logits[1] - logits[0] >= PROPOSE_LOGIT)
        logits = logits[:, y, x].T
        corner = STRIDE * np.stack([x, y], axis=1).astype(np.float32)
        box = np.floor(np.hstack([corner + 1, corner + WINDOW]) / np.float32(scale))
        return _suppress(np.hstack([box, _scores(logits), logits[:, 2:]]), LEVEL_OVERLAP)

    def _refine_boxes(
        self, network: Engine, integral: np.ndarray, boxes: np.ndarray, side: int, min_score: float
    ) -> np.ndarray:
        """Return the boxes that a network accepts, with its scores and offsets: (N, 9)."""
        height, width = integral.shape[0] - 1, integral.shape[1] - 1
        # As in facenet-pytorch: round towards zero, and include the pixel before the corner.
        corners = boxes[:, :4].astype(np.int32)
        x1, y1 = np.maximum(corners[:, :2], 1).T - 1
        x2, y2 = np.minimum(corners[:, 2:], (width, height)).T
        inside = (x1 < x2) & (y1 < y2)
        boxes, x1, y1, x2, y2 = boxes[inside], x1[inside], y1[inside], x2[inside], y2[inside]
        found = [np.empty((0, 9), np.float32)]
        for start in range(0, len(boxes), BATCH_SIZE):
            batch = slice(start, start + BATCH_SIZE)
            rows, columns = _bins(y1[batch], y2[batch], side), _bins(x1[batch], x2[batch], side)
            logits = network(_average(integral, rows, columns))[:, :, 0, 0]
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


def _bins(start: np.ndarray, stop: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide N ranges of pixels into ``count`` bins. Return the bins' start and stop pixels, (N, count) each.

    Neighbouring bins share a pixel if the length is not a multiple of ``count``, as in
    ``torch.nn.functional.interpolate``'s mode "area".
    """
    edges = (stop - start)[:, np.newaxis] * np.arange(count + 1)
    start = start[:, np.newaxis]
    return start + edges[:, :-1] // count, start - (-edges[:, 1:] // count)


def _shrink(integral: np.ndarray, height: int, width: int) -> np.ndarray:
    """Downscale a whole image by averaging: float32, (1, 3, height, width)."""
    zero = np.array([0])
    top, bottom = (edges[0] for edges in _bins(zero, zero + integral.shape[0] - 1, height))
    left, right = (edges[0] for edges in _bins(zero, zero + integral.shape[1] - 1, width))
    average = np.empty((3, height, width), np.float32)
    for start in range(0, height, 16):  # in strips that fit into the processor's cache
        strip = slice(start, start + 16)
        rows = integral.take(bottom[strip], axis=0)
        rows -= integral.take(top[strip], axis=0)
        pixels = rows.view(np.complex128)[:, :, 0]
        total = pixels.take(right, axis=1).view(np.int32)
        total -= pixels.take(left, axis=1).view(np.int32)
        average[:, strip] = total.reshape(-1, width, 4)[..., :3].transpose(2, 0, 1)
    average /= ((bottom - top)[:, np.newaxis] * (right - left)).astype(np.float32)
    return average[np.newaxis]


def _average(
    integral: np.ndarray, rows: tuple[np.ndarray, np.ndarray], columns: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Downscale N parts of an image by averaging: float32, (N, 3, H, W)."""
    (top, bottom), (left, right) = rows, columns
    sums, width = integral.view(np.complex128).reshape(-1), integral.shape[1]

    def corner(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        found = sums.take(row + column)
        return found.view(np.int32).reshape(*found.shape, 4)

    above, below = ((row * width)[:, :, np.newaxis] for row in (top, bottom))
    before, after = (column[:, np.newaxis] for column in (left, right))
    total = corner(below, after)
    total -= corner(above, after)
    total -= corner(below, before)
    total += corner(above, before)
    area = ((bottom - top)[:, :, np.newaxis] * (right - left)[:, np.newaxis]).astype(np.float32)
    # Channels first, because NumPy is slow along an axis of length three.
    average = np.empty((len(total), 3, *total.shape[1:3]), np.float32)
    average[...] = total[..., :3].transpose(0, 3, 1, 2)
    average /= area[:, np.newaxis]
    return average


def _scores(logits: np.ndarray) -> np.ndarray:
    """Return the probability of "face", (N, 1), from the logits of "no face" and "face" in columns 0 and 1."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(logits[:, :1] - logits[:, 1:2]))


def _shift(boxes: np.ndarray) -> np.ndarray:
    """Add the offsets to the corners. Sides include their last pixel, as in the networks' training."""
    size = boxes[:, 2:4] - boxes[:, :2] + 1
    boxes[:, :4] += boxes[:, 5:] * np.tile(size, 2)
    return boxes


def _square(boxes: np.ndarray) -> np.ndarray:
    """Extend each box to a square about its centre."""
    size = boxes[:, 2:4] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True, initial=0)
    boxes[:, :2] = boxes[:, :2] + size * np.float32(0.5) - side * np.float32(0.5)
    boxes[:, 2:4] = boxes[:, :2] + side
    return boxes


def _suppress(boxes: np.ndarray, max_overlap: float) -> np.ndarray:
    """Drop boxes whose intersection over union with a higher-scored box exceeds ``max_overlap``."""
    if len(boxes) < 2:
        return boxes
    corner_and_size = np.hstack([boxes[:, :2], boxes[:, 2:4] - boxes[:, :2]]).astype(np.float64)
    return boxes[cv2.dnn.NMSBoxes(corner_and_size, boxes[:, 4], 0.0, max_overlap)]  # type: ignore[arg-type]


def _suppress_inside(boxes: np.ndarray, max_overlap: float) -> np.ndarray:
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
