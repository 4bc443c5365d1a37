"""Damaged metadata does not prevent loading an image, and an intact orientation is found."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mini_xception import MiniXceptionError, load_image
from mini_xception.media.metadata import split
from tests.conftest import PORTRAIT
from tests.media.test_image import encode

PIXELS = Image.open(PORTRAIT).resize((48, 64))
LAID = PIXELS.transpose(Image.Transpose.ROTATE_90)  # Orientation 6 turns it upright.
JPEG, PNG, WEBP = (encode(PIXELS, kind, quality=90) for kind in ("JPEG", "PNG", "WEBP"))


def segment(marker: int, body: bytes, data: bytes = JPEG) -> bytes:
    """Add a segment at the beginning of a JPEG file."""
    return data[:2] + bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


def chunk(name: bytes, body: bytes, data: bytes = PNG, crc: int | None = None) -> bytes:
    """Add a chunk before the pixels of a PNG file."""
    crc = zlib.crc32(name + body) if crc is None else crc
    place = data.index(b"IDAT") - 4
    return data[:place] + struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc) + data[place:]


def exif(*entries: tuple[int, int, int, bytes], order: str = "<") -> bytes:
    """Return EXIF data with entries of number, type, count and value."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, len(entries))
    return head + b"".join(struct.pack(order + "HHI4s", *entry) for entry in entries) + bytes(4)


UPRIGHT = exif((0x0112, 3, 1, b"\x06\0"))
RAW = b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n      20\nthis is not hexadecimal")

#: Files whose pixels are complete. Image viewers show all of them.
DAMAGED_METADATA = {
    "PNG, EXIF with the prefix of a JPEG": chunk(b"eXIf", b"Exif\0\0" + exif()),
    "PNG, EXIF": chunk(b"eXIf", b"garbage!"),
    "PNG, EXIF as text": chunk(b"zTXt", RAW),
    "PNG, EXIF as text, cut off": chunk(b"tEXt", b"Raw profile type exif\0x"),
    "PNG, colour profile": chunk(b"iCCP", b""),
    "PNG, pixel density": chunk(b"pHYs", b"\0"),
    "PNG, gamma": chunk(b"gAMA", b"\0"),
    "PNG, primary colours": chunk(b"cHRM", b"\0"),
    "PNG, rendering intent": chunk(b"sRGB", b""),
    "PNG, checksum of a text": chunk(b"tEXt", b"key\0value", crc=0),
    "PNG, checksum of the transparency": chunk(b"tRNS", bytes(6), crc=0),
    "PNG, a text of 100 MB": chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(100_000_000))),
    "PNG, EXIF of 100 MB": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(100_000_000))),
    "WebP, EXIF": encode(PIXELS, "WEBP", quality=90, exif=b"Exif\0\0garbage"),
    "WebP, EXIF cut off": encode(PIXELS, "WEBP", quality=90, exif=b"Exif\0\0garbage")[:-5],
    "WebP, colour profile": encode(PIXELS, "WEBP", quality=90, icc_profile=b"garbage"),
    "JPEG, EXIF": segment(0xE1, b"Exif\0\0garbage"),
    "JPEG, EXIF with a loop": segment(0xE1, b"Exif\0\0" + exif((0x8769, 4, 1, b"\x08\0\0\0"))),
    "JPEG, several pictures": segment(0xE2, b"MPF\0" + b"II*\0\x08\0\0\0\xff\xff"),
    "JPEG, colour profile": segment(0xE2, b"ICC_PROFILE\0\x01"),
    "JPEG, colour space": segment(0xEE, b"Adobe\0"),
    "JPEG, resolution": segment(0xE0, b"JFIF", JPEG[:2] + JPEG[20:]),
    "JPEG, Photoshop": segment(0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0\0\x01a"),
    "TIFF, EXIF": encode(PIXELS, "TIFF", tiffinfo={0x8769: 0xFFFFFF}),
    "TIFF, colour profile": encode(PIXELS, "TIFF", icc_profile=b"garbage"),
    "TIFF, resolution": encode(PIXELS, "TIFF").replace(b"\x1a\x01\x05\0\x01", b"\x1a\x01\x05\0\xff"),
}


@pytest.mark.filterwarnings("error")  # Pillow's warnings would reach standard error.
@pytest.mark.parametrize("case", DAMAGED_METADATA)
def test_damaged_metadata_is_ignored(case):
    image = load_image(DAMAGED_METADATA[case])
    assert image.shape == (64, 48, 3)
    assert np.abs(image.astype(int) - np.asarray(PIXELS)).mean() < 8


@pytest.mark.parametrize(
    "case",
    {
        "JPEG": segment(0xE1, b"Exif\0\0" + UPRIGHT, encode(LAID, "JPEG", quality=90)),
        "JPEG, big-endian": segment(
            0xE1, b"Exif\0\0" + exif((0x0112, 3, 1, b"\0\x06"), order=">"), encode(LAID, "JPEG", quality=90)
        ),
        "JPEG, stated twice": segment(
            0xE1, b"Exif\0\0" + exif((0x0112, 3, 2, b"\x06\0\x06\0")), encode(LAID, "JPEG", quality=90)
        ),
        "JPEG, damaged EXIF before": segment(
            0xE1, b"Exif\0\0gar", segment(0xE1, b"Exif\0\0" + UPRIGHT, encode(LAID, "JPEG", quality=90))
        ),
        "JPEG, XMP": segment(
            0xE1, b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>', encode(LAID, "JPEG", quality=90)
        ),
        "PNG": chunk(b"eXIf", UPRIGHT, encode(LAID, "PNG")),
        "PNG, with the prefix of a JPEG": chunk(b"eXIf", b"Exif\0\0" + UPRIGHT, encode(LAID, "PNG")),
        "PNG, as text": chunk(
            b"zTXt",
            b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 20\n" + (b"Exif\0\0" + UPRIGHT).hex().encode()),
            encode(LAID, "PNG"),
        ),
        "PNG, XMP": chunk(
            b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<tiff:Orientation>6</tiff:Orientation>", encode(LAID, "PNG")
        ),
        "WebP": encode(LAID, "WEBP", quality=90, exif=b"Exif\0\0" + UPRIGHT),
        "AVIF": encode(LAID, "AVIF", quality=90, exif=UPRIGHT),
        "TIFF": encode(LAID, "TIFF", tiffinfo={0x0112: 6}),
        "TIFF, compressed": encode(LAID, "TIFF", tiffinfo={0x0112: 6}, compression="tiff_lzw"),
        "TIFF of more than 4 GB": encode(LAID, "TIFF", tiffinfo={0x0112: 6}, big_tiff=True),
    }.items(),
    ids=lambda case: case[0],
)
def test_the_orientation_is_found(case):
    image = load_image(case[1])
    assert image.shape == (64, 48, 3)
    assert np.abs(image.astype(int) - np.asarray(PIXELS)).mean() < 6


def test_the_pixels_of_an_intact_file_are_unchanged():
    for data in (JPEG, PNG, WEBP, encode(PIXELS.convert("CMYK"), "JPEG"), encode(PIXELS.quantize(), "PNG")):
        assert split(data).orientation is None
        assert len(data) - 30 < len(split(data).pixels) <= len(data)


def test_damaged_pixels_are_still_an_error():
    for data in (PNG[: len(PNG) // 2], PNG.replace(b"IHDR", b"IHDR\1"), WEBP[: len(WEBP) // 2]):
        with pytest.raises(MiniXceptionError, match=r"damaged or truncated|not a supported image"):
            load_image(data)
