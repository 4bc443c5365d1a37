"""Anything a user has, as one thing: an RGB uint8 array (H, W, 3), upright, or one clear error."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from mini_xception.errors import MiniXceptionError

#: What a user may hand in as a picture.
ImageSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | np.ndarray

#: Pillow's names of the formats that are read; no others are tried, since some of its readers start other programs.
FORMATS: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
#: File name endings of those formats, by which a folder's pictures are found.
SUFFIXES: frozenset[str] = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
ACCEPTED = "accepted are JPEG, PNG, WebP, GIF, BMP and TIFF"

#: EXIF's orientation → what turns the picture upright.
UPRIGHT: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Larger pictures are refused before they are decoded; a decoded one takes 3 bytes a pixel.
MAX_PIXELS = 150_000_000
# Some programs keep how a PNG was made in it, as megabytes of text; Pillow refuses more than one.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY


def load_image(source: ImageSource, name: str | None = None) -> np.ndarray:
    """Read a picture.

    A file is turned upright by its EXIF orientation, the first frame of an animation is taken, transparency is laid
    on white, 16-bit grey is scaled to 8 bits. A contiguous RGB array comes back as it is, not copied.

    Args:
        source: a path, the bytes of a file, an open binary file, a PIL image, or a uint8 array that is grey (H, W),
            RGB (H, W, 3) or RGBA (H, W, 4).
        name: what an error calls the picture; by default its path.

    Returns:
        RGB, uint8, (H, W, 3).

    Raises:
        MiniXceptionError: the source is no such thing or is damaged, or a file has more than MAX_PIXELS pixels.
    """
    if isinstance(source, np.ndarray):
        return _rgb_from_array(source)
    if isinstance(source, Image.Image):
        return _rgb_from_pil(source, name or "the PIL image")
    if isinstance(source, (str, os.PathLike)):
        name = name or os.fspath(source) or "the empty path"
        try:
            data = Path(source).read_bytes()
        except (OSError, ValueError) as error:
            raise MiniXceptionError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    elif isinstance(source, bytes):
        name, data = name or "the bytes", source
    elif hasattr(source, "read"):
        name = name or str(getattr(source, "name", "the file"))
        try:
            data = source.read()
        except (OSError, ValueError) as error:
            raise MiniXceptionError(f"{name}: cannot be read ({error})") from error
    else:
        raise MiniXceptionError(
            f"a {type(source).__name__} is no picture: give a path, bytes, a binary file, a PIL image or a uint8 array"
        )
    return _rgb_from_bytes(data, name)


def _rgb_from_bytes(data: bytes, name: str) -> np.ndarray:
    if not isinstance(data, bytes):
        raise MiniXceptionError(f"{name}: reading it gave {type(data).__name__}, not bytes; open the file in mode 'rb'")
    if not data:
        raise MiniXceptionError(f"{name}: the file is empty")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            return _rgb_from_pil(picture, name)
    except MiniXceptionError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except Image.UnidentifiedImageError as error:
        raise MiniXceptionError(f"{name}: not a picture; {ACCEPTED}") from error
    except Exception as error:  # A damaged file makes Pillow's readers raise almost anything.
        raise _damaged(name, error) from error


def _rgb_from_pil(picture: Image.Image, name: str) -> np.ndarray:
    if picture.width * picture.height > MAX_PIXELS:
        raise _too_large(name, picture.width, picture.height)
    if picture.width == 0 or picture.height == 0:
        raise MiniXceptionError(f"{name}: the picture has no pixels")
    try:
        picture.load()  # Which turns a TIFF upright and forgets its orientation.
        # Not ImageOps.exif_transpose, which writes the whole EXIF anew and fails where one entry is odd.
        if turn := UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation, 1)):
            picture = picture.transpose(turn)
        if picture.mode in ("I", "F"):
            raise MiniXceptionError(f"{name}: 32-bit pixels; save the picture with 8 or 16 bits")
        if picture.mode.startswith("I;16"):
            picture = Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            white = Image.new("RGBA", picture.size, "white")
            picture = Image.alpha_composite(white, picture)
        return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))
    except MiniXceptionError:
        raise
    except Exception as error:  # So do its decoders.
        raise _damaged(name, error) from error


def _rgb_from_array(array: np.ndarray) -> np.ndarray:
    if array.size == 0:
        raise MiniXceptionError(f"the array is empty: its shape is {array.shape}")
    if array.dtype != np.uint8:
        raise MiniXceptionError(
            f"the array holds {array.dtype}, not uint8; pixels must be 0–255 (from 0–1: (array * 255).astype('uint8'))"
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim == 2:
        return np.repeat(array[:, :, np.newaxis], 3, axis=2)
    if array.ndim == 3 and array.shape[2] == 3:
        return np.ascontiguousarray(array)
    if array.ndim == 3 and array.shape[2] == 4:
        return _rgb_from_pil(Image.fromarray(array), name="the array")
    raise MiniXceptionError(f"the array's shape is {array.shape}; it must be (H, W), (H, W, 3) RGB or (H, W, 4) RGBA")


def _damaged(name: str, error: Exception) -> MiniXceptionError:
    return MiniXceptionError(f"{name}: damaged or cut short ({error}); {ACCEPTED}")


def _too_large(name: str, width: int | None = None, height: int | None = None) -> MiniXceptionError:
    size = f"{width:,}×{height:,} pixels is" if width and height else "the picture is"
    return MiniXceptionError(f"{name}: {size} more than {MAX_PIXELS // 1_000_000} megapixels; scale it down first")
