"""What ``accelerate launch`` and ``torchrun`` start: ``mini-xception train …`` in one of many processes."""

import sys

from mini_xception.cli import main

raise SystemExit(main(["train", *sys.argv[1:]]))
