"""The page that runs in the visitor's browser: as files on a plain host, and as a tab of the Gradio page."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.server import BROWSER_PAGE, serve_files
from mini_xception import EMOTIONS, load_image
from mini_xception.table import COLUMNS
from tests.browser.conftest import EXAMPLE
from tests.browser.test_webcam import camera as camera
from tests.browser.web_page import (
    bottom,
    open_page,
    open_ready,
    pixels,
    saved_file,
    saved_rows,
    show_photo,
    start_camera,
    wait_for_rows,
)
from tests.conftest import PORTRAIT, ROOT

pytestmark = pytest.mark.browser

if not (BROWSER_PAGE / "index.html").is_file():
    pytest.skip("the page of web/ is not built; run make web", allow_module_level=True)

TWO_PORTRAITS = ROOT / "examples" / "two_portraits.jpg"
#: Chromium's options for a fake camera.
FAKE_CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


@pytest.fixture
def host(tmp_path):
    """A plain host that serves the page from a folder."""
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "faces").symlink_to(BROWSER_PAGE)
    with serve_files(tmp_path / "host") as host:
        yield host


def test_the_camera(camera, host):
    page = open_ready(camera, host)
    start_camera(page)
    assert page.locator(".face").first.locator(".bar").count() == len(EMOTIONS)
    page.get_by_text(re.compile(r"[1-9]\d* fps · \d+ ms per frame")).wait_for()
    wait_for_rows(page, 10)
    rows = saved_rows(page)
    assert list(rows[0]) == [*COLUMNS, *EMOTIONS]
    assert {row["path"] for row in rows} == {"camera"}
    assert {row["track_id"] for row in rows} == {"1"}
    assert [row["time_s"] for row in rows] == sorted((row["time_s"] for row in rows), key=float)
    sums = [sum(float(row[emotion]) for emotion in EMOTIONS) for row in rows]
    assert sums == pytest.approx([1] * len(rows), abs=0.01)
    assert max(EMOTIONS, key=lambda emotion: float(rows[-1][emotion])) == rows[-1]["emotion"] == "happy"
    assert rows[-1]["confidence"] == rows[-1]["happy"]
    page.get_by_role("button", name="Stop the camera").click()
    page.get_by_role("button", name="Start the camera").wait_for()
    page.get_by_text("Example photo, classified on this device").wait_for()
    assert page.complaints == []
    page.context.close()


def test_the_first_view(chromium, host):
    """Without a click, an example stands there that the page has classified; the layout does not move meanwhile."""
    page = open_page(chromium, f"{host.url}/faces/", viewport={"width": 390, "height": 844})
    page.evaluate(
        """() => new PerformanceObserver(list => {
            window.shift = list.getEntries().reduce((sum, {value}) => sum + value, window.shift ?? 0);
        }).observe({type: "layout-shift", buffered: true})"""
    )
    page.get_by_text("Example photo, classified on this device in").wait_for()
    assert [text.split()[0] for text in page.locator(".face .answer").all_inner_texts()] == ["neutral", "happy"]
    assert page.evaluate("window.shift ?? 0") < 0.1
    for shown in ("Start the camera", "Choose a photo", "Nothing leaves this device."):
        assert bottom(page.get_by_text(shown, exact=True)) < 844
    assert bottom(page.locator("#cards")) < 844
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.evaluate("scrollTo(0, 300)")
    show_photo(page, PORTRAIT)
    assert page.evaluate("document.getElementById('stage').getBoundingClientRect().top") >= 0
    assert bottom(page.locator(".face .bar").last) < 844
    page.get_by_role("button", name="Close the photo").click()
    assert page.locator(".face").count() == 2
    assert page.complaints == []
    page.context.close()


def test_a_photo(chromium, host):
    page = open_ready(chromium, host)
    show_photo(page, TWO_PORTRAITS)
    cards = page.locator(".face")
    assert [text.split()[0] for text in cards.locator(".answer").all_inner_texts()] == ["neutral", "happy"]
    assert cards.locator(".select").all_inner_texts() == ["face 1", "face 2"]

    rows = saved_rows(page)
    assert list(rows[0]) == [*COLUMNS, *EMOTIONS]
    assert [[row[name] for name in ("path", "time_s", "track_id", "emotion")] for row in rows] == [
        ["two_portraits.jpg", "", "", emotion] for emotion in ("neutral", "happy")
    ]
    saved = json.loads(saved_file(page, "JSON").read_text())
    assert saved["path"] == "two_portraits.jpg"
    assert [[face["emotion"], face["box"]] for face in saved["faces"]] == [
        [row["emotion"], [int(row[name]) for name in ("x1", "y1", "x2", "y2")]] for row in rows
    ]
    photo, annotated = load_image(TWO_PORTRAITS), load_image(saved_file(page, "Image"))
    assert annotated.shape == photo.shape
    assert 0.001 < (np.abs(annotated.astype(int) - photo).max(axis=2) > 100).mean() < 0.05

    cards.nth(1).hover()
    assert "highlighted" in cards.nth(1).get_attribute("class")
    stage = page.locator("#stage").bounding_box()
    x1, y1, x2, y2 = saved["faces"][0]["box"]
    scale = stage["width"] / photo.shape[1]
    page.mouse.move(stage["x"] + scale * (x1 + x2) / 2, stage["y"] + scale * (y1 + y2) / 2)
    assert ["highlighted" in card.get_attribute("class") for card in cards.all()] == [True, False]
    cards.nth(1).focus()
    assert ["highlighted" in card.get_attribute("class") for card in cards.all()] == [False, True]

    smiling = cards.nth(1)
    assert not smiling.locator("figure").is_visible()
    smiling.get_by_role("checkbox", name="Show evidence").check()
    smiling.get_by_text("Orange is evidence for “happy”").wait_for()
    happy = pixels(smiling.locator("canvas").last)
    smiling.get_by_role("button", name="sad").click()
    smiling.get_by_text("Orange is evidence for “sad”").wait_for()
    sad = pixels(smiling.locator("canvas").last)
    assert smiling.locator("[aria-pressed=true]").inner_text().split()[0] == "sad"
    red, _, blue = (happy - sad).mean(axis=(0, 1))
    assert red > 10 > -10 > blue
    assert not cards.first.locator("figure").is_visible()

    page.set_input_files("#photo-file", ROOT / "examples" / "chelsea_the_cat.jpg")
    page.get_by_text("No face found").wait_for()
    assert cards.count() == 0
    assert page.complaints == []
    page.context.close()


def test_a_tiny_face_is_unsure(chromium, host, tmp_path):
    """Its expression is not stated, neither at the box nor in the card."""
    portrait = cv2.imread(str(PORTRAIT))
    small = np.full((240, 240, 3), 90, np.uint8)
    small[60:180, 60:180] = cv2.resize(portrait, (120, 120), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "tiny.png"), small)
    page = open_ready(chromium, host)
    show_photo(page, tmp_path / "tiny.png")
    assert page.locator(".face .answer").inner_text() == "unsure"
    assert page.locator(".face .guess").inner_text().startswith("face too small · perhaps ")
    assert page.locator("#announcement").inner_text() == "Face 1: unsure"
    page.context.close()


def test_it_works_offline(camera, host):
    page = open_ready(camera, host)
    start_camera(page)
    host.close()
    page.context.set_offline(True)
    wait_for_rows(page, 10)
    page.reload()
    start_camera(page)
    page.set_input_files("#photo-file", PORTRAIT)
    page.get_by_text(re.compile(r"Done in \d+ ms")).wait_for()
    assert page.locator(".face .answer").inner_text().startswith("happy")
    assert page.complaints == []
    page.context.close()


def test_a_first_visit_downloads_less_than_8_megabytes(chromium, host):
    """The host does not compress."""
    page = open_ready(chromium, host)
    names = {path.removeprefix("/faces/") or "index.html" for path in host.requests}
    assert {"index.html", "models/model.onnx"} <= names
    assert sum((BROWSER_PAGE / name).stat().st_size for name in names) < 8_000_000
    page.context.close()


def sent_since(log: Path, start_s: float) -> list[str]:
    """Return the requests of pages, workers and service workers after a time, and the bytes sent.

    They are in Chromium's network log. Requests that Chromium sends for its own purposes are excluded.
    """
    events = json.loads(log.read_text())
    names = {number: name for name, number in events["constants"]["logEventTypes"].items()}
    start_ms = start_s * 1e3 - int(events["constants"]["timeTickOffset"])
    sent = []
    for event in events["events"]:
        name, about = names[event["type"]], event.get("params", {})
        if int(event["time"]) < start_ms:
            continue
        if name == "URL_REQUEST_START_JOB" and "127.0.0.1" in about.get("network_isolation_key", ""):
            sent.append(about["url"])
        elif name in ("SOCKET_BYTES_SENT", "UDP_BYTES_SENT"):
            sent.append(f"{about['byte_count']} bytes")
    return sent


def test_nothing_is_sent_after_loading(start_chromium, camera_film, host, tmp_path):
    log = tmp_path / "network.json"
    browser = start_chromium(
        *FAKE_CAMERA,
        f"--use-file-for-fake-video-capture={camera_film}",
        f"--log-net-log={log}",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    )
    opened_s = time.time()
    page = open_ready(browser, host)
    page.wait_for_timeout(1000)
    ready_s = time.time()
    served = len(host.requests)
    start_camera(page)
    wait_for_rows(page, 20)
    show_photo(page, TWO_PORTRAITS)
    browser.close()
    assert len(host.requests) == served
    assert f"{host.url}/faces/models/model.onnx" in sent_since(log, opened_s)
    assert sent_since(log, ready_s) == []


def test_it_is_a_tab_of_the_gradio_page(camera, page_url):
    page = open_page(camera, page_url)
    requests = []
    page.context.on("request", lambda request: requests.append(request.url))
    page.wait_for_selector(EXAMPLE)
    # Visitors of other tabs download none of its files.
    assert not any("/browser/" in url for url in requests)
    page.get_by_role("tab", name="On your device").click()
    frame = page.frame_locator("#browser iframe")
    start_camera(frame)
    rows = saved_rows(frame, page)
    assert max(EMOTIONS, key=lambda emotion: float(rows[-1][emotion])) == "happy"
    show_photo(frame, TWO_PORTRAITS)
    assert [line for line in page.complaints if line.startswith(f"{page_url}/browser/")] == []
    assert [url for url in requests if not url.startswith((page_url, "data:", "blob:"))] == []
    assert any(re.fullmatch(rf"{page_url}/browser/\w+/models/model.onnx", url) for url in requests)
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(camera, host, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_ready(camera, host, color_scheme=scheme)
    page.get_by_text("Example photo, classified on this device").wait_for()
    assert Axe().run(page).response["violations"] == []
    show_photo(page, TWO_PORTRAITS)
    page.get_by_role("checkbox", name="Show evidence").first.check()
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Close the photo").click()
    start_camera(page)
    page.get_by_role("button", name="中文").click()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert Axe().run(page).response["violations"] == []
    page.context.close()


def test_a_refused_camera_is_explained(start_chromium, host):
    browser = start_chromium("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    page = open_ready(browser, host)
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_role("alert").get_by_text("Camera access was denied").wait_for()
    browser.close()


def test_a_missing_camera_is_explained_in_chinese(start_chromium, host):
    browser = start_chromium("--use-fake-ui-for-media-stream")
    page = open_page(browser, f"{host.url}/faces/", locale="zh-CN")
    page.get_by_role("button", name="打开摄像头").click()
    page.get_by_role("alert").get_by_text("未找到摄像头").wait_for()
    browser.close()


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"status": 404}, "The models could not be downloaded"),
        ({"body": b"not a network"}, "The models are damaged, or are not an exported checkpoint"),
    ],
    ids=["missing", "damaged"],
)
def test_missing_and_damaged_models_are_explained(chromium, host, answer, fault):
    context = chromium.new_context()
    context.route("**/models/pnet.onnx", lambda route: route.fulfill(**answer))
    page = context.new_page()
    page.goto(f"{host.url}/faces/")
    alert = page.get_by_role("alert")
    alert.get_by_text(fault).wait_for(timeout=60_000)
    alert.get_by_text("run “make web” to create").wait_for()
    context.close()
