"""Atomic writes: a file is replaced when it is complete, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mini_xception.errors import MiniXceptionError


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Yield a temporary file beside the target, which replaces the target on success and is deleted on failure.

    Args:
        target: the file to write; its folder is made if it does not exist.

    Raises:
        MiniXceptionError: the file cannot be written.
    """
    temporary: Path | None = None
    try:
        path = target.resolve()  # A symbolic link stays; the file it points to is replaced.
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own length: the target's name plus anything could be too long. Writers look at the suffix.
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
