"""Convert a .pth file of the PyTorch reference, or a .hdf5 file of the official Keras project, to a checkpoint.

To convert a .hdf5 file, install the extra "convert".
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="state dict of the PyTorch reference (.pth), or complete model of the official Keras project (.hdf5)",
    )
    parser.add_argument("dir", type=Path, metavar="DIR", help="checkpoint folder to write")


def run(args: argparse.Namespace) -> int:
    from mini_xception.network.convert import convert_checkpoint

    convert_checkpoint(args.file, args.dir)
    print(f"{args.dir}: converted; try it with: mini-xception predict --checkpoint {args.dir} PHOTO")
    return 0
