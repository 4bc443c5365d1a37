"""Images of decoded frames, with square pixels and of one size."""

import av
import numpy as np
import pytest

from mini_xception.media.frame import fit, upright


@pytest.mark.parametrize(("width", "pixel_width", "expected"), [(1, 0.25, 1), (64, 1.5, 96), (64, 0.5, 32)])
def test_pixels_become_square(width, pixel_width, expected):
    frame = av.VideoFrame.from_ndarray(np.full((48, width, 3), 90, np.uint8), format="rgb24")
    image = upright(frame, pixel_width)
    assert image.shape == (48, expected, 3)
    assert (image == 90).all()


@pytest.mark.parametrize("size", [(48, 64), (1, 1), (1, 500), (500, 1), (100, 100), (24, 32), (480, 640)])
def test_an_image_is_fitted_into_a_size(size):
    image = fit(np.full((*size, 3), 200, np.uint8), 48, 64)
    assert image.shape == (48, 64, 3)
    scale = min(48 / size[0], 64 / size[1])
    assert (image.max(axis=(1, 2)) > 0).sum() == max(1, round(scale * size[0]))
    assert (image.max(axis=(0, 2)) > 0).sum() == max(1, round(scale * size[1]))
