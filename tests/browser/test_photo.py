"""The Photo tab in a real browser."""

from __future__ import annotations

import base64

import pytest
from PIL import Image

from mini_xception import EMOTIONS
from tests.conftest import PORTRAIT, ROOT

pytestmark = pytest.mark.browser

DROP = """([selector, data, name]) => {
    const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type: 'image/jpeg'}));
    const target = document.querySelector(selector);
    for (const kind of ['dragenter', 'dragover', 'drop'])
        target.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
}"""


def upload(page, path) -> None:
    page.set_input_files("input[type=file] >> nth=0", path)


def test_a_dropped_photo_is_classified(page):
    data = base64.b64encode(PORTRAIT.read_bytes()).decode()
    page.evaluate(DROP, ["button:has(input[type=file])", data, "portrait.jpg"])
    page.wait_for_selector(".face")
    assert page.locator(".face").count() == 1
    assert page.locator(".face h2").inner_text().startswith("happy")
    assert page.locator(".face .bar").count() == len(EMOTIONS)
    assert page.locator(".face .bar.top span").first.inner_text() == "happy"
    page.wait_for_function("document.querySelector('#annotated img')?.naturalWidth === 512")


def test_table_and_json_show_the_same_faces(page):
    upload(page, ROOT / "examples" / "two_portraits.jpg")
    page.wait_for_selector(".face")
    assert page.locator(".face").count() == 2
    page.get_by_role("button", name="Table").click()
    page.wait_for_function("((document.querySelector('#table')?.innerText ?? '').match(/happy/g) ?? []).length > 2")
    page.get_by_role("button", name="JSON").click()
    page.wait_for_selector("#json >> text=probabilities")


def test_an_example_runs_in_one_click(page):
    page.locator(".gallery-item, button:has(img[src*='eileen'])").last.click()
    page.wait_for_selector(".face h2 >> text=happy")


def test_a_photo_without_a_face_is_reported(page):
    upload(page, ROOT / "examples" / "chelsea_the_cat.jpg")
    page.wait_for_selector("text=The face should be larger, clearer, or turned towards the camera.")
    assert page.locator("#cards >> text=No face found.").count() == 1
    assert page.locator(".face").count() == 0


def test_a_file_that_is_not_a_photo_gets_a_clear_message(page, tmp_path):
    upload(page, PORTRAIT)
    page.wait_for_selector(".face")
    bad = tmp_path / "holiday.jpg"
    bad.write_text("these are not pixels")
    page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first.click()
    page.wait_for_selector("text=Choose a photo")
    upload(page, bad)
    page.wait_for_selector("text=holiday.jpg: not a supported image; use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF")
    assert "Traceback" not in page.content()
    # Nothing of the previous photo is left.
    page.wait_for_selector("#cards >> text=This photo could not be processed; see the notification.")
    assert page.locator(".face").count() == 0


def test_a_transparent_image_is_classified(page, tmp_path):
    path = tmp_path / "transparent.png"
    Image.open(PORTRAIT).convert("RGBA").save(path)
    upload(page, path)
    page.wait_for_selector(".face h2 >> text=happy")


def test_there_are_no_third_party_requests(page, page_url):
    upload(page, PORTRAIT)
    page.wait_for_selector(".face")
    others = [url for url in page.requests if not url.startswith((page_url, "data:", "blob:"))]
    assert others == []


def test_the_page_says_that_an_expression_is_not_a_feeling(page):
    assert page.locator("text=An expression is not a feeling").count() == 1


def test_it_fits_a_phone(chromium, page_url):
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(page_url)
    page.wait_for_selector("#cards >> text=Choose a photo", timeout=60_000)
    upload(page, PORTRAIT)
    page.wait_for_selector(".face", timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator(".face").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.close()
