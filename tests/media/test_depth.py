"""Pixels of 9 to 16 bits are scaled to 8 bits."""

import struct

import cv2
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from mini_xception import MiniXceptionError, load_image
from tests.conftest import PORTRAIT
from tests.media.test_image import difference, encode
from tests.media.test_metadata import UPRIGHT, chunk

COLOUR = np.asarray(Image.open(PORTRAIT).resize((64, 64)))
GREY = COLOUR[:, :, 1]
ALPHA = np.full_like(GREY, 255)


def deep(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Return 8-bit pixels in the lower bits of 16."""
    return (pixels.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_that_uses_only_the_lower_bits(bits, kind):
    image = load_image(encode(Image.fromarray(deep(GREY, bits)), kind))
    assert difference(image[:, :, 0], GREY) < 1


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_colour_that_uses_only_the_lower_bits(bits, suffix):
    rgb = deep(COLOUR, bits)
    for channels in (rgb, np.dstack([rgb, deep(ALPHA, 16)]), np.dstack([rgb, deep(ALPHA, bits)])):
        order = [2, 1, 0, 3][: channels.shape[2]]
        image = load_image(cv2.imencode(suffix, channels[:, :, order])[1].tobytes())
        assert difference(image, COLOUR) < 1


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_deep_colour_is_turned_upright(suffix):
    laid = np.ascontiguousarray(np.rot90(deep(COLOUR, 12))[:, :, ::-1])
    data = cv2.imencode(suffix, laid)[1].tobytes()
    data = chunk(b"eXIf", UPRIGHT, data) if suffix == ".png" else with_orientation(data)
    assert difference(load_image(data), COLOUR) < 1


def with_orientation(data: bytes) -> bytes:
    """Replace an entry of a TIFF that no pixel depends on by orientation 6."""
    entry = struct.pack("<HHII", 284, 3, 1, 1)  # one plane, which is the default
    assert data.count(entry) == 1
    return data.replace(entry, struct.pack("<HHII", 0x0112, 3, 1, 6))


def test_white_that_a_tiff_states():
    stated = {281: 4095}
    dark = Image.fromarray(deep(GREY // 4, 12))
    assert difference(load_image(encode(dark, "TIFF", tiffinfo=stated))[:, :, 0], GREY // 4) < 1
    wrong = encode(Image.fromarray(deep(GREY, 12)), "TIFF", tiffinfo={281: 255})  # brighter than the stated white
    assert difference(load_image(wrong)[:, :, 0], GREY) < 1


@pytest.mark.parametrize("bits", [12, 16])
def test_a_tiff_in_which_zero_is_white(bits):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[262] = 0
    data = encode(Image.fromarray(deep(255 - GREY, bits)), "TIFF", tiffinfo=info)
    assert difference(load_image(data)[:, :, 0], GREY) < 1


def test_twelve_packed_bits():
    pixels = deep(GREY, 12)
    first, second = pixels.reshape(-1, 2).T
    packed = np.column_stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255]).astype(np.uint8).tobytes()
    assert difference(load_image(tiff_of_12_bits(packed))[:, :, 0], GREY) < 1
    dark = bytes([0x0F, 0xF0, 0xFF]) * (len(packed) // 3)  # 255 of 4095
    assert load_image(tiff_of_12_bits(dark))[0, 0, 0] == 16


def tiff_of_12_bits(packed: bytes) -> bytes:
    entries = [(256, 4, 64), (257, 4, 64), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 200), (277, 3, 1)]
    entries += [(278, 4, 64), (279, 4, len(packed))]
    head = struct.pack("<4sIH", b"II*\0", 8, len(entries))
    head += b"".join(struct.pack("<HHII", number, kind, 1, value) for number, kind, value in entries) + bytes(4)
    return head.ljust(200, b"\0") + packed


def test_signed_and_32_bit_pixels_in_the_range_of_16_bits():
    assert difference(load_image(Image.fromarray(deep(GREY, 12).astype(np.int32)))[:, :, 0], GREY) < 1
    for value in (-1, 65_536):
        with pytest.raises(MiniXceptionError, match="32-bit and negative pixels are not supported"):
            load_image(Image.fromarray(np.full((4, 4), value, np.int32)))


def test_black_stays_black():
    assert load_image(encode(Image.fromarray(np.zeros((8, 8), np.uint16)), "PNG")).max() == 0
    assert load_image(encode(Image.fromarray(np.full((8, 8), 3, np.uint16)), "PNG")).max() == 3


def test_a_face_of_12_bits_is_found(recognizer):
    portrait = np.asarray(Image.open(PORTRAIT).convert("L"))
    (face,) = recognizer(encode(Image.fromarray(deep(portrait, 12)), "PNG"))
    assert face.emotion == "happy"
