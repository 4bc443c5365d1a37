"""Files that take their place when they are whole."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mini_xception.errors import MiniXceptionError


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new file beside the target: it takes the target's place in the end, or is gone where something went wrong.

    Raises:
        MiniXceptionError: it cannot be written.
    """
    beside: Path | None = None
    try:
        path = target.resolve()  # A link stays one; what it points to is replaced.
        beside = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
        beside.touch()
        if path.exists():
            shutil.copymode(path, beside)
        yield beside
        os.replace(beside, path)
    except BaseException as error:  # GeneratorExit, when the caller cancels, is no Exception.
        if beside:
            with suppress(OSError):  # It was not there yet.
                beside.unlink()
        # A broken pipe is the standard output's; a file has none.
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise MiniXceptionError(f"{target}: cannot be written ({error.strerror or error})") from error
        raise
