"""Loading of images from files, bytes, PIL and NumPy as upright RGB uint8 arrays (H, W, 3)."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image

from mini_xception.errors import MiniXceptionError
from mini_xception.media import jpeg
from mini_xception.media.depth import grey_to_8_bits, has_deep_colour, load_deep_colour
from mini_xception.media.metadata import split

#: The types that :func:`load_image` accepts.
ImageSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | np.ndarray

#: Pillow's names of the supported formats. Other formats are rejected, because some of Pillow's decoders start external
#: programs. HEIC needs another package and is not in this list.
FORMATS: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
#: File name suffixes of these formats and of HEIC.
SUFFIXES: frozenset[str] = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
        *(".avif", ".avifs", ".heic", ".heif", ".hif"),
    }
)
SUPPORTED = "JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"
#: Brands at the beginning of a HEIC file and of an AVIF file. Both may begin with "mif1".
HEIC_BRANDS: frozenset[bytes] = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
ISO_BRANDS = HEIC_BRANDS | {b"avif", b"avis"}

#: EXIF orientation → the operation that turns the image upright.
UPRIGHT: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Larger images are rejected before they are decoded. A decoded image takes 3 bytes per pixel.
MAX_PIXELS = 150_000_000
#: Larger files are not read to the end. They are read in parts of READ_BYTES.
MAX_BYTES, READ_BYTES = 500_000_000, 1_000_000
#: The longest side of a WebP image, in pixels, as the format allows it.
LONGEST_WEBP_SIDE = 16_383
#: Data to append to a JPEG without its end, to see which pixels change. Without it, missing data counts as zeros.
PADDING = b"\x5a" * 64


def load_image(source: ImageSource, name: str | None = None) -> np.ndarray:
    """Load an image.

    A file is turned upright according to its EXIF orientation. Only the first frame of an animation is loaded.
    Transparent pixels are blended with white. Damaged metadata is ignored. 16-bit pixels are scaled to 8 bits by the
    value of white that a TIFF states, or else by the number of bits that the largest pixel needs. A contiguous RGB
    array is returned itself, not a copy.

    Args:
        source: a path, the bytes of a file, an open binary file, a PIL image, or a uint8 array that is grey (H, W),
            RGB (H, W, 3) or RGBA (H, W, 4).
        name: the image's name in error messages; by default its path.

    Returns:
        RGB, uint8, (H, W, 3).

    Raises:
        MiniXceptionError: the source has an unsupported type, cannot be read, is damaged, has no pixels, or has more
            than MAX_PIXELS pixels.
    """
    if isinstance(source, np.ndarray):
        return _rgb_from_array(source)
    if isinstance(source, Image.Image):
        with _explained(name or "PIL image"):
            return _rgb_from_pil(source, name or "PIL image")
    if isinstance(source, (str, os.PathLike)):
        name = name or os.fspath(source) or "empty path"
        data = _read(Path(source), name)
    elif isinstance(source, bytes):
        name, data = name or "image bytes", source
    elif hasattr(source, "read"):
        name = name or str(getattr(source, "name", "image file"))
        try:
            data = source.read()
        except (OSError, ValueError) as error:
            raise MiniXceptionError(f"{name}: cannot be read ({error})") from error
    else:
        raise MiniXceptionError(
            f"{type(source).__name__}: not an image; give a path, bytes, a binary file, a PIL image or a uint8 array"
        )
    return _rgb_from_bytes(data, name)


def _read(path: Path, name: str) -> bytes:
    parts, size = [], 0
    try:
        with path.open("rb") as file:
            while part := file.read(READ_BYTES):
                size += len(part)
                if size > MAX_BYTES:  # An endless device, or a file that is no image.
                    raise MiniXceptionError(f"{name}: more than {MAX_BYTES // 1_000_000} MB; choose a smaller image")
                parts.append(part)
    except MiniXceptionError:
        raise
    except (OSError, ValueError) as error:
        raise MiniXceptionError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    return b"".join(parts)


def _rgb_from_bytes(data: bytes, name: str) -> np.ndarray:
    if not isinstance(data, bytes):
        raise MiniXceptionError(f"{name}: read() returned {type(data).__name__}, not bytes; open the file in mode 'rb'")
    if not data:
        raise MiniXceptionError(f"{name}: the file is empty")
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS and b"avif" not in data[8:64]:
        with _explained(name), _open_heic(data, name) as image:
            return _rgb_from_pil(image, name)
    pixels, orientation = split(data)
    with _explained(name):
        try:
            return _decode(pixels, name, orientation)
        except OSError as error:
            if pixels[4:12] in (b"ftypavif", b"ftypavis") and isinstance(error, Image.UnidentifiedImageError):
                raise OSError("the image data is incomplete") from error
            if not pixels.startswith(jpeg.SIGNATURE) or not jpeg.has_all_scans(pixels):
                raise
            # Perhaps only the end marker is missing. Then no pixel depends on the data that is appended.
            body = pixels.removesuffix(b"\xff")
            rgb, other = (_decode(body + padding + jpeg.END, name, orientation) for padding in (b"", PADDING))
            if not np.array_equal(rgb, other):
                raise
            return rgb


def _decode(data: bytes, name: str, orientation: int | None) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.format == "WEBP" and max(image.size) > LONGEST_WEBP_SIDE:
            raise OSError(f"impossible size {image.width}×{image.height}")  # Decoding would take a minute.
        is_deep = has_deep_colour(image)
        rgb = _rgb_from_pil(image, name, orientation)
        scaled = load_deep_colour(image, data) if is_deep else None
    return rgb if scaled is None else _rgb_from_pil(scaled, name, orientation)


def _open_heic(data: bytes, name: str) -> Image.Image:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise MiniXceptionError(
            f"{name}: HEIC images need pillow-heif; pip install pillow-heif, or save the photo as JPEG"
        ) from error
    image: Image.Image = HeifImageFile(io.BytesIO(data))
    return image


def _rgb_from_pil(image: Image.Image, name: str, orientation: int | None = None) -> np.ndarray:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(name, image.width, image.height)
    if image.width == 0 or image.height == 0:
        raise MiniXceptionError(f"{name}: the image has no pixels; choose another image")
    image.load()  # load() turns a TIFF upright and deletes its orientation entry.
    if transpose := UPRIGHT.get(orientation or _exif_orientation(image)):
        image = image.transpose(transpose)
    if image.mode in ("I", "F"):  # Pillow opens signed 16-bit pixels in mode I.
        smallest, largest = image.getextrema()
        if image.mode == "F" or not 0 <= smallest <= largest < 1 << 16:  # type: ignore[operator]
            raise MiniXceptionError(
                f"{name}: 32-bit and negative pixels are not supported; save the image with 8 or 16 bits"
            )
    if image.mode == "I" or image.mode.startswith("I;16"):
        image = grey_to_8_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _exif_orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # On damaged metadata, Pillow raises almost any exception.
        return 1
    return orientation if isinstance(orientation, int) else 1


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn Pillow's exceptions into one-line errors."""
    try:
        yield
    except MiniXceptionError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except Image.UnidentifiedImageError as error:
        raise MiniXceptionError(f"{name}: not a supported image; use {SUPPORTED}") from error
    except MemoryError as error:
        raise MiniXceptionError(f"{name}: not enough memory to decode the image; scale it down first") from error
    except Exception as error:  # On a damaged file, Pillow's decoders raise almost any exception.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MiniXceptionError(f"{name}: damaged or truncated ({reason}); use an intact {SUPPORTED} file") from error


