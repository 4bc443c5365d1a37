"""Metrics computed from a classifier's probabilities: accuracy, recall, F1, calibration error, confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Number of bins of equal width over [0, 1] for the expected calibration error, as in Guo et al. 2017.
ECE_BINS = 15
#: Temperatures that :func:`fit_temperature` compares, 0.2 % apart.
TEMPERATURES = np.geomspace(0.25, 4, 1387)


@dataclass(frozen=True)
class Metrics:
    """Metrics of a classifier. Scores are numbers from 0 to 1.

    A label without images has recall 0. A label that is never predicted has precision 0.

    Attributes:
        n: number of images.
        accuracy: fraction of the images that are classified correctly.
        balanced_accuracy: mean recall over the labels.
        macro_f1: mean F1 over the labels.
        recall: label → fraction of its images that are classified correctly.
        precision: label → fraction of its predictions that are correct.
        ece: expected calibration error of the highest probability.
        confusion_matrix: int64, (labels, labels), numbers of images. Rows are true labels, columns are predictions.
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
        """Return the metrics as a JSON-ready dictionary."""
        return {**vars(self), "confusion_matrix": self.confusion_matrix.tolist()}


@dataclass(frozen=True)
class Reliability:
    """Predictions grouped into bins by confidence, with each bin's mean confidence and accuracy.

    Attributes:
        count: int64, (ECE_BINS,), number of images in the bin.
        confidence: float64, (ECE_BINS,), mean of the highest probability, or 0 in an empty bin.
        accuracy: float64, (ECE_BINS,), fraction of correct predictions, or 0 in an empty bin.
    """

    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def ece(self) -> float:
        """Expected calibration error: mean gap between confidence and accuracy, weighted by count (Guo et al. 2017)."""
        return float((np.abs(self.confidence - self.accuracy) * self.count).sum() / self.count.sum())


def measure(probabilities: np.ndarray, truth: np.ndarray, labels: Sequence[str]) -> Metrics:
    """Compute accuracy, recall, precision, F1, ECE and the confusion matrix.

    Args:
        probabilities: float32, (N, len(labels)), N > 0.
        truth: int64, (N,), indices into labels.
        labels: names of the classes, in the order of the columns of ``probabilities``.
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
    """Group predictions into bins by their highest probability. A bin includes its upper limit, not its lower limit.

    Args:
        probabilities: float32, (N, labels), N > 0.
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
    """Find the temperature by which to divide a classifier's logits to calibrate it (Guo et al. 2017).

    Args:
        probabilities: float32, (N, labels), N > 0, at temperature 1.
        truth: int64, (N,), indices into the labels.

    Returns:
        The value in TEMPERATURES with the lowest cross-entropy. The temperature does not change the accuracy.
    """
    logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    chosen = logits[np.arange(len(truth)), truth]
    losses = [np.log(np.exp(logits / t).sum(axis=1)).mean() - (chosen / t).mean() for t in TEMPERATURES]
    return float(TEMPERATURES[np.argmin(losses)])
