"""The state of a stream between frames: its faces, and when the whole image was last searched."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mini_xception.faces import Face
from mini_xception.tracking.tracker import FORGET_S, SMOOTHING_S, Tracker

#: The whole image is searched once in this many frames, so a new face is found after 10 frames at most.
DETECT_EVERY = 10
#: If the frames come slowly, the whole image is searched at least once in this many seconds.
DETECT_EVERY_S = 1.0
#: Detecting near one known face costs as much as searching this many pixels. If the image has fewer pixels per known
#: face, searching the whole image is cheaper.
NEAR_PIXELS = 50_000


class StreamMemory:
    """The memory of one stream. It holds neither images nor a model, so a server can keep one for each visitor.

    Between two searches of the whole image, faces are detected in small crops around their last boxes. Template
    matching would be cheaper, but it drifts. In a video of a moving crowd, one matched template in ten had left its
    face after 9 frames. Of the boxes detected in crops, nine in ten overlapped the box from a search of the whole image
    by 0.87 or more.

    Args:
        smoothing_s: time constant of the smoothing of probabilities, in seconds; 0 disables it.
        forget_s: seconds after which an unseen face loses its identity.

    Attributes:
        tracker: the faces and their identities.
    """

    def __init__(self, smoothing_s: float = SMOOTHING_S, forget_s: float = FORGET_S) -> None:
        self.tracker = Tracker(smoothing_s, forget_s)
        self._frames_until_search = 0
        self._searched_s = self._last_s = -math.inf

    @property
    def search_is_due(self) -> bool:
        """Whether the next frame should be searched thoroughly, also for tilted and small faces."""
        return self._frames_until_search == 0

    def faces_to_follow(self, height: int, width: int) -> list[Face]:
        """Return the faces near which the next frame's faces should be detected.

        An empty list means that faces should be detected in the whole image. This is the case if no face is known, if a
        search is due, or if the image is so small and has so many faces that this is cheaper.

        Args:
            height: height of the next frame in pixels.
            width: width of the next frame in pixels.
        """
        faces = list(self.tracker.faces)
        worthwhile = not self.search_is_due and len(faces) * NEAR_PIXELS <= height * width
        return faces if worthwhile else []

    def remember(self, faces: Sequence[Face], time_s: float) -> tuple[Face, ...]:
        """Store a frame's faces, and return them with track ids and smoothed probabilities, in the same order.

        Args:
            faces: the frame's faces, before smoothing.
            time_s: the frame's time in seconds; see :meth:`Tracker.update`.
        """
        if self.search_is_due:
            self._frames_until_search = DETECT_EVERY
            self._searched_s = time_s
        self._frames_until_search -= 1
        interval_s = time_s - self._last_s
        self._last_s = time_s
        # The next frame is expected after the same interval as this one.
        if math.isfinite(interval_s) and time_s + interval_s - self._searched_s >= DETECT_EVERY_S:
            self._frames_until_search = 0
        return self.tracker.update(faces, time_s)
