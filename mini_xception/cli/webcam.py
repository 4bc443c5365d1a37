"""Show a camera's live video in a window, with the expression of every face. Press q or Esc to quit."""

from __future__ import annotations

import argparse
import os
import sys
import time

import cv2
import numpy as np

from mini_xception.cli import PROGRAM
from mini_xception.cli.options import add_quiet, add_recognizer_options, add_smoothing, load_recognizer, number
from mini_xception.draw import draw_faces
from mini_xception.errors import MiniXceptionError

WINDOW = PROGRAM
QUIT_KEYS = frozenset({ord("q"), ord("Q"), 27})  # 27 is Esc.
#: Weight of the newest interval in the displayed frame rate.
RATE_WEIGHT = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--camera", type=number(int, 0), default=0, metavar="N", help="number of the camera, from 0 (default: 0)"
    )
    add_quiet(parser)
    add_smoothing(add_recognizer_options(parser))


def run(args: argparse.Namespace) -> int:
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        # Without a display, opening a window would make OpenCV abort the process.
        raise MiniXceptionError("no display to open a window on; use the camera in a browser: mini-xception demo")

    recognizer = load_recognizer(args)
    interval_s, last = 0.0, time.monotonic()
    for frame in recognizer.stream(args.camera, smoothing_s=args.smoothing):
        if interval_s == 0 and not args.quiet:
            print("press q or Esc in the window to quit", flush=True)
        now = time.monotonic()
        interval_s += (RATE_WEIGHT if interval_s else 1.0) * (now - last - interval_s)
        last = now
        try:
            cv2.imshow(WINDOW, _with_rate(draw_faces(frame.image, frame.faces), 1 / interval_s))
            quit_pressed = cv2.waitKey(1) & 0xFF in QUIT_KEYS
            if quit_pressed or cv2.getWindowProperty(WINDOW, cv2.WND_PROP_VISIBLE) < 1:
                break
        except cv2.error as error:
            reason = "OpenCV cannot open a window; install opencv-python instead of opencv-python-headless"
            raise MiniXceptionError(reason) from error
    cv2.destroyAllWindows()
    return 0


def _with_rate(image: np.ndarray, frames_per_s: float) -> np.ndarray:
    """Convert RGB to BGR for OpenCV's window, and write the frame rate into the upper left corner."""
    shown = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    cv2.rectangle(shown, (0, 0), (140, 32), (0, 0, 0), cv2.FILLED)
    cv2.putText(shown, f"{frames_per_s:.0f} frames/s", (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255))
    return shown
