"""The page, really served, and a real Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..conftest import ROOT

START_S = 120


@pytest.fixture(scope="session")
def server_log(tmp_path_factory) -> Path:
    """What ``app.py`` prints."""
    return tmp_path_factory.mktemp("server") / "log.txt"


@pytest.fixture(scope="session")
def page_url(tmp_path_factory, server_log) -> Iterator[str]:
    """Where ``app.py`` serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cache = tmp_path_factory.mktemp("gradio")
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(cache)}
    log = server_log.open("w")
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, server, server_log)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


def _wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"app.py does not serve {url}:\n{log.read_text()}")


@pytest.fixture(scope="session")
def start_chromium() -> Iterator[Callable]:
    """Starts a browser with the options that are given."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium on this machine (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        yield lambda *options: playwright.chromium.launch(executable_path=path, args=[*quiet, *options])


@pytest.fixture(scope="session")
def chromium(start_chromium) -> Iterator:
    browser = start_chromium()
    yield browser
    browser.close()


@pytest.fixture
def page(chromium, page_url) -> Iterator:
    """The page, opened; every request it made is in ``page.requests``."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(60_000)
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(page_url)
    page.wait_for_selector("#cards >> text=Choose a photo")
    yield page
    page.close()
