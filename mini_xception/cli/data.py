"""Options for labelled images, which training and evaluation share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mini_xception.cli.options import Options
from mini_xception.errors import MiniXceptionError
from mini_xception.training.decode import FACES
from mini_xception.training.fer2013 import SPLITS, is_fer2013, load_fer2013
from mini_xception.training.labelled import TEST, TRAIN, VALIDATION, LabelledFaces
from mini_xception.training.load import load_pool
from mini_xception.training.sources.samples import Columns
from mini_xception.training.splits import SPLITS as SPLITS_FILE
from mini_xception.training.splits import read_splits

if TYPE_CHECKING:
    from mini_xception.recognizer import EmotionRecognizer

#: Splits of one's own data. "all" is the whole data set.
OWN_SPLITS = (TRAIN, VALIDATION, TEST, "all")


def add_data(options: Options) -> None:
    """Add ``--data`` and the options that say how to read it."""
    options.add_argument(
        "--data",
        required=True,
        metavar="PATH",
        help="labelled faces: a folder with one folder of images per class, a table (CSV, Parquet or JSON Lines), a "
        "data set on the Hub (user/dataset), or FER2013; see docs/training.md",
    )
    options.add_argument(
        "--faces",
        default=FACES[0],
        choices=FACES,
        help="detect: find the largest face of each photo and cut it out; crop: each image is a face; auto: decide "
        "from the data (default: %(default)s)",
    )
    options.add_argument(
        "--image-column",
        metavar="NAME",
        help="a table's column of paths, bytes or pixels (default: recognised by its name)",
    )
    options.add_argument(
        "--label-column", metavar="NAME", help="a table's column of labels (default: recognised by its name)"
    )


def load_split(args: argparse.Namespace, recognizer: EmotionRecognizer) -> LabelledFaces:
    """Load the faces of ``--split``, with labels as indices into the checkpoint's labels.

    For the data of the checkpoint's own run, the splits are those in the run's ``splits.csv``.

    Raises:
        MiniXceptionError: the data cannot be read, has no such split, or has classes that the checkpoint lacks.
    """
    if args.split in SPLITS:
        if Path(args.data).exists() and not is_fer2013(Path(args.data)):
            raise MiniXceptionError(f"{args.data}: not FER2013, so --split must be {', '.join(OWN_SPLITS)}")
        return load_fer2013(args.data, args.split).with_classes(recognizer.labels)
    from mini_xception.recognizer import EmotionRecognizer

    cropper = EmotionRecognizer(recognizer.classifier).cropper  # The evaluated recogniser has no detector.
    columns, size = Columns(args.image_column, args.label_column), recognizer.classifier.config.image_size
    pool = load_pool(args.data, columns, (), args.faces, size, cropper, quiet=args.quiet)
    splits = [sample.split for sample in pool.samples]
    recorded = Path(args.checkpoint or "").parent / SPLITS_FILE
    if args.split != "all" and args.checkpoint and recorded.is_file():
        by_name = read_splits(recorded)
        matched = [by_name.get(sample.source) for sample in pool.samples]
        members = sum(split == args.split for split in by_name.values())
        if members and matched.count(args.split) == members:
            splits = matched
        elif members and args.split not in splits:
            raise MiniXceptionError(
                f"{args.data}: contains {matched.count(args.split)} of the {members} images of {args.split} in "
                f"{recorded}; use the run's own data, or --split all"
            )
    chosen = [i for i, split in enumerate(splits) if args.split in ("all", split)]
    if not chosen:
        present = ", ".join(sorted({split for split in splits if split}))
        only = f"only {present}" if present else "because it is not divided into splits"
        raise MiniXceptionError(f"{args.data}: has no {args.split} images, {only}; use --split all")
    return pool.select(chosen, args.split).with_classes(recognizer.labels)
