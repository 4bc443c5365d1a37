"""The Video tab in a real browser."""

from __future__ import annotations

import csv

import pytest

from mini_xception.media.video import VideoReader
from mini_xception.media.video_writer import VideoWriter
from tests.browser.test_accessibility import violations
from tests.conftest import ROOT

pytestmark = pytest.mark.browser

VIDEO = ROOT / "examples" / "two_portraits.mp4"


@pytest.fixture
def tab(page):
    page.get_by_role("tab", name="Video").click()
    page.wait_for_selector("#timelines >> text=Choose a video, or click the example, then press “Annotate video”.")
    return page


def annotate(page, path) -> None:
    page.set_input_files("#video input[type=file]", path)
    page.wait_for_selector("#video video")
    page.get_by_role("button", name="Annotate video").click()


def rows_of(download, path) -> list[dict[str, str]]:
    download.save_as(path)
    return list(csv.DictReader(path.open()))


def check_seeking(tab) -> None:
    """A timeline moves the video, by mouse and keyboard, and follows it."""
    tab.wait_for_function("document.querySelector('#annotated-video video').readyState > 1")
    tab.wait_for_selector(".now >> text=face 1: happy")
    timeline = tab.get_by_role("slider", name="Position in the video, on the timeline of face 2")

    def position() -> float:
        tab.wait_for_function("!document.querySelector('#annotated-video video').seeking")
        return tab.locator("#annotated-video video").evaluate("video => video.currentTime")

    box = timeline.bounding_box()
    timeline.click(position={"x": 0.75 * box["width"], "y": box["height"] / 2})
    assert position() == pytest.approx(3, abs=0.1)
    tab.wait_for_selector(".now >> text=face 2: neutral")
    playhead = timeline.locator("i")
    tab.wait_for_timeout(300)  # until the playhead has moved
    assert playhead.bounding_box()["x"] == pytest.approx(box["x"] + 0.75 * box["width"], abs=4)
    timeline.focus()
    tab.keyboard.press("Home")
    assert position() == 0
    tab.keyboard.press("ArrowRight")
    assert position() == pytest.approx(1)
    assert timeline.get_attribute("aria-valuetext") == "0:01"
    tab.keyboard.press("Enter")
    tab.wait_for_function("document.querySelector('.seek').ariaValueNow > 1.5")  # It plays, and the playhead follows.


def test_a_video_is_annotated_summarised_played_and_downloaded(tab, tmp_path):
    annotate(tab, VIDEO)
    people = tab.locator(".people tbody tr")
    people.nth(1).wait_for()
    assert "happy 100%" in people.nth(0).inner_text()
    assert people.locator("img").evaluate_all("images => images.every(image => image.naturalWidth > 50)")
    assert tab.locator("#timelines .timeline").count() == 2
    # The summary is above the fold, and the upload makes room for the annotated copy.
    assert tab.locator(".people").bounding_box()["y"] < 400
    assert not tab.locator("#video").is_visible()

    links = tab.locator(".downloads")
    with tab.expect_download() as download:
        links.get_by_text("Table per frame").click()
    rows = rows_of(download.value, tmp_path / "faces.csv")
    assert {row["track_id"] for row in rows} == {"1", "2"}
    assert {row["emotion"] for row in rows if row["track_id"] == "1"} == {"happy"}
    assert "neutral" in {row["emotion"] for row in rows if row["track_id"] == "2"}
    assert {row["path"] for row in rows} == {"two_portraits.mp4"}
    with tab.expect_download() as download:
        links.get_by_text("Table per face").click()
    assert download.value.suggested_filename == "two_portraits_people.csv"
    rows = rows_of(download.value, tmp_path / "people.csv")
    assert [(row["track_id"], row["emotion"]) for row in rows] == [("1", "happy"), ("2", "neutral")]
    with tab.expect_download() as download:
        links.get_by_text("Subtitles").click()
    assert download.value.suggested_filename == "two_portraits.vtt"
    download.value.save_as(tmp_path / "faces.vtt")
    assert (tmp_path / "faces.vtt").read_text().startswith("WEBVTT\n\n00:00:00.000 --> ")
    # The browser keeps the copy, which the server deletes after a minute.
    tab.wait_for_selector(".downloads [href^='blob:']")
    with tab.expect_download() as download:
        links.get_by_text("Video (MP4)").click()
    download.value.save_as(tmp_path / "copy.mp4")
    with VideoReader(tmp_path / "copy.mp4") as copy:
        assert sum(1 for _ in copy.frames()) == 100
    check_seeking(tab)
    assert violations(tab) == []

    tab.get_by_role("button", name="Another video").click()
    tab.wait_for_selector("#timelines >> text=Choose a video")
    assert tab.locator("#video input[type=file]").count() == 1


@pytest.fixture(scope="module")
def long_video(tmp_path_factory):
    """The example video six times in a row, so that there is time to press Cancel."""
    path = tmp_path_factory.mktemp("videos") / "long.mp4"
    with VideoReader(VIDEO) as video:
        images = [image for _, image in video.frames()]
        rate = video.frame_rate
    with VideoWriter(path, rate, None, name=str(path)) as writer:
        for number, image in enumerate(images * 6):
            writer.write(float(number / rate), image)
    return path


def test_cancel_stops_it_and_saves_nothing(tab, long_video):
    annotate(tab, long_video)
    tab.wait_for_selector("#timelines .progress")
    tab.get_by_role("button", name="Cancel").click()
    tab.wait_for_selector("#timelines >> text=Cancelled. Nothing was saved.")
    tab.wait_for_timeout(1500)
    assert tab.locator("#timelines").inner_text().startswith("Cancelled")
    assert tab.locator("#annotated-video video").count() == 0
    # The next video is annotated.
    tab.get_by_label("Clear").first.click()
    tab.set_input_files("#video input[type=file]", VIDEO)
    tab.wait_for_selector("#video video")
    tab.get_by_role("button", name="Annotate video").click()
    tab.wait_for_selector(".people >> text=happy")


def test_a_file_that_is_not_a_video_gets_a_clear_message(tab, tmp_path):
    path = tmp_path / "holiday.mp4"
    path.write_text("this is not a video")
    tab.set_input_files("#video input[type=file]", path)
    tab.wait_for_selector("#video video")
    tab.get_by_role("button", name="Annotate video").click()
    tab.wait_for_selector("text=holiday.mp4: not a supported video, or damaged or truncated; use MP4")
    tab.wait_for_selector("#timelines >> text=This video could not be processed; see the notification.")
    assert "Traceback" not in tab.content()


def test_on_a_phone_the_result_is_in_view(chromium, page_url):
    page = chromium.new_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page.set_default_timeout(60_000)
    page.goto(page_url)
    page.get_by_role("tab", name="视频", exact=True).click()
    page.set_input_files("#video input[type=file]", VIDEO)
    page.wait_for_selector("#video video")
    page.get_by_role("button", name="开始识别").click()
    page.wait_for_selector(".now >> text=人脸\u00a01：高兴")
    for part in ("#annotated-video", ".people tbody img >> nth=0"):
        box = page.locator(part).bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()
