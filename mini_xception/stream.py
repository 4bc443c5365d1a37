"""What is remembered from one frame of a stream to the next, and where the next frame is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mini_xception.faces import Face
from mini_xception.tracking import FORGET_S, MIN_IOU, SMOOTHING_S, TrackedFace, Tracker, iou

if TYPE_CHECKING:
    from mini_xception.detectors import Detector

#: The whole picture is searched at least once in so many frames: what a new face waits for at most.
DETECT_EVERY = 10
#: Around a face, its side times this is looked at on every side: how far it may move in one frame.
MARGIN = 0.5
#: For a look, a face is scaled down to this many times the smallest face that the detector finds; larger costs more.
LOOK_SIZE = 1.25
#: A look at one face costs what searching this many pixels costs; for many faces in a small picture, search it whole.
LOOK_PIXELS = 50_000
#: Two looks whose boxes overlap by more than this found one face.
SAME_FACE_IOU = 0.5


class FaceStream:
    """The memory of a stream: its faces, and when the whole picture was last searched.

    It holds no image and no model, so a page can keep one for each visitor. See
    :meth:`mini_xception.EmotionRecognizer.track`.

    Between two searches of the whole picture, the detector looks at a small crop around each known face. Following the
    face's pixels instead (template matching) is far cheaper, but it drifts: on a clip of a moving crowd, after 9 frames
    one box in ten had left its face altogether, while nine in ten of the detector's boxes still overlapped those of a
    full search by 0.87 or more.

    Args:
        smoothing_s: time constant of the smoothing of probabilities; 0 is none.
        forget_s: how long a face that is not seen keeps its identity.
    """

    def __init__(self, smoothing_s: float = SMOOTHING_S, forget_s: float = FORGET_S) -> None:
        self.tracker = Tracker(smoothing_s, forget_s)
        self._looks_left = 0

    def locate(self, image: np.ndarray, detector: Detector, min_face_size: int) -> tuple[np.ndarray, np.ndarray]:
        """Find the faces of the next frame, looking first where they were.

        The whole picture is searched when there was no face, when one is lost, and every DETECT_EVERY frames.

        Args:
            image: RGB, uint8, (H, W, 3).
            detector: called with the image, or with crops of it, which may be scaled down.
            min_face_size: the smallest face that the detector finds, in pixels.

        Returns:
            Boxes, float32, (N, 4), and scores, float32, (N,), as a detector gives them.
        """
        known = [tracked.face.box for tracked in self.tracker.faces]
        worthwhile = 0 < len(known) * LOOK_PIXELS <= image.shape[0] * image.shape[1]
        if self._looks_left and worthwhile:
            self._looks_left -= 1
            looks = [_look(image, box, detector, min_face_size) for box in known]
            found = np.array([look for look in looks if look is not None], np.float32).reshape(-1, 5)
            if len(found) == len(known) and not _any_twice(found[:, :4]):
                return found[:, :4], found[:, 4]
        self._looks_left = DETECT_EVERY - 1
        return detector(image)

    def update(self, faces: Sequence[Face], time_s: float) -> tuple[TrackedFace, ...]:
        """Take in the faces that were read there; see :meth:`Tracker.update`."""
        return self.tracker.update(faces, time_s)


def _look(image: np.ndarray, box: Sequence[int], detector: Detector, min_face_size: int) -> np.ndarray | None:
    """The face near a box as (x1, y1, x2, y2, score), or None if there is none."""
    x1, y1, x2, y2 = box
    side = max(x2 - x1, y2 - y1)
    margin = round(MARGIN * side)
    left, top = max(x1 - margin, 0), max(y1 - margin, 0)
    crop = np.ascontiguousarray(image[top : y2 + margin, left : x2 + margin])
    scale = min(1.0, LOOK_SIZE * min_face_size / side)
    if min(crop.shape[:2]) * scale < 1:  # The frame is smaller than the one before, and ends before the box.
        return None
    if scale < 1:
        crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    boxes, scores = detector(crop)
    if len(boxes) == 0:
        return None
    boxes = boxes / scale + np.array([left, top, left, top])
    overlaps = iou(boxes, np.array([box]))[:, 0]
    best = int(overlaps.argmax())
    return np.append(boxes[best], scores[best]) if overlaps[best] >= MIN_IOU else None


def _any_twice(boxes: np.ndarray) -> bool:
    return bool((np.triu(iou(boxes, boxes), k=1) > SAME_FACE_IOU).any())
