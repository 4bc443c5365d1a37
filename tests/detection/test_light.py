"""The contrast of dark and flat images."""

import numpy as np
import pytest

from mini_xception.detection.light import MIN_CROP_CONTRAST, stretch_crop, stretch_image


def test_a_well_lit_image_is_not_changed(portrait):
    assert stretch_image(portrait) is portrait
    assert stretch_crop(portrait) is portrait


@pytest.mark.parametrize("brightness", [0.25, 0.1])
@pytest.mark.parametrize("stretch", [stretch_image, stretch_crop])
def test_a_dark_image_gets_its_range_back(portrait, stretch, brightness):
    dark = np.rint(portrait * brightness).astype(np.uint8)
    difference = np.abs(stretch(dark).astype(int) - portrait)
    assert difference.mean() < 12
    assert stretch(dark).max() == 255
    assert stretch(dark).min() == 0


def test_a_few_bright_pixels_do_not_hide_that_a_crop_is_dark(portrait):
    dark = (portrait // 8).copy()
    dark[:3, :100] = 255
    assert stretch_crop(dark).mean() > 4 * dark.mean()


def test_grey_crops_are_stretched_like_colours(portrait):
    grey = portrait[:, :, 0] // 4
    three = np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    assert np.abs(stretch_crop(three)[:, :, 0].astype(int) - stretch_crop(grey)).max() <= 1


def test_a_flat_image_and_noise_are_left_alone():
    flat = np.full((50, 60, 3), 20, np.uint8)
    flat[::2] += 5
    assert stretch_image(flat) is flat
    assert stretch_crop(np.zeros((1, 1), np.uint8)).shape == (1, 1)


def test_contrast_decides():
    for contrast in (MIN_CROP_CONTRAST - 1, MIN_CROP_CONTRAST):
        ramp = np.tile(np.linspace(50, 50 + contrast, 200).round().astype(np.uint8), (200, 1))
        ramp[:, 0], ramp[:, -1] = 50, 50 + contrast
        ramp[:, :10], ramp[:, -10:] = 50, 50 + contrast
        assert (stretch_crop(ramp) is ramp) == (contrast >= MIN_CROP_CONTRAST)
