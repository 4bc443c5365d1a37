"""Metrics of small examples that are easy to compute by hand."""

import json

import numpy as np
import pytest

from mini_xception.errors import MiniXceptionError
from mini_xception.evaluation.metrics import fit_temperature, measure, reliability

LABELS = ("a", "b", "c")


def test_counts_and_scores():
    truth = np.array([0, 0, 0, 1, 1, 0, 2])
    probabilities = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 0, 2, 2]]
    metrics = measure(probabilities, truth, LABELS)
    # Rows are the truth: two of the four images of class a are classified correctly.
    assert metrics.confusion_matrix.tolist() == [[2, 1, 1], [1, 1, 0], [0, 0, 1]]
    assert metrics.n == 7
    assert metrics.accuracy == 4 / 7
    assert metrics.recall == {"a": 2 / 4, "b": 1 / 2, "c": 1.0}
    assert metrics.precision == {"a": 2 / 3, "b": 1 / 2, "c": 1 / 2}
    # F1: a = 2·2/(4+3), b = 2·1/(2+2), c = 2·1/(1+2)
    assert metrics.f1 == {"a": 4 / 7, "b": 1 / 2, "c": 2 / 3}
    assert metrics.support == {"a": 4, "b": 2, "c": 1}
    assert metrics.balanced_accuracy == pytest.approx((2 / 4 + 1 / 2 + 1) / 3)
    assert metrics.macro_f1 == pytest.approx((4 / 7 + 1 / 2 + 2 / 3) / 3)


def test_a_class_without_images_has_no_recall_and_stays_out_of_the_averages():
    truth = np.array([0, 0, 1, 1])
    metrics = measure(np.eye(3, dtype=np.float32)[[0, 2, 1, 1]], truth, LABELS)
    assert metrics.recall == {"a": 0.5, "b": 1.0, "c": None}
    assert metrics.balanced_accuracy == 0.75
    assert metrics.f1 == {"a": 2 / 3, "b": 1.0, "c": None}
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 1) / 2)
    assert metrics.precision["c"] == 0.0  # It was predicted once, wrongly.
    assert json.loads(json.dumps(metrics.to_dict()))["recall"]["c"] is None


def test_a_class_that_is_never_predicted_has_no_precision_but_counts_in_the_averages():
    metrics = measure(np.eye(2, dtype=np.float32)[[0, 0]], np.array([0, 1]), ("a", "b"))
    assert metrics.precision == {"a": 0.5, "b": None}
    assert metrics.recall == {"a": 1.0, "b": 0.0}
    assert metrics.f1 == {"a": 2 / 3, "b": 0.0}
    assert metrics.balanced_accuracy == 0.5


@pytest.mark.parametrize(
    ("probabilities", "truth", "labels", "reason"),
    [
        (np.zeros((0, 2)), np.zeros(0, int), "ab", "truth must be one or more integers"),
        (np.eye(2), np.array([0.0, 1.0]), "ab", "truth must be one or more integers"),
        (np.eye(2), np.array([0, 2]), "ab", "truth must have indices from 0 to 1, not 0 to 2"),
        (np.eye(2), np.array([0, -1]), "ab", "truth must have indices from 0 to 1, not -1 to 0"),
        (np.eye(3), np.array([0, 1]), "ab", "probabilities must have the shape (2, 2)"),
        (np.eye(2) * 7, np.array([0, 1]), "ab", "apply a softmax"),
        (np.full((2, 2), np.nan), np.array([0, 1]), "ab", "probabilities must be numbers from 0 to 1"),
        (np.eye(2), np.array([0, 1]), "aa", "labels must be distinct names, not a, a"),
    ],
)
def test_arguments_that_do_not_match(probabilities, truth, labels, reason):
    with pytest.raises(MiniXceptionError) as caught:
        measure(probabilities, truth, labels)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


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
        "f1": {"a": 1.0, "b": 1.0, "c": 1.0},
        "support": {"a": 1, "b": 1, "c": 1},
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
