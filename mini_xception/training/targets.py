"""Targets of the training images: labels, votes and teacher, mixed, and the weights of rare classes."""

from __future__ import annotations

import numpy as np

from mini_xception.training.config import TrainConfig


def class_weights(labels: np.ndarray, classes: int, balance: float) -> np.ndarray:
    """Return the weight of each class's images in the loss. The mean weight of all images is 1.

    Args:
        labels: int64, (N,).
        classes: number of labels.
        balance: ``class_balance`` of the settings.

    Returns:
        float32, (classes,).
    """
    counts = np.bincount(labels, minlength=classes)
    weights = np.maximum(counts, 1.0) ** -balance
    return (weights / weights[labels].mean()).astype(np.float32)


def soft_targets(
    labels: np.ndarray, votes: np.ndarray | None, teacher: np.ndarray | None, config: TrainConfig, classes: int
) -> np.ndarray:
    """Compute each image's target: its label mixed with the votes, smoothed, then mixed with the teacher.

    Cross-entropy with such a mixture is the weighted sum of the cross-entropies with its parts. The teacher's part is
    therefore distillation (Hinton et al. 2015) at temperature 1.

    Args:
        labels: int64, (N,).
        votes: float32, (N, classes), fractions. A row sums to 1, or to 0 if none of its votes is for any of the
            classes.
        teacher: float32, (N, classes), probabilities.
        config: supplies label_smoothing, vote_weight and teacher_weight. If ``votes`` or ``teacher`` is None, its
            weight is ignored.
        classes: number of labels.

    Returns:
        float32, (N, classes). Each row sums to 1.
    """
    targets = np.eye(classes, dtype=np.float32)[labels]
    if votes is not None:
        weight = config.vote_weight * votes.sum(axis=1, keepdims=True)
        targets = (1 - weight) * targets + config.vote_weight * votes
    targets = (1 - config.label_smoothing) * targets + np.float32(config.label_smoothing / classes)
    if teacher is not None:
        targets = (1 - config.teacher_weight) * targets + config.teacher_weight * teacher
    return targets
