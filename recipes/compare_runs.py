"""Draw the curves of several training runs into one picture.

python recipes/compare_runs.py runs/a/log.csv runs/b/log.csv --out curves.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mini_xception.evaluation.plots import plot_curves


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "logs", nargs="+", type=Path, help="log.csv files, called by their folders' names, or others, by their own"
    )
    parser.add_argument("--out", type=Path, required=True, help="the PNG file to write")
    args = parser.parse_args()
    runs = {log.parent.name if log.name == "log.csv" else log.stem: log for log in args.logs}
    if len(runs) < len(args.logs):
        parser.error("two of the logs have the same name")
    plot_curves(runs, args.out)


if __name__ == "__main__":
    main()
