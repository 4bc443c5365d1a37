"""Make a checkpoint folder (config.json and model.safetensors) of the PyTorch reference's state dict."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a state dict of the PyTorch reference (.pth)")
    parser.add_argument("dir", type=Path, metavar="DIR", help="the checkpoint folder to make")


def run(args: argparse.Namespace) -> int:
    from mini_xception.convert import convert

    convert(args.file, args.dir)
    print(f"{args.dir} is a checkpoint folder now: mini-xception predict --checkpoint {args.dir} PHOTO")
    return 0
