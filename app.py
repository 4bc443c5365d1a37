"""Entry point of the Hugging Face Space; the same as ``mini-xception demo``."""

from mini_xception.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["demo"]))
