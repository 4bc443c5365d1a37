"""Atomic writes: a file is replaced only when its new contents are complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mini_xception.errors import MiniXceptionError


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
        path = target.resolve()  # Replaces the file that a symbolic link points to, not the link.
        path.parent.mkdir(parents=True, exist_ok=True)
        # A random name: the target's name with an addition could be too long. Some writers depend on the suffix.
        temporary = path.with_name(f".{os.urandom(8).hex()}{path.suffix}")
        temporary.touch()
        if path.exists():
            shutil.copymode(path, temporary)
        yield temporary
        os.replace(temporary, path)
    except BaseException as error:  # GeneratorExit, raised when the caller cancels, is not an Exception.
        if temporary:
            with suppress(OSError):  # It may not exist yet.
                temporary.unlink()
        # A broken pipe comes from standard output, never from a file.
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise MiniXceptionError(f"{target}: cannot be written ({error.strerror or error})") from error
        raise
