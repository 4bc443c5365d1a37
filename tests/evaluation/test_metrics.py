"""Metrics of small examples that are easy to compute by hand."""

import json

import numpy as np
import pytest

from mini_xception.evaluation.metrics import fit_temperature, measure, reliability

LABELS = ("a", "b", "c")


def test_counts_and_scores():
    truth = np.array([0, 0, 0, 1, 1, 0])
    probabilities = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 0, 2]]
    metrics = measure(probabilities, truth, LABELS)
    # Rows are the truth: two of the four images of class a are classified correctly.
    assert metrics.confusion_matrix.tolist() == [[2, 1, 1], [1, 1, 0], [0, 0, 0]]
    assert metrics.n == 6
    assert metrics.accuracy == 3 / 6
    assert metrics.recall == {"a": 2 / 4, "b": 1 / 2, "c": 0.0}
    assert metrics.precision == {"a": 2 / 3, "b": 1 / 2, "c": 0.0}
    assert metrics.balanced_accuracy == pytest.approx((2 / 4 + 1 / 2 + 0) / 3)
    # F1: a = 2·2/(3+4), b = 2·1/(2+2), c = 0
    assert metrics.macro_f1 == pytest.approx((4 / 7 + 1 / 2 + 0) / 3)


def test_calibration_error():
    # A bin of confidence 0.9 and accuracy 0.5, a bin of 0.6 and 1, a bin of 1 and 1: gaps of 0.4, 0.4 and 0.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6], [1.0, 0.0]])
    bins = reliability(probabilities, np.array([0, 1, 1, 1, 0]))
    assert bins.ece == pytest.approx((0.4 * 2 + 0.4 * 2 + 0) / 5)
    assert bins.count[13] == 2  # 0.9 is in (13/15, 14/15].
    assert bins.accuracy[13] == 0.5
    assert bins.confidence[13] == pytest.approx(0.9)
    assert bins.count[14] == 1


def test_metrics_are_json_ready():
    metrics = measure(np.eye(3, dtype=np.float32), np.array([0, 1, 2]), LABELS)
    assert json.loads(json.dumps(metrics.to_dict())) == {
        "n": 3,
        "accuracy": 1.0,
        "balanced_accuracy": 1.0,
        "macro_f1": 1.0,
        "recall": {"a": 1.0, "b": 1.0, "c": 1.0},
        "precision": {"a": 1.0, "b": 1.0, "c": 1.0},
        "ece": 0.0,
        "confusion_matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    }


def test_the_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 2
    calibrated = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(3, p=row) for row in calibrated])
    overconfident = calibrated**2.5 / (calibrated**2.5).sum(axis=1, keepdims=True)
    temperature = fit_temperature(overconfident, truth)
    assert temperature == pytest.approx(2.5, rel=0.05)
    corrected = overconfident ** (1 / temperature)
    corrected /= corrected.sum(axis=1, keepdims=True)
    assert reliability(corrected, truth).ece < 0.5 * reliability(overconfident, truth).ece
    assert fit_temperature(corrected, truth) == pytest.approx(1, rel=0.01)
