"""The expressions of a video as subtitles in WebVTT."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from itertools import pairwise

from mini_xception.summary.people import Person
from mini_xception.summary.stretches import Stretch


def english_line(track_id: int, stretch: Stretch) -> str:
    """Write a face and its expression, such as ``face 1: happy 83 %``."""
    if stretch.emotion is None:
        return f"face {track_id}: unsure"
    return f"face {track_id}: {stretch.emotion} {100 * stretch.probability:.0f} %"


def to_webvtt(people: Iterable[Person], line: Callable[[int, Stretch], str] = english_line) -> str:
    """Write subtitles with the expression of each face.

    A subtitle has one line per face, ordered by track id. It is shown as long as no line changes, so subtitles never
    overlap.

    Args:
        people: the faces, for example of :meth:`VideoSummary.people`.
        line: writes a line from a track id and a stretch.
    """
    lines = {}
    changes: dict[int, list[tuple[bool, int]]] = {}
    for person in people:
        for stretch in person.stretches():
            start, end = (round(1000 * time_s) for time_s in (stretch.start_s, stretch.end_s))
            if end <= start:
                continue
            lines[person.track_id, start] = html.escape(" ".join(line(person.track_id, stretch).split()), quote=False)
            changes.setdefault(start, []).append((True, person.track_id))
            changes.setdefault(end, []).append((False, person.track_id))
    cues: list[tuple[int, int, str]] = []
    shown: dict[int, str] = {}
    times = sorted(changes)
    for start, end in pairwise(times):
        for begins, track_id in sorted(changes[start]):  # An end comes before a start.
            if begins:
                shown[track_id] = lines[track_id, start]
            else:
                shown.pop(track_id, None)
        text = "\n".join(shown[track_id] for track_id in sorted(shown))
        if cues and cues[-1][1:] == (start, text):
            cues[-1] = (cues[-1][0], end, text)
        elif text:
            cues.append((start, end, text))
    return "WEBVTT\n" + "".join(f"\n{_clock(start)} --> {_clock(end)}\n{text}\n" for start, end, text in cues)


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"
