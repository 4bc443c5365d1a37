"""Metrics computed from a classifier's probabilities: accuracy, recall, F1, calibration error, confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mini_xception.errors import MiniXceptionError

#: Number of bins of equal width over [0, 1] for the expected calibration error, as in Guo et al. 2017.
ECE_BINS = 15
#: Temperatures that :func:`fit_temperature` compares, 0.2 % apart.
TEMPERATURES = np.geomspace(0.25, 4, 1387)


@dataclass(frozen=True)
class Metrics:
    """Metrics of a classifier. Scores are numbers from 0 to 1.

    The recall and the F1 of a label without images are None, and the averages leave them out. The precision of a label
    that is never predicted is None.

    Attributes:
        n: number of images.
        accuracy: fraction of the images that are classified correctly.
        balanced_accuracy: mean recall over the labels that have images.
        macro_f1: mean F1 over the labels that have images.
        recall: label → fraction of its images that are classified correctly.
        precision: label → fraction of its predictions that are correct.
        f1: label → harmonic mean of precision and recall.
        support: label → number of its images.
        ece: expected calibration error of the highest probability.
        confusion_matrix: int64, (labels, labels), numbers of images. Rows are true labels, columns are predictions.
    """

    n: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    recall: dict[str, float | None]
    precision: dict[str, float | None]
    f1: dict[str, float | None]
    support: dict[str, int]
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

    Raises:
        MiniXceptionError: there are no images, the arguments do not match, or a probability is not from 0 to 1.
    """
    probabilities, truth = np.asarray(probabilities), np.asarray(truth)
    _check(probabilities, truth, labels)
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(matrix, (truth, probabilities.argmax(axis=1)), 1)
    classes, totals = class_scores(matrix), total_scores(matrix)
    return Metrics(
        n=len(truth),
        accuracy=float(totals["accuracy"]),
        balanced_accuracy=float(totals["balanced_accuracy"]),
        macro_f1=float(totals["macro_f1"]),
        recall=by_label(classes["recall"], labels),
        precision=by_label(classes["precision"], labels),
        f1=by_label(classes["f1"], labels),
        support=dict(zip(labels, matrix.sum(axis=1).tolist(), strict=True)),
        ece=reliability(probabilities, truth).ece,
        confusion_matrix=matrix,
    )


def _check(probabilities: np.ndarray, truth: np.ndarray, labels: Sequence[str]) -> None:
    if truth.ndim != 1 or not len(truth) or not np.issubdtype(truth.dtype, np.integer):
        raise MiniXceptionError(
            f"truth must be one or more integers, one for each image, not {truth.dtype}, {truth.shape}"
        )
    if probabilities.shape != (len(truth), len(labels)):
        raise MiniXceptionError(
            f"probabilities must have the shape {(len(truth), len(labels))}, one row for each image and one column for "
            f"each label, not {probabilities.shape}"
        )
    if len(set(labels)) < len(labels):
        raise MiniXceptionError(f"labels must be distinct names, not {', '.join(labels)}")
    if truth.min() < 0 or truth.max() >= len(labels):
        raise MiniXceptionError(
            f"truth must have indices from 0 to {len(labels) - 1}, not {truth.min()} to {truth.max()}"
        )
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-3)).all():
        raise MiniXceptionError("probabilities must be numbers from 0 to 1; apply a softmax to logits")


def class_scores(matrices: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the scores of each class: recall, precision and F1. A score that is not defined is NaN.

    Args:
        matrices: confusion matrices, (..., labels, labels). Rows are true labels.

    Returns:
        name → float64, (..., labels).
    """
    hits = matrices.diagonal(axis1=-2, axis2=-1).astype(np.float64)
    true, predicted = matrices.sum(axis=-1), matrices.sum(axis=-2)
    scores = {"recall": (hits, true), "precision": (hits, predicted), "f1": (2 * hits, true + predicted)}
    defined = {"recall": true > 0, "precision": predicted > 0, "f1": true > 0}
    return {
        name: np.divide(part, whole, out=np.full_like(hits, np.nan), where=defined[name])
        for name, (part, whole) in scores.items()
    }


def total_scores(matrices: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the scores over all classes: accuracy, balanced accuracy and macro-F1.

    Args:
        matrices: confusion matrices, (..., labels, labels), each with at least one image. Rows are true labels.

    Returns:
        name → float64, (...).
    """
    scores = class_scores(matrices)
    return {
        "accuracy": matrices.diagonal(axis1=-2, axis2=-1).sum(axis=-1) / matrices.sum(axis=(-2, -1)),
        "balanced_accuracy": np.nanmean(scores["recall"], axis=-1),
        "macro_f1": np.nanmean(scores["f1"], axis=-1),
    }


def by_label(values: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Return label → value, with None in place of NaN, because JSON has no NaN.

    Args:
        values: float64, (labels,), or (labels, 2) for intervals.
        labels: the names of the classes.
    """
    return {
        label: None if np.isnan(value).any() else value.tolist() for label, value in zip(labels, values, strict=True)
    }


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
