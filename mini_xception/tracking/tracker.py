"""Faces that keep their identity from frame to frame, with probabilities smoothed over time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mini_xception.boxes import iou
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face

#: Time constant of the exponential smoothing of probabilities, in seconds.
SMOOTHING_S = 0.3
#: A face that was not seen for more than this many seconds gets a new identity when it returns. A pause between two
#: frames does not count, because the face could not be seen.
FORGET_S = 1.0
#: A face's velocity predicts its position for this many seconds. After a longer time, its last position is the better
#: guess.
PREDICT_S = 1.0
#: A face keeps its identity if its box and the expected box have at least this intersection over union.
MIN_IOU = 0.3
#: Time constant of the smoothing of a face's velocity, in seconds. It is short, because the velocity must
#: be known before two faces cross.
MOTION_S = 0.1


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a stream.

    Attributes:
        time_s: seconds since the beginning of the stream.
        image: RGB, uint8, (H, W, 3), upright.
        faces: the faces, with track ids and smoothed probabilities.
    """

    time_s: float
    image: np.ndarray
    faces: tuple[Face, ...]


@dataclass
class _Track:
    """A face's last observation, its time in seconds, and its velocity in pixels per second."""

    face: Face
    time_s: float
    velocity: np.ndarray

    def expected_box(self, time_s: float) -> np.ndarray:
        elapsed_s = time_s - self.time_s
        return np.array(self.face.box) + np.tile(self.velocity * (elapsed_s if elapsed_s <= PREDICT_S else 0.0), 2)

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
        self.face = dataclasses.replace(face, probabilities=smoothed, track_id=self.face.track_id)
        self.time_s = time_s


class Tracker:
    """Matches faces by the overlap of their boxes, and smooths their probabilities exponentially.

    Each face's position is predicted from its velocity, so faces may cross. All constants are in seconds, so the frame
    rate does not matter. A face that is in two consecutive frames keeps its identity, however far apart they are.

    The tracker stores only the last known faces, so it is cheap to copy and pickle.

    Args:
        smoothing_s: time constant of the smoothing, in seconds; 0 disables it.
        forget_s: seconds after which an unseen face loses its identity.

    Attributes:
        faces: the faces of the last frame, with track ids and smoothed probabilities.

    Raises:
        MiniXceptionError: ``smoothing_s`` or ``forget_s`` is negative.
    """

    def __init__(self, smoothing_s: float = SMOOTHING_S, forget_s: float = FORGET_S) -> None:
        if not (smoothing_s >= 0 and forget_s >= 0):
            raise MiniXceptionError(f"smoothing_s and forget_s must be 0 or more, not {smoothing_s} and {forget_s}")
        self.smoothing_s = smoothing_s
        self.forget_s = forget_s
        self.faces: tuple[Face, ...] = ()
        self._tracks: list[_Track] = []
        self._last_id = 0
        self._last_s = -math.inf

    def update(self, faces: Sequence[Face], time_s: float) -> tuple[Face, ...]:
        """Match the faces of the next frame to the known faces.

        Args:
            faces: the frame's faces, before smoothing.
            time_s: the frame's time in seconds. If it is before the previous frame's time, the previous
                frame's faces are forgotten.

        Returns:
            The faces in the same order, with ``track_id`` set and probabilities smoothed. Ids count from 1.
        """
        self._tracks = [track for track in self._tracks if self._remembers(track, time_s)]
        self._last_s = time_s
        known = _match([track.expected_box(time_s) for track in self._tracks], [face.box for face in faces])
        tracked = []
        for i, face in enumerate(faces):
            if i in known:
                track = self._tracks[known[i]]
                track.see(face, time_s, self.smoothing_s)
            else:
                self._last_id += 1
                face = dataclasses.replace(face, track_id=self._last_id)
                track = _Track(face, time_s, velocity=np.zeros(2))
                self._tracks.append(track)
            tracked.append(track.face)
        self.faces = tuple(tracked)
        return self.faces

    def _remembers(self, track: _Track, time_s: float) -> bool:
        unseen_s = time_s - track.time_s
        seen_in_the_previous_frame = track.time_s == self._last_s
        return unseen_s >= 0 and (unseen_s <= self.forget_s or seen_in_the_previous_frame)


def _match(expected: Sequence[np.ndarray], boxes: Sequence[Sequence[float]]) -> dict[int, int]:
    """Map each matched box to the index of its expected box. The largest overlap is matched first."""
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
    """Return the weight, in [0, 1], of a new value in an exponential average, ``elapsed_s`` after the previous one."""
    return -math.expm1(-elapsed_s / constant_s) if constant_s else 1.0


def _centre(face: Face) -> tuple[float, float]:
    x1, y1, x2, y2 = face.box
    return (x1 + x2) / 2, (y1 + y2) / 2
