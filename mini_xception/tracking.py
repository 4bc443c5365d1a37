"""Faces that keep their identity from frame to frame, with probabilities that are steady in time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face

#: Time in which the smoothed probabilities go 63 % of the way to what the frames show.
SMOOTHING_S = 0.3
#: A face that was not seen for longer than this is another one when it comes back.
FORGET_S = 1.0
#: A face is the same one where its box overlaps the expected box by this share of their union.
MIN_IOU = 0.3
#: As SMOOTHING_S, for the speed of a face: short, since a speed learnt late is of no use when two faces cross.
MOTION_S = 0.1


@dataclass(frozen=True)
class TrackedFace:
    """A face with its identity.

    Attributes:
        id: counts the faces of a stream from 1 on, in the order in which they appeared.
        face: as it is in this frame, with probabilities that are smoothed over the frames before.
    """

    id: int
    face: Face


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a stream.

    Attributes:
        time_s: since the stream's beginning.
        image: RGB, uint8, (H, W, 3), upright.
        faces: tracked and smoothed.
    """

    time_s: float
    image: np.ndarray
    faces: tuple[TrackedFace, ...]


@dataclass
class _Track:
    """What is remembered of a face: where and when it was last seen, and its speed in pixels a second."""

    id: int
    face: Face
    time_s: float
    velocity: np.ndarray

    def expected_box(self, time_s: float) -> np.ndarray:
        return np.array(self.face.box) + np.tile(self.velocity * (time_s - self.time_s), 2)

    def see(self, face: Face, time_s: float, smoothing_s: float) -> None:
        elapsed_s = time_s - self.time_s
        if elapsed_s > 0:
            moved = np.subtract(_centre(face), _centre(self.face)) / elapsed_s
            self.velocity = self.velocity + _share(elapsed_s, MOTION_S) * (moved - self.velocity)
        share = _share(elapsed_s, smoothing_s)
        smoothed = {
            label: before + share * (face.probabilities[label] - before)
            for label, before in self.face.probabilities.items()
        }
        self.face, self.time_s = dataclasses.replace(face, probabilities=smoothed), time_s


class Tracker:
    """Follows faces by the overlap of their boxes, and smooths their probabilities exponentially.

    Faces may cross: each is expected where its speed takes it. Everything counts in seconds, so the frame rate does not
    matter. It holds the last known faces and nothing else: it is pickled and copied in no time.

    Args:
        smoothing_s: time constant of the smoothing; 0 is none.
        forget_s: how long a face that is not seen keeps its identity.

    Raises:
        MiniXceptionError: a time is negative.
    """

    def __init__(self, smoothing_s: float = SMOOTHING_S, forget_s: float = FORGET_S) -> None:
        if not (smoothing_s >= 0 and forget_s >= 0):
            raise MiniXceptionError(f"smoothing_s and forget_s must be 0 or more, not {smoothing_s} and {forget_s}")
        self.smoothing_s = smoothing_s
        self.forget_s = forget_s
        self.faces: tuple[TrackedFace, ...] = ()
        self._tracks: list[_Track] = []
        self._last_id = 0

    def update(self, faces: Sequence[Face], time_s: float) -> tuple[TrackedFace, ...]:
        """Take in the faces of the next frame; they come back in the same order, and are :attr:`faces` until the next.

        Args:
            faces: as a recogniser gives them for this frame alone.
            time_s: the frame's time. After a step back in time, as at a cut, every face is a new one.
        """
        self._tracks = [track for track in self._tracks if 0 <= time_s - track.time_s <= self.forget_s]
        known = _match([track.expected_box(time_s) for track in self._tracks], [face.box for face in faces])
        tracked = []
        for i, face in enumerate(faces):
            if i in known:
                track = self._tracks[known[i]]
                track.see(face, time_s, self.smoothing_s)
            else:
                self._last_id += 1
                track = _Track(self._last_id, face, time_s, velocity=np.zeros(2))
                self._tracks.append(track)
            tracked.append(TrackedFace(track.id, track.face))
        self.faces = tuple(tracked)
        return self.faces


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of every box with every other: (N, 4) and (M, 4) give (N, M)."""
    low = np.maximum(boxes[:, np.newaxis, :2], others[np.newaxis, :, :2])
    high = np.minimum(boxes[:, np.newaxis, 2:], others[np.newaxis, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    areas, other_areas = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (boxes, others))
    return shared / (areas[:, np.newaxis] + other_areas - shared)


def _match(expected: Sequence[np.ndarray], boxes: Sequence[Sequence[float]]) -> dict[int, int]:
    """For each box that has one, the index of its expected box: the best overlap is taken first."""
    overlaps = iou(np.array(expected, float).reshape(-1, 4), np.array(boxes, float).reshape(-1, 4))
    matched: dict[int, int] = {}
    for flat in np.argsort(-overlaps, axis=None, kind="stable"):
        track, box = map(int, np.unravel_index(flat, overlaps.shape))
        if overlaps[track, box] < MIN_IOU:
            break
        if box not in matched and track not in matched.values():
            matched[box] = track
    return matched


def _share(elapsed_s: float, constant_s: float) -> float:
    """How far an exponential average goes towards a new value in this time, in [0, 1]."""
    return -math.expm1(-elapsed_s / constant_s) if constant_s else 1.0


def _centre(face: Face) -> tuple[float, float]:
    x1, y1, x2, y2 = face.box
    return (x1 + x2) / 2, (y1 + y2) / 2
