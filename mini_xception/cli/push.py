"""Publish a checkpoint folder on the Hugging Face Hub.

Weights, configuration, model card, plots and, if present, model.onnx are published in one commit.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", type=Path, metavar="DIR", help="checkpoint folder, such as runs/mine/best")
    parser.add_argument("repo_id", metavar="USER/REPO", help="Hub repository; it is created if it does not exist")
    parser.add_argument(
        "--private",
        action="store_true",
        default=None,
        help="make a new repository private (default: the account's setting)",
    )
    parser.add_argument(
        "--branch", metavar="NAME", help="branch to push to; it is created if it does not exist (default: main)"
    )
    parser.add_argument("--tag", metavar="NAME", help="tag for the commit, such as v1.0 (default: no tag)")
    parser.add_argument(
        "--create-pr", action="store_true", help="open a pull request instead of changing the branch; not with --tag"
    )


def run(args: argparse.Namespace) -> int:
    from mini_xception.checkpoint.push import push_folder
    from mini_xception.network.model import MiniXception

    if args.dir.is_dir():
        MiniXception.from_pretrained(args.dir, device="cpu")  # Do not publish a checkpoint that cannot be loaded.
    options = {"private": args.private, "branch": args.branch, "tag": args.tag, "create_pr": args.create_pr}
    print(push_folder(args.dir, args.repo_id, **options))
    return 0
