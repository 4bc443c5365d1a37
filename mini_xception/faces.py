"""The seven emotions, and :class:`Face`, the validated result that drawings, tables and JSON show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mini_xception.boxes import Box
from mini_xception.errors import MiniXceptionError
from mini_xception.landmarks import LANDMARKS, Landmarks, roll_degrees

#: FER2013's labels, in the order of the numbers in its ``emotion`` column.
EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

#: Lowest probability, and smallest longer side of the box in pixels, of an expression that can be trusted.
TRUSTED_PROBABILITY, TRUSTED_SIDE = 0.4, 32


@dataclass(frozen=True)
class Face:
    """A face and its expression.

    Attributes:
        box: (x1, y1, x2, y2) in pixels of the original image, x2 and y2 exclusive.
        score: the detector's confidence in [0, 1].
        probabilities: label → probability, in the checkpoint's label order; the probabilities sum to 1.
        track_id: number of the face in a video or stream, starting at 1; None in a single image.
        landmarks: x and y of the left eye, the right eye, the nose and the left and right corner of the mouth, in
            pixels of the original image. Left and right are those of the image when the face is upright. None if the
            detector finds no landmarks.

    Raises:
        MiniXceptionError: the box is empty, the score or a probability is outside [0, 1], the probabilities do not
            sum to 1, or there are not five landmarks.
    """

    box: Box
    score: float
    probabilities: dict[str, float]
    track_id: int | None = None
    landmarks: Landmarks | None = None

    def __post_init__(self) -> None:
        x1, y1, x2, y2 = self.box
        if not (x1 < x2 and y1 < y2):
            raise MiniXceptionError(f"box {self.box}: empty; x1 < x2 and y1 < y2 are required")
        if not 0.0 <= self.score <= 1.0:
            raise MiniXceptionError(f"score: must lie in [0, 1], not {self.score}")
        if not all(0.0 <= value <= 1.0 for value in self.probabilities.values()):
            raise MiniXceptionError(f"probabilities: must lie in [0, 1], not {self.probabilities}")
        total = sum(self.probabilities.values())
        if not math.isclose(total, 1.0, abs_tol=1e-3):
            raise MiniXceptionError(f"probabilities: must sum to 1, not {total:.4f}")
        if self.landmarks is not None and len(self.landmarks) != len(LANDMARKS):
            raise MiniXceptionError(f"landmarks: {len(LANDMARKS)} points are required, not {len(self.landmarks)}")

    @property
    def emotion(self) -> str:
        """The most probable label."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of :attr:`emotion`."""
        return self.probabilities[self.emotion]

    @property
    def is_small(self) -> bool:
        """Whether the face is too small to trust its expression: less than TRUSTED_SIDE pixels."""
        x1, y1, x2, y2 = self.box
        return max(x2 - x1, y2 - y1) < TRUSTED_SIDE

    @property
    def is_unsure(self) -> bool:
        """Whether the expression is a guess: its probability is below TRUSTED_PROBABILITY, or the face is small."""
        return self.confidence < TRUSTED_PROBABILITY or self.is_small

    @property
    def roll_degrees(self) -> float | None:
        """By how much the face is turned in the image plane, clockwise, in [−180, 180]; None without landmarks."""
        return None if self.landmarks is None else roll_degrees(self.landmarks)

    def __repr__(self) -> str:
        track = "" if self.track_id is None else f", track_id={self.track_id}"
        return f"Face({self.emotion} {self.confidence:.0%}, box={self.box}, score={self.score:.2f}{track})"

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary: the attributes, emotion, confidence and roll_degrees."""
        return {
            "box": list(self.box),
            "score": self.score,
            "emotion": self.emotion,
            "confidence": self.confidence,
            "probabilities": dict(self.probabilities),
            "track_id": self.track_id,
            "landmarks": None if self.landmarks is None else [list(point) for point in self.landmarks],
            "roll_degrees": self.roll_degrees,
        }
