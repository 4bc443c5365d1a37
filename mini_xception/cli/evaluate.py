"""Measure a checkpoint on one split of FER2013: one forward pass in float32, no averaging."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mini_xception.cli.options import add_checkpoint, add_device
from mini_xception.data import SPLITS, load_fer2013
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.metrics import Metrics, measure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="FER2013, in any form of docs/training.md"
    )
    parser.add_argument("--split", required=True, choices=SPLITS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_checkpoint(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    from mini_xception.recognizer import EmotionRecognizer

    recognizer = EmotionRecognizer.from_pretrained(args.checkpoint, device=args.device, detector=None)
    if recognizer.labels != EMOTIONS:
        raise MiniXceptionError(f"the checkpoint's labels are {', '.join(recognizer.labels)}, not FER2013's")
    faces = load_fer2013(args.data, args.split)
    metrics = measure(recognizer.classify(faces.images), faces.labels, EMOTIONS)
    print(json.dumps(metrics.to_dict()) if args.json else _report(metrics, args.split))
    return 0


def _report(metrics: Metrics, split: str) -> str:
    labels = list(metrics.recall)
    name = f"{split} (the validation set)" if split == "PublicTest" else split
    lines = [
        f"{name}: {metrics.n:,} pictures, one forward pass",
        f"accuracy {metrics.accuracy:.2%}   macro-F1 {metrics.macro_f1:.4f}   ECE {metrics.ece:.4f}",
        "",
        "Confusion matrix: rows are the truth, columns the prediction",
        " " * 9 + "".join(f"{label:>9}" for label in labels) + "   recall",
    ]
    for label, row in zip(labels, metrics.confusion_matrix, strict=True):
        lines.append(f"{label:>9}" + "".join(f"{count:>9}" for count in row) + f"{metrics.recall[label]:>9.1%}")
    return "\n".join(lines)
