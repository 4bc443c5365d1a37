"""Reading of a local camera with OpenCV."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np

from mini_xception.errors import MiniXceptionError

#: Width and height requested from a camera, in pixels.
CAMERA_SIZE = (640, 480)


def read_camera(number: int) -> Iterator[tuple[float, np.ndarray]]:
    """Read a camera frame by frame, without end.

    Args:
        number: the camera's number, 0 for the first one.

    Yields:
        The time since the start in seconds, and an RGB image, uint8, (H, W, 3).

    Raises:
        MiniXceptionError: the camera is not found, in use, or no longer connected.
    """
    # Silence OpenCV's own message about a missing camera. OpenCV 5 moved this function.
    set_log_level = cv2.utils.logging.setLogLevel if hasattr(cv2.utils, "logging") else cv2.setLogLevel  # type: ignore[attr-defined]
    level = set_log_level(0)
    try:
        camera = cv2.VideoCapture(number)
    finally:
        set_log_level(level)
    if not camera.isOpened():
        raise MiniXceptionError(
            f"camera {number}: not found, or in use by another program; close that program or use another camera"
        )
    camera.set(cv2.CAP_PROP_FRAME_WIDTH, CAMERA_SIZE[0])
    camera.set(cv2.CAP_PROP_FRAME_HEIGHT, CAMERA_SIZE[1])
    camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # Read the newest frame, never a buffered one.
    started = time.monotonic()
    try:
        while True:
            success, bgr = camera.read()
            if not success:
                raise MiniXceptionError(f"camera {number}: no more frames; check that it is still connected")
            yield time.monotonic() - started, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    finally:
        camera.release()
