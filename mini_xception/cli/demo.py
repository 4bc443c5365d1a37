"""Serve the web page on http://127.0.0.1:7860."""

from __future__ import annotations

import argparse

from mini_xception.cli.options import add_checkpoint, add_device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_checkpoint(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    from mini_xception.demo import launch

    launch(checkpoint=args.checkpoint, device=args.device)
    return 0
