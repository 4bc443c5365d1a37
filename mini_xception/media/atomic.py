"""Atomic writes: a file is replaced, and a new folder appears, only when the contents are complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mini_xception.errors import MiniXceptionError

#: Longest suffix of a file name that may name a format, in characters.
LONGEST_SUFFIX = 16


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Yield a temporary file next to the target. It replaces the target on success and is deleted on failure.

    Args:
        target: the file to write; its folder is created if it does not exist.

    Raises:
        MiniXceptionError: the file cannot be written.
    """
    temporary: Path | None = None
    try:
        # If the target is a symbolic link, replace the file that it points to. resolve() fails if it points to itself.
        path = Path(os.path.realpath(target))
        path.parent.mkdir(parents=True, exist_ok=True)
        # The name is random, because the target's name with an addition could be too long.
        # The suffix is kept, because some writers choose the file format by it. A long one is no format.
        suffix = path.suffix if len(path.suffix) <= LONGEST_SUFFIX else ""
        temporary = path.with_name(f".{os.urandom(8).hex()}{suffix}")
        temporary.touch()
        if path.exists():
            shutil.copymode(path, temporary)
        yield temporary
        os.replace(temporary, path)
    except BaseException as error:  # GeneratorExit, raised when the caller cancels, is not an Exception.
        if temporary:
            with suppress(OSError):  # The temporary file may not exist.
                temporary.unlink()
        # A broken pipe comes from standard output, never from a file.
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise MiniXceptionError(f"{target}: cannot be written ({error.strerror or error})") from error
        raise


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder next to the target. It becomes the target on success and is deleted on failure.

    Args:
        target: the folder to create, which must not exist; its parent is created if it does not exist.

    Raises:
        MiniXceptionError: the folder cannot be written.
    """
    temporary: Path | None = None
    try:
        path = Path(os.path.realpath(target))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{os.urandom(8).hex()}")
        temporary.mkdir()
        yield temporary
        os.rename(temporary, path)
    except BaseException as error:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise MiniXceptionError(f"{target}: cannot be written ({error.strerror or error})") from error
        raise
