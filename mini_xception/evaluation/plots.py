"""Plots of training runs and of classifiers, written as PNG files. Plotting needs matplotlib."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mini_xception.media.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Labels with more characters are turned by 45° below the confusion matrix.
LONG_LABEL = 9
#: Fonts with Chinese characters, on Linux, macOS and Windows.
CHINESE_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "PingFang SC", "Microsoft YaHei")


def plot_curves(logs: dict[str, Path], split: str, target: Path) -> None:
    """Plot loss and accuracy over the epochs of one or more runs.

    Args:
        logs: name of each run → its ``log.csv``. Missing columns are not plotted.
        split: name of the validation set, such as "PublicTest".
        target: the PNG file to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    both = figure.subplots(1, 2)
    for number, (run, log) in enumerate(logs.items()):
        with log.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        shown = run.replace("$", r"\$")  # otherwise, $ begins a formula
        epochs = [float(row["epoch"]) for row in rows]
        for axes, quantity, scale in zip(both, ("loss", "accuracy"), (1, 100), strict=True):
            for prefix, name, style in (("train", "training, augmented", "--"), ("validation", split, "-")):
                column = f"{prefix}_{quantity}"
                if rows and column in rows[0]:
                    values = [scale * float(row[column]) for row in rows]
                    axes.plot(epochs, values, style, color=f"C{number}", linewidth=1.2, label=f"{shown}: {name}")
    for axes, label in zip(both, ("loss", "accuracy in %"), strict=True):
        axes.set(xlabel="epoch", ylabel=label)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(f"{split} is the validation set", fontsize=9)
    with atomic_write(target) as temporary:
        figure.savefig(temporary, dpi=120)


def plot_confusion_matrix(matrix: np.ndarray, labels: Sequence[str], title: str, target: Path) -> None:
    """Plot a confusion matrix. Rows are true labels. Each cell shows its count and its share of the row.

    The image grows with the number of classes and with the length of their names.

    Args:
        matrix: counts, (labels, labels).
        labels: names of the classes.
        title: title of the plot.
        target: the PNG file to write.
    """
    from matplotlib.figure import Figure

    fractions = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    longest = max(map(len, labels))
    side = max(6.0, 0.75 * len(labels)) + 0.08 * longest
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes: Axes = figure.subplots()
    axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*matrix.shape):
        axes.text(
            column,
            row,
            f"{fractions[row, column]:.0%}\n{matrix[row, column]}" if matrix[row].any() else "–",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if fractions[row, column] > 0.5 else "black",
        )
    # Names may contain $, which begins a formula, and characters that the default font does not have.
    text: dict[str, Any] = {"parse_math": False, "fontfamily": _fonts()}
    axes.set(xlabel="prediction", ylabel="truth")
    axes.set_title(title, **text)
    turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if longest > LONG_LABEL else {}
    axes.set_xticks(range(len(labels)), labels, **text, **turned)
    axes.set_yticks(range(len(labels)), labels, **text)
    with warnings.catch_warnings(), atomic_write(target) as temporary:
        warnings.filterwarnings("ignore", "Glyph .* missing")  # No installed font has the character.
        figure.savefig(temporary, dpi=120)


def _fonts() -> list[str]:
    """Return the default font, and the fonts with Chinese characters that are installed."""
    from matplotlib.font_manager import get_font_names

    return ["DejaVu Sans", *(font for font in CHINESE_FONTS if font in get_font_names())]
