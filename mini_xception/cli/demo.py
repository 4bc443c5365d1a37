"""Serve the web page on http://127.0.0.1:7860.

Where no option can be given, as in a Space, the environment variable MINI_XCEPTION_CHECKPOINT names other weights.
"""

from __future__ import annotations

import argparse
import os

from mini_xception.cli.options import add_checkpoint, add_device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_checkpoint(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    from mini_xception.demo import launch

    launch(checkpoint=args.checkpoint or os.environ.get("MINI_XCEPTION_CHECKPOINT"), device=args.device)
    return 0
