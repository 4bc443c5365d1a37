"""The Webcam tab in a real browser with a fake camera."""

from __future__ import annotations

import pytest

from mini_xception import EMOTIONS

pytestmark = pytest.mark.browser

FRAME = "#live img"


@pytest.fixture(scope="module")
def camera(start_chromium, camera_film):
    """A browser whose camera shows the portrait, moving slowly."""
    browser = start_chromium(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera_film}",
    )
    yield browser
    browser.close()


def open_tab(browser, page_url, **options):
    page = browser.new_page(**options)
    page.set_default_timeout(60_000)
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(page_url)
    page.get_by_role("tab", name="Webcam").click()
    page.wait_for_selector("#live >> text=The camera is off")
    return page


def start(page) -> None:
    page.locator("#camera").get_by_text("Click to Access Webcam").click()
    page.wait_for_selector(FRAME)


def wait_for_new_frame(page) -> None:
    before = page.locator(FRAME).get_attribute("src")
    page.wait_for_function(f"before => document.querySelector('{FRAME}')?.src !== before", arg=before)


def test_annotated_frames_keep_coming_with_the_right_expression(camera, page_url):
    page = open_tab(camera, page_url)
    start(page)
    for _ in range(10):
        wait_for_new_frame(page)
    assert page.locator("#live h2").inner_text().startswith("happy")
    assert page.locator("#live .bar").count() == len(EMOTIONS)
    size = page.locator(FRAME).evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert size == [640, 480]
    assert page.locator("#live svg .area").count() == len(EMOTIONS)
    assert page.locator("#camera-notice").is_hidden()
    assert [url for url in page.requests if not url.startswith((page_url, "data:", "blob:"))] == []
    page.close()


def test_a_face_keeps_its_track_id(camera, page_url):
    page = open_tab(camera, page_url)
    start(page)
    names = set()
    for _ in range(8):
        wait_for_new_frame(page)
        names.add(page.locator("#live h2 small").inner_text())
    assert len(names) <= 2  # The face jumps when the fake camera starts over.
    page.close()


def test_two_visitors_can_stream_at_once(camera, page_url):
    pages = [open_tab(camera, page_url) for _ in range(2)]
    for page in pages:
        start(page)
    for page in pages * 3:
        wait_for_new_frame(page)
    assert all(page.locator("#live h2 small").inner_text().startswith("face") for page in pages)
    for page in pages:
        page.close()


def test_it_fits_a_phone(camera, page_url):
    page = open_tab(camera, page_url, viewport={"width": 390, "height": 844})
    start(page)
    wait_for_new_frame(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_a_refused_camera_is_explained(start_chromium, page_url):
    browser = start_chromium("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    page = open_tab(browser, page_url)
    page.locator("#camera").get_by_text("Click to Access Webcam").click()
    page.wait_for_selector("#camera-notice >> text=Camera access was denied.")
    browser.close()


def test_a_missing_camera_is_explained_in_chinese(start_chromium, page_url):
    browser = start_chromium("--use-fake-ui-for-media-stream")
    page = browser.new_page(locale="zh-CN")
    page.set_default_timeout(60_000)
    page.goto(page_url)
    page.get_by_role("tab", name="摄像头").click()
    page.locator("#camera button:visible").last.click()
    page.wait_for_selector("#camera-notice >> text=未找到摄像头。")
    browser.close()
