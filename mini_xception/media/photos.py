"""Search for the photos in a folder."""

from __future__ import annotations

import os
import stat
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from mini_xception.media import jpeg, metadata
from mini_xception.media.image import ISO_BRANDS, SUFFIXES

#: Folders that file managers, network drives and archives create for their own use. Names that begin with a dot are
#: hidden, too.
SYSTEM_FOLDERS: frozenset[str] = frozenset(
    {"@eadir", "#recycle", "@recycle", "$recycle.bin", "system volume information", "lost+found", "__macosx"}
)
#: Number of bytes at the beginning of a file that show its format.
HEAD = 64
#: Sizes of the second header of a BMP file. The first two bytes alone could be text.
BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})


@dataclass
class FoundPhotos:
    """The photos in a folder, and what was left out.

    Attributes:
        paths: the photos, in alphabetical order.
        others: number of files that are not photos, and of links and pipes that lead to none.
        hidden: number of hidden files and folders, and of system folders.
        unreadable: folders that cannot be read, each with the reason.
    """

    paths: list[Path] = field(default_factory=list)
    others: int = 0
    hidden: int = 0
    unreadable: list[tuple[Path, str]] = field(default_factory=list)


def find_photos(folder: Path) -> FoundPhotos:
    """Search a folder and its subfolders for photos.

    A file is a photo if its name ends in one of SUFFIXES, or if it begins like a JPEG, PNG, WebP, GIF, BMP, AVIF or
    HEIC file. Hidden files and system folders are left out. Links are followed; each folder is searched once.

    Args:
        folder: the folder. It may itself be hidden.
    """
    found = FoundPhotos()
    folders, searched = deque([folder]), set()
    while folders:
        current = folders.popleft()
        identity = os.path.realpath(current)
        if identity in searched:
            continue
        searched.add(identity)
        try:
            entries = list(os.scandir(current))
        except OSError as error:
            found.unreadable.append((current, error.strerror or str(error)))
            continue
        for entry in entries:
            path = current / entry.name
            if entry.name.startswith(".") or entry.name.lower() in SYSTEM_FOLDERS:
                found.hidden += 1
            elif os.path.isdir(path):
                # Links come last, so that a folder that is also found without a link is named without it.
                folders.append(path) if entry.is_symlink() else folders.appendleft(path)
            elif _is_photo(path):
                found.paths.append(path)
            else:
                found.others += 1
    found.paths.sort()
    return found


def _is_photo(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False  # Reading a pipe could take forever.
        if path.suffix.lower() in SUFFIXES:
            return True
        with path.open("rb") as file:
            return _begins_like_a_photo(file.read(HEAD), has_suffix=path.suffix != "")
    except OSError:
        # A link to nowhere, or a file without permission. If it is named like a photo, loading it reports the error.
        return path.suffix.lower() in SUFFIXES


def _begins_like_a_photo(head: bytes, has_suffix: bool) -> bool:
    if head.startswith((jpeg.SIGNATURE, metadata.PNG, b"GIF87a", b"GIF89a")):
        return True
    if head[:4] == b"RIFF":
        return head[8:12] == b"WEBP"
    if head[:2] == b"BM":
        return head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in BMP_HEADERS
    if head[4:8] == b"ftyp":
        return head[8:12] in ISO_BRANDS
    # Raw files of cameras begin like a TIFF, but have other suffixes.
    return head[:4] in metadata.LAYOUTS and not has_suffix
