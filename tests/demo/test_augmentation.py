"""The Augmentation tab's controls, as far as they can be tested without a browser."""

from dataclasses import dataclass

import pytest

gradio = pytest.importorskip("gradio")


def sliders(recognizer) -> dict[str, list[str]]:
    """Build the tab; return group → names of its sliders."""
    from mini_xception.demo.augmentation import GROUPS, augmentation_tab

    with gradio.Blocks() as page, gradio.Tab("augmentation"):
        augmentation_tab(recognizer)
    found: dict[str, list[str]] = {}
    for slider in (block for block in page.blocks.values() if isinstance(block, gradio.Slider)):
        group = slider.parent.parent  # Gradio puts sliders into a form.
        (name,) = [name for name in GROUPS if f"group_{name}" in group.children[0].value]
        found.setdefault(name, []).append(slider.elem_id)
    return found


def test_every_augmentation_has_a_slider_in_its_group(recognizer):
    assert sliders(recognizer) == {
        "light": ["brightness", "contrast", "overexposure", "shadow"],
        "sharpness": ["salt_and_pepper", "blur", "defocus", "motion", "resolution", "noise", "jpeg"],
        "geometry": ["zoom", "shift", "rotation", "flip"],
    }


def test_an_augmentation_needs_only_its_class_and_its_row(recognizer, monkeypatch):
    from mini_xception.demo.augmentation import _label
    from mini_xception.training.augment import AUGMENTATIONS, Entry, PixelAugmentation

    @dataclass(frozen=True)
    class Shadow(PixelAugmentation):
        group = "light"
        darkness: float

        def __call__(self, faces, generator):  # noqa: ARG002
            return faces

    monkeypatch.setitem(AUGMENTATIONS, "cast_shadow", Entry(Shadow, strongest=1.0))
    assert sliders(recognizer)["light"][-1] == "cast_shadow"
    assert _label("cast_shadow") == "Cast shadow: darkness"


def test_every_preset_is_explained():
    from mini_xception.demo.texts import TEXTS
    from mini_xception.training.augment import PRESETS

    assert {f"preset_{name}" for name in PRESETS} <= set(TEXTS)
