"""Export a checkpoint's network to ONNX, and check it against PyTorch. This needs the packages torch and onnx."""

from __future__ import annotations

import argparse
from pathlib import Path

from mini_xception.errors import MiniXceptionError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", type=Path, metavar="DIR", help="checkpoint folder; model.onnx is written into it")
    parser.add_argument(
        "--web",
        type=Path,
        metavar="FOLDER",
        help="write model.onnx and the face detector's networks to this folder instead, "
        "for the page that runs in the browser",
    )


def run(args: argparse.Namespace) -> int:
    from mini_xception.export import export, export_web
    from mini_xception.network.model import MiniXception

    if not args.dir.exists():  # from_pretrained would look for it on the Hub.
        raise MiniXceptionError(f"{args.dir}: folder not found; give the path of a checkpoint folder")
    model = MiniXception.from_pretrained(args.dir, device="cpu")
    if args.web:
        print(f"{export_web(model, args.web)}: exported the network and the face detector for the browser page")
    else:
        print(f"{export(model, args.dir)}: exported and checked against PyTorch; its metadata describe the input")
    return 0
