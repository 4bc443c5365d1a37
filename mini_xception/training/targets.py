"""Targets of the training images: FER+'s votes and a teacher's probabilities, mixed with the labels."""

from __future__ import annotations

import csv
import os

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.training.config import TrainConfig

#: Columns of FER+'s ``fer2013new.csv``, in the order of EMOTIONS.
_VOTE_COLUMNS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


def load_votes(path: str | os.PathLike[str], split: str, rows: np.ndarray) -> np.ndarray:
    """Load FER+'s votes for the seven emotions.

    Args:
        path: ``fer2013new.csv``. Its row *i* describes row *i* of FER2013's CSV file.
        split: the split that the rows belong to.
        rows: int64, (N,), as in :class:`LabelledFaces`.

    Returns:
        float32, (N, 7). Each row holds an image's votes for the seven emotions, divided by their sum. A row is all
        zeros if none of the image's votes is for any of the seven, or if the file has no image name in that row.

    Raises:
        MiniXceptionError: the file does not exist, or its rows do not match FER2013's rows.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            table = list(csv.DictReader(file))
        chosen = [table[row] for row in rows]
        # The votes of a row without an image name are not usable.
        counts = [[float(row[column]) * bool(row["Image name"]) for column in _VOTE_COLUMNS] for row in chosen]
    except OSError as error:
        raise MiniXceptionError(f"{path}: cannot be read ({error.strerror})") from error
    except IndexError as error:
        reason = f"the file has {len(table)} rows, fewer than the FER2013 data"
        raise MiniXceptionError(f"{path}: {reason}; use the unmodified fer2013new.csv of FER+") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise MiniXceptionError(f"{path}: not FER+'s fer2013new.csv ({error}); download it again") from error
    for number, row in zip(rows, chosen, strict=True):
        if row.get("Usage") != split:
            reason = f"column 'Usage' is {row.get('Usage')!r}, but in the FER2013 data it is {split!r}"
            raise MiniXceptionError(
                f"{path}, row {number + 1}: {reason}; use data whose rows are in the original order"
            )
    votes = np.array(counts, np.float32)
    if not (np.isfinite(votes).all() and (votes >= 0).all()):
        raise MiniXceptionError(f"{path}: a vote is negative or not finite; download the file again")
    return votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)


def load_teacher(path: str | os.PathLike[str], n: int) -> np.ndarray:
    """Load a teacher's probabilities.

    Args:
        path: a NumPy file, written by ``recipes/teacher.py``.
        n: number of images.

    Returns:
        float32, (n, 7), in the order of the images.

    Raises:
        MiniXceptionError: the file does not exist, or does not contain one row of probabilities per image.
    """
    again = "create it with recipes/teacher.py"
    try:
        probabilities = np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, EOFError, TypeError, ValueError) as error:
        raise MiniXceptionError(f"{path}: not a file of teacher probabilities ({error}); {again}") from error
    if probabilities.shape != (n, len(EMOTIONS)):
        needed = (n, len(EMOTIONS))
        reason = f"the shape is {probabilities.shape}, but the data needs {needed}"
        raise MiniXceptionError(f"{path}: {reason}; {again} for this data")
    if not ((probabilities >= 0).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)):
        reason = "a row is not a probability distribution"
        raise MiniXceptionError(f"{path}: {reason}; its values must be 0 or more and sum to 1")
    return probabilities


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
