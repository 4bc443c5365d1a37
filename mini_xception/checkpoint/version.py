"""The version of the code that writes a checkpoint, for its provenance."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

from mini_xception import __version__


def code_version() -> str:
    """Return the git commit of the code. Without a git checkout, return the version of the package."""
    root = Path(__file__).parents[2]
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    if (root / ".git").exists():
        with suppress(OSError, subprocess.CalledProcessError):
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return f"mini_xception {__version__}"
