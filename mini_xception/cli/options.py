"""What several commands share: options, and the check of a folder before the work begins."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mini_xception.errors import MiniXceptionError


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint", metavar="NAME", help="a checkpoint folder or user/repo on the Hub; default: the bundled weights"
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", metavar="D", help="cpu, cuda, mps or auto (default)")


def make_writable(folder: Path) -> None:
    """Make a folder, or say in one line why not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MiniXceptionError(f"{folder}: cannot be made ({error.strerror})") from error
    if not os.access(folder, os.W_OK):
        raise MiniXceptionError(f"{folder}: no right to write here")
