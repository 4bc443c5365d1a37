"""The Video tab in a real browser."""

from __future__ import annotations

import csv

import pytest

from mini_xception.media.video import VideoReader
from mini_xception.media.video_writer import VideoWriter
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


def test_a_video_is_annotated_and_tabled(tab, tmp_path):
    annotate(tab, VIDEO)
    tab.wait_for_selector("#timelines h2 >> text=happy")
    assert tab.locator("#timelines svg").count() == 2
    tab.wait_for_function("document.querySelector('#annotated-video video')?.videoWidth > 0")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Table of all faces").click()
    download.value.save_as(tmp_path / "faces.csv")
    rows = list(csv.DictReader((tmp_path / "faces.csv").open()))
    assert {row["track_id"] for row in rows} == {"1", "2"}
    assert {row["emotion"] for row in rows if row["track_id"] == "1"} == {"happy"}
    assert "neutral" in {row["emotion"] for row in rows if row["track_id"] == "2"}
    assert {row["path"] for row in rows} == {"two_portraits.mp4"}


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
    tab.wait_for_selector("#timelines h2 >> text=happy")


def test_a_file_that_is_not_a_video_gets_a_clear_message(tab, tmp_path):
    path = tmp_path / "holiday.mp4"
    path.write_text("this is not a video")
    tab.set_input_files("#video input[type=file]", path)
    tab.wait_for_selector("#video video")
    tab.get_by_role("button", name="Annotate video").click()
    tab.wait_for_selector("text=holiday.mp4: not a supported video, or damaged or truncated; use MP4")
    tab.wait_for_selector("#timelines >> text=This video could not be processed; see the notification.")
    assert "Traceback" not in tab.content()
