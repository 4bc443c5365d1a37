"""The scores of a model card: their checks, and their tables as rows of Markdown text."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from mini_xception.errors import MiniXceptionError

#: name in ``metrics`` → name on the Hub, title in the card. All scores are numbers from 0 to 1.
SCORES = {
    "accuracy": ("accuracy", "accuracy"),
    "balanced_accuracy": ("balanced_accuracy", "balanced accuracy"),
    "macro_f1": ("f1", "macro-F1"),
    "ece": ("expected_calibration_error", "ECE"),
}
#: name in ``metrics`` → title in the card. The values are label → number from 0 to 1, or None where it is not defined.
CLASS_SCORES = {"recall": "recall", "precision": "precision", "f1": "F1"}
#: name in ``metrics`` of the number of images of each label.
SUPPORT = "support"
#: name in ``metrics`` of the intervals: name of a score → [low, high], or label → [low, high].
INTERVALS = "intervals"


def check_metrics(metrics: dict[str, Any], labels: Collection[str]) -> None:
    """Check the metrics of a checkpoint.

    Raises:
        MiniXceptionError: a metric is not a number, or the metrics do not match the labels.
    """
    for name in SCORES:
        if not isinstance(metrics.get(name, 0.0), float | int):
            raise MiniXceptionError(f"metrics: {name} must be a number from 0 to 1, not {metrics[name]!r}")
    for name in (*CLASS_SCORES, SUPPORT):
        values = metrics.get(name, dict.fromkeys(labels, 0))
        if not isinstance(values, dict) or set(values) != set(labels):
            raise MiniXceptionError(f"metrics: {name} must have one number for each of {', '.join(labels)}")
        if not all(isinstance(value, float | int | None) for value in values.values()):
            allowed = "numbers of images" if name == SUPPORT else "numbers from 0 to 1"
            raise MiniXceptionError(f"metrics: {name} must have {allowed}, not {list(values.values())}")
    intervals = metrics.get(INTERVALS, {})
    if not isinstance(intervals, dict):
        raise MiniXceptionError(f"metrics: {INTERVALS} must be a dictionary, not {intervals!r}")
    for name in SCORES:
        _check_interval(name, intervals.get(name))
    for name in CLASS_SCORES:
        of_labels = intervals.get(name, {})
        if not isinstance(of_labels, dict):
            raise MiniXceptionError(f"metrics: intervals of {name} must be a dictionary, not {of_labels!r}")
        for interval in of_labels.values():
            _check_interval(name, interval)


def _check_interval(name: str, interval: object) -> None:
    match interval:
        case None | [float() | int(), float() | int()]:
            return
    raise MiniXceptionError(f"metrics: an interval of {name} must be [low, high], not {interval!r}")


def score_table(metrics: dict[str, Any]) -> list[list[str]]:
    """Return the titles, the scores and, if the metrics have intervals, the intervals. Without scores, return []."""
    names = [name for name in SCORES if name in metrics]
    rows = [[SCORES[name][1] for name in names], [f"{metrics[name]:.4f}" for name in names]]
    if intervals := metrics.get(INTERVALS):
        rows.append(["–".join(f"{limit:.4f}" for limit in intervals.get(name) or ()) for name in names])
    return rows if names else []


def class_table(metrics: dict[str, Any], labels: Collection[str]) -> list[list[str]]:
    """Return the titles, then one row for each class: label, scores with their intervals, number of images.

    Without scores of the classes, return [].
    """
    names = [name for name in CLASS_SCORES if name in metrics]
    rows = [["class", *(CLASS_SCORES[name] for name in names)]]
    for label in labels:
        limits = [metrics.get(INTERVALS, {}).get(name, {}).get(label) for name in names]
        scores = [_percent(metrics[name][label], limit) for name, limit in zip(names, limits, strict=True)]
        rows.append([escape_label(label), *scores])
    if SUPPORT in metrics:
        for row, text in zip(rows, ["images", *(str(metrics[SUPPORT][label]) for label in labels)], strict=True):
            row.append(text)
    return rows if names else []


def escape_label(label: str) -> str:
    """Return a label for Markdown text, also inside a table."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$&])", r"\\\1", " ".join(label.split()))


def _percent(score: float | None, interval: list[float] | None) -> str:
    if score is None:
        return "–"
    return f"{100 * score:.1f} %" + (f" ({100 * interval[0]:.0f}–{100 * interval[1]:.0f})" if interval else "")
