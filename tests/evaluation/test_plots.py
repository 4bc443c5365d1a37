"""Plots with names of every kind: no warning, no formula, no overlap."""

import warnings

import numpy as np
import pytest
from PIL import Image

from mini_xception.evaluation import plot_confusion_matrix, plot_curves


@pytest.mark.parametrize(
    "labels", [["a$b$", "$\\foo$", "专注", "x_y^z"], [f"a long class name, number {i}" for i in range(12)]]
)
def test_the_confusion_matrix_with_any_labels(tmp_path, labels):
    matrix = np.arange(len(labels) ** 2).reshape(len(labels), -1)
    matrix[0] = 0  # The first class has no images.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_confusion_matrix(matrix, labels, "runs/$mine$", tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as plot:
        assert plot.width >= 80 * len(labels)


def test_the_curves_of_a_run_whose_name_looks_like_a_formula(tmp_path):
    (tmp_path / "log.csv").write_text("epoch,train_loss,train_accuracy\n1,2,0.3\n2,1,0.4\n")
    plot_curves({"a$\\b$": tmp_path / "log.csv"}, "test", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
