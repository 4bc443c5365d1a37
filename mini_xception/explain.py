"""Explanations: which parts of a face speak for a class, and which against it.

The network ends in global average pooling: a class's logit is the mean of the class's map, 3×3 cells for a 48×48 input.
The cells are the evidence. Softmax depends only on the differences between the logits, so overlays show the *contrast*:
a class's evidence minus the mean evidence of the other classes. See docs/explanations.md for what such maps can show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.network.preprocess import to_grey

#: Colours of parts that speak for a class and against it, RGB, from Okabe and Ito's colour-blind-safe palette.
FOR, AGAINST = (213, 94, 0), (0, 114, 178)
#: Opacity of the colours where the contrast equals the scale.
OPACITY = 0.7
#: Side of an overlay in pixels.
SIDE = 240


@dataclass(frozen=True)
class Explanation:
    """A recognised face, and the evidence for each class.

    Attributes:
        face: the face and its expression.
        evidence: float32, (labels, rows, columns), in the order of ``face.probabilities``. The mean of a class's cells
            is its logit, before the division by the checkpoint's temperature. Rows run from the top of the crop to the
            bottom, columns from left to right.
        crop: the upright crop that was classified, uint8, RGB (H, W, 3) or grey (H, W).
    """

    face: Face
    evidence: np.ndarray
    crop: np.ndarray

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of :attr:`evidence`."""
        return tuple(self.face.probabilities)

    @property
    def logits(self) -> dict[str, float]:
        """Label → logit: the mean of the class's cells."""
        return dict(zip(self.labels, map(float, self.evidence.mean(axis=(1, 2))), strict=True))

    @property
    def scale(self) -> float:
        """The largest absolute contrast of any class, in logits. All overlays of the face use this scale."""
        return max(float(np.abs(self.contrast(label)).max()) for label in self.labels)

    def contrast(self, label: str | None = None) -> np.ndarray:
        """Return a class's evidence minus the mean evidence of the other classes.

        Args:
            label: the class; None is the face's most probable class.

        Returns:
            float32, (rows, columns), in logits: above 0 where the crop speaks for the class, below 0 where it speaks
            against it. With a single class, its evidence.

        Raises:
            MiniXceptionError: there is no such class.
        """
        label = label or self.face.emotion
        if label not in self.labels:
            raise MiniXceptionError(f"label {label!r} not found; choose one of {', '.join(self.labels)}")
        index = self.labels.index(label)
        others = np.delete(self.evidence, index, axis=0)
        return self.evidence[index] - others.mean(axis=0) if len(others) else self.evidence[index]

    def overlay(self, label: str | None = None) -> np.ndarray:
        """Draw a class's contrast over the crop: orange for the class, blue against it.

        The colours are opaque by OPACITY where the contrast is ±:attr:`scale`, and transparent where it is 0. The crop
        is grey, as the network sees it.

        Args:
            label: the class; None is the face's most probable class.

        Returns:
            RGB, uint8, (SIDE, SIDE, 3).

        Raises:
            MiniXceptionError: there is no such class.
        """
        return blend(to_grey(self.crop, SIDE), upsample(self.contrast(label), SIDE) / (self.scale or 1.0))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary: the face's entries, and the evidence as label → rows of cells."""
        return {**self.face.to_dict(), "evidence": dict(zip(self.labels, self.evidence.tolist(), strict=True))}


def blend(grey: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Blend grey pixels, uint8 (H, W), with the colours of values in [−1, 1], (H, W): RGB, uint8, (H, W, 3)."""
    opacity = OPACITY * np.abs(heat)[..., np.newaxis]
    colours = np.where(heat[..., np.newaxis] > 0, FOR, AGAINST)
    return np.rint((1 - opacity) * grey[..., np.newaxis] + opacity * colours).astype(np.uint8)


def upsample(cells: np.ndarray, side: int) -> np.ndarray:
    """Interpolate cells, float32 (rows, columns), between their centres: float32, (side, side)."""
    return cv2.resize(cells, (side, side), interpolation=cv2.INTER_LINEAR)
