"""Make a checkpoint folder of a state dict of the PyTorch reference or of the official Keras project's .hdf5."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a .pth of the PyTorch reference or a .hdf5 of the Keras project"
    )
    parser.add_argument("dir", type=Path, metavar="DIR", help="the checkpoint folder to make")


def run(args: argparse.Namespace) -> int:
    from mini_xception.network.convert import convert

    convert(args.file, args.dir)
    print(f"{args.dir} is a checkpoint folder now: mini-xception predict --checkpoint {args.dir} PHOTO")
    return 0
