"""A JPEG without its end marker is loaded if no pixel is missing."""

import numpy as np
import pytest
from PIL import Image

from mini_xception import MiniXceptionError, load_image
from tests.conftest import PORTRAIT
from tests.media.test_image import encode

PIXELS = Image.open(PORTRAIT).resize((100, 75))
KINDS = {
    "baseline": encode(PIXELS, "JPEG"),
    "progressive": encode(PIXELS, "JPEG", progressive=True),
    "grey": encode(PIXELS.convert("L"), "JPEG"),
    "restart markers": encode(PIXELS, "JPEG", restart_marker_rows=1),
    "full colour": encode(PIXELS, "JPEG", subsampling=0, quality=98),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [1, 2])
def test_a_missing_end_marker_is_ignored(kind, missing):
    assert np.array_equal(load_image(KINDS[kind][:-missing]), load_image(KINDS[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_missing_pixels_are_an_error_even_with_an_end_marker_to_come(kind):
    data = KINDS[kind]
    for missing in (8, 30, len(data) // 10, len(data) // 2):
        with pytest.raises(MiniXceptionError, match="damaged or truncated"):
            load_image(data[:-missing])


def test_a_missing_scan_is_an_error():
    """The file ends exactly between two scans, so each scan that it has is complete."""
    data = KINDS["progressive"]
    starts = [i for i in range(len(data)) if data[i : i + 2] == b"\xff\xc4"]
    assert len(starts) > 5
    for start in starts[3:]:
        with pytest.raises(MiniXceptionError, match="damaged or truncated"):
            load_image(data[:start])
