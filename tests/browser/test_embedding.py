"""The code of docs/embedding.md: the page in a notebook, and in another FastAPI app."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.server import START_S, STOP_S
from mini_xception import MiniXception
from mini_xception.demo.browser import is_built
from tests.browser.conftest import FACE
from tests.conftest import PORTRAIT, ROOT

pytestmark = pytest.mark.browser

NOTEBOOK, SERVER, CLIENT = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "embedding.md").read_text(), re.DOTALL)


@contextmanager
def running(command: list[str], folder: Path, url: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start a Python process in a folder, wait until it answers at a URL, and stop it at the end."""
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "GRADIO_TEMP_DIR": str(folder / "cache"), **environment}
    log = folder / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=settings,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            text=True,
        )
        try:
            deadline = time.monotonic() + START_S
            while status(url) is None:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=STOP_S)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def status(url: str) -> int | None:
    """Return the HTTP status of a URL; None if nothing listens there."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def get(url: str) -> str:
    with urllib.request.urlopen(url) as response:
        return response.read().decode("utf-8", "replace")


def frame_address(url: str) -> str:
    """Return the address of the browser tab's page."""
    (source,) = re.findall(r"browser/\w+/(?=\?embedded)", get(f"{url}/config"))
    return f"{url}/{source}"


def test_in_a_notebook_the_page_outlives_launch(tmp_path):
    """An interactive interpreter, like a notebook's kernel, runs on after ``launch``."""
    MiniXception(labels=("no", "yes")).save_pretrained(tmp_path / "runs" / "mine" / "best")
    (tmp_path / "notebook.py").write_text(NOTEBOOK)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(["-i", "notebook.py"], tmp_path, url, GRADIO_SERVER_PORT=port) as process:
        process.stdin.write("open('returned.txt', 'w').write(page.local_url)\n")
        process.stdin.flush()
        wait_for(lambda: (tmp_path / "returned.txt").is_file() and (tmp_path / "returned.txt").read_text())
        assert (tmp_path / "returned.txt").read_text() == f"{url}/"
        assert status(url) == 200
        if is_built():
            frame = frame_address(url)
            assert status(frame) == 200
            assert '["no", "yes"]' in get(f"{frame}models/model.onnx")
            for network in ("pnet", "rnet", "onet"):
                assert status(f"{frame}models/{network}.onnx") == 200
        process.stdin.write("page.close()\n")
        process.stdin.flush()
        wait_for(lambda: status(url) is None)
        assert process.poll() is None


def wait_for(condition) -> None:
    deadline = time.monotonic() + STOP_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def app_url(tmp_path_factory) -> Iterator[str]:
    """Where the FastAPI app of the docs is served."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "server.py").write_text(SERVER)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(["-m", "uvicorn", "server:app", "--port", port], folder, f"{url}/health"):
        yield url


@pytest.fixture
def mounted(chromium, app_url) -> Iterator:
    """The page in a Chinese browser; failed requests are in ``page.failed``, requests to other hosts in
    ``page.third_party``."""
    page = chromium.new_page(locale="zh-CN", viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(60_000)
    page.failed, page.third_party = [], []
    page.on("response", lambda response: response.status >= 400 and page.failed.append(response.url))
    page.on(
        "request",
        lambda request: request.url.startswith((app_url, "data:", "blob:")) or page.third_party.append(request.url),
    )
    page.goto(f"{app_url}/faces")
    page.wait_for_selector("#result .note >> text=这是一个示例。")
    yield page
    page.close()


def test_the_apps_own_routes_answer(app_url):
    assert get(f"{app_url}/health") == '{"status":"ok"}'
    assert status(f"{app_url}/faces/health") == 404
    assert status(f"{app_url}/config") == 404


def test_the_page_has_its_texts_and_styles_under_the_prefix(mounted):
    assert mounted.get_by_role("tab", name="数据增强").is_visible()
    container = mounted.locator(".gradio-container").first
    assert container.evaluate("node => getComputedStyle(node).maxWidth") == "1180px"
    assert mounted.evaluate("getComputedStyle(document.querySelector('.gradio-container')).fontFamily").startswith(
        "system-ui"
    )
    assert mounted.title() == "mini_Xception · facial expression recognition"


def test_an_upload_is_classified_under_the_prefix(mounted):
    mounted.set_input_files("input[type=file] >> nth=0", PORTRAIT)
    mounted.wait_for_selector(f"{FACE} h2 >> text=高兴")
    assert mounted.locator("#result .photo img").evaluate("image => image.naturalWidth") == 512
    assert mounted.locator(".face").first.evaluate("node => getComputedStyle(node).display") == "flex"
    assert mounted.failed == []
    assert mounted.third_party == []


def test_the_browser_tab_works_under_the_prefix(mounted):
    if not is_built():
        pytest.skip("the page of web/ is not built: make web")
    mounted.get_by_role("tab", name="在您的设备上").click()
    frame = mounted.frame_locator("#browser iframe")
    frame.locator("#photo-file").set_input_files(PORTRAIT)
    frame.locator("[data-source=photo] .face").first.wait_for()
    assert mounted.failed == []
    assert mounted.third_party == []


def test_the_api_answers_under_the_prefix(app_url, tmp_path, monkeypatch, capsys):
    shutil.copy(PORTRAIT, tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    exec(CLIENT.replace("http://127.0.0.1:8000", app_url), {})
    assert capsys.readouterr().out.splitlines()[-1] == "happy"
