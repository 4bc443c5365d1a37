"""The structure of a JPEG file: its segments, and whether its scans are complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: The first bytes of a JPEG file, and the last ones.
SIGNATURE, END = b"\xff\xd8\xff", b"\xff\xd9"
#: Markers: start of scan, comment, and the first and last application segments.
SOS, COM, APP0, APP14, APP15 = 0xDA, 0xFE, 0xE0, 0xEE, 0xEF
#: Markers that begin a frame. The same range holds three markers of tables.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: The next marker with a segment, or the end of the image. In pixel data, 0xFF is followed by 0 or a restart marker.
_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd9-\xfe])")


class Segment(NamedTuple):
    """One segment: its marker, its contents, and where it begins and ends in the file."""

    marker: int
    body: bytes
    start: int
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments of a JPEG file in their order, up to the end marker or the first segment that is cut off."""
    position = len(SIGNATURE) - 1
    while (found := _MARKER.search(data, position)) and found[0] != END:
        start, position = found.span()
        length = int.from_bytes(data[position : position + 2], "big")
        end = position + length
        if length < 2 or end > len(data):
            return
        yield Segment(found[1][0], data[position + 2 : end], start, end)
        position = end


def has_all_scans(data: bytes) -> bool:
    """Check whether a JPEG file has the scans of all coefficients of all components, in full precision.

    The last scan may be cut off. A file that is cut off between two scans has all its pixels, but without a colour, or
    blurred.
    """
    components: set[int] = set()
    lowest_bit: dict[tuple[int, int], int] = {}  # component and coefficient → lowest bit that was sent
    for marker, body, *_ in segments(data):
        if marker in FRAMES:
            components = set(body[6::3])
        elif marker == SOS and len(body) > 3:
            ids, (first, last, bits) = body[1 : 1 + 2 * body[0] : 2], body[-3:]
            lowest_bit |= {(id, coefficient): bits & 15 for id in ids for coefficient in range(first, last + 1)}
    return all(lowest_bit.get((id, coefficient)) == 0 for id in components for coefficient in range(64))
