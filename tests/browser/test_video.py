"""The Video tab in a real browser."""

from __future__ import annotations

import csv

import pytest

from mini_xception.media.video import VideoReader
from mini_xception.media.video_writer import VideoWriter
from tests.conftest import ROOT

pytestmark = pytest.mark.browser

CLIP = ROOT / "examples" / "two_portraits.mp4"


@pytest.fixture
def tab(page):
    page.get_by_role("tab", name="Video").click()
    page.wait_for_selector("#timelines >> text=Choose a clip")
    return page


def read(page, path) -> None:
    page.set_input_files("#clip input[type=file]", path)
    page.wait_for_selector("#clip video")
    page.get_by_role("button", name="Read the clip").click()


def test_a_clip_is_annotated_and_tabled(tab, tmp_path):
    read(tab, CLIP)
    tab.wait_for_selector("#timelines h2 >> text=happy")
    assert tab.locator("#timelines svg").count() == 2
    tab.wait_for_function("document.querySelector('#annotated-clip video')?.videoWidth > 0")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Table of all faces").click()
    download.value.save_as(tmp_path / "faces.csv")
    rows = list(csv.DictReader((tmp_path / "faces.csv").open()))
    assert {row["face_id"] for row in rows} == {"1", "2"}
    assert {row["emotion"] for row in rows} == {"happy"}


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    """The example clip six times over, so that there is time to press Cancel."""
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    with VideoReader(CLIP) as clip:
        images = [image for _, image in clip.frames()]
        rate = clip.frame_rate
    with VideoWriter(path, rate, None, name=str(path)) as writer:
        for number, image in enumerate(images * 6):
            writer.write(float(number / rate), image)
    return path


def test_cancel_stops_it_and_keeps_nothing(tab, long_clip):
    read(tab, long_clip)
    tab.wait_for_selector("#timelines .progress")
    tab.get_by_role("button", name="Cancel").click()
    tab.wait_for_selector("#timelines >> text=Cancelled")
    tab.wait_for_timeout(1500)
    assert tab.locator("#timelines").inner_text().startswith("Cancelled")
    assert tab.locator("#annotated-clip video").count() == 0
    # And the next one is read.
    tab.get_by_label("Clear").first.click()
    tab.set_input_files("#clip input[type=file]", CLIP)
    tab.wait_for_selector("#clip video")
    tab.get_by_role("button", name="Read the clip").click()
    tab.wait_for_selector("#timelines h2 >> text=happy")


def test_what_is_no_video_gets_the_clear_line(tab, tmp_path):
    path = tmp_path / "holiday.mp4"
    path.write_text("these are not moving pictures")
    tab.set_input_files("#clip input[type=file]", path)
    tab.wait_for_selector("#clip video")
    tab.get_by_role("button", name="Read the clip").click()
    tab.wait_for_selector("text=holiday.mp4: no video, damaged or cut short")
    tab.wait_for_selector("#timelines >> text=could not be read")
    assert "Traceback" not in tab.content()
