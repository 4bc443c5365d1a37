"""Show what a camera sees in a window, with every face's expression; q or Esc ends it."""

from __future__ import annotations

import argparse
import os
import sys
import time

import cv2
import numpy as np

from mini_xception.cli import PROGRAM
from mini_xception.cli.options import add_checkpoint, add_device
from mini_xception.draw import draw_faces
from mini_xception.errors import MiniXceptionError

WINDOW = PROGRAM
#: Keys that end it: q, Q, Esc.
END_KEYS = frozenset({ord("q"), ord("Q"), 27})
#: Share of the newest interval in the shown frame rate.
RATE_SHARE = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--camera", type=int, default=0, metavar="N", help="the camera's number (default: 0)")
    add_checkpoint(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        # Without one, OpenCV's window ends the whole process.
        raise MiniXceptionError("there is no display to open a window on; the page works without: mini-xception demo")

    from mini_xception.recognizer import EmotionRecognizer

    recognizer = EmotionRecognizer.from_pretrained(args.checkpoint, device=args.device)
    interval_s, last = 0.0, time.monotonic()
    for frame in recognizer.stream(args.camera):
        now = time.monotonic()
        interval_s += (RATE_SHARE if interval_s else 1.0) * (now - last - interval_s)
        last = now
        try:
            cv2.imshow(WINDOW, _with_rate(draw_faces(frame.image, frame.faces), 1 / interval_s))
            ended = cv2.waitKey(1) & 0xFF in END_KEYS or cv2.getWindowProperty(WINDOW, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error as error:
            reason = "OpenCV cannot open a window here; opencv-python has windows, opencv-python-headless has not"
            raise MiniXceptionError(reason) from error
        if ended:
            break
    cv2.destroyAllWindows()
    return 0


def _with_rate(image: np.ndarray, frames_per_s: float) -> np.ndarray:
    """BGR, as OpenCV's window takes it, with the frame rate in the upper left corner."""
    shown = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    cv2.rectangle(shown, (0, 0), (140, 32), (0, 0, 0), cv2.FILLED)
    cv2.putText(shown, f"{frames_per_s:.0f} frames/s", (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255))
    return shown
