"""The Photo tab in a real browser."""

from __future__ import annotations

import base64
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from mini_xception import EMOTIONS
from mini_xception.demo.cards import HEAT_SIDE
from mini_xception.explain import OPACITY, upsample
from tests.browser.conftest import EXAMPLE, FACE
from tests.conftest import PORTRAIT, ROOT

pytestmark = pytest.mark.browser

TWO_PORTRAITS = ROOT / "examples" / "two_portraits.jpg"
DROP = """([selector, data, name]) => {
    const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type: 'image/jpeg'}));
    const target = document.querySelector(selector);
    for (const kind of ['dragenter', 'dragover', 'drop'])
        target.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
}"""


def upload(page, path) -> None:
    page.set_input_files("#photo input[type=file]", path)


def saved(page, name: str) -> bytes:
    """Click a download, and return the file."""
    with page.expect_download() as download:
        page.locator(".downloads").get_by_text(name).click()
    return download.value.path().read_bytes()


def test_the_page_opens_with_the_result_of_an_example(chromium, page_url, recognizer):
    page = chromium.new_page()
    page.goto(page_url)
    page.wait_for_selector(EXAMPLE, timeout=5000)
    shown = page.locator(".face h2").all_inner_texts()
    assert [text.split("\n")[0] for text in shown] == [
        f"{face.emotion} {face.confidence:.0%}" for face in recognizer(TWO_PORTRAITS)
    ]
    assert page.locator(".box").count() == len(shown)
    assert page.get_by_text("Drop your photo here").is_visible()
    page.close()


def test_a_dropped_photo_is_classified(page):
    data = base64.b64encode(PORTRAIT.read_bytes()).decode()
    page.evaluate(DROP, ["#photo button:has(input[type=file])", data, "portrait.jpg"])
    page.wait_for_selector(FACE)
    assert page.locator(".face").count() == 1
    assert page.locator(".face h2").inner_text().startswith("happy")
    assert page.locator(".face .bar").count() == len(EMOTIONS)
    assert page.locator(".face .bar.top span").first.inner_text() == "happy"
    assert page.locator("#result .photo img").evaluate("image => image.naturalWidth") == 512


def test_a_card_and_its_box_highlight_each_other(page):
    page.locator(".face").nth(1).hover()
    assert page.locator(".box.marked").get_attribute("data-face") == "2"
    page.locator(".box").nth(0).hover()
    assert page.locator(".face.marked").get_attribute("data-face") == "1"
    page.locator(".box").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.matches('.face[data-face=\"2\"]')")


def test_the_evidence_for_an_expression_is_shown_over_the_face(page, recognizer):
    explanation = recognizer.explain(TWO_PORTRAITS)[1]
    card = page.locator(".face").nth(1)
    pixels = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
    assert not card.locator("canvas").is_visible()
    card.get_by_role("button", name="Show evidence").click()
    for label in ("happy", "sad"):
        bar = card.get_by_role("button", name=label)
        if label == "sad":
            bar.focus()
            page.keyboard.press("Enter")
        assert bar.get_attribute("aria-pressed") == "true"
        heat = upsample(explanation.contrast(label), HEAT_SIDE) / explanation.scale
        drawn = np.reshape(card.locator("canvas").evaluate(pixels), (HEAT_SIDE, HEAT_SIDE, 4))
        np.testing.assert_allclose(drawn[..., 3], 255 * OPACITY * np.abs(heat), atol=2)
        visible = np.abs(heat) > 0.1
        assert ((drawn[..., 0] > drawn[..., 2]) == (heat > 0))[visible].all()  # Orange is for, blue is against.
    card.get_by_role("button", name="Show evidence").click()
    assert not card.locator("canvas").is_visible()


