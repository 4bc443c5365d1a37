"""Intervals of the scores, compared with drawing the images themselves, and with known formulas."""

import numpy as np
import pytest

from mini_xception.evaluation.intervals import intervals
from mini_xception.evaluation.metrics import measure

LABELS = ("a", "b", "c")


def test_they_are_those_of_drawing_the_images_again():
    rng = np.random.default_rng(1)
    truth = rng.choice(3, 400, p=(0.6, 0.3, 0.1))
    predictions = np.where(rng.random(400) < 0.7, truth, rng.integers(0, 3, 400))
    probabilities = np.eye(3)[predictions]
    found = intervals(measure(probabilities, truth, LABELS).confusion_matrix, LABELS)

    draws = [rng.integers(0, 400, 400) for _ in range(1000)]
    drawn = [measure(probabilities[images], truth[images], LABELS) for images in draws]
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        expected = np.quantile([getattr(metrics, name) for metrics in drawn], (0.025, 0.975))
        assert found[name] == pytest.approx(expected, abs=0.015)
    for name in ("recall", "precision", "f1"):
        for label in LABELS:
            expected = np.quantile([getattr(metrics, name)[label] for metrics in drawn], (0.025, 0.975))
            assert found[name][label] == pytest.approx(expected, abs=0.03)


def test_they_become_narrower_with_more_images_and_contain_the_score():
    widths = []
    for factor in (1, 10, 100):
        low, high = intervals(np.array([[8, 2], [3, 7]]) * factor, "ab")["recall"]["a"]
        assert low < 0.8 < high
        widths.append(high - low)
    assert widths[0] > 2.5 * widths[1] > 6 * widths[2]


def test_a_perfect_score_of_few_images_is_not_certain():
    """Five of five correct: drawing them again always gives five of five. Wilson's interval is 57 to 100 %."""
    found = intervals(np.diag([5, 500]), "ab")
    assert found["recall"]["a"] == pytest.approx([0.566, 1], abs=0.001)
    assert found["recall"]["b"] == pytest.approx([0.992, 1], abs=0.001)
    assert found["accuracy"] == pytest.approx([0.992, 1], abs=0.001)
    low, high = intervals(np.array([[0, 5], [0, 5]]), "ab")["recall"]["a"]
    assert (low, high) == pytest.approx((0, 0.434), abs=0.001)


def test_a_score_that_is_not_defined_has_none():
    found = intervals(np.array([[5, 2, 0], [3, 6, 0], [0, 0, 0]]), LABELS)
    assert found["recall"]["c"] is found["precision"]["c"] is found["f1"]["c"] is None
    assert found["balanced_accuracy"][0] > 0.3  # The class without images is not a zero in the average.


def test_equal_matrices_have_equal_intervals():
    matrix = np.array([[50, 7], [9, 40]])
    assert intervals(matrix, "ab") == intervals(matrix.copy(), "ab")
