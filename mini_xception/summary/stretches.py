"""Stretches: times in which a face shows one expression, without flicker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mini_xception.faces import TRUSTED_PROBABILITY

#: A shorter stretch does not split another one. A shorter gap does not end a stretch. In seconds.
FLICKER_S = 0.4


@dataclass
class Stretch:
    """A time in which a face shows one expression.

    Attributes:
        emotion: the label; None if the expression is unsure.
        start_s: time of its first frame, in seconds.
        end_s: time at which its last frame ends, in seconds, greater than start_s.
        sums: label → sum of probability × seconds, over the frames with the face.
    """

    emotion: str | None
    start_s: float
    end_s: float
    sums: dict[str, float]

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def probabilities(self) -> dict[str, float]:
        """Label → mean probability."""
        total = sum(self.sums.values())
        return {label: value / total for label, value in self.sums.items()}

    @property
    def probability(self) -> float:
        """The mean probability of :attr:`emotion`; if that is None, of the most probable label."""
        means = self.probabilities
        return max(means.values()) if self.emotion is None else means[self.emotion]

    def follows(self, earlier: Stretch) -> bool:
        """Return whether the gap after an earlier stretch is too short to count."""
        return self.start_s - earlier.end_s <= FLICKER_S

    def joined(self, later: Stretch, emotion: str | None) -> Stretch:
        """Return this stretch and a later one as one stretch, with the given label."""
        sums = {label: value + later.sums[label] for label, value in self.sums.items()}
        return Stretch(emotion, self.start_s, later.end_s, sums)


def emotion_of(probabilities: dict[str, float]) -> str | None:
    """Return the most probable label; None if its probability is below TRUSTED_PROBABILITY."""
    label = max(probabilities, key=probabilities.__getitem__)
    return label if probabilities[label] >= TRUSTED_PROBABILITY else None


def without_flicker(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Join stretches with the same label, and let short ones merge into a neighbour.

    A stretch shorter than FLICKER_S merges into the one before it or after it, unless gaps separate it from both.
    The label of the result is that of the highest mean probability.

    Args:
        stretches: stretches of one face, ascending, not overlapping.
    """
    kept: list[Stretch] = []
    for stretch in stretches:
        last = kept[-1] if kept and stretch.follows(kept[-1]) else None
        short = last is not None and min(last.duration_s, stretch.duration_s) < FLICKER_S
        if last and (short or last.emotion == stretch.emotion):
            longer = max(last, stretch, key=lambda part: part.duration_s)
            kept[-1] = last.joined(stretch, longer.emotion)
        else:
            kept.append(stretch)
    return _joined_alike(Stretch(emotion_of(part.probabilities), part.start_s, part.end_s, part.sums) for part in kept)


def _joined_alike(stretches: Iterable[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for stretch in stretches:
        if joined and stretch.follows(joined[-1]) and stretch.emotion == joined[-1].emotion:
            joined[-1] = joined[-1].joined(stretch, stretch.emotion)
        else:
            joined.append(stretch)
    return joined
