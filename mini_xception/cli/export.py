"""Write a checkpoint's network as model.onnx, checked against PyTorch; needs the extra "onnx"."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", type=Path, metavar="DIR", help="a checkpoint folder, into which it is written")
    parser.add_argument(
        "--web",
        type=Path,
        metavar="FOLDER",
        help="write it here instead, with the face detector's networks: the folder models of the browser page",
    )


def run(args: argparse.Namespace) -> int:
    from mini_xception.export import export, export_web
    from mini_xception.network.model import MiniXception

    model = MiniXception.from_pretrained(args.dir, device="cpu")
    if args.web:
        print(f"{export_web(model, args.web)}: the network and the face detector's, as the browser page reads them")
    else:
        path = export(model, args.dir)
        print(f"{path}: the network in ONNX, equal to PyTorch's; its metadata say what its input must be")
    return 0
