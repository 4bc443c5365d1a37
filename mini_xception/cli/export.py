"""Write a checkpoint's network into its folder as model.onnx, checked against PyTorch; needs the extra "onnx"."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", type=Path, metavar="DIR", help="a checkpoint folder")


def run(args: argparse.Namespace) -> int:
    from mini_xception.export import export
    from mini_xception.model import MiniXception

    path = export(MiniXception.from_pretrained(args.dir, device="cpu"), args.dir)
    print(f"{path}: the network in ONNX, equal to PyTorch's; its metadata say what its input must be")
    return 0
