"""Take the README's screenshots of the web page.

    python scripts/screenshots.py [--out docs/images]

The script serves app.py, opens it in Chromium, and saves a screenshot of each tab. A fake camera shows a portrait.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mini_xception import load_image

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
VIDEO = EXAMPLES / "two_portraits.mp4"
#: The browser window, in CSS pixels.
SIZE: ViewportSize = {"width": 1160, "height": 900}


@contextmanager
def served_page() -> Iterator[str]:
    """Serve app.py and yield its address. Stop the server at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env={**os.environ, "GRADIO_SERVER_PORT": str(port)})
    try:
        while server.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}").close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def write_camera_video(path: Path, frames: int = 120) -> None:
    """Write a moving portrait for Chromium's fake camera, as consecutive JPEGs. The motion ends where it starts."""
    portrait = cv2.cvtColor(load_image(EXAMPLES / "eileen_collins.jpg"), cv2.COLOR_RGB2BGR)
    portrait = cv2.resize(portrait, (720, 720))
    with path.open("wb") as file:
        for i in range(frames):
            left = 40 + round(30 * np.sin(2 * np.pi * i / frames))
            file.write(cv2.imencode(".jpg", portrait[20:500, left : left + 640])[1].tobytes())


def show_photo(page: Page) -> None:
    page.set_input_files("input[type=file] >> nth=0", EXAMPLES / "two_portraits.jpg")
    page.wait_for_selector("#cards .face")


def show_webcam(page: Page) -> None:
    page.get_by_role("tab", name="Webcam").click()
    page.locator("#camera").get_by_text("Click to Access Webcam").click()
    page.locator("#camera").get_by_label("capture photo").click()
    page.wait_for_selector("#live img")
    page.wait_for_timeout(20_000)  # until the timeline shows several seconds


def show_browser(page: Page) -> None:
    page.get_by_role("tab", name="In your browser").click()
    frame = page.frame_locator("#browser iframe")
    frame.get_by_role("button", name="Start the camera").click()
    frame.locator("[data-source=camera] .face").first.wait_for()
    page.wait_for_timeout(20_000)  # until the timeline shows several seconds


def show_video(page: Page) -> None:
    page.get_by_role("tab", name="Video").click()
    page.set_input_files("#video input[type=file]", VIDEO)
    page.wait_for_selector("#video video")
    page.get_by_role("button", name="Annotate video").click()
    page.wait_for_selector("#timelines .face")


def show_augmentation(page: Page) -> None:
    page.get_by_role("tab", name="Augmentation").click()
    page.set_input_files("input[type=file] >> nth=-1", EXAMPLES / "eileen_collins.jpg")
    page.wait_for_selector(".view")


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images", help="folder to write the screenshots to")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served_page() as url, sync_playwright() as playwright:
        camera_video = Path(folder) / "camera.mjpeg"
        write_camera_video(camera_video)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera_video}",
            ],
        )
        shots = [
            ("photo", show_photo),
            ("webcam", show_webcam),
            ("browser", show_browser),
            ("video", show_video),
            ("augmentation", show_augmentation),
        ]
        for name, show in shots:
            page = browser.new_page(viewport=SIZE)
            page.set_default_timeout(120_000)
            page.goto(url)
            page.wait_for_selector("#cards >> text=Choose a photo")
            show(page)
            page.wait_for_timeout(2000)  # until images have faded in
            page.screenshot(path=args.out / f"{name}.png", full_page=True)
            page.close()


if __name__ == "__main__":
    main()
