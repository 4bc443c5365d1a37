"""Separation of an image file into pixels and metadata, so that damaged metadata cannot prevent loading the pixels."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from mini_xception.media import jpeg

PNG = b"\x89PNG\r\n\x1a\n"
#: Chunks of a PNG that its first image needs.
PNG_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
#: Chunks of a PNG that may state the orientation, and how many of them are searched.
PNG_METADATA, MOST_CHUNKS = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt"}), 100
#: Chunks of a WebP that are metadata, and the bits of the header that announce them.
WEBP_METADATA, WEBP_METADATA_BITS = frozenset({b"ICCP", b"EXIF", b"XMP "}), 0b0010_1100
#: Entries of a TIFF that its pixels depend on: sizes, compression, colours, strips, tiles, channels and their ranges.
TIFF_PIXELS = frozenset(
    {
        *(256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 280, 281, 284, 292, 293, 317, 320, 322, 323, 324, 325),
        *(332, 338, 339, 347, *range(512, 522), *range(529, 533)),
    }
)
#: Prefix of EXIF data in a JPEG. Some programs also write it into other formats.
EXIF = b"Exif\0\0"
#: Number of the orientation entry in EXIF data, and the types that it may have, with their formats in :mod:`struct`.
ORIENTATION, ORIENTATION_TYPES = 0x0112, {1: "B", 3: "H", 4: "I"}
#: ImageMagick stores EXIF data as hexadecimal text under this key.
RAW_EXIF = b"Raw profile type exif\0"
#: Longest compressed text that is decompressed, in bytes.
LONGEST_TEXT = 1_000_000


class Layout(NamedTuple):
    """How a directory of TIFF or EXIF data is written: formats in :mod:`struct`, and sizes in bytes."""

    order: str
    pointer: str
    counter: str
    entry: int
    position: int


#: First bytes of TIFF or EXIF data → its layout. The last two are for files of more than 4 GB.
LAYOUTS: dict[bytes, Layout] = {
    b"II*\0": Layout("<", "I", "H", entry=12, position=4),
    b"MM\0*": Layout(">", "I", "H", entry=12, position=4),
    b"II+\0": Layout("<", "Q", "Q", entry=20, position=8),
    b"MM\0+": Layout(">", "Q", "Q", entry=20, position=8),
}


class Directory(NamedTuple):
    """A directory of TIFF or EXIF data: its layout, where it starts, and its entries."""

    layout: Layout
    start: int
    entries: list[bytes]


class Parts(NamedTuple):
    """An image file without its metadata, and its orientation.

    Attributes:
        pixels: a file of the same format with the same pixels.
        orientation: the EXIF orientation, from 1 to 8; None if the metadata states none, or cannot be read.
    """

    pixels: bytes
    orientation: int | None = None


def split(data: bytes) -> Parts:
    """Remove the metadata from a JPEG, PNG, WebP or TIFF file. Files of other formats are returned unchanged."""
    if data.startswith(jpeg.SIGNATURE):
        return _split_jpeg(data)
    if data.startswith(PNG):
        return _split_png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _split_webp(data)
    return _split_tiff(data)


def _split_jpeg(data: bytes) -> Parts:
    kept, metadata, rest = [data[:2]], [], 2
    for marker, body, start, end in jpeg.segments(data):
        if marker == jpeg.SOS:
            break
        rest = end
        if not (jpeg.APP0 <= marker <= jpeg.APP15 or marker == jpeg.COM) or _says_colours(marker, body):
            kept.append(data[start:end])
        else:
            metadata.append(body)
    return Parts(b"".join((*kept, data[rest:])), _orientation(metadata))


def _says_colours(marker: int, body: bytes) -> bool:
    """Check whether a segment of a JPEG tells the decoder the colour space. Shorter segments would be damaged."""
    jfif = marker == jpeg.APP0 and body.startswith(b"JFIF\0") and len(body) >= 14
    return jfif or (marker == jpeg.APP14 and body.startswith(b"Adobe") and len(body) >= 12)


def _split_png(data: bytes) -> Parts:
    kept, position = [PNG], len(PNG)
    metadata: list[bytes] = []
    while len(name := data[position + 4 : position + 8]) == 4:
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        if name in PNG_PIXELS:
            # Like libpng, ignore a damaged chunk that is not critical.
            if name != b"tRNS" or zlib.crc32(data[position + 4 : end - 4]).to_bytes(4, "big") == data[end - 4 : end]:
                kept.append(data[position:end])
        elif name in PNG_METADATA and len(metadata) < MOST_CHUNKS:
            metadata.append(_png_metadata(name, data[position + 8 : end - 4]))
        if name == b"IEND":
            break
        position = end
    return Parts(b"".join(kept), _orientation(metadata))


def _png_metadata(name: bytes, body: bytes) -> bytes:
    """Return the EXIF data in a chunk, or else its contents, which may be XMP."""
    if not body.startswith(RAW_EXIF):
        return body
    text = body.removeprefix(RAW_EXIF)
    try:
        if name == b"zTXt":  # The first byte is the compression method, and 0 is the only one.
            text = zlib.decompressobj().decompress(text[1:], LONGEST_TEXT)
        # Three lines precede the data: an empty one, the name, and the length.
        return bytes.fromhex("".join(text.decode("ascii").split("\n")[3:]))
    except (zlib.error, ValueError):
        return b""


def _split_webp(data: bytes) -> Parts:
    kept, metadata, position = [], [], 12
    while len(name := data[position : position + 4]) == 4:
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        end = position + 8 + size + size % 2
        if name in WEBP_METADATA:
            metadata.append(data[position + 8 : position + 8 + size])
        elif name == b"VP8X" and size:
            bits = bytes([data[position + 8] & ~WEBP_METADATA_BITS]) if end <= len(data) else b""
            kept += [data[position : position + 8], bits, data[position + 9 : end]]
        else:
            kept.append(data[position:end])
        position = end
    body = b"WEBP" + b"".join(kept)
    return Parts(b"RIFF" + len(body).to_bytes(4, "little") + body, _orientation(metadata))


def _split_tiff(data: bytes) -> Parts:
    """Remove entries from the first directory of a TIFF file. What they point to is left in the file."""
    directory = _read_directory(data)
    if directory is None:
        return Parts(data)
    order, layout = directory.layout.order, directory.layout
    kept = [entry for entry in directory.entries if struct.unpack_from(order + "H", entry)[0] in TIFF_PIXELS]
    old, new = (
        struct.pack(order + layout.counter, len(entries)) + b"".join(entries) for entries in (directory.entries, kept)
    )
    # The position of the next directory follows the entries.
    end = directory.start + len(old)
    new += data[end : end + struct.calcsize(layout.pointer)]
    rest = data[directory.start + len(new) :]
    return Parts(data[: directory.start] + new + rest, _orientation([data]))


def _read_directory(data: bytes) -> Directory | None:
    """Read the first directory of TIFF or EXIF data; None if it cannot be read. If data is missing, entries are too."""
    layout = LAYOUTS.get(data[:4])
    if layout is None:
        return None
    try:
        (start,) = struct.unpack_from(layout.order + layout.pointer, data, layout.position)
        (count,) = struct.unpack_from(layout.order + layout.counter, data, start)
    except (struct.error, OverflowError):  # The data ends before the directory.
        return None
    first, size = start + struct.calcsize(layout.counter), layout.entry
    count = min(count, (len(data) - first) // size)
    return Directory(layout, start, [data[first + size * i : first + size * (i + 1)] for i in range(count)])


def _orientation(metadata: Sequence[bytes]) -> int | None:
    """Return the orientation in EXIF data, or else in XMP. Metadata that cannot be read is ignored."""
    stated = [*map(_exif_orientation, metadata), *map(_xmp_orientation, metadata)]
    return next((value for value in stated if value in range(1, 9)), None)


def _exif_orientation(data: bytes) -> int | None:
    while data.startswith(EXIF):
        data = data.removeprefix(EXIF)
    directory = _read_directory(data)
    return _stated_orientation(directory) if directory else None


def _stated_orientation(directory: Directory) -> int | None:
    for entry in directory.entries:
        number, kind = struct.unpack_from(directory.layout.order + "HH", entry)
        if number == ORIENTATION and kind in ORIENTATION_TYPES:
            value = len(entry) - struct.calcsize(directory.layout.pointer)
            return int(struct.unpack_from(directory.layout.order + ORIENTATION_TYPES[kind], entry, value)[0])
    return None


def _xmp_orientation(data: bytes) -> int | None:
    found = re.search(rb'tiff:Orientation(?:="|>)([1-8])', data)
    return int(found[1]) if found else None
