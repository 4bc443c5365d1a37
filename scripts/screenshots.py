"""Take screenshots of every tab of the web page, before and after use.

    python scripts/screenshots.py [--out build/screenshots]

The script serves app.py and opens it in Chromium: on a desktop and a phone, in light and dark mode, in English and
Chinese. A fake camera shows a portrait. Those of the desktop in light mode and English, after use, replace the README's
screenshots.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import cv2
import numpy as np

from mini_xception import load_image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

Scheme = Literal["light", "dark"]

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
VIDEO = EXAMPLES / "two_portraits.mp4"
#: The README's screenshots.
IMAGES = ROOT / "docs" / "images"
#: Browser windows, in CSS pixels.
SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}


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


def use_photo(page: Page) -> None:
    page.set_input_files("#photo input[type=file]", EXAMPLES / "two_portraits.jpg")
    page.wait_for_selector("#result .result:not(.skeleton):not(:has(.note)) .face")


def use_device(page: Page) -> None:
    frame = page.frame_locator("#browser iframe")
    frame.locator("#camera").click()
    frame.locator("[data-source=camera] .face").first.wait_for()
    page.wait_for_timeout(15_000)  # until the timeline shows several seconds


def use_webcam(page: Page) -> None:
    page.locator("#camera button:visible").last.click()
    page.wait_for_selector("#live img")
    page.wait_for_timeout(15_000)  # until the timeline shows several seconds


def use_video(page: Page) -> None:
    page.set_input_files("#video input[type=file]", VIDEO)
    page.wait_for_selector("#video video")
    page.locator("#video-buttons button").first.click()
    page.wait_for_selector("#annotated-video video")


def use_augmentation(page: Page) -> None:
    page.wait_for_selector(".view")  # of the example
    page.set_input_files("#augmented-photo input[type=file]", EXAMPLES / "grace_hopper.jpg")
    page.wait_for_selector(".view >> text=/neutral|中性/")


#: Tab → how a visitor uses it, in the page's order.
TABS: dict[str, Callable[[Page], None]] = {
    "photo": use_photo,
    "device": use_device,
    "webcam": use_webcam,
    "video": use_video,
    "augmentation": use_augmentation,
}


def take_screenshots(browser: Browser, url: str, size: str, scheme: Scheme, locale: str, out: Path) -> None:
    """Take a screenshot of each tab, before and after use, in one kind of browser."""
    for number, (tab, use) in enumerate(TABS.items()):
        page = browser.new_page(viewport=SIZES[size], color_scheme=scheme, locale=locale)
        page.set_default_timeout(120_000)
        page.goto(url)
        page.wait_for_selector("#result .note")
        page.get_by_role("tab").nth(number).click()
        for state in ("before", "after"):
            if state == "after":
                use(page)
            page.wait_for_timeout(2000)  # until images have faded in
            path = out / f"{tab}-{state}-{size}-{scheme}-{locale[:2]}.png"
            page.screenshot(path=path)
            if (state, size, scheme, locale) == ("after", "desktop", "light", "en-US"):
                shutil.copy(path, IMAGES / f"{tab}.png")
        page.close()


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "screenshots", help="folder to write to (default: %(default)s)"
    )
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
        for size, scheme, locale in product(SIZES, get_args(Scheme), ("en-US", "zh-CN")):
            take_screenshots(browser, url, size, scheme, locale, args.out)


if __name__ == "__main__":
    main()
