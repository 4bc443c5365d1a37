"""Loading of images from files, bytes, PIL and NumPy as upright RGB uint8 arrays (H, W, 3)."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from mini_xception.errors import MiniXceptionError

#: The types that :func:`load_image` accepts.
ImageSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | np.ndarray

#: Pillow's names of the supported formats. Other formats are rejected, because some of Pillow's decoders start external
#: programs.
FORMATS: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
#: File name suffixes of these formats, to find the images in a folder.
SUFFIXES: frozenset[str] = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
SUPPORTED = "JPEG, PNG, WebP, GIF, BMP or TIFF"

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
# Some programs store megabytes of text in a PNG to describe how it was created. Pillow's default limit is 1 MB.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY


def load_image(source: ImageSource, name: str | None = None) -> np.ndarray:
    """Load an image.

    A file is turned upright according to its EXIF orientation. Only the first frame of an animation is loaded.
    Transparent pixels are blended with white. 16-bit grey is scaled to 8 bits. A contiguous RGB array is returned
    itself, not a copy.

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
        return _rgb_from_pil(source, name or "PIL image")
    if isinstance(source, (str, os.PathLike)):
        name = name or os.fspath(source) or "empty path"
        try:
            data = Path(source).read_bytes()
        except (OSError, ValueError) as error:
            raise MiniXceptionError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
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


def _rgb_from_bytes(data: bytes, name: str) -> np.ndarray:
    if not isinstance(data, bytes):
        raise MiniXceptionError(f"{name}: read() returned {type(data).__name__}, not bytes; open the file in mode 'rb'")
    if not data:
        raise MiniXceptionError(f"{name}: the file is empty")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return _rgb_from_pil(image, name)
    except MiniXceptionError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except Image.UnidentifiedImageError as error:
        raise MiniXceptionError(f"{name}: not a supported image; use {SUPPORTED}") from error
    except Exception as error:  # On a damaged file, Pillow's decoders raise almost any exception.
        raise _damaged(name, error) from error


def _rgb_from_pil(image: Image.Image, name: str) -> np.ndarray:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(name, image.width, image.height)
    if image.width == 0 or image.height == 0:
        raise MiniXceptionError(f"{name}: the image has no pixels; choose another image")
    try:
        image.load()  # load() turns a TIFF upright and deletes its orientation entry.
        # ImageOps.exif_transpose rewrites the whole EXIF data, and fails if one entry is invalid.
        if transpose := UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1)):
            image = image.transpose(transpose)
        if image.mode in ("I", "F"):
            raise MiniXceptionError(f"{name}: 32-bit pixels are not supported; save the image with 8 or 16 bits")
        if image.mode.startswith("I;16"):
            image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)
        return np.array(image if image.mode == "RGB" else image.convert("RGB"))
    except MiniXceptionError:
        raise
    except Exception as error:  # load() decodes the file, and decoders raise almost any exception.
        raise _damaged(name, error) from error


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


def _damaged(name: str, error: Exception) -> MiniXceptionError:
    return MiniXceptionError(f"{name}: damaged or truncated ({error}); use an intact {SUPPORTED} file")


def _too_large(name: str, width: int | None = None, height: int | None = None) -> MiniXceptionError:
    size = f"{width:,}×{height:,} pixels, " if width and height else ""
    limit = MAX_PIXELS // 1_000_000
    return MiniXceptionError(f"{name}: the image has {size}more than {limit} megapixels; scale it down first")
