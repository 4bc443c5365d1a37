"""Plot the loss and accuracy of several training runs in one image.

    python -m scripts.compare_runs runs/a/log.csv runs/b/log.csv --out curves.png

``mini-xception train`` writes a log.csv for each run. recipes/logs has the logs of this project's runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mini_xception.evaluation.plots import plot_curves


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "logs",
        nargs="+",
        type=Path,
        help="CSV files; the plot names a log.csv after its folder, and any other file after itself",
    )
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    args = parser.parse_args()
    runs = {log.parent.name if log.name == "log.csv" else log.stem: log for log in args.logs}
    if len(runs) < len(args.logs):
        parser.error("two logs have the same name; rename one of them")
    plot_curves(runs, "PublicTest", args.out)


if __name__ == "__main__":
    main()
