"""The recogniser, which takes an image and returns faces with their expressions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from mini_xception.detection.crop import FaceCrop, FaceCropper
from mini_xception.detection.detector import Detector, load_detector
from mini_xception.detection.mtcnn import MIN_FACE_SIZE
from mini_xception.explain import Explanation
from mini_xception.faces import Face
from mini_xception.media.image import ImageSource, load_image
from mini_xception.media.video import read_frames
from mini_xception.network.classifier import Classifier
from mini_xception.network.engines import Engine
from mini_xception.tracking.memory import StreamMemory
from mini_xception.tracking.tracker import SMOOTHING_S, Frame

if TYPE_CHECKING:
    import torch

    from mini_xception.network.model import MiniXception


class EmotionRecognizer:
    """Finds the faces in an image and recognises their expressions.

    Args:
        model: a network, which is switched to inference mode, or a classifier. None loads the bundled checkpoint.
        detector: a name in DETECTORS, or any callable that returns boxes and scores. None means that each image is
            already a face crop.
        engine: "auto", "torch", "onnx", "openvino" or "openvino-bf16", or an engine object. "auto" selects "onnx" on a
            CPU, else "torch". Later changes to the model's weights do not affect the engine. All engines compute in
            float32 except "openvino-bf16".
        min_face_size: smallest face that a named detector looks for, in pixels of the image. It is not a strict
            minimum: MTCNN, like facenet-pytorch, still finds faces down to about half this size. If the detector is a
            callable, state the smallest face that it finds. None lets the detector adapt it to the image: MTCNN begins
            with 40 pixels, and continues with 28 if the image has no face or small ones.
        thorough: whether the detector may take a second look at a photo: at tilted faces, small faces and faces of
            which it is not certain. False restores one pass.

    Attributes:
        classifier: classifies face crops.
        cropper: detects faces and cuts them out.

    Raises:
        MiniXceptionError: the engine or detector is unknown, or the engine cannot run on this machine.
    """

    def __init__(
        self,
        model: MiniXception | Classifier | None = None,
        detector: Detector | str | None = "mtcnn",
        *,
        engine: Engine | str = "auto",
        min_face_size: int | None = None,
        thorough: bool = True,
    ) -> None:
        if isinstance(model, Classifier):
            self.classifier = model
        elif model is None and isinstance(engine, str):
            self.classifier = Classifier.from_pretrained(engine=engine)
        else:
            network = Classifier.from_pretrained().model if model is None else model
            self.classifier = Classifier.from_model(network, engine)
        if isinstance(detector, str):
            detector = load_detector(detector, min_face_size, self.classifier.detection_device)
        self.cropper = FaceCropper(
            detector, self.classifier.config.framing, min_face_size or MIN_FACE_SIZE, thorough=thorough
        )

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str] | None = None,
        *,
        device: str | torch.device | None = None,
        engine: str = "auto",
        detector: Detector | str | None = "mtcnn",
        min_face_size: int | None = None,
        thorough: bool = True,
        **options: Any,
    ) -> EmotionRecognizer:
        """Load a checkpoint and a detector.

        On a CPU, PyTorch is not imported if the checkpoint contains a ``model.onnx``.

        Args:
            name: a checkpoint folder, a Hub repository ``"user/repo"``, or None for the bundled weights.
            device: a torch device or its name. "auto" uses CUDA if it is available, else the CPU. None uses torch's
                default device if torch is already imported, else the CPU.
            engine: as in the constructor.
            detector: as in the constructor.
            min_face_size: as in the constructor.
            thorough: as in the constructor.
            options: dtype, revision, cache_dir, token, local_files_only and force_download of
                :meth:`MiniXception.from_pretrained`.

        Raises:
            MiniXceptionError: the checkpoint cannot be loaded, the engine or detector is unknown, or the engine cannot
                run on this machine.
        """
        classifier = Classifier.from_pretrained(name, device=device, engine=engine, **options)
        return cls(classifier, detector, min_face_size=min_face_size, thorough=thorough)

    @property
    def model(self) -> MiniXception:
        """The PyTorch network, loaded on first use. It gives the same probabilities as :meth:`classify`."""
        return self.classifier.model

    @property
    def engine(self) -> Engine:
        """The engine, which computes the logits."""
        return self.classifier.engine

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of :meth:`classify`'s columns."""
        return tuple(self.classifier.config.labels)

    @property
    def detector(self) -> Detector | None:
        """The face detector; None if each image is already a face crop."""
        return self.cropper.detector

    def __call__(self, source: ImageSource) -> list[Face]:
        """Recognise the expression of every face in an image.

        Args:
            source: a path, bytes, a binary file, a PIL image, or a uint8 array, grey or RGB.

        Returns:
            The faces, the largest first; an empty list if no face is found.

        Raises:
            MiniXceptionError: the image cannot be read.
        """
        return self.classify_faces(self.cropper(load_image(source)))

    def explain(self, source: ImageSource) -> list[Explanation]:
        """Recognise the expression of every face in an image, and show which parts of it are evidence for each class.

        This takes as long as :meth:`__call__`, and does not need PyTorch.

        Args:
            source: as for :meth:`__call__`.

        Returns:
            One explanation per face, the largest face first; an empty list if no face is found.

        Raises:
            MiniXceptionError: the image cannot be read; or the engine gives no evidence; or the checkpoint's
                ``model.onnx`` gives none, because mini_xception 0.1.0 exported it, and a new graph cannot be made.
        """
        crops = self.cropper(load_image(source))
        if not crops:
            return []
        probabilities, evidence = self.classifier.explain([face.pixels for face in crops])
        faces = self._faces(crops, probabilities)
        return [Explanation(*parts) for parts in zip(faces, evidence, (c.pixels for c in crops), strict=True)]

    def crop(self, source: ImageSource) -> list[np.ndarray]:
        """Cut out the faces of an image in the network's framing: RGB, uint8, (S, S, 3), the largest first.

        Raises:
            MiniXceptionError: the image cannot be read.
        """
        return [face.pixels for face in self.cropper(load_image(source))]

    def stream(
        self,
        source: int | str | os.PathLike[str] | Iterable[ImageSource],
        *,
        frame_rate: float | Fraction = 30,
        smoothing_s: float = SMOOTHING_S,
    ) -> Iterator[Frame]:
        """Recognise the expressions in a video, frame by frame, with track ids and smoothed probabilities.

        Args:
            source: a video file, a URL, a camera number, or a sequence of images.
            frame_rate: frames per second of a sequence of images. Videos and cameras supply their own times.
            smoothing_s: time constant of the smoothing, in seconds; 0 disables it.

        Yields:
            Each frame, with its time, image and faces.

        Raises:
            MiniXceptionError: the source cannot be read, or is not a video.
        """
        memory = StreamMemory(smoothing_s)
        for time_s, image in read_frames(source, frame_rate):
            yield Frame(time_s, image, self.track(image, time_s, memory))

    def track(self, source: ImageSource, time_s: float, memory: StreamMemory) -> tuple[Face, ...]:
        """Recognise the expressions in one frame of a stream that the caller reads, for example from a browser.

        Args:
            source: the frame.
            time_s: when the frame was taken, in seconds on any monotonic clock.
            memory: the state after the previous frames; it is updated.

        Returns:
            The faces, with track ids and smoothed probabilities.

        Raises:
            MiniXceptionError: the frame cannot be read.
        """
        image = load_image(source)
        known = memory.faces_to_follow(*image.shape[:2])
        found = self.cropper.detect_near(image, known) if known else None
        if found is None:
            found = self.cropper.search(image) if memory.search_is_due else self.cropper.detect(image)
        return memory.remember(self.classify_faces(self.cropper.cut(image, found)), time_s)

    def classify_faces(self, crops: Sequence[FaceCrop]) -> list[Face]:
        """Classify the detected faces of one image or of several images."""
        return self._faces(crops, self.classify([face.pixels for face in crops]))

    def _faces(self, crops: Sequence[FaceCrop], probabilities: np.ndarray) -> list[Face]:
        return [
            Face(face.box, face.score, dict(zip(self.labels, map(float, row), strict=True)), landmarks=face.landmarks)
            for face, row in zip(crops, probabilities, strict=True)
        ]

    def classify(self, crops: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Classify face crops, without a detector.

        Args:
            crops: N uint8 images of any size, RGB (H, W, 3) or grey (H, W).

        Returns:
            Probabilities, float32, (N, number of labels), in the order of :attr:`labels`.

        Raises:
            MiniXceptionError: a crop is not a uint8 image.
        """
        return self.classifier(crops)
