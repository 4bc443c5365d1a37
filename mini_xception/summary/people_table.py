"""The faces of a video as a CSV table with one row per face."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from mini_xception.summary.people import Person

#: The columns that precede the labels' shares of time. The last column, ``unsure``, is the share of uncertain time.
COLUMNS: tuple[str, ...] = (
    *("track_id", "first_s", "last_s", "seen_s", "appearances", "emotion"),
    *("longest_emotion", "longest_start_s", "longest_end_s"),
)


def to_csv(people: Iterable[Person], labels: Sequence[str]) -> str:
    """Write a CSV table with one row per face: COLUMNS, one column per label with its share of time, and ``unsure``.

    Args:
        people: the faces, for example of :meth:`VideoSummary.people`.
        labels: names of the classes.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, *labels, "unsure"])
    for person in people:
        times, longest, shares = person.appearances(), person.longest, person.shares()
        row = (
            *(person.track_id, times[0][0], times[-1][1], person.seen_s, len(times), person.emotion or "unsure"),
            *(longest.emotion or "unsure", longest.start_s, longest.end_s),
            *(shares.get(label, 0.0) for label in (*labels, None)),
        )
        writer.writerow([f"{value:.6f}" if isinstance(value, float) else value for value in row])
    return text.getvalue()
