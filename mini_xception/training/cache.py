"""The cache of decoded images, in the user's cache folder. Its key covers exactly the files that were read."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.media.atomic import atomic_write
from mini_xception.media.cache import cache_folder

Arrays = dict[str, np.ndarray]


def cached(
    prefix: str, settings: str, files: Iterable[Path], names: tuple[str, ...], make: Callable[[], Arrays]
) -> Arrays:
    """Return the arrays of an earlier call with the same settings and unchanged files, or make them.

    Args:
        prefix: the beginning of the cache file's name.
        settings: everything else that the arrays depend on, as text.
        files: the files that ``make`` reads. Symbolic links are followed, so a changed target is noticed.
        names: names of the arrays.
        make: makes the arrays.
    """
    path = cache_folder() / f"{prefix}-{_digest(settings, files)}.npz"
    damaged = (EOFError, KeyError, OSError, ValueError, zlib.error, zipfile.BadZipFile)
    with contextlib.suppress(*damaged), np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in names}
    made = make()
    # If the cache cannot be written, the next start decodes the data again.
    with contextlib.suppress(MiniXceptionError), atomic_write(path) as temporary:
        np.savez(temporary, **made)  # type: ignore[arg-type]
    return made


def _digest(settings: str, files: Iterable[Path]) -> str:
    """Compute a digest of the settings and of each file's real path, size and times.

    Programs can set a file's modification time, but not the time of its last change of any kind.
    """
    digest = hashlib.sha256(settings.encode(errors="surrogateescape"))
    for file in files:
        try:
            real = file.resolve()
            status = real.stat()
            state = f"{real}|{status.st_size}|{status.st_mtime_ns}|{status.st_ctime_ns}|{status.st_ino}"
        except (OSError, RuntimeError):  # The file is gone, or a link points to itself.
            state = f"{file}|missing"
        digest.update(f"\n{state}".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]
