"""Probabilities over time, as an SVG chart with one row per label. The height of a row's area is the probability."""

from __future__ import annotations

import html
from collections.abc import Sequence

from mini_xception.demo.texts import label_text, text
from mini_xception.draw import colour_of

#: A time in seconds, and label → probability.
Moment = tuple[float, dict[str, float]]

#: Sizes in the chart's own units. The page scales the chart to the available width.
WIDTH, ROW_HEIGHT, LABEL_WIDTH = 640, 26, 84
AXIS_HEIGHT = 16
#: Longest gap between two moments that is filled, in seconds. In longer gaps, the rows stay empty.
GAP_S = 1.0


def draw_timeline(moments: Sequence[Moment], start_s: float, end_s: float, name: str, language: int) -> str:
    """Draw the probabilities of one face over time.

    Args:
        moments: times in seconds, ascending, each with label → probability.
        start_s: time at the left edge, in seconds. A negative time is relative to now.
        end_s: time at the right edge, in seconds, greater than start_s.
        name: description of the chart for screen readers.
        language: language of the labels, an index into TEXTS.

    Returns:
        An ``<svg>`` element.
    """
    labels = list(moments[-1][1]) if moments else []
    height = ROW_HEIGHT * len(labels) + AXIS_HEIGHT
    across = (WIDTH - LABEL_WIDTH) / (end_s - start_s)
    rows = []
    for i, label in enumerate(labels):
        bottom = ROW_HEIGHT * (i + 1)
        areas = " ".join(
            _area([(LABEL_WIDTH + (time_s - start_s) * across, values[label]) for time_s, values in stretch], bottom)
            for stretch in _without_gaps(moments)
        )
        rows.append(
            f'<text x="0" y="{bottom - 7}">{html.escape(label_text(label, language))}</text>'
            f'<path d="M{LABEL_WIDTH} {bottom}H{WIDTH}" class="axis"/>'
            f'<path d="{areas}" style="fill:{colour_of(label)}" class="area"/>'
        )
    left, right = (f"−{-start_s:.0f} s", "0 s") if start_s < 0 else (clock(start_s), clock(end_s))
    ends = (
        f'<text x="{LABEL_WIDTH}" y="{height - 3}">{left}</text>'
        f'<text x="{WIDTH}" y="{height - 3}" text-anchor="end">{right}</text>'
    )
    return (
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(name)}">'
        f"{''.join(rows)}{ends}</svg>"
    )


def draw_seekable_timeline(moments: Sequence[Moment], end_s: float, name: str, language: int) -> str:
    """Draw the probabilities of one face over a video, with a slider above the chart that player.js connects to it.

    Args:
        moments: as in :func:`draw_timeline`.
        end_s: the video's end in seconds, greater than 0.
        name: the face's name.
        language: language of the texts, an index into TEXTS.
    """
    chart = draw_timeline(moments, 0.0, end_s, text("face_over_time", language).format(name=name), language)
    label = html.escape(text("seek", language).format(name=name))
    return (
        f'<div class="seekable">{chart}<div class="seek" role="slider" tabindex="0" aria-label="{label}" '
        f'aria-valuemin="0" aria-valuemax="{end_s:.2f}" aria-valuenow="0" aria-valuetext="0:00"><i></i></div></div>'
    )


def clock(time_s: float) -> str:
    """Write a time as minutes and seconds, such as 1:05."""
    return f"{int(time_s) // 60}:{int(time_s) % 60:02d}"


def _area(points: list[tuple[float, float]], bottom: int) -> str:
    top = "".join(f"L{x:.0f} {bottom - value * (ROW_HEIGHT - 3):.1f}" for x, value in points)
    return f"M{points[0][0]:.0f} {bottom}{top}L{points[-1][0] + 1:.0f} {bottom}Z"


def _without_gaps(moments: Sequence[Moment]) -> list[list[Moment]]:
    stretches: list[list[Moment]] = []
    for moment in moments:
        if not stretches or moment[0] - stretches[-1][-1][0] > GAP_S:
            stretches.append([])
        stretches[-1].append(moment)
    return stretches
