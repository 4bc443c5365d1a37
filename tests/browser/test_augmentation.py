"""The Augmentation tab in a real browser."""

from __future__ import annotations

import pytest

from mini_xception.demo.augmentation import VIEWS
from mini_xception.training.augment import AUGMENTATIONS
from tests.conftest import PORTRAIT, ROOT

pytestmark = pytest.mark.browser

EXAMPLE = "#views >> text=An example: a face as the network sees it."


@pytest.fixture
def tab(page):
    page.get_by_role("tab", name="Augmentation").click()
    page.wait_for_selector(EXAMPLE)
    return page


def upload(page, path) -> None:
    page.set_input_files("input[type=file] >> nth=-1", path)
    page.wait_for_selector(EXAMPLE, state="detached")
    page.wait_for_selector(".view")


def image_urls(page) -> list[str]:
    return page.locator(".view img").evaluate_all("images => images.map(image => image.src)")


def test_an_example_stands_there_and_a_face_is_augmented_and_classified(tab):
    before, after = (tab.locator(".before-after img").nth(i).bounding_box() for i in range(2))
    assert before["width"] > 250
    assert before["y"] == after["y"]
    upload(tab, PORTRAIT)
    assert tab.locator(".view").count() == VIEWS + 1
    assert tab.locator(".view").first.inner_text().startswith("original: happy")
    assert f"of {VIEWS + 1} images classified as happy" in tab.locator(".stability").inner_text()
    assert tab.locator(".view img").first.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [48, 48]
    assert len(set(image_urls(tab))) == VIEWS + 1


def test_every_augmentation_has_a_slider_and_a_preset_moves_them(tab):
    upload(tab, PORTRAIT)
    before = image_urls(tab)
    values = {name: tab.locator(f"#{name} input[type=number]") for name in AUGMENTATIONS}
    assert values["salt_and_pepper"].input_value() == "0"
    tab.get_by_role("radio", name="full").check()
    tab.wait_for_selector("#code >> text=salt_and_pepper")
    assert values["salt_and_pepper"].input_value() == "0.05"
    assert values["contrast"].input_value() == "0"
    tab.wait_for_selector("#preset-origin >> text=It reports 65.04 % on PublicTest and PrivateTest together")
    tab.wait_for_function("before => document.querySelectorAll('.view img')[1].src !== before", arg=before[1])
    tab.locator("#salt_and_pepper input[type=range]").press("ArrowRight")
    tab.wait_for_selector("#preset-origin >> text=Your own strengths")
    assert tab.get_by_role("radio", checked=True).count() == 0


def test_a_seed_repeats_the_images(tab):
    upload(tab, PORTRAIT)
    first = image_urls(tab)
    seed = tab.get_by_label("Seed")
    seed.fill("5")
    tab.wait_for_selector("#code >> text=manual_seed(5)")
    assert image_urls(tab) != first
    seed.fill("0")
    tab.wait_for_selector("#code >> text=manual_seed(0)")
    assert image_urls(tab) == first


def test_the_code_gives_the_same_images(tab, recognizer):
    """The code that the page offers to copy produces, in Python, the images that the page shows."""
    import base64

    import cv2
    import numpy as np
    import torch

    from mini_xception.media.image import load_image
    from mini_xception.network.preprocess import to_grey

    upload(tab, PORTRAIT)
    code = tab.locator("#code .cm-content").inner_text().replace("\xa0", " ")
    face = to_grey(recognizer.crop(load_image(PORTRAIT))[0], 48)
    names = {"faces": torch.from_numpy(face).float().expand(VIEWS, 1, 48, 48)}
    exec(code, names)
    shown = [
        cv2.imdecode(np.frombuffer(base64.b64decode(src.split(",")[1]), np.uint8), cv2.IMREAD_GRAYSCALE)
        for src in image_urls(tab)[1:]
    ]
    assert np.array_equal(names["augmented"][:, 0].round().to(torch.uint8).numpy(), shown)


def test_an_image_without_a_face_is_used_whole(tab):
    upload(tab, ROOT / "examples" / "chelsea_the_cat.jpg")
    assert tab.locator("#views >> text=No face found; the whole image is used.").count() == 1


def test_a_chinese_browser_shows_chinese(chromium, page_url):
    page = chromium.new_page(locale="zh-CN")
    page.set_default_timeout(60_000)
    page.goto(page_url)
    page.get_by_role("tab", name="照片").wait_for()
    page.set_input_files("input[type=file] >> nth=0", PORTRAIT)
    page.wait_for_selector(".face h2 >> text=高兴")
    page.get_by_role("tab", name="数据增强").click()
    page.wait_for_selector(".view >> text=高兴")
    page.wait_for_selector("#views >> text=这是一个示例")
    page.close()


def test_on_a_phone_the_pictures_come_before_the_sliders(chromium, page_url):
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(60_000)
    page.goto(page_url)
    page.get_by_role("tab", name="Augmentation").click()
    page.wait_for_selector(".view")
    picture, slider, preset = (page.locator(part).first for part in (".view img", ".sliders", "#presets"))
    assert preset.bounding_box()["y"] < picture.bounding_box()["y"] < slider.bounding_box()["y"]
    page.close()
