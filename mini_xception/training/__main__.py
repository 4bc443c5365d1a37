"""Entry point for ``accelerate launch`` and ``torchrun``. Each process runs ``mini-xception train``."""

import sys

from mini_xception.cli import main

raise SystemExit(main(["train", *sys.argv[1:]]))
