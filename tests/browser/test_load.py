"""Many visitors at once, and a server that restarts."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from urllib.parse import urlsplit

import cv2
import gradio as gr
import numpy as np
import pytest

from benchmarks.server import serve
from mini_xception.demo.page import QUEUE_SIZE, delete_old_files
from tests.browser.conftest import EXAMPLE, FACE
from tests.browser.test_photo import upload
from tests.browser.test_strangers import fetch
from tests.browser.test_strangers import upload as post_file
from tests.browser.test_webcam import camera as camera
from tests.browser.test_webcam import open_tab, start
from tests.conftest import PORTRAIT, ROOT

pytestmark = pytest.mark.browser

VIDEO = ROOT / "examples" / "two_portraits.mp4"


@pytest.fixture
def server(tmp_path):
    """A separate server, for tests that overload or stop it."""
    with serve(tmp_path / "cache", tmp_path / "log.txt") as server:
        yield server


def open_page(chromium, url):
    page = chromium.new_page()
    page.set_default_timeout(60_000)
    page.goto(url)
    page.wait_for_selector(EXAMPLE)
    return page


def test_visitors_get_the_faces_of_their_own_photos(chromium, page_url, tmp_path):
    portrait = cv2.imread(str(PORTRAIT))
    pages = [open_page(chromium, page_url) for _ in range(3)]
    for count, page in enumerate(pages, 1):
        path = tmp_path / f"{count}.jpg"
        cv2.imwrite(str(path), cv2.hconcat([portrait] * count))
        upload(page, path)
    for count, page in enumerate(pages, 1):
        page.wait_for_selector(FACE)
        assert page.locator(FACE).count() == count
        assert page.locator("#result .photo img").evaluate("image => image.naturalWidth") == 512 * count
        page.close()


def long_video(path) -> bytes:
    """Make a video that takes half a minute or more to process."""
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 30, (1280, 720))
    for _ in range(900):
        video.write(np.full((720, 1280, 3), 128, np.uint8))
    video.release()
    return path.read_bytes()


def fill_the_queue(url: str, video: bytes) -> None:
    """Send a video until the server refuses it; videos are processed one at a time."""
    (path,) = json.loads(post_file(url, "video.mp4", video)[1])
    body = json.dumps({"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}).encode()
    request = urllib.request.Request(f"{url}/gradio_api/call/analyze_video", body, {"Content-Type": "application/json"})
    assert 503 in {fetch(request)[0] for _ in range(QUEUE_SIZE + 2)}


def test_a_full_queue_is_reported_as_busy(chromium, server, tmp_path):
    page = open_page(chromium, server.url)
    fill_the_queue(server.url, long_video(tmp_path / "video.mp4"))
    upload(page, PORTRAIT)
    page.wait_for_selector("text=This application is currently busy. Please try again.")
    page.wait_for_selector("#result >> text=If the page is busy, try again in a moment")
    assert page.locator(".face").count() == 0
    page.close()


def test_a_refused_camera_retries(camera, page_url):
    page = open_tab(camera, page_url)
    page.route("**/queue/join*", lambda route: route.fulfill(status=503, json={"detail": "Queue is full."}))
    page.locator("#camera").get_by_text("Click to Access Webcam").click()
    page.wait_for_selector("#live >> text=The page is busy. The camera retries every few seconds.")
    page.wait_for_timeout(500)
    assert page.get_by_text("This application is currently busy").count() == 1
    page.unroute("**/queue/join*")
    page.wait_for_selector("#live img")
    page.close()


def test_the_camera_sends_no_frame_while_it_waits_for_an_answer(camera, page_url):
    page = open_tab(camera, page_url)
    start(page)
    held = []
    page.route("**/gradio_api/stream/*", lambda route: held.append(route))
    page.wait_for_timeout(2000)
    assert len(held) == 1
    held[0].continue_()
    page.unroute("**/gradio_api/stream/*")
    before = page.locator("#live img").get_attribute("src")
    page.wait_for_function("before => document.querySelector('#live img')?.src !== before", arg=before)
    page.close()


def test_pages_reconnect_to_a_restarted_server(chromium, server, tmp_path):
    waiting, idle, later = (open_page(chromium, server.url) for _ in range(3))
    waiting.get_by_role("tab", name="Video").click()
    waiting.set_input_files("#video input[type=file]", VIDEO)
    waiting.wait_for_selector("#video video")
    waiting.get_by_role("button", name="Annotate video").click()
    waiting.wait_for_selector("#timelines .progress")
    server.process.kill()
    server.process.wait()
    # Both the visitor who is waiting and the one who sends a photo now see an error.
    waiting.wait_for_selector("text=Connection to the server was lost. Attempting reconnection")
    upload(later, PORTRAIT)
    later.wait_for_selector("text=Connection errored out")
    with serve(tmp_path / "cache", tmp_path / "log.txt", urlsplit(server.url).port):
        waiting.wait_for_selector(EXAMPLE)  # The page reloads itself.
        for page in (waiting, idle, later):
            upload(page, PORTRAIT)
            page.wait_for_selector(f"{FACE} h2 >> text=happy")
            page.close()


def test_old_files_are_deleted_while_visitors_send_more(tmp_path):
    page = gr.Blocks()
    files = [tmp_path / f"{i}.jpg" for i in range(1000)]
    for file in files:
        file.touch()
        page.upload_file_set.add(str(file))
    sent = threading.Event()

    def send() -> None:
        for i in range(200):
            time.sleep(0.001)
            page.upload_file_set.add(str(tmp_path / f"new{i}.jpg"))
        sent.set()

    threading.Thread(target=send).start()
    while not sent.is_set():
        delete_old_files(page, 0)
        for file in files:
            file.touch()
            page.upload_file_set.add(str(file))
    delete_old_files(page, 0)
    assert not any(file.exists() for file in files)
