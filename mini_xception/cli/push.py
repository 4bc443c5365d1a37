"""Publish a checkpoint folder on the Hugging Face Hub: weights, config, model card and plots, in one commit."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", type=Path, metavar="DIR", help="a checkpoint folder, as runs/mine/best")
    parser.add_argument("repo", metavar="USER/REPO", help="the repository; made if it does not exist")
    parser.add_argument("--private", action="store_true", default=None, help="make a new repository private")
    parser.add_argument("--branch", metavar="NAME", help="push to this branch (default: main)")
    parser.add_argument("--tag", metavar="NAME", help="give the commit a name, as v1.0")
    parser.add_argument("--create-pr", action="store_true", help="open a pull request instead")


def run(args: argparse.Namespace) -> int:
    from mini_xception.checkpoint.push import push_folder
    from mini_xception.network.model import MiniXception

    if args.dir.is_dir():
        MiniXception.from_pretrained(args.dir, device="cpu")  # What does not load is not published.
    options = {"private": args.private, "branch": args.branch, "tag": args.tag, "create_pr": args.create_pr}
    print(push_folder(args.dir, args.repo, **options))
    return 0
