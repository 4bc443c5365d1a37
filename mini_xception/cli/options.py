"""Options that several commands share, and checks that run before the work starts."""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mini_xception.errors import MiniXceptionError

if TYPE_CHECKING:
    from mini_xception.recognizer import EmotionRecognizer

# Copies of the API's names and defaults. Importing the originals would import NumPy and OpenCV. A test compares them.
ENGINES = ("auto", "torch", "onnx", "openvino", "openvino-bf16")
NO_DETECTOR = "none"
DETECTORS = ("mtcnn", NO_DETECTOR)
#: Lower limit of --min-face-size, in pixels: the size of MTCNN's window.
SMALLEST_FACE_SIZE = 12
SMOOTHING_S = 0.3

DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
#: A parser, or a group of its options.
Options = argparse._ActionsContainer


def add_checkpoint(options: Options) -> None:
    """Add ``--checkpoint`` and ``--revision``."""
    options.add_argument(
        "--checkpoint",
        metavar="NAME",
        help="checkpoint folder, or Hub repository user/repo (default: bundled weights)",
    )
    options.add_argument(
        "--revision", metavar="REV", help="branch, tag or commit of the Hub repository (default: main)"
    )


def add_device(options: Options) -> None:
    """Add ``--device``."""
    options.add_argument(
        "--device",
        default="auto",
        type=device,
        help="auto, cpu, cuda, cuda:N or mps; auto uses cuda if available, else cpu (default: %(default)s)",
    )


def add_recognizer_options(parser: argparse.ArgumentParser) -> Options:
    """Add the options that :func:`load_recognizer` needs, and return their group."""
    options = parser.add_argument_group("recognition")
    add_checkpoint(options)
    add_device(options)
    options.add_argument(
        "--engine",
        default=ENGINES[0],
        choices=ENGINES,
        metavar="ENGINE",
        help=f"{', '.join(ENGINES[:-1])} or {ENGINES[-1]}; auto uses onnx on a CPU, else torch; "
        "all engines except openvino-bf16 compute in float32 (default: %(default)s)",
    )
    options.add_argument(
        "--detector",
        default=DETECTORS[0],
        choices=DETECTORS,
        metavar="DETECTOR",
        help=f"{', '.join(DETECTORS[:-1])}, or none if each image is already a face crop (default: %(default)s)",
    )
    options.add_argument(
        "--min-face-size",
        type=number(int, SMALLEST_FACE_SIZE),
        metavar="PIXELS",
        help=f"size of the smallest faces to look for, in pixels, {SMALLEST_FACE_SIZE} or more; a larger value is "
        "faster; faces down to half this size may still be found (default: adapts to the image)",
    )
    options.add_argument(
        "--one-pass",
        action="store_true",
        help="detect faces in one pass, without a second look for tilted, small and uncertain faces",
    )
    return options


def add_smoothing(options: Options) -> None:
    """Add ``--smoothing``."""
    options.add_argument(
        "--smoothing",
        default=SMOOTHING_S,
        type=number(float, 0),
        metavar="SECONDS",
        help="time constant for smoothing the probabilities, in seconds, 0 or more; 0 disables smoothing "
        "(default: %(default)s)",
    )


def add_quiet(options: Options) -> None:
    """Add ``--quiet``."""
    options.add_argument(
        "--quiet",
        action="store_true",
        help="hide the progress and the summary; errors and requested results, such as --json, are still printed",
    )


def load_recognizer(args: argparse.Namespace) -> EmotionRecognizer:
    """Load a recogniser with the options of :func:`add_recognizer_options`.

    Raises:
        MiniXceptionError: as :meth:`EmotionRecognizer.from_pretrained`.
    """
    from mini_xception.recognizer import EmotionRecognizer

    return EmotionRecognizer.from_pretrained(
        args.checkpoint,
        revision=args.revision,
        device=args.device,
        engine=args.engine,
        detector=None if args.detector == NO_DETECTOR else args.detector,
        min_face_size=args.min_face_size,
        thorough=not args.one_pass,
    )


def device(text: str) -> str:
    """Check the name of a device. This is an argparse type."""
    if not DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"must be auto, cpu, cuda, cuda:N or mps, not {text!r}")
    return text


def number(kind: type[int] | type[float], minimum: int) -> Callable[[str], float]:
    """Return an argparse type that accepts finite numbers, the minimum or more."""

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not minimum <= value < math.inf:
            name = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"must be {name}, {minimum} or more, not {text!r}")
        return value

    return parse


def make_writable(folder: Path) -> None:
    """Create a folder if it does not exist, and check that files can be written there.

    Raises:
        MiniXceptionError: the folder cannot be created, or is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MiniXceptionError(f"{folder}: folder cannot be created ({error.strerror}); choose another one") from error
    if not os.access(folder, os.W_OK):
        raise MiniXceptionError(f"{folder}: no write permission; choose another folder")
