"""``accelerate launch -m mini_xception.train …`` is ``mini-xception train …`` on many devices."""

import sys

from mini_xception.cli import main

raise SystemExit(main(["train", *sys.argv[1:]]))
