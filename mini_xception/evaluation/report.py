"""The report of an evaluation: ``report.html``, one file for a browser, and ``report.json`` with the same figures."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.evaluation.intervals import intervals
from mini_xception.evaluation.metrics import measure, reliability
from mini_xception.evaluation.page import render
from mini_xception.media.atomic import atomic_write

HTML, JSON = "report.html", "report.json"
#: Number of wrongly classified images that a report shows.
SHOWN_ERRORS = 24


def write_report(
    folder: str | os.PathLike[str],
    probabilities: np.ndarray,
    truth: np.ndarray,
    labels: Sequence[str],
    images: Sequence[np.ndarray] | np.ndarray,
    *,
    title: str,
    names: Sequence[str] = (),
    history: Sequence[Mapping[str, float]] = (),
    data: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write ``report.html`` and ``report.json`` to a folder. Equal arguments give equal files.

    ``report.html`` is one file without scripts. It requests nothing from the network. It contains the images that were
    classified wrongly with the highest probabilities, so it is as private as the images.

    Args:
        folder: the folder; it is created if it does not exist. An earlier report is replaced.
        probabilities: float32, (N, len(labels)), N > 0.
        truth: int64, (N,), indices into labels.
        labels: names of the classes, in the order of the columns of ``probabilities``.
        images: N arrays, uint8, grey (H, W) or RGB (H, W, 3). Only the images that the report shows are read.
        title: what was evaluated, for example the name of the split.
        names: name of each image, such as its path. Empty: the images have no names.
        history: one mapping per epoch, as the rows of ``log.csv``: ``epoch``, and numbers whose names begin with
            ``train_`` or ``validation_``. Each kind of number becomes one chart.
        data: facts about the data, ready for JSON. A list becomes a list of lines. A mapping of mappings becomes a
            table, for example split → class → number of images.

    Returns:
        The contents of ``report.json``. Its entry ``metrics`` has the scores and their intervals, and can be stored
        as the metrics of a checkpoint.

    Raises:
        MiniXceptionError: the arguments do not match, or a file cannot be written.
    """
    metrics = measure(probabilities, truth, labels).to_dict()
    probabilities, truth = np.asarray(probabilities), np.asarray(truth)
    for argument, entries in (("images", images), ("names", names)):
        if len(entries) != len(truth) and (len(entries) or argument == "images"):
            raise MiniXceptionError(
                f"{argument} must have {len(truth)} entries, one for each entry of truth, not {len(entries)}"
            )
    matrix = np.array(metrics.pop("confusion_matrix"))
    bins = reliability(probabilities, truth)
    report = _plain(
        {
            "title": title,
            "labels": list(labels),
            "metrics": {**metrics, "intervals": intervals(matrix, labels)},
            "confusion_matrix": matrix.tolist(),
            "mean_confidence": float(probabilities.max(axis=1).mean()),
            "reliability": {name: values.tolist() for name, values in vars(bins).items()},
            "errors": _worst_errors(probabilities, truth, labels, names),
            "history": [{name: _number(name, value) for name, value in row.items()} for row in history],
            "data": data or {},
        }
    )
    html = render(report, [images[error["image"]] for error in report["errors"]])
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)
    # A file name that is not valid Unicode has lone surrogates. UTF-8 cannot encode them; JSON can, as \udcXX.
    contents = {JSON: f"{text}\n".encode("utf-8", "backslashreplace"), HTML: html.encode("utf-8", "replace")}
    for file, content in contents.items():
        with atomic_write(Path(folder) / file) as temporary:
            temporary.write_bytes(content)
    return report


def _worst_errors(
    probabilities: np.ndarray, truth: np.ndarray, labels: Sequence[str], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Describe the wrong predictions with the highest probabilities, the highest first."""
    predictions = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predictions != truth)
    worst = wrong[np.argsort(-probabilities[wrong, predictions[wrong]], kind="stable")][:SHOWN_ERRORS]
    return [
        {
            "image": index,
            "name": str(names[index]) if names else None,
            "truth": labels[truth[index]],
            "prediction": labels[predictions[index]],
            "probability": float(probabilities[index, predictions[index]]),
            "probability_of_truth": float(probabilities[index, truth[index]]),
        }
        for index in worst.tolist()
    ]


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise MiniXceptionError(f"history: {name} must be a number, not {value!r}") from error


def _plain(value: Any) -> Any:
    """Return a value with only the types of JSON. A number that is not finite becomes None, another type its text."""
    match value:
        case Mapping():
            return {str(key): _plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_plain(entry) for entry in value]
        case np.generic():
            return _plain(value.item())
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)
