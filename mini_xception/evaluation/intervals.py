"""Confidence intervals of a classifier's scores, from its confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mini_xception.evaluation.metrics import by_label, class_scores, total_scores

#: Share of the probability inside an interval, and the same as a number of standard deviations.
LEVEL, DEVIATIONS = 0.95, 1.959964
#: Number of times that the images are drawn again, and the seed of the draws.
RESAMPLES, SEED = 2000, 0


def intervals(matrix: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Compute 95 % intervals with the bootstrap: the images are drawn again, with replacement (Efron 1979).

    The scores depend on the confusion matrix alone. Drawing images with replacement is the same as drawing the matrix
    from a multinomial distribution.

    If a score is 0 or 1, all draws give the same score, however few images there are. Its interval is then Wilson's
    (1927), which is wider for fewer images.

    Args:
        matrix: confusion matrix, int64, (labels, labels), with at least one image. Rows are true labels.
        labels: names of the classes.

    Returns:
        ``accuracy``, ``balanced_accuracy`` and ``macro_f1`` → [low, high]; ``recall``, ``precision`` and ``f1`` →
        label → [low, high], or None if the score is not defined.
    """
    n = matrix.sum()
    drawn = np.random.default_rng(SEED).multinomial(n, matrix.ravel() / n, RESAMPLES).reshape(-1, *matrix.shape)
    true, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    images = {"recall": true, "precision": predicted, "f1": true + predicted - matrix.diagonal()}
    totals, classes = total_scores(matrix), class_scores(matrix)
    found: dict[str, Any] = {
        name: _interval(np.asarray(totals[name]), values, n).tolist() for name, values in total_scores(drawn).items()
    }
    for name, values in class_scores(drawn).items():
        found[name] = by_label(_interval(classes[name], values, images[name]), labels)
    return found


def _interval(score: np.ndarray, drawn: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return low and high, (..., 2).

    Args:
        score: (...), NaN where it is not defined.
        drawn: (RESAMPLES, ...), the score of each draw.
        images: (...), number of images that the score is computed from.
    """
    tail = (1 - LEVEL) / 2
    drawn = np.where(np.isnan(score), 0, drawn)  # nanquantile warns if all draws of a score are NaN.
    low, high = np.nanquantile(drawn, [tail, 1 - tail], axis=0)
    margin = DEVIATIONS**2 / (np.maximum(images, 1) + DEVIATIONS**2)
    low, high = np.where(score == 1, 1 - margin, low), np.where(score == 0, margin, high)
    return np.where(np.isnan(score)[..., None], np.nan, np.stack([low, high], axis=-1))
