"""Face detectors: an RGB image in, boxes with scores out. A new one is a class and a row in DETECTORS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np

#: Photos with a longer side than this, in pixels, are scaled down for detection.
MAX_SIDE = 4096
#: MTCNN finds no face below the 12 pixels of its first network's window.
_SMALLEST_FACE = 12


class Detector(Protocol):
    """Finds faces.

    Called with an RGB uint8 image (H, W, 3) it returns boxes, float32, (N, 4) as x1, y1, x2, y2 in the image's
    pixels, which may leave the image, and scores in [0, 1], float32, (N,).
    """

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


class MTCNN:
    """The cascade of Zhang et al. 2016 (https://arxiv.org/abs/1604.02878) with facenet-pytorch's weights.

    Args:
        min_face_size: smallest face to look for, in pixels of the image as it is given.
        min_score: boxes below this confidence are dropped; false ones score about 0.80–0.85.
        device: a torch device.
    """

    def __init__(self, min_face_size: int = 40, min_score: float = 0.9, device: str = "cpu") -> None:
        from mini_xception.mtcnn import Cascade

        self.min_face_size = min_face_size
        self.min_score = min_score
        self._cascade = Cascade(device)

    def __reduce__(self) -> tuple[type[MTCNN], tuple[int, float]]:
        """In another process it is made anew, on the CPU: worker processes leave a GPU to the one that started them."""
        return MTCNN, (self.min_face_size, self.min_score)

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes and scores, from the largest face to the smallest."""
        scale = min(1.0, MAX_SIDE / max(image.shape[:2]))
        min_face_size = max(round(self.min_face_size * scale), _SMALLEST_FACE)
        if min(image.shape[:2]) * scale < min_face_size:
            return _NO_BOXES, _NO_SCORES
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found = self._cascade(image, min_face_size)
        found = found[found[:, 4] >= self.min_score]
        areas = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])
        found = found[np.argsort(-areas, kind="stable")]
        return found[:, :4] / scale, found[:, 4]


_NO_BOXES = np.empty((0, 4), np.float32)
_NO_SCORES = np.empty(0, np.float32)

#: name → class; each is constructed with ``min_face_size`` and ``device``.
DETECTORS: dict[str, Callable[..., Detector]] = {"mtcnn": MTCNN}
