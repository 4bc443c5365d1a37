"""What a face is: the seven emotions, and one validated result that everything else is derived from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from mini_xception.errors import MiniXceptionError

#: FER2013's labels, in the order of its ``emotion`` column.
EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

#: (x1, y1, x2, y2) in pixels of the original image; x2 and y2 are exclusive.
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Face:
    """A face and its expression.

    Attributes:
        box: (x1, y1, x2, y2) in the original image's pixels, exclusive at the far side.
        score: the detector's confidence in [0, 1].
        probabilities: label → probability, in the checkpoint's label order; they sum to 1.

    Raises:
        MiniXceptionError: an empty box, or probabilities that are none.
    """

    box: Box
    score: float
    probabilities: dict[str, float] = field(repr=False)

    def __post_init__(self) -> None:
        x1, y1, x2, y2 = self.box
        if not (x1 < x2 and y1 < y2):
            raise MiniXceptionError(f"box {self.box} is empty: it needs x1 < x2 and y1 < y2")
        if not 0.0 <= self.score <= 1.0:
            raise MiniXceptionError(f"score {self.score} is outside [0, 1]")
        if not all(0.0 <= value <= 1.0 for value in self.probabilities.values()):
            raise MiniXceptionError(f"a probability is outside [0, 1]: {self.probabilities}")
        total = sum(self.probabilities.values())
        if not math.isclose(total, 1.0, abs_tol=1e-3):
            raise MiniXceptionError(f"probabilities sum to {total:.4f}, not to 1")

    @property
    def emotion(self) -> str:
        """The most probable label."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of :attr:`emotion`."""
        return self.probabilities[self.emotion]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: box, score, emotion, confidence, probabilities."""
        return {
            "box": list(self.box),
            "score": self.score,
            "emotion": self.emotion,
            "confidence": self.confidence,
            "probabilities": dict(self.probabilities),
        }
