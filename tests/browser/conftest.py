"""Fixtures: the served page, and a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.server import serve
from tests.conftest import PORTRAIT

#: The page as it opens, with the result of an example.
EXAMPLE = "#result .note >> text=This is an example."
#: A face of a visitor's photo.
FACE = "#result .result:not(.skeleton):not(:has(.note)) .face"


@pytest.fixture(scope="session")
def server_log(tmp_path_factory) -> Path:
    """The output of ``app.py``."""
    return tmp_path_factory.mktemp("server") / "log.txt"


@pytest.fixture(scope="session")
def page_url(tmp_path_factory, server_log) -> Iterator[str]:
    """The URL at which ``app.py`` serves."""
    with serve(tmp_path_factory.mktemp("gradio"), server_log) as server:
        yield server.url


@pytest.fixture(scope="session")
def start_chromium() -> Iterator[Callable]:
    """A function that starts a browser with the given options."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium not found; on Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        yield lambda *options: playwright.chromium.launch(executable_path=path, args=[*quiet, *options])


@pytest.fixture(scope="session")
def chromium(start_chromium) -> Iterator:
    browser = start_chromium()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def camera_film(tmp_path_factory) -> Path:
    """The video of a fake camera: the portrait, moving slowly."""
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"  # consecutive JPEGs
    portrait = cv2.resize(cv2.imread(str(PORTRAIT)), (480, 480))
    with film.open("wb") as file:
        for i in range(60):
            frame = np.full((480, 640, 3), 90, np.uint8)
            left = 80 + round(30 * np.sin(2 * np.pi * i / 60))
            frame[:, left : left + 480] = portrait
            file.write(cv2.imencode(".jpg", frame)[1].tobytes())
    return film


@pytest.fixture
def page(chromium, page_url) -> Iterator:
    """The opened page. The URLs of its requests are in ``page.requests``."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(60_000)
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(page_url)
    page.wait_for_selector(EXAMPLE)
    yield page
    page.close()
