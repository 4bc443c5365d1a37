"""MTCNN: face detection with a cascade of three networks, and a second look for faces that are hard to find."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from mini_xception.detection.cascade import WINDOW, Cascade
from mini_xception.detection.detections import Detections
from mini_xception.detection.light import stretch_image
from mini_xception.detection.second_look import SecondLook

#: Images whose longer side exceeds this many pixels are scaled down for detection.
MAX_SIDE = 4096
#: Smallest face of the first look, in pixels of the image, unless the caller chooses a size.
MIN_FACE_SIZE = 40


class MTCNN:
    """MTCNN (Zhang et al. 2016, https://arxiv.org/abs/1604.02878) with facenet-pytorch's weights.

    Args:
        min_face_size: smallest face to look for, in pixels of the image. It is not a strict minimum: as in
            facenet-pytorch, faces down to about half this size are still found. None begins with 40 pixels;
            :meth:`search` continues with 28 where small faces are likely.
        min_score: minimum score of a face that one look finds; false detections score about 0.80–0.85.
        device: the name of a torch device.
    """

    def __init__(self, min_face_size: int | None = None, min_score: float = 0.9, device: str = "cpu") -> None:
        self.min_face_size = min_face_size
        self.min_score = min_score
        self._cascade = Cascade(device)

    def __reduce__(self) -> tuple[type[MTCNN], tuple[int | None, float]]:
        """Pickle the settings only. Worker processes create their own detector, on the CPU."""
        return MTCNN, (self.min_face_size, self.min_score)

    def __call__(self, image: np.ndarray) -> Detections:
        """Detect faces that are nearly upright, in one pass. The largest face is the first."""
        return self._detect(image, self._look)

    def search(self, image: np.ndarray) -> Detections:
        """Detect faces at any roll, with a second look where it may find more. The largest face is the first.

        If all faces are upright and certain, this takes about 1.1 times as long as one pass; if there is no face, about
        five times.
        """
        return self._detect(image, self._look_twice)

    def _look(self, image: np.ndarray, min_face_size: int) -> np.ndarray:
        faces = self._cascade.faces(self._cascade.propose(image, min_face_size))
        return faces[faces[:, 4] >= self.min_score]

    def _look_twice(self, image: np.ndarray, min_face_size: int) -> np.ndarray:
        first = self._cascade.propose(image, min_face_size)
        look_again = SecondLook(self._cascade, image, min_face_size, self.min_score)
        return look_again(first, smaller=self.min_face_size is None)

    def _detect(self, image: np.ndarray, look: Callable[[np.ndarray, int], np.ndarray]) -> Detections:
        scale = min(1.0, MAX_SIDE / max(image.shape[:2]))
        min_face_size = max(round((self.min_face_size or MIN_FACE_SIZE) * scale), WINDOW)
        if min(image.shape[:2]) * scale < min_face_size:
            return Detections.of(np.empty((0, 4)), np.empty(0))
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        faces = look(stretch_image(image), min_face_size)
        areas = (faces[:, 2] - faces[:, 0]) * (faces[:, 3] - faces[:, 1])
        faces = faces[np.argsort(-areas, kind="stable")]
        landmarks = faces[:, 5:].reshape(-1, 2, 5).transpose(0, 2, 1)
        return Detections(faces[:, :4] / scale, faces[:, 4], landmarks / scale)
