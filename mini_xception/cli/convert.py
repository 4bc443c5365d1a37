"""Convert a file of the PyTorch reference (.pth) or of the official Keras project (.hdf5, .h5, .keras) to a checkpoint.

To convert a file of the Keras project, install the extra "convert".
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="state dict of the PyTorch reference (.pth, .ckpt, .safetensors), or complete model of the official Keras "
        "project (.hdf5, .h5, .keras)",
    )
    parser.add_argument("dir", type=Path, metavar="DIR", help="checkpoint folder to write")


def run(args: argparse.Namespace) -> int:
    from mini_xception.network.convert import convert_checkpoint

    convert_checkpoint(args.file, args.dir)
    print(f"{args.dir}: converted; try it with: mini-xception predict --checkpoint {args.dir} PHOTO")
    return 0