def test_the_result_can_be_saved(page, tmp_path, recognizer):
    faces = recognizer(TWO_PORTRAITS)
    upload(page, TWO_PORTRAITS)
    page.wait_for_selector(FACE)
    results = json.loads(saved(page, "JSON"))
    assert [face["box"] for face in results] == [list(face.box) for face in faces]
    header, *rows = saved(page, "CSV").decode().splitlines()
    assert header.startswith("path,time_s,track_id,x1")
    assert [row.split(",")[0] for row in rows] == ["two_portraits.jpg"] * 2
    # The saved image is the photo with a box around each face.
    (tmp_path / "saved.jpg").write_bytes(saved(page, "Image"))
    drawn, plain = cv2.imread(str(tmp_path / "saved.jpg")), cv2.imread(str(TWO_PORTRAITS))
    x1, y1, x2, y2 = faces[0].box
    difference = cv2.absdiff(drawn, plain).max(axis=2)
    assert (difference[y1 : y2 + 1, x1 - 3 : x1 + 3].max(axis=1) > 80).all()
    assert difference[(y1 + y2) // 2 - 9 : (y1 + y2) // 2, (x1 + x2) // 2 - 9 : (x1 + x2) // 2].max() < 40


def test_a_face_that_is_too_small_is_called_unsure(page, tmp_path):
    portrait = cv2.imread(str(PORTRAIT))
    small = cv2.resize(portrait, None, fx=0.26, fy=0.26, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "small.png"), small)
    upload(page, tmp_path / "small.png")
    page.wait_for_selector(FACE)
    assert page.locator(".face.unsure h2").inner_text().startswith("unsure · perhaps")
    assert "The face is too small" in page.locator(".face.unsure .why").inner_text()
    assert page.locator(".box.unsure").inner_text() == "unsure"


def test_table_and_json_show_the_same_faces(page):
    upload(page, TWO_PORTRAITS)
    page.wait_for_selector(FACE)
    assert page.locator(".face").count() == 2
    page.get_by_role("button", name="Table").click()
    page.wait_for_function("((document.querySelector('#table')?.innerText ?? '').match(/happy/g) ?? []).length > 1")
    page.get_by_role("button", name="JSON").click()
    page.wait_for_selector("#json >> text=probabilities")


def test_an_example_runs_in_one_click(page):
    page.locator(".gallery-item:has(img[src*='eileen'])").click()
    page.wait_for_selector(f"{FACE} h2 >> text=happy")


def test_a_photo_without_a_face_is_reported(page):
    upload(page, ROOT / "examples" / "chelsea_the_cat.jpg")
    page.wait_for_selector("text=The face should be larger, clearer, or turned towards the camera.")
    assert page.locator("#result >> text=No face found.").count() == 1
    assert page.locator(".face").count() == 0


def test_a_file_that_is_not_a_photo_gets_a_clear_message(page, tmp_path):
    upload(page, PORTRAIT)
    page.wait_for_selector(FACE)
    bad = tmp_path / "holiday.jpg"
    bad.write_text("these are not pixels")
    page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first.click()
    page.wait_for_selector("text=Choose a photo")
    upload(page, bad)
    page.wait_for_selector("text=holiday.jpg: not a supported image; use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF")
    assert "Traceback" not in page.content()
    # Nothing of the previous photo is left.
    page.wait_for_selector("#result >> text=This photo could not be processed; see the notification.")
    assert page.locator(".face").count() == 0


def test_a_transparent_image_is_classified(page, tmp_path):
    path = tmp_path / "transparent.png"
    Image.open(PORTRAIT).convert("RGBA").save(path)
    upload(page, path)
    page.wait_for_selector(f"{FACE} h2 >> text=happy")


def test_there_are_no_third_party_requests(page, page_url):
    upload(page, PORTRAIT)
    page.wait_for_selector(FACE)
    others = [url for url in page.requests if not url.startswith((page_url, "data:", "blob:"))]
    assert others == []


def test_the_page_says_that_an_expression_is_not_a_feeling(page):
    assert page.locator("text=An expression is not a feeling").count() == 1


def test_it_fits_a_phone(chromium, page_url):
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(60_000)
    page.goto(page_url)
    page.wait_for_selector(EXAMPLE)
    for shown in ("h1", "#photo", "#result .photo", ".face h2"):
        box = page.locator(shown).first.bounding_box()
        assert box["y"] + box["height"] <= 844, shown
    upload(page, PORTRAIT)
    page.wait_for_selector(FACE)
    page.wait_for_timeout(1000)  # until the page has scrolled
    for shown in ("#result .photo", ".face h2"):
        box = page.locator(shown).first.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 844, shown
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tabs = page.get_by_role("tab")
    assert len({round(tabs.nth(i).bounding_box()["y"]) for i in range(tabs.count())}) == 1
    page.close()
