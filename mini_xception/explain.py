"""Explanations: which parts of a face are evidence for a class, and which against it.

A class's logit is the mean of the class's evidence, 4×4 cells with the bundled weights, because the network is linear
after its last block; see :meth:`MiniXception.evidence`. Softmax depends only on the differences between the logits, so
an overlay shows the *contrast*: a class's evidence minus the mean evidence of the other classes. See
docs/explanations.md for what such maps can show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.network.preprocess import to_grey

#: Colours of evidence for a class and against it, RGB, from Okabe and Ito's colour-blind-safe palette.
FOR, AGAINST = (213, 94, 0), (0, 114, 178)
#: Opacity of the colours where the value equals the scale.
OPACITY = 0.7
#: Where the centre of a cell's receptive field lies in the cell, from its top or left edge, and the standard deviation
#: of the Gaussian around it; both are fractions of the cell's side. For 64×64 pixels, the centres are at 2.5, 18.5,
#: 34.5 and 50.5, because the convolutions and poolings with stride 2 start at the edge.
CENTRE, SPREAD = 2.5 / 16, 0.5
#: Side of an overlay in pixels, and of the smaller ones in which the largest value is searched.
SIDE, SCALE_SIDE = 240, 48


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
        """The largest absolute value in any class's overlay, in logits. All overlays of the face use this scale."""
        return max(float(np.abs(upsample(self.contrast(label), SCALE_SIDE)).max()) for label in self.labels)

    def contrast(self, label: str | None = None) -> np.ndarray:
        """Return a class's evidence minus the mean evidence of the other classes.

        Args:
            label: the class; None is the face's most probable class.

        Returns:
            float32, (rows, columns), in logits: above 0 where the crop is evidence for the class, below 0 where it is
            evidence against it. With a single class, its evidence.

        Raises:
            MiniXceptionError: the label is not one of :attr:`labels`.
        """
        label = label or self.face.emotion
        if label not in self.labels:
            raise MiniXceptionError(f"label {label!r} not found; choose one of {', '.join(self.labels)}")
        index = self.labels.index(label)
        others = np.delete(self.evidence, index, axis=0)
        return self.evidence[index] - others.mean(axis=0) if len(others) else self.evidence[index]

    def overlay(self, label: str | None = None) -> np.ndarray:
        """Draw a class's contrast over the crop: orange for the class, blue against it.

        The cells are spread over the pixels with :func:`upsample`. The colours are opaque by OPACITY where the value is
        ±:attr:`scale`, and transparent where it is 0. The crop is grey, as the network sees it.

        Args:
            label: the class; None is the face's most probable class.

        Returns:
            RGB, uint8, (SIDE, SIDE, 3).

        Raises:
            MiniXceptionError: the label is not one of :attr:`labels`.
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
    """Spread each cell over the pixels as a Gaussian around the centre of its receptive field.

    A cell sees most of the crop, but not equally well; docs/explanations.md compares this with other ways.

    Args:
        cells: (rows, columns).
        side: side of the result in pixels.

    Returns:
        float32, (side, side). Its mean is the mean of the cells.
    """
    rows, columns = (_spread(count, side) for count in cells.shape)
    return rows @ cells.astype(np.float32) @ columns.T


def _spread(cells: int, side: int) -> np.ndarray:
    """Return the weight of each cell in each pixel, float32, (side, cells)."""
    pixels = (np.arange(side) + 0.5) * cells / side
    weights = np.exp(-0.5 * ((pixels[:, np.newaxis] - np.arange(cells) - CENTRE) / SPREAD) ** 2)
    return (weights * side / cells / weights.sum(axis=0)).astype(np.float32)
