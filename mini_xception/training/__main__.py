"""Module for ``accelerate launch`` and ``torchrun``: runs ``mini-xception train`` in one of several processes."""

import sys

from mini_xception.cli import main

raise SystemExit(main(["train", *sys.argv[1:]]))
