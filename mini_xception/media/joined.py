"""Files that were joined by writing one after the other, which FFmpeg reads only up to the second or third header.

The later headers are left out, so FFmpeg sees one recording whose clock begins anew.
"""

from __future__ import annotations

import io
import logging
import mmap
import os
import re
from bisect import bisect_right
from typing import BinaryIO

logger = logging.getLogger("mini_xception")

#: An FLV file's header, and the size of the tag before its first tag, 0 (Adobe Flash Video File Format, annex E).
FLV_HEADER = re.compile(rb"FLV\x01[\x00-\x05]\x00\x00\x00\x09\x00\x00\x00\x00")
#: A Matroska or WebM file's header, and the beginning of its one segment (RFC 9559). The group is the segment's size.
MATROSKA_HEADER = re.compile(
    rb"\x1a\x45\xdf\xa3.{1,80}?(?:webm|matroska).{0,80}?"
    rb"\x18\x53\x80\x67([\x80-\xff]|[\x40-\x7f].|[\x20-\x3f].{2}|[\x10-\x1f].{3}|[\x08-\x0f].{4}|[\x04-\x07].{5}"
    rb"|[\x02-\x03].{6}|\x01.{7})",
    re.DOTALL,
)
UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
#: The first bytes of WMV files (the ASF specification's header object).
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
#: The boxes with which an MP4 file can begin.
MP4_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"})
#: Most boxes of an MP4 file in which a second recording is looked for.
MAX_BOXES = 100_000


class JoinedFile(io.RawIOBase):
    """A readable file that consists of pieces of another one."""

    def __init__(self, pieces: list[memoryview]) -> None:
        self._pieces = pieces
        self._ends = [sum(map(len, pieces[: number + 1])) for number in range(len(pieces))]
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._ends[-1]}[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of one piece: at most ``size``, or all."""
        number = bisect_right(self._ends, self._position)
        if number == len(self._pieces):
            return b""
        piece = self._pieces[number]
        first = self._position - (self._ends[number] - len(piece))
        data = bytes(piece[first : None if size < 0 else first + size])
        self._position += len(data)
        return data


def open_joined(name: str) -> JoinedFile | None:
    """Open a file that consists of joined FLV, Matroska or WebM files. Joined MP4 and WMV files are reported.

    Returns:
        The file as one recording; None if it does not consist of joined files.

    Raises:
        OSError: the file cannot be read.
    """
    with open(name, "rb") as file:
        beginning = file.read(4)
        if beginning[:3] != b"FLV" and beginning != b"\x1a\x45\xdf\xa3":
            if _has_second_recording(file):
                logger.warning("%s: only the first of several joined recordings is read; convert them first", name)
            return None
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    headers = list(FLV_HEADER.finditer(data)) if beginning[:3] == b"FLV" else _matroska_headers(data)
    if len(headers) < 2:
        return None
    view = memoryview(data)
    first, *later = headers
    pieces = [view[: first.start(1)], memoryview(UNKNOWN_SIZE)] if first.lastindex else [view[: first.end()]]
    for header, following in zip(headers, [*later, None], strict=True):
        pieces.append(view[header.end() : following.start() if following else None])
    return JoinedFile([piece for piece in pieces if len(piece)])


def _matroska_headers(data: mmap.mmap) -> list[re.Match[bytes]]:
    headers = []
    header = MATROSKA_HEADER.match(data)
    while header:
        headers.append(header)
        size = header[1]
        stated = int.from_bytes(size, "big") & (1 << 7 * len(size)) - 1
        unknown = (1 << 7 * len(size)) - 1  # from live streams
        find = MATROSKA_HEADER.search if stated == unknown else MATROSKA_HEADER.match
        header = find(data, header.end() + (0 if stated == unknown else stated))
    return headers


def _has_second_recording(file: BinaryIO) -> bool:
    """Return whether a file contains a second MP4 index or a second ASF header, which no player reads."""
    file.seek(0)
    beginning = file.read(16)
    if beginning == ASF_HEADER:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(ASF_HEADER, 16) > 0
    if beginning[4:8] not in MP4_BOXES:
        return False
    position = indexes = 0
    for _ in range(MAX_BOXES):
        file.seek(position)
        header = file.read(16)
        indexes += header[4:8] == b"moov"
        size = int.from_bytes(header[8:16] if header[:4] == b"\0\0\0\1" else header[:4], "big")
        if indexes == 2 or len(header) < 16 or size < 8:
            break
        position += size
    return indexes == 2
