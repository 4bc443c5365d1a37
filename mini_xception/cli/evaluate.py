"""Evaluate a checkpoint on one split of a data set, in float32, with one forward pass per image.

With --report, the command also writes a report: report.html for a browser, and report.json with the same figures.
"""

from __future__ import annotations

import argparse
import json
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from mini_xception.cli.data import OWN_SPLITS, add_data, load_split
from mini_xception.cli.options import add_checkpoint, add_device, add_quiet, make_writable
from mini_xception.evaluation.metrics import Metrics, measure
from mini_xception.training.fer2013 import SPLITS

if TYPE_CHECKING:
    from mini_xception.recognizer import EmotionRecognizer

#: Images per update of the progress bar.
CHUNK = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument(
        "--split",
        required=True,
        choices=(*OWN_SPLITS, *SPLITS),
        metavar="SPLIT",
        help="train, validation, test or all; for FER2013: Training, PublicTest (the validation set) or PrivateTest "
        "(the test set)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.add_argument(
        "--tta",
        action="store_true",
        help="also report scores with test-time augmentation: the probabilities are averaged over each image and its "
        "horizontally flipped copy",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write report.html and report.json to this folder: scores with intervals, confusion matrix, calibration, "
        "and the images that were classified wrongly with the highest probabilities",
    )
    add_quiet(parser)
    add_checkpoint(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    import torch

    from mini_xception.recognizer import EmotionRecognizer

    torch.backends.cudnn.allow_tf32 = False  # TF32 would round float32 values on GPUs.
    if args.report:
        make_writable(args.report)
    # Other engines could compute in bfloat16.
    recognizer = EmotionRecognizer.from_pretrained(
        args.checkpoint, revision=args.revision, device=args.device, engine="torch", detector=None
    )
    faces = load_split(args, recognizer)
    probabilities = _classify(recognizer, faces.images, args.quiet)
    metrics = measure(probabilities, faces.labels, recognizer.labels)
    averaged = None
    if args.tta:
        flipped = _classify(recognizer, faces.images[:, :, ::-1], args.quiet)
        averaged = measure((probabilities + flipped) / 2, faces.labels, recognizer.labels)

    if args.json:
        added = {"tta": averaged.to_dict()} if averaged else {}
        print(json.dumps({**metrics.to_dict(), **added}))
    else:
        print(_report(metrics, averaged, _name(args.split)))
    if args.report:
        from mini_xception.evaluation.report import write_report

        write_report(
            args.report,
            probabilities,
            faces.labels,
            recognizer.labels,
            faces.images,
            title=f"{args.checkpoint or 'bundled weights'} on {_name(args.split)}",
            names=faces.sources or [f"row {row + 1}" for row in faces.rows],
            data={"data": Path(args.data).name, "split": args.split},
        )
        if not args.json and not args.quiet:
            print(f"\n{args.report / 'report.html'}: the report; open it in a browser")
    return 0


def _classify(recognizer: EmotionRecognizer, images: np.ndarray, quiet: bool) -> np.ndarray:
    """Classify images, uint8, (N, H, W), and show a progress bar."""
    starts = range(0, len(images), CHUNK)
    hidden = True if quiet else None  # None shows the bar on terminals only.
    bar = tqdm(starts, unit=f" × {CHUNK} images", leave=False, disable=hidden)
    return np.concatenate([recognizer.classify(images[start : start + CHUNK]) for start in bar])


def _name(split: str) -> str:
    return f"{split} (the validation set)" if split == "PublicTest" else split


def _report(metrics: Metrics, averaged: Metrics | None, name: str) -> str:
    lines = [f"{name}: {metrics.n:,} images, one forward pass per image", _summary(metrics)]
    if averaged:
        lines += ["with test-time augmentation, the average over each image and its flipped copy:", _summary(averaged)]
    lines += ["", "recall  precision     F1  images"]
    for label, count in metrics.support.items():
        recall, precision, f1 = (_percent(scores[label]) for scores in (metrics.recall, metrics.precision, metrics.f1))
        lines.append(f"{recall:>6}  {precision:>9}  {f1:>5}  {count:>6}  {label}")
    if absent := [label for label, count in metrics.support.items() if count == 0]:
        lines.append(f"without images, and left out of the averages: {', '.join(absent)}")
    width = 1 + max(8, *map(_width, metrics.support))
    rows = zip(metrics.support, metrics.confusion_matrix.tolist(), strict=True)
    lines += [
        "",
        "Confusion matrix: rows are true labels, columns are predictions",
        " " * width + "".join(_right(label, width) for label in metrics.support),
        *(_right(label, width) + "".join(f"{count:>{width}}" for count in row) for label, row in rows),
    ]
    return "\n".join(lines)


def _summary(metrics: Metrics) -> str:
    return (
        f"accuracy {metrics.accuracy:.2%}   balanced {metrics.balanced_accuracy:.2%}   "
        f"macro-F1 {metrics.macro_f1:.4f}   ECE {metrics.ece:.4f}"
    )


def _percent(score: float | None) -> str:
    return "–" if score is None else f"{score:.1%}"


def _width(text: str) -> int:
    """Return the width of a text on a terminal. A Chinese character takes two columns."""
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


def _right(text: str, width: int) -> str:
    """Pad a text on the left."""
    return " " * (width - _width(text)) + text
