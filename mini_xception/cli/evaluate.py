"""Measure a checkpoint on one split of FER2013: one forward pass in float32, no averaging."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mini_xception.cli.options import add_checkpoint, add_device, make_writable
from mini_xception.errors import MiniXceptionError
from mini_xception.evaluation.metrics import Metrics, measure, reliability
from mini_xception.faces import EMOTIONS
from mini_xception.training.data import SPLITS, load_fer2013


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="FER2013, in any form of docs/training.md"
    )
    parser.add_argument("--split", required=True, choices=SPLITS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--tta", action="store_true", help="also average with the mirror image, reported beside")
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="draw the confusion matrix and the reliability diagram"
    )
    add_checkpoint(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    import torch

    from mini_xception.recognizer import EmotionRecognizer

    torch.backends.cudnn.allow_tf32 = False  # float32 means float32 on a GPU, too.
    if args.plots:
        make_writable(args.plots)
    # Other engines may round to bfloat16.
    recognizer = EmotionRecognizer.from_pretrained(args.checkpoint, device=args.device, engine="torch", detector=None)
    if recognizer.labels != EMOTIONS:
        raise MiniXceptionError(f"the checkpoint's labels are {', '.join(recognizer.labels)}, not FER2013's")
    faces = load_fer2013(args.data, args.split)
    probabilities = recognizer.classify(faces.images)
    metrics = measure(probabilities, faces.labels, EMOTIONS)
    averaged = None
    if args.tta:
        mirrored = recognizer.classify(faces.images[:, :, ::-1])
        averaged = measure((probabilities + mirrored) / 2, faces.labels, EMOTIONS)

    if args.json:
        beside = {"tta": averaged.to_dict()} if averaged else {}
        print(json.dumps({**metrics.to_dict(), **beside}))
    else:
        print(_report(metrics, averaged, _name(args.split)))
    if args.plots:
        from mini_xception.evaluation.plots import plot_confusion_matrix, plot_reliability

        title = f"{_name(args.split)}: accuracy {metrics.accuracy:.2%}"
        plot_confusion_matrix(metrics.confusion_matrix, EMOTIONS, title, args.plots / "confusion_matrix.png")
        plot_reliability(reliability(probabilities, faces.labels), _name(args.split), args.plots / "reliability.png")
    return 0


def _name(split: str) -> str:
    return f"{split} (the validation set)" if split == "PublicTest" else split


def _report(metrics: Metrics, averaged: Metrics | None, name: str) -> str:
    labels = list(metrics.recall)
    lines = [f"{name}: {metrics.n:,} pictures, one forward pass", _summary(metrics)]
    if averaged:
        lines += ["averaged with the mirror image, two passes:", _summary(averaged)]
    lines += [
        "",
        "Confusion matrix: rows are the truth, columns the prediction",
        " " * 9 + "".join(f"{label:>9}" for label in labels) + "   recall  precision",
    ]
    for label, row in zip(labels, metrics.confusion_matrix, strict=True):
        counts = "".join(f"{count:>9}" for count in row)
        lines.append(f"{label:>9}{counts}{metrics.recall[label]:>9.1%}{metrics.precision[label]:>11.1%}")
    return "\n".join(lines)


def _summary(metrics: Metrics) -> str:
    return (
        f"accuracy {metrics.accuracy:.2%}   balanced {metrics.balanced_accuracy:.2%}   "
        f"macro-F1 {metrics.macro_f1:.4f}   ECE {metrics.ece:.4f}"
    )
