"""Preprocessing: from face crops to network input."""

import numpy as np
import pytest

from mini_xception import MiniXceptionError
from mini_xception.network.preprocess import normalise, to_grey


def test_fer2013_faces_are_unchanged():
    face = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    assert np.array_equal(to_grey(face, 48), face)
    for mean, std in ((0.0, 1.0), (np.float64(0.0), np.float64(1.0))):
        assert np.array_equal(normalise([face], 48, mean, std)[0, 0], face.astype(np.float32) / 255)
    assert np.array_equal(to_grey(face[:, :, np.newaxis], 48), face)
    assert np.array_equal(to_grey(np.dstack([face] * 3), 48), face)


def test_grey_conversion_follows_itu_601():
    for channel, grey in enumerate((76, 150, 29)):
        pixel = np.zeros((1, 1, 3), np.uint8)
        pixel[..., channel] = 255
        assert to_grey(pixel, 1)[0, 0] == grey


def test_downscaling_averages():
    checks = np.indices((96, 96)).sum(axis=0) % 2 * 255
    assert np.ptp(to_grey(checks.astype(np.uint8), 48)) == 0


@pytest.mark.parametrize(
    "crop",
    [np.zeros((48, 48), np.float32), np.zeros((48, 48, 4), np.uint8), np.zeros((0, 48), np.uint8), "face", [[1, 2]]],
)
def test_invalid_crops_are_an_error(crop):
    with pytest.raises(MiniXceptionError, match="face crop"):
        to_grey(crop, 48)


def test_upscaling_interpolates_and_does_not_repeat_the_buffer():
    """``numpy.resize`` would repeat the buffer: each row would begin a third of the image further right."""
    ramp = np.add.outer(np.arange(48), np.arange(48)).astype(np.uint8)
    grown = to_grey(ramp, 64)
    expected = np.add.outer(np.arange(64), np.arange(64)) * 48 / 64
    assert np.abs(grown - expected).max() <= 2
    assert np.abs(np.resize(ramp, (64, 64)) - expected).max() > 40
