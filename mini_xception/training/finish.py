"""The last step of a run: calibrate, evaluate and plot its best checkpoint."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from mini_xception.evaluation.metrics import fit_temperature, measure
from mini_xception.evaluation.plots import plot_confusion_matrix, plot_curves
from mini_xception.network.classifier import Classifier
from mini_xception.network.model import MiniXception
from mini_xception.training.data import LabelledFaces
from mini_xception.training.state import BEST, LOG


def finish(run_dir: Path, validation: LabelledFaces, provenance: dict[str, str] | None = None) -> None:
    """Calibrate and evaluate the best checkpoint on the validation set, in float32, and draw the plots.

    The temperature is always fitted to the uncalibrated logits, so finishing a run again gives the same files.

    Args:
        run_dir: the run's folder. Temperature and metrics are stored in ``best/config.json``. If matplotlib is
            installed, ``curves.png`` and ``confusion_matrix.png`` are written, too.
        validation: the validation set.
        provenance: the provenance to store with the weights. None keeps the checkpoint's.

    Raises:
        MiniXceptionError: the checkpoint cannot be loaded or written.
    """
    model = MiniXception.from_pretrained(run_dir / BEST, device="cpu")
    model.temperature = 1.0
    probabilities = Classifier.from_model(model, "torch")(validation.images)
    model.temperature = fit_temperature(probabilities, validation.labels)
    calibrated = Classifier.from_model(model, "torch")(validation.images)
    metrics = measure(calibrated, validation.labels, model.labels)
    model.metrics = {"dataset": "FER2013", "split": validation.split, **metrics.to_dict()}
    del model.metrics["confusion_matrix"]
    if provenance is not None:
        model.provenance = provenance
    model.save_pretrained(run_dir / BEST)
    if find_spec("matplotlib"):
        plot_curves({run_dir.name: run_dir / LOG}, validation.split, run_dir / "curves.png")
        title = f"{validation.split} (validation): {metrics.accuracy:.2%}"
        plot_confusion_matrix(metrics.confusion_matrix, model.labels, title, run_dir / "confusion_matrix.png")
