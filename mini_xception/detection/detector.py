"""Face detectors, which return boxes, scores and landmarks.

To add a detector, write a class, and add a row to DETECTORS below. Also add the name to DETECTORS in
``cli/options.py``; a test checks that both contain the same names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np

from mini_xception.detection.detections import Detections
from mini_xception.detection.mtcnn import MTCNN
from mini_xception.errors import MiniXceptionError


class Detector(Protocol):
    """A callable that finds faces.

    It takes an RGB image, uint8, (H, W, 3). It returns boxes, float32, (N, 4), scores in [0, 1], float32, (N,), and, if
    it has them, landmarks, float32, (N, 5, 2); see :class:`Detections`. Without landmarks, crops are not turned.
    """

    def __call__(self, image: np.ndarray) -> Detections | tuple[np.ndarray, ...]: ...


@runtime_checkable
class ThoroughDetector(Detector, Protocol):
    """A detector that can search more thoroughly than in one pass. Photos are searched, frames of a video at times."""

    def search(self, image: np.ndarray) -> Detections | tuple[np.ndarray, ...]: ...


#: Name → class. Each class is constructed with ``min_face_size`` and ``device``.
DETECTORS: dict[str, Callable[..., Detector]] = {"mtcnn": MTCNN}


def load_detector(name: str, min_face_size: int | None, device: str) -> Detector:
    """Create a detector from its name.

    Args:
        name: a name in DETECTORS.
        min_face_size: the smallest face to look for, in pixels of the image; None lets the detector adapt it to the
            image. It is not a strict minimum: MTCNN still finds faces down to about half this size.
        device: the name of a torch device.

    Raises:
        MiniXceptionError: no detector has this name.
    """
    if name not in DETECTORS:
        raise MiniXceptionError(f"detector {name!r} not found; choose one of {', '.join(DETECTORS)}")
    return DETECTORS[name](min_face_size=min_face_size, device=device)
