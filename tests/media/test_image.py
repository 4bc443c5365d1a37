"""Images of any kind become RGB uint8, or raise a one-line error."""

import contextlib
import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mini_xception import MiniXceptionError, load_image
from tests.conftest import PORTRAIT


@pytest.fixture
def pil_image(portrait) -> Image.Image:
    return Image.fromarray(portrait)


def encode(pil_image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    pil_image.save(buffer, kind, **options)
    return buffer.getvalue()


def difference(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_format_is_loaded(pil_image, portrait, kind):
    image = load_image(encode(pil_image, kind))
    assert image.dtype == np.uint8
    assert difference(image, portrait) < 6


TWO = {"save_all": True}
#: The kinds in docs/formats.md: format, mode of the image, options of the encoder.
KINDS = [
    *(("JPEG", mode, {}) for mode in ("RGB", "L", "CMYK")),
    ("JPEG", "RGB", {"progressive": True}),
    ("MPO", "RGB", TWO),
    *(("PNG", mode, {}) for mode in ("1", "L", "RGB", "RGBA", "P")),
    ("PNG", "RGB", TWO),
    ("WEBP", "RGB", {"quality": 90}),
    ("WEBP", "RGB", {"lossless": True}),
    ("WEBP", "RGB", TWO),
    ("GIF", "P", {}),
    ("GIF", "RGB", TWO),
    *(("BMP", mode, {}) for mode in ("1", "L", "RGB", "RGBA")),
    *(("TIFF", mode, {}) for mode in ("1", "L", "CMYK")),
    *(("TIFF", "RGB", {"compression": name}) for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")),
    ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "RGB", {"big_tiff": True}),
    ("TIFF", "RGB", TWO),
    ("AVIF", "RGB", {}),
    ("AVIF", "RGB", TWO),
]


@pytest.mark.parametrize(("kind", "mode", "options"), KINDS)
def test_the_documented_kinds_are_loaded(pil_image, kind, mode, options):
    small = pil_image.resize((64, 64))
    if options == TWO:
        options = TWO | {"append_images": [Image.new("RGB", (64, 64), "red")]}
    image = load_image(encode(small.convert(mode), kind, **options))
    # Downscaled, because black-and-white and palette images are dithered.
    downscaled = Image.fromarray(image).convert("L").reduce(8)
    assert difference(np.asarray(downscaled), np.asarray(small.convert("L").reduce(8))) < 12


def test_heic_is_loaded_with_pillow_heif(pil_image, portrait):
    pillow_heif = pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x0112] = 6
    laid = pil_image.transpose(Image.Transpose.ROTATE_90)
    data = io.BytesIO()
    pillow_heif.from_pillow(laid).save(data, quality=90, exif=exif.tobytes())
    assert difference(load_image(data.getvalue()), portrait) < 6
    with pytest.raises(MiniXceptionError, match="damaged or truncated") as caught:
        load_image(data.getvalue()[:-50])
    assert "\n" not in str(caught.value)


def test_heic_without_pillow_heif_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MiniXceptionError, match="HEIC images need pillow-heif; pip install pillow-heif"):
        load_image(b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf", name="IMG_1.HEIC")


@pytest.mark.parametrize(("limit", "megapixels"), [(1000, "0.002"), (None, "150")])
def test_pillows_limit_is_named_if_a_program_lowers_it(monkeypatch, limit, megapixels):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(MiniXceptionError, match=f"more than {megapixels} megapixels"):
        load_image(empty_png(15_000, 10_001))


def test_an_animation_gives_its_first_frame(pil_image, portrait):
    frames = [Image.new("RGB", pil_image.size, "red")]
    data = encode(pil_image.quantize(), "GIF", save_all=True, append_images=frames)
    assert difference(load_image(data), portrait) < 6


@pytest.mark.parametrize(("orientation", "stored"), [(3, "ROTATE_180"), (6, "ROTATE_90"), (8, "ROTATE_270")])
def test_the_exif_orientation_is_applied(pil_image, portrait, orientation, stored):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(pil_image.transpose(Image.Transpose[stored]), "JPEG", exif=exif, quality=95)
    assert difference(load_image(data), portrait) < 3


def test_an_invalid_exif_entry_is_ignored(pil_image, portrait):
    # Orientation 6 as a number, and the resolution as text instead of a number.
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHI4s", 0x011A, 2, 3, b"72")
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + entries + bytes(4)
    data = encode(pil_image.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)
    assert difference(load_image(data), portrait) < 3


def test_a_tiff_is_rotated_once(pil_image, portrait):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(pil_image.transpose(Image.Transpose.ROTATE_90), "TIFF", exif=exif)
    assert difference(load_image(data), portrait) == 0


def test_a_png_with_megabytes_of_text_is_loaded(pil_image, portrait):
    text = PngInfo()
    text.add_text("workflow", "x" * 2_000_000, zip=True)
    assert difference(load_image(encode(pil_image, "PNG", pnginfo=text)), portrait) == 0


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Truncated File")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_a_truncated_file_is_one_clear_error_or_an_image(pil_image, kind):
    data = encode(pil_image.resize((64, 64)), kind)
    for end in [*range(1, 200), *range(200, len(data), 97)]:
        with contextlib.suppress(MiniXceptionError):
            load_image(data[:end])


def test_a_loaded_image_is_writeable():
    load_image(PORTRAIT)[0, 0] = 0


def test_transparency_is_blended_with_white():
    pil_image = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    pil_image.putpixel((1, 1), (10, 20, 30, 255))
    image = load_image(encode(pil_image, "PNG"))
    assert image[0, 0].tolist() == [255, 255, 255]
    assert image[1, 1].tolist() == [10, 20, 30]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_colour_modes_are_converted(pil_image, mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    image = load_image(encode(pil_image.convert(mode), kind))
    assert image.shape == (512, 512, 3)
    # Downscaled, because black-and-white and palette images are dithered.
    downscaled = Image.fromarray(image).convert("L").reduce(8)
    assert difference(np.asarray(downscaled), np.asarray(pil_image.convert("L").reduce(8))) < 12


def test_a_palette_with_transparency_is_converted(pil_image):
    palette = pil_image.quantize(64)
    assert load_image(encode(palette, "PNG", transparency=0)).shape == (512, 512, 3)


def test_sixteen_bits_are_scaled_to_eight(pil_image):
    grey = np.asarray(pil_image.convert("L"))
    image = Image.fromarray(grey.astype(np.uint16) * 257)
    assert difference(load_image(encode(image, "PNG"))[:, :, 1], grey) == 0
    assert difference(load_image(encode(image, "TIFF"))[:, :, 1], grey) == 0


def test_an_image_of_one_row_is_loaded():
    assert load_image(encode(Image.new("RGB", (300, 1)), "PNG")).shape == (1, 300, 3)


def test_all_sources_give_the_same_image(portrait):
    data = PORTRAIT.read_bytes()
    with PORTRAIT.open("rb") as file:
        sources = [PORTRAIT, str(PORTRAIT), data, file, io.BytesIO(data), Image.open(PORTRAIT), portrait]
        for source in sources:
            assert np.array_equal(load_image(source), portrait)


def test_grey_and_rgba_arrays_are_converted():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert load_image(grey).tolist() == np.stack([grey] * 3, axis=2).tolist()
    assert load_image(grey[:, :, np.newaxis]).shape == (3, 4, 3)
    opaque = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    assert load_image(opaque).tolist() == load_image(grey).tolist()


def empty_png(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes whose header states this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def closed_file() -> io.BytesIO:
    file = io.BytesIO(b"")
    file.close()
    return file


BAD = {
    "text named .jpg": (b"not a photo at all", "not a supported image; use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"),
    "zero bytes": (b"", "the file is empty"),
    "truncated JPEG": (PORTRAIT.read_bytes()[:9000], "damaged or truncated"),
    "truncated PNG": (empty_png(64, 64), "damaged or truncated"),
    "30,000 × 30,000": (empty_png(30_000, 30_000), "more than 150 megapixels"),
    "just over the limit": (
        empty_png(15_000, 10_001),
        "15,000×10,001 pixels, more than 150 megapixels; scale it down first",
    ),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not a supported image"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a supported image"),
    "empty array": (np.empty((0, 10, 3), np.uint8), "no pixels"),
    "float array": (np.zeros((8, 8, 3), np.float32), "array of float32: pixels must be uint8"),
    "NaN": (np.full((8, 8), np.nan), "float64"),
    "bool array": (np.zeros((8, 8), bool), "bool"),
    "channels first": (np.zeros((3, 8, 9), np.uint8), "array of shape (3, 8, 9): not an image"),
    "one dimension": (np.zeros(8, np.uint8), "(8,)"),
    "None": (None, "NoneType: not an image; give a path"),
    "a number": (7, "int: not an image"),
    "text stream": (io.StringIO("text"), "read() returned str, not bytes; open the file in mode 'rb'"),
    "32-bit pixels": (Image.fromarray(np.full((4, 4), 70_000, np.int32)), "32-bit"),
    "float pixels": (Image.fromarray(np.full((4, 4), 0.5, np.float32)), "32-bit"),
    "empty path": ("", "empty path: cannot be read"),
    "invalid path": ("a\0b", "cannot be read"),
    "closed file": (closed_file(), "cannot be read"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_a_one_line_error(case):
    source, reason = BAD[case]
    with pytest.raises(MiniXceptionError) as caught:
        load_image(source)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_errors_name_the_file(tmp_path):
    (tmp_path / "text.jpg").write_text("text")
    for path in (tmp_path / "text.jpg", tmp_path / "absent.jpg", tmp_path):
        with pytest.raises(MiniXceptionError, match=str(path)):
            load_image(path)


def test_any_truncation_of_a_jpeg_is_one_clear_error_or_an_image():
    """A decoder may accept a file whose last bytes are missing. It may not raise another exception."""
    data = PORTRAIT.read_bytes()
    for length in range(1, len(data), 1973):
        try:
            load_image(data[:length])
        except MiniXceptionError:
            continue