def _rgb_from_array(array: np.ndarray) -> np.ndarray:
    if array.size == 0:
        raise MiniXceptionError(f"array of shape {array.shape}: no pixels; choose another image")
    if array.dtype != np.uint8:
        raise MiniXceptionError(
            f"array of {array.dtype}: pixels must be uint8, 0–255; "
            "if they are in 0–1, use (array * 255).astype('uint8')"
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim == 2:
        return np.repeat(array[:, :, np.newaxis], 3, axis=2)
    if array.ndim == 3 and array.shape[2] == 3:
        return np.ascontiguousarray(array)
    if array.ndim == 3 and array.shape[2] == 4:
        return _rgb_from_pil(Image.fromarray(array), name="array")
    raise MiniXceptionError(f"array of shape {array.shape}: not an image; give (H, W), (H, W, 3) RGB or (H, W, 4) RGBA")


def _too_large(name: str, width: int | None = None, height: int | None = None) -> MiniXceptionError:
    size = f"{width:,}×{height:,} pixels, " if width and height else ""
    limit = min(MAX_PIXELS, 2 * (Image.MAX_IMAGE_PIXELS or MAX_PIXELS)) / 1e6  # Pillow's limit can be changed.
    return MiniXceptionError(f"{name}: the image has {size}more than {limit:g} megapixels; scale it down first")
