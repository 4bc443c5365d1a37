"""Serve the web page.

If --checkpoint is not given, the environment variable MINI_XCEPTION_CHECKPOINT names the checkpoint.
"""

from __future__ import annotations

import argparse
import os

from mini_xception.cli.options import add_recognizer_options, load_recognizer, number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host",
        help="address to listen on; 0.0.0.0 is all network interfaces (default: $GRADIO_SERVER_NAME, else 127.0.0.1)",
    )
    parser.add_argument(
        "--port",
        type=number(int, 1),
        help="port to listen on, 1 or more (default: the first free port, from $GRADIO_SERVER_PORT or 7860)",
    )
    parser.add_argument(
        "--share", action="store_true", help="also open a public link, which leads through Gradio's servers"
    )
    add_recognizer_options(parser)


def run(args: argparse.Namespace) -> int:
    from mini_xception.demo import launch

    args.checkpoint = args.checkpoint or os.environ.get("MINI_XCEPTION_CHECKPOINT")
    launch(recognizer=load_recognizer(args), host=args.host, port=args.port, share=args.share)
    return 0
