"""Charts of the report, as SVG. Their colours are CSS variables of the page, so they follow its theme."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

from mini_xception.evaluation.metrics import ECE_BINS

#: Size of a chart in SVG units. The page scales charts to its width.
WIDTH, HEIGHT = 360, 240
#: Margins around the plotted area.
LEFT, TOP, RIGHT, BOTTOM = 52, 12, 20, 36
#: Height of the histogram below the reliability diagram.
HISTOGRAM = 56
#: Prefix of a column of the history → CSS class of its line.
LINES = {"train": "line-a", "validation": "line-b"}
#: An axis has ticks at about this many intervals.
INTERVALS = 5

#: A point of a line: epoch, value.
Point = tuple[float, float]


def draw_curves(history: Sequence[dict[str, float | None]]) -> list[dict[str, Any]]:
    """Draw one chart for each quantity in the history of a training run, such as loss and accuracy.

    Args:
        history: one mapping per epoch; see :func:`~mini_xception.evaluation.write_report`.

    Returns:
        ``title`` and ``svg`` of each chart.
    """
    columns = dict.fromkeys(column for row in history for column in row)
    quantities = dict.fromkeys(column.partition("_")[2] for column in columns if column.partition("_")[0] in LINES)
    charts = []
    for quantity in quantities:
        lines = {
            style: [
                (row.get("epoch") or number, value)
                for number, row in enumerate(history, 1)
                if (value := row.get(f"{prefix}_{quantity}")) is not None
            ]
            for prefix, style in LINES.items()
        }
        if any(lines.values()):
            title = quantity.replace("_", " ")
            charts.append({"title": title, "svg": _draw_lines(lines, title)})
    return charts


def _draw_lines(lines: dict[str, list[Point]], title: str) -> str:
    """Draw the lines of one quantity, given as CSS class → points."""
    points = [point for line in lines.values() for point in line]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    ticks = _ticks([y for _, y in points])
    low, high = ticks[0], ticks[-1]

    def place(x: float, y: float) -> Point:
        across = (x - left) / (right - left) if right > left else 0.5
        up = (y - low) / (high - low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    share = "accuracy" in title
    parts = [_grid_line(place(left, y)[1], f"{100 * y:.4g} %" if share else f"{y:.4g}") for y in ticks]
    whole = [x for x in _ticks([left, right]) if x == round(x) and left <= x <= right]
    parts += [_x_label(place(x, low)[0], HEIGHT, f"{x:g}") for x in whole]
    parts.append(_x_title(HEIGHT, "epoch"))
    for style, line in lines.items():
        placed = [place(*point) for point in line]
        if len(placed) == 1:
            parts.append(f'<circle class="{style}" cx="{placed[0][0]:.1f}" cy="{placed[0][1]:.1f}" r="2"/>')
        else:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
            parts.append(f'<polyline class="{style}" points="{path}"/>')
    return _svg(parts, HEIGHT, f"{title} over the epochs")


def draw_reliability(bins: dict[str, list[float]]) -> str:
    """Draw the accuracy of each bin of confidence as a bar, and the number of its images in a histogram below.

    Args:
        bins: ``count`` and ``accuracy`` of each bin.
    """
    side = WIDTH - LEFT - RIGHT
    bottom = TOP + side
    base = bottom + HISTOGRAM
    height = base + BOTTOM
    width = side / ECE_BINS
    parts = []
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1):
        parts.append(_grid_line(bottom - tick * side, f"{100 * tick:.0f} %"))
        parts.append(_x_label(LEFT + tick * side, height, f"{100 * tick:.0f} %"))
    for number, (count, accuracy) in enumerate(zip(bins["count"], bins["accuracy"], strict=True)):
        x, tall = LEFT + number * width + 1, accuracy * side
        small = max(1, count / max(bins["count"]) * (HISTOGRAM - 10))
        if count:
            parts.append(_bar("bar", x, bottom, width - 2, tall))
            parts.append(_bar("count", x, base, width - 2, small))
    parts += [
        f'<line class="ideal" x1="{LEFT}" y1="{bottom}" x2="{LEFT + side}" y2="{TOP}"/>',
        f'<line class="grid" x1="{LEFT}" y1="{base}" x2="{LEFT + side}" y2="{base}"/>',
        f'<text class="side" x="{LEFT - 6}" y="{base - 2}">images</text>',
        _x_title(height, "confidence"),
    ]
    return _svg(parts, height, "accuracy at each confidence")


def _svg(parts: Iterable[str], height: float, description: str) -> str:
    label = html.escape(description)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _bar(style: str, x: float, bottom: float, width: float, height: float) -> str:
    return f'<rect class="{style}" x="{x:.1f}" y="{bottom - height:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _grid_line(y: float, label: str) -> str:
    line = f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
    return f'{line}<text class="side" x="{LEFT - 6}" y="{y + 4:.1f}">{label}</text>'


def _x_label(x: float, height: float, label: str) -> str:
    return f'<text class="below" x="{x:.1f}" y="{height - BOTTOM + 15}">{label}</text>'


def _x_title(height: float, title: str) -> str:
    return f'<text class="below" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{height - 4}">{title}</text>'


def _ticks(values: Sequence[float]) -> list[float]:
    """Return round numbers, evenly spaced, from below the lowest value to above the highest."""
    low, high = min(values), max(values)
    rough = ((high - low) or abs(high) or 1.0) / INTERVALS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]
