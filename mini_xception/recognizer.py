"""Picture in, faces with expressions out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from mini_xception.detectors import DETECTORS, Detector
from mini_xception.engines import Engine
from mini_xception.errors import MiniXceptionError
from mini_xception.export import load_engine
from mini_xception.faces import Face
from mini_xception.finder import FaceFinder, FoundFace
from mini_xception.hub import BUNDLED
from mini_xception.images import ImageSource, load_image
from mini_xception.model import MiniXception
from mini_xception.preprocess import normalise
from mini_xception.stream import FaceStream
from mini_xception.tracking import SMOOTHING_S, Frame, TrackedFace

#: Faces that are preprocessed and handed to the engine at once.
BATCH_SIZE = 256


class EmotionRecognizer:
    """Finds faces in a picture and reads their expressions.

    Args:
        model: the network, which is put into inference mode; None is the bundled one.
        engine: what runs the network, with the weights it has now: "openvino", "onnx", "torch", or "auto", which on a
            CPU is the first of these that is installed, else "torch".
        detector: a name in DETECTORS, any callable that returns boxes and scores, or None where each picture is
            already one cropped face.
        min_face_size: smallest face a named detector looks for, in the original picture's pixels; of another detector,
            the smallest that it finds.

    Raises:
        MiniXceptionError: no engine or detector has this name, or the engine cannot run here.
    """

    def __init__(
        self,
        model: MiniXception | None = None,
        detector: Detector | str | None = "mtcnn",
        *,
        engine: Engine | str = "auto",
        min_face_size: int = 40,
    ) -> None:
        self.model = (MiniXception.from_pretrained() if model is None else model).eval()
        if isinstance(engine, str):
            engine = load_engine(engine, self.model, BUNDLED if model is None else None)
        self.engine = engine
        if isinstance(detector, str):
            if detector not in DETECTORS:
                raise MiniXceptionError(f"no detector is called {detector!r}; there are {', '.join(DETECTORS)}")
            # Not on MPS, which lacks the pooling that MTCNN's pyramid is made with.
            device = self.model.device if self.model.device.type == "cuda" else "cpu"
            detector = DETECTORS[detector](min_face_size=min_face_size, device=str(device))
        self.min_face_size = min_face_size
        self.finder = FaceFinder(detector, self.model.framing)

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
            engine: as in the constructor; "onnx" and "openvino" take a checkpoint folder's ``model.onnx``, or export it
                into the user's cache.
            detector: as in the constructor.
            min_face_size: as in the constructor.
            download: as in :meth:`MiniXception.from_pretrained`.

        Raises:
            MiniXceptionError: the checkpoint cannot be loaded, no engine or detector has this name, or the engine
                cannot run here.
        """
        model = MiniXception.from_pretrained(name, device=device, **download)
        loaded = load_engine(engine, model, BUNDLED if name is None else name)
        return cls(model, detector, engine=loaded, min_face_size=min_face_size)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of :meth:`classify`'s columns."""
        return self.model.labels

    @property
    def detector(self) -> Detector | None:
        """What finds the faces; None where each picture is one."""
        return self.finder.detector

    def __call__(self, source: ImageSource) -> list[Face]:
        """Read the expression of every face in a picture, in the detector's order: the largest first.

        Raises:
            MiniXceptionError: the source is no readable picture.
        """
        return self.read(self.finder(load_image(source)))

    def crop(self, source: ImageSource) -> list[np.ndarray]:
        """The faces in a picture, cut as the network wants them: RGB, uint8, (S, S, 3), the largest first.

        Raises:
            MiniXceptionError: the source is no readable picture.
        """
        return [found.crop for found in self.finder(load_image(source))]

    def track(self, source: ImageSource, time_s: float, stream: FaceStream) -> tuple[TrackedFace, ...]:
        """Read one frame of a stream, frame by frame where the caller has them: from a browser, say.

        Args:
            source: the frame.
            time_s: when it was taken, on any clock that runs on.
            stream: what is remembered of the frames before; it is updated.

        Raises:
            MiniXceptionError: the source is no readable picture.
        """
        image = load_image(source)
        if self.detector is None:
            found = self.finder(image)
        else:
            found = self.finder.cut(image, *stream.locate(image, self.finder.detect, self.min_face_size))
        return stream.update(self.read(found), time_s)

    def stream(
        self,
        source: int | str | os.PathLike[str] | Iterable[ImageSource],
        *,
        frame_rate: float | Fraction = 30,
        smoothing_s: float = SMOOTHING_S,
    ) -> Iterator[Frame]:
        """Read the expressions in a video, frame by frame: faces keep their identity, probabilities are smoothed.

        Args:
            source: a video file, a URL of one, a camera's number, or pictures.
            frame_rate: of pictures, in frames a second; the others bring their times.
            smoothing_s: time constant of the smoothing; 0 is none.

        Raises:
            MiniXceptionError: the source cannot be read, or is no video.
        """
        from mini_xception.video import read_frames

        memory = FaceStream(smoothing_s)
        for time_s, image in read_frames(source, frame_rate):
            yield Frame(time_s, image, self.track(image, time_s, memory))

    def read(self, found: Sequence[FoundFace]) -> list[Face]:
        """Read the expressions of faces that were found, in one picture or in several."""
        return [
            Face(box, score, dict(zip(self.labels, map(float, row), strict=True)))
            for (box, score, _), row in zip(found, self.classify([face.crop for face in found]), strict=True)
        ]

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
            batch = crops[start : start + BATCH_SIZE]
            faces = normalise(batch, self.model.image_size, self.model.mean, self.model.std)
            probabilities[start : start + BATCH_SIZE] = _softmax(self.engine(faces) / self.model.temperature)
        return probabilities


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
