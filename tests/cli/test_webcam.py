"""``mini-xception webcam``: its errors in a real process, and its loop with a camera and a window made of arrays."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from mini_xception.cli import main


def test_no_display_and_no_camera_are_one_line():
    without = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "mini_xception", "webcam", "--camera", "99"]
    for environment, reason in ((without, "no display"), ({**without, "DISPLAY": ":0"}, "camera 99")):
        result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert result.returncode == 1
        (line,) = result.stderr.splitlines()
        assert line.startswith("mini-xception: ")
        assert reason in line


class Camera:
    """An endless camera that shows one image."""

    def __init__(self, rgb: np.ndarray) -> None:
        self.bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)

    def isOpened(self) -> bool:
        return True

    def set(self, *_: float) -> bool:
        return True

    def read(self) -> tuple[bool, np.ndarray]:
        return True, self.bgr

    def release(self) -> None:
        pass


@pytest.fixture
def shown(portrait, monkeypatch) -> list[np.ndarray]:
    """The images that the window shows; the third key pressed is q."""
    images: list[np.ndarray] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "VideoCapture", lambda _: Camera(portrait))
    monkeypatch.setattr(cv2, "imshow", lambda _, image: images.append(image))
    monkeypatch.setattr(cv2, "waitKey", lambda _: ord("q") if len(images) == 3 else -1)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    return images


def test_the_window_shows_annotated_frames_until_q_is_pressed(shown, portrait, capsys):
    assert main(["webcam"]) == 0
    assert capsys.readouterr().out == "press q or Esc in the window to quit\n"
    assert len(shown) == 3
    difference = np.abs(shown[0].astype(int) - cv2.cvtColor(portrait, cv2.COLOR_RGB2BGR))
    assert difference[33:].max() > 100  # below the frame rate, the box of a face


def test_quiet_and_the_options_of_the_recogniser(shown, portrait, capsys):
    assert main(["webcam", "--quiet", "--min-face-size", "500", "--smoothing", "0"]) == 0
    assert capsys.readouterr() == ("", "")
    difference = np.abs(shown[0].astype(int) - cv2.cvtColor(portrait, cv2.COLOR_RGB2BGR))
    assert difference[33:].max() == 0  # no face is found, so nothing is drawn
