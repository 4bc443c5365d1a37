"""Serve the web page.

Without --checkpoint, the environment variable MINI_XCEPTION_CHECKPOINT names the checkpoint. If it is not set, the
bundled weights are used.
"""

from __future__ import annotations

import argparse
import os

from mini_xception.cli.options import add_recognizer_options, load_recognizer, number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host",
        help="address to listen on; 0.0.0.0 listens on all network interfaces (default: $GRADIO_SERVER_NAME, or "
        "127.0.0.1 if it is not set)",
    )
    parser.add_argument(
        "--port",
        type=number(int, 1),
        help="port to listen on, 1 or more (default: the first free port, starting at $GRADIO_SERVER_PORT, or at 7860 "
        "if it is not set)",
    )
    parser.add_argument(
        "--share", action="store_true", help="also open a public link; its traffic goes through Gradio's servers"
    )
    add_recognizer_options(parser)


def run(args: argparse.Namespace) -> int:
    from mini_xception.demo import launch

    args.checkpoint = args.checkpoint or os.environ.get("MINI_XCEPTION_CHECKPOINT")
    launch(recognizer=load_recognizer(args), host=args.host, port=args.port, share=args.share)
    return 0
