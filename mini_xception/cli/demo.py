"""Serve the web page on http://127.0.0.1:7860."""

from __future__ import annotations

import argparse

from mini_xception.cli.options import add_checkpoint, add_device
from mini_xception.errors import MiniXceptionError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_checkpoint(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    try:
        from mini_xception.demo import launch
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise MiniXceptionError("the page needs Gradio: pip install 'mini_xception[app]'") from error
    launch(checkpoint=args.checkpoint, device=args.device)
    return 0
