"""Picture in, faces with expressions out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mini_xception.detectors import DETECTORS, Detector
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.images import ImageSource, load_image
from mini_xception.model import MiniXception
from mini_xception.preprocess import clip_box, crop_face

#: Faces a forward pass; larger float32 batches lose more to memory allocation than they win.
BATCH_SIZE = 32
ENGINES: tuple[str, ...] = ("auto", "torch")


class EmotionRecognizer:
    """Finds faces in a picture and reads their expressions.

    Args:
        model: the network, which is put into inference mode; None is the bundled one.
        detector: a name in DETECTORS, any callable that returns boxes and scores, or None where each picture is
            already one cropped face.
        min_face_size: smallest face a named detector looks for, in the original picture's pixels.

    Raises:
        MiniXceptionError: no detector has this name.
    """

    def __init__(
        self,
        model: MiniXception | None = None,
        detector: Detector | str | None = "mtcnn",
        *,
        min_face_size: int = 40,
    ) -> None:
        self.model = (MiniXception.from_pretrained() if model is None else model).eval()
        if isinstance(detector, str):
            if detector not in DETECTORS:
                raise MiniXceptionError(f"no detector is called {detector!r}; there are {', '.join(DETECTORS)}")
            # Not on MPS, which lacks the pooling that MTCNN's pyramid is made with.
            device = self.model.device if self.model.device.type == "cuda" else "cpu"
            detector = DETECTORS[detector](min_face_size=min_face_size, device=str(device))
        self.detector = detector

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str] | None = None,
        *,
        device: str | torch.device | None = None,
        engine: str = "auto",
        detector: Detector | str | None = "mtcnn",
        min_face_size: int = 40,
        **download: Any,
    ) -> EmotionRecognizer:
        """Load a checkpoint and a detector.

        Args:
            name: a checkpoint folder, a Hub repository ``"user/repo"``, or None for the bundled weights.
            device: as in :meth:`MiniXception.from_pretrained`.
            engine: what runs the network: "torch"; "auto" is the same until there are others.
            detector: as in the constructor.
            min_face_size: as in the constructor.
            download: as in :meth:`MiniXception.from_pretrained`.

        Raises:
            MiniXceptionError: the checkpoint cannot be loaded, or no engine or detector has this name.
        """
        if engine not in ENGINES:
            raise MiniXceptionError(f"no engine is called {engine!r}; there are {', '.join(ENGINES)}")
        model = MiniXception.from_pretrained(name, device=device, **download)
        return cls(model, detector, min_face_size=min_face_size)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of :meth:`classify`'s columns."""
        return self.model.labels

    def __call__(self, source: ImageSource) -> list[Face]:
        """Read the expression of every face in a picture, in the detector's order: the largest first.

        Raises:
            MiniXceptionError: the source is no readable picture.
        """
        image = load_image(source)
        height, width = image.shape[:2]
        if self.detector is None:
            boxes, scores = np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32)
            crops = [image]
        else:
            boxes, scores = _valid_boxes(*self.detector(image), width, height)
            crops = [crop_face(image, box, self.model.framing) for box in boxes]
        return [
            Face(
                box=clip_box(box, width, height),
                score=min(float(score), 1.0),
                probabilities=dict(zip(self.labels, map(float, row), strict=True)),
            )
            for box, score, row in zip(boxes, scores, self.classify(crops), strict=True)
        ]

    @torch.inference_mode()
    def classify(self, crops: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Read the expressions of faces that are already cut out.

        Args:
            crops: N uint8 pictures of any size, RGB (H, W, 3) or grey (H, W).

        Returns:
            Probabilities, float32, (N, number of labels), in the order of :attr:`labels`.

        Raises:
            MiniXceptionError: a crop is not a uint8 picture.
        """
        probabilities = np.empty((len(crops), len(self.labels)), np.float32)
        for start in range(0, len(crops), BATCH_SIZE):
            logits = self.model(self.model.preprocess(crops[start : start + BATCH_SIZE])).float()
            probabilities[start : start + BATCH_SIZE] = (logits / self.model.temperature).softmax(dim=1).cpu().numpy()
        return probabilities


def _valid_boxes(boxes: np.ndarray, scores: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Without boxes that are empty, not finite, or wholly outside the image; MTCNN gives none, another may."""
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    x1, y1, x2, y2 = boxes.T
    valid = np.isfinite(boxes).all(axis=1) & (x1 < x2) & (y1 < y2) & (x1 < width) & (y1 < height) & (x2 > 0) & (y2 > 0)
    return boxes[valid], np.asarray(scores, np.float32)[valid]
