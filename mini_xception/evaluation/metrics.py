"""How good a classifier is, from its probabilities: accuracy, recall, F1, calibration, confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Bins of equal width over [0, 1] for the expected calibration error, as in Guo et al. 2017.
ECE_BINS = 15
#: Temperatures that are tried, 0.2 % apart.
TEMPERATURES = np.geomspace(0.25, 4, 1387)


@dataclass(frozen=True)
class Metrics:
    """All are fractions of 1.

    Attributes:
        n: pictures.
        accuracy: share that is right.
        balanced_accuracy: recall, averaged over the labels.
        macro_f1: F1, averaged over the labels.
        recall: by label, the share of its pictures that is found.
        precision: by label, the share of its predictions that is right.
        ece: expected calibration error of the top probability.
        confusion_matrix: counts, int64, (labels, labels); rows are the truth, columns the prediction.

    A label that never occurs, or is never predicted, counts 0.
    """

    n: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    recall: dict[str, float]
    precision: dict[str, float]
    ece: float
    confusion_matrix: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**vars(self), "confusion_matrix": self.confusion_matrix.tolist()}


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy, by bins of confidence.

    Attributes:
        count: int64, (ECE_BINS,), pictures.
        confidence: (ECE_BINS,), mean top probability; 0 where there is no picture.
        accuracy: (ECE_BINS,), share that is right; 0 where there is no picture.
    """

    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def ece(self) -> float:
        """The gap between confidence and accuracy, averaged over the bins by their size (Guo et al. 2017)."""
        return float((np.abs(self.confidence - self.accuracy) * self.count).sum() / self.count.sum())


def measure(probabilities: np.ndarray, truth: np.ndarray, labels: Sequence[str]) -> Metrics:
    """Compare probabilities with the truth.

    Args:
        probabilities: float32, (N, len(labels)), N > 0.
        truth: int64, (N,), indices into labels.
        labels: names of the classes.
    """
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(matrix, (truth, probabilities.argmax(axis=1)), 1)
    hits, true, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    recall = hits / np.maximum(true, 1)
    precision = hits / np.maximum(predicted, 1)
    return Metrics(
        n=len(truth),
        accuracy=float(hits.sum() / len(truth)),
        balanced_accuracy=float(recall.mean()),
        macro_f1=float((2 * hits / np.maximum(true + predicted, 1)).mean()),
        recall=dict(zip(labels, recall.tolist(), strict=True)),
        precision=dict(zip(labels, precision.tolist(), strict=True)),
        ece=reliability(probabilities, truth).ece,
        confusion_matrix=matrix,
    )


def reliability(probabilities: np.ndarray, truth: np.ndarray) -> Reliability:
    """Bin the top probabilities, each bin open below and closed above.

    Args:
        probabilities: float32, (N, labels).
        truth: int64, (N,), indices into the labels.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    bins = np.clip(np.ceil(confidence * ECE_BINS).astype(int) - 1, 0, ECE_BINS - 1)
    count = np.bincount(bins, minlength=ECE_BINS)
    sums = (np.bincount(bins, weights=values, minlength=ECE_BINS) for values in (confidence, correct))
    mean_confidence, accuracy = (values / np.maximum(count, 1) for values in sums)
    return Reliability(count, mean_confidence, accuracy)


def fit_temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """By what to divide the logits behind probabilities so that these fit the truth best (Guo et al. 2017).

    Args:
        probabilities: float32, (N, labels), at temperature 1.
        truth: int64, (N,), indices into the labels.

    Returns:
        The one of TEMPERATURES with the least cross-entropy; accuracy is the same at all of them.
    """
    logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    chosen = logits[np.arange(len(truth)), truth]
    losses = [np.log(np.exp(logits / t).sum(axis=1)).mean() - (chosen / t).mean() for t in TEMPERATURES]
    return float(TEMPERATURES[np.argmin(losses)])
