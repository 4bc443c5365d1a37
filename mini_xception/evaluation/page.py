"""``report.html``, rendered from the contents of ``report.json``."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mini_xception import __version__
from mini_xception.errors import MiniXceptionError
from mini_xception.evaluation.charts import draw_curves, draw_reliability
from mini_xception.evaluation.intervals import RESAMPLES

TEMPLATE = Path(__file__).with_name("report.html.jinja")
#: Longest side of an embedded image, in pixels. Larger images are scaled down.
IMAGE_SIDE = 160
#: Number of confusions that are listed below the matrix.
CONFUSIONS = 5
#: A label with more characters is long: the confusion matrix has it in vertical text, a phone on a line of its own.
LONG_LABEL = 9
#: With more classes, the cells of the confusion matrix are smaller and show no counts.
MANY_CLASSES = 10


def render(report: dict[str, Any], images: Sequence[np.ndarray]) -> str:
    """Return the HTML.

    Args:
        report: the contents of ``report.json``.
        images: the images of ``report["errors"]``, uint8, grey (H, W) or RGB (H, W, 3).

    Raises:
        MiniXceptionError: an image is not such an array.
    """
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": percent, "span": _span}
    labels, metrics = report["labels"], report["metrics"]
    matrix = np.array(report["confusion_matrix"])
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        report=report,
        metrics=metrics,
        intervals=metrics["intervals"],
        labels=labels,
        shares=(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)).tolist(),
        long=max(map(len, labels)) > LONG_LABEL,
        many=len(labels) > MANY_CLASSES,
        findings=_findings(report),
        confusions=_confusions(matrix, labels),
        calibration=_calibration(report),
        reliability=draw_reliability(report["reliability"]),
        curves=draw_curves(report["history"]),
        errors=[{**error, "source": _embed(image)} for error, image in zip(report["errors"], images, strict=True)],
        resamples=RESAMPLES,
        version=__version__,
    )


def percent(score: float | None, digits: int = 1) -> str:
    """Write a number from 0 to 1 as a percentage, and None as a dash."""
    return "–" if score is None else f"{100 * score:.{digits}f}\u00a0%"


def _span(interval: list[float] | None) -> str:
    return "" if interval is None else f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}"


def _quote(label: str) -> str:
    """Return a label in quotation marks, as HTML. A name in Arabic does not change the order of the words around it."""
    return f"“<bdi>{html.escape(label)}</bdi>”"


def _findings(report: dict[str, Any]) -> list[str]:
    """Describe the scores in a few sentences, as HTML."""
    labels, metrics = report["labels"], report["metrics"]
    support, recall, matrix = metrics["support"], metrics["recall"], np.array(report["confusion_matrix"])
    right, common = int(matrix.trace()), max(labels, key=support.__getitem__)
    tied = [label for label in labels if support[label] == support[common]]
    frequent = "the most frequent class" if len(tied) == 1 else "one of the most frequent classes"
    found = [
        f"{right:,} of {metrics['n']:,} images are classified correctly. Always answering {_quote(common)}, "
        f"{frequent}, would be correct for {percent(support[common] / metrics['n'])}."
    ]
    present = sorted((label for label in labels if support[label]), key=lambda label: -recall[label])
    if recall[present[0]] > recall[present[-1]]:
        best, worst = present[0], present[-1]
        taken = matrix[labels.index(worst)].copy()
        taken[labels.index(worst)] = 0
        others = " and ".join(_quote(labels[i]) for i in np.flatnonzero(taken == taken.max()))
        found.append(
            f"Recognised best: {_quote(best)} ({percent(recall[best])} of its images). Recognised worst: "
            f"{_quote(worst)} ({percent(recall[worst])}), most often mistaken for {others}."
        )
    found.append(_calibration(report))
    if absent := [_quote(label) for label in labels if not support[label]]:
        found.append(
            f"No images of {', '.join(absent)}: the recall and the F1 are not defined, and the averages leave them out."
        )
    if never := [_quote(label) for label in present if metrics["precision"][label] is None]:
        found.append(f"Never predicted: {', '.join(never)}.")
    return found


def _calibration(report: dict[str, Any]) -> str:
    """Compare the mean confidence with the interval of the accuracy."""
    confidence, accuracy = report["mean_confidence"], report["metrics"]["accuracy"]
    low, high = report["metrics"]["intervals"]["accuracy"]
    verdict = "too high" if confidence > high else "too low" if confidence < low else "right on average"
    return f"The probabilities are {verdict}: mean confidence {percent(confidence)}, accuracy {percent(accuracy)}."


def _confusions(matrix: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the most frequent confusions, by the share of the true class's images."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    order = np.argsort(-shares, axis=None, kind="stable")[:CONFUSIONS]
    cells = [divmod(int(cell), len(labels)) for cell in order]
    return [
        {"truth": labels[row], "prediction": labels[column], "share": shares[row, column], "n": matrix[row, column]}
        for row, column in cells
        if shares[row, column] > 0
    ]


def _embed(image: np.ndarray) -> str:
    """Return an image as a data URL, in PNG format."""
    from PIL import Image

    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or not image.size:
        raise MiniXceptionError(
            f"images must be uint8, grey (H, W) or RGB (H, W, 3), not {image.dtype}, {image.shape}; convert them first"
        )
    picture = Image.fromarray(image)
    picture.thumbnail((IMAGE_SIDE, IMAGE_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
