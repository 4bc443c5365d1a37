"""The Space's entry point: ``mini-xception demo``."""

from mini_xception.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["demo"]))
