"""The folder of the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Return the folder of mini_xception's cache. It may not exist, and reading and writing it may fail.

    Without HOME and without an entry in the list of users, as in a container with ``--user``, there is no cache. Then
    the folder is one that cannot be created, so nothing is found in it and nothing is written.
    """
    try:
        folder = user_cache_path("mini_xception")
    except RuntimeError:
        return Path(os.devnull)
    return folder if folder.is_absolute() else Path(os.devnull)  # Old versions of platformdirs return "~/.cache".
