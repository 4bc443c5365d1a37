"""Files that take their place when they are whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mini_xception.errors import MiniXceptionError


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new file beside the target: it takes the target's place in the end, or is gone where something went wrong.

    Raises:
        MiniXceptionError: it cannot be written.
    """
    name = None
    try:
        path = target.resolve()  # A link stays one; what it points to is replaced.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        yield Path(name)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException as error:  # GeneratorExit, when the caller cancels, is no Exception.
        if name:
            Path(name).unlink(missing_ok=True)
        # A broken pipe is the standard output's; a file has none.
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise MiniXceptionError(f"{target}: cannot be written ({error.strerror or error})") from error
        raise
