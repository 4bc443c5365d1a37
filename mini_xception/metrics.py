"""How good a classifier is, from its probabilities: accuracy, recall, macro-F1, calibration, confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Bins of equal width over [0, 1] for the expected calibration error, as in Guo et al. 2017.
ECE_BINS = 15


@dataclass(frozen=True)
class Metrics:
    """All are fractions of 1.

    Attributes:
        n: pictures.
        accuracy: share that is right.
        macro_f1: F1 averaged over the labels; a label that never occurs counts 0.
        recall: by label, the share of its pictures that is found; 0 for a label that never occurs.
        ece: expected calibration error of the top probability.
        confusion_matrix: counts, int64, (labels, labels); rows are the truth, columns the prediction.
    """

    n: int
    accuracy: float
    macro_f1: float
    recall: dict[str, float]
    ece: float
    confusion_matrix: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**vars(self), "confusion_matrix": self.confusion_matrix.tolist()}


def measure(probabilities: np.ndarray, truth: np.ndarray, labels: Sequence[str]) -> Metrics:
    """Compare probabilities with the truth.

    Args:
        probabilities: float32, (N, len(labels)), N > 0.
        truth: int64, (N,), indices into labels.
        labels: names of the classes.
    """
    predicted = probabilities.argmax(axis=1)
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    hits = matrix.diagonal()
    recall = hits / np.maximum(matrix.sum(axis=1), 1)
    f1 = 2 * hits / np.maximum(matrix.sum(axis=0) + matrix.sum(axis=1), 1)
    return Metrics(
        n=len(truth),
        accuracy=float(hits.sum() / len(truth)),
        macro_f1=float(f1.mean()),
        recall={label: float(value) for label, value in zip(labels, recall, strict=True)},
        ece=expected_calibration_error(probabilities.max(axis=1), predicted == truth),
        confusion_matrix=matrix,
    )


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """The gap between confidence and accuracy, averaged over bins of confidence by their size (Guo et al. 2017).

    Args:
        confidence: (N,), the top probabilities in [0, 1].
        correct: bool, (N,).
    """
    bins = np.clip(np.ceil(confidence * ECE_BINS).astype(int) - 1, 0, ECE_BINS - 1)
    gaps = np.bincount(bins, weights=confidence - correct, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(confidence))
