"""The last step of a run: calibrate, evaluate and plot its best checkpoint."""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mini_xception.evaluation.metrics import fit_temperature
from mini_xception.evaluation.plots import plot_confusion_matrix, plot_curves
from mini_xception.evaluation.report import write_report
from mini_xception.network.classifier import Classifier
from mini_xception.network.model import MiniXception
from mini_xception.training.labelled import LabelledFaces, validation_name
from mini_xception.training.state import BEST, FACTS, LOG


def calibrate(model: MiniXception, validation: LabelledFaces) -> np.ndarray:
    """Fit a model's temperature on the validation set.

    Returns:
        The calibrated probabilities of the validation images, float32, (N, labels).
    """
    model.temperature = 1.0
    probabilities = Classifier.from_model(model, "torch")(validation.images)
    model.temperature = fit_temperature(probabilities, validation.labels)
    return Classifier.from_model(model, "torch")(validation.images)


def finish(run_dir: Path, validation: LabelledFaces, provenance: dict[str, str] | None = None) -> None:
    """Calibrate and evaluate the best checkpoint on the validation set, in float32, and draw the plots.

    The temperature is always fitted to the uncalibrated logits, so finishing a run again gives the same files.

    Args:
        run_dir: the run's folder. Temperature and metrics are stored in ``best/config.json``. ``report.html`` and
            ``report.json`` are written. If matplotlib is installed, so are ``curves.png`` and ``confusion_matrix.png``.
        validation: the validation set.
        provenance: the provenance to store with the weights. None keeps the checkpoint's.

    Raises:
        MiniXceptionError: the checkpoint cannot be loaded or written.
    """
    model = MiniXception.from_pretrained(run_dir / BEST, device="cpu")
    calibrated = calibrate(model, validation)
    report = write_report(
        run_dir,
        calibrated,
        validation.labels,
        model.labels,
        validation.images,
        title=f"{validation.dataset}: {validation_name(validation.split)}",
        names=validation.sources or [f"row {row + 1}" for row in validation.rows],
        history=_read_log(run_dir / LOG),
        data=_read_facts(run_dir / FACTS),
    )
    metrics = report["metrics"]
    model.metrics = {"dataset": validation.dataset, "split": validation.split, **metrics}
    if provenance is not None:
        model.provenance = provenance
    model.save_pretrained(run_dir / BEST)
    if find_spec("matplotlib"):
        plot_curves({run_dir.name: run_dir / LOG}, validation.split, run_dir / "curves.png")
        title = f"{validation_name(validation.split)}: {metrics['accuracy']:.2%}"
        matrix = np.array(report["confusion_matrix"])
        plot_confusion_matrix(matrix, model.labels, title, run_dir / "confusion_matrix.png")


def _read_log(path: Path) -> list[dict[str, float]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _read_facts(path: Path) -> dict[str, Any] | None:
    """Read what was found in the data; None for data that was not loaded from a file, such as arrays."""
    with suppress(OSError, ValueError):
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return facts
    return None
