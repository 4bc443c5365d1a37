"""The faces of a video, collected frame by frame. Memory use grows with the changes of expression, not with frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from mini_xception.detection.crop import crop_face
from mini_xception.faces import Face
from mini_xception.network.preprocess import Framing
from mini_xception.summary.stretches import Stretch, emotion_of, without_flicker
from mini_xception.tracking.tracker import Frame

#: Side of a thumbnail in pixels.
THUMBNAIL_SIDE = 96
#: Time that a frame is shown, in seconds, if the video has only one.
ONLY_FRAME_S = 1 / 30
#: Shortest time between two frames in which a face's thumbnail is compared, in seconds.
COMPARE_EVERY_S = 0.1


class Person:
    """One face of a video, with one track id.

    Attributes:
        track_id: number of the face, as drawn in the annotated video.
        frames: number of frames with the face.
        thumbnail: the face where it is large, sharp and inside the image: RGB, uint8,
            (THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3).
    """

    def __init__(self, track_id: int) -> None:
        self.track_id = track_id
        self.frames = 0
        self.thumbnail: np.ndarray = np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3), np.uint8)
        self._quality = self._compared_s = -math.inf
        self._runs: list[Stretch] = []

    def see(self, probabilities: dict[str, float], start_s: float, end_s: float) -> None:
        """Add a frame that is shown from one time to another, in seconds. Times ascend."""
        self.frames += 1
        sums = {label: value * (end_s - start_s) for label, value in probabilities.items()}
        run = Stretch(emotion_of(probabilities), start_s, end_s, sums)
        if self._runs and run.follows(self._runs[-1]) and run.emotion == self._runs[-1].emotion:
            self._runs[-1] = self._runs[-1].joined(run, run.emotion)
        else:
            self._runs.append(run)

    def look(self, image: np.ndarray, face: Face, time_s: float) -> None:
        """Keep the face as the thumbnail, if it is seen better than before."""
        if time_s - self._compared_s < COMPARE_EVERY_S:
            return
        self._compared_s = time_s
        crop = cv2.resize(
            crop_face(image, face.box, Framing()), (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA
        )
        quality = _quality(crop, image, face)
        if quality > self._quality:
            self.thumbnail, self._quality = crop, quality

    def stretches(self) -> list[Stretch]:
        """Return the stretches of one expression each, ascending, without flicker."""
        return without_flicker(self._runs)

    def appearances(self) -> list[tuple[float, float]]:
        """Return the times at which the face appears and disappears, in seconds."""
        times: list[tuple[float, float]] = []
        previous: Stretch | None = None
        for stretch in self.stretches():
            if previous and stretch.follows(previous):
                times[-1] = (times[-1][0], stretch.end_s)
            else:
                times.append((stretch.start_s, stretch.end_s))
            previous = stretch
        return times

    @property
    def seen_s(self) -> float:
        """For how long the face is seen, in seconds."""
        return sum(end_s - start_s for start_s, end_s in self.appearances())

    def shares(self) -> dict[str | None, float]:
        """Return label → share of the time in which the face is seen, the largest first; None stands for unsure."""
        times: dict[str | None, float] = {}
        for stretch in self.stretches():
            times[stretch.emotion] = times.get(stretch.emotion, 0.0) + stretch.duration_s
        total = sum(times.values())
        return {label: times[label] / total for label in sorted(times, key=lambda label: -times[label])}

    @property
    def emotion(self) -> str | None:
        """The label with the largest share of time; None if that is unsure."""
        return next(iter(self.shares()))

    @property
    def longest(self) -> Stretch:
        """The longest stretch of one expression."""
        return max(self.stretches(), key=lambda stretch: stretch.duration_s)

    @property
    def probabilities(self) -> dict[str, float]:
        """Label → mean probability over time."""
        total = self._runs[0]
        for run in self._runs[1:]:
            total = total.joined(run, None)
        return total.probabilities

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary. Times are in seconds. An emotion of None stands for unsure."""
        times = self.appearances()
        return {
            "id": self.track_id,
            "first_s": times[0][0],
            "last_s": times[-1][1],
            "seen_s": self.seen_s,
            "appearances": [list(pair) for pair in times],
            "frames": self.frames,
            "emotion": self.emotion,
            "probabilities": self.probabilities,
            "shares": {label or "unsure": share for label, share in self.shares().items()},
            "stretches": [
                {
                    "emotion": stretch.emotion,
                    "start_s": stretch.start_s,
                    "end_s": stretch.end_s,
                    "probability": stretch.probability,
                }
                for stretch in self.stretches()
            ],
        }


class VideoSummary:
    """All faces of a video, collected frame by frame.

    Attributes:
        frames: number of frames.
        end_s: time at which the last frame ends, in seconds.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.end_s = 0.0
        self._people: dict[int, Person] = {}
        self._shown: tuple[float, Sequence[Face]] | None = None
        self._interval_s = ONLY_FRAME_S

    def add(self, frame: Frame) -> None:
        """Add the next frame."""
        if self._shown:
            self._interval_s = frame.time_s - self._shown[0]
            self._count(frame.time_s)
        self.frames += 1
        self._shown = frame.time_s, frame.faces
        self.end_s = frame.time_s + self._interval_s
        for face in frame.faces:
            assert face.track_id is not None
            self._people.setdefault(face.track_id, Person(face.track_id)).look(frame.image, face, frame.time_s)

    def people(self) -> list[Person]:
        """Return the faces, those seen longest first. The last frame counts for as long as the one before it."""
        if self._shown:
            self._count(self.end_s)
            self._shown = None
        return sorted(self._people.values(), key=lambda person: -person.seen_s)

    def _count(self, end_s: float) -> None:
        """Count the last frame, whose end is known now."""
        assert self._shown
        start_s, faces = self._shown
        for face in faces:
            assert face.track_id is not None
            self._people[face.track_id].see(face.probabilities, start_s, end_s)


def _quality(crop: np.ndarray, image: np.ndarray, face: Face) -> float:
    """Return how well a face is seen: higher if it is certain, large, sharp, and inside the image."""
    x1, y1, x2, y2 = face.box
    height, width = image.shape[:2]
    visible = (min(x2, width) - max(x1, 0)) * (min(y2, height) - max(y1, 0)) / ((x2 - x1) * (y2 - y1))
    size = min(1.0, (x2 - x1) / THUMBNAIL_SIDE)
    sharpness = cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var()
    return face.score * size * max(0.0, visible) ** 2 * math.log1p(sharpness)
