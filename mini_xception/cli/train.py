"""Train a checkpoint on FER2013: a named run, any of its settings changed.

Killed at any moment, the same command goes on where it was. With the same options, on several GPUs: accelerate launch
-m mini_xception.training; in several processes on CPUs: torchrun --nproc_per_node N -m -- mini_xception.training.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import os
import shlex
import subprocess
import sys
from pathlib import Path

from mini_xception import __version__
from mini_xception.errors import MiniXceptionError
from mini_xception.evaluation.metrics import fit_temperature, measure
from mini_xception.evaluation.plots import plot_confusion_matrix, plot_curves
from mini_xception.faces import EMOTIONS
from mini_xception.training.augment import AUGMENTATIONS, PRESETS
from mini_xception.training.config import RUNS, TrainConfig
from mini_xception.training.data import load_fer2013, load_teacher, load_votes

#: Settings of a run that have an option of their own; the augmentations have theirs by name.
SETTINGS = {field.name: field for field in dataclasses.fields(TrainConfig) if field.name != "augmentations"}
TYPES = {"int": int, "float": float, "str": str}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="FER2013, in any form of docs/training.md"
    )
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="the run's folder; resumed if it exists")
    parser.add_argument("--preset", default="best", choices=RUNS, help="the named run (default: best)")
    parser.add_argument(
        "--votes", type=Path, metavar="FILE", help="FER+'s fer2013new.csv; without it, the labels alone"
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="FILE",
        help="a teacher's probabilities, written by recipes/teacher.py; without it, no teacher",
    )
    parser.add_argument(
        "--initial",
        metavar="CHECKPOINT",
        help="begin with a checkpoint's weights, from a folder or the Hub, instead of random ones",
    )
    parser.add_argument("--push-to-hub", metavar="USER/REPO", help="publish the best checkpoint when the run ends")
    settings = parser.add_argument_group("settings of the run; its preset's where none is given")
    for name, field in SETTINGS.items():
        settings.add_argument(_option(name), type=TYPES[str(field.type)], metavar=str(field.type).upper())
    strengths = parser.add_argument_group("augmentation; the preset's where none is given, 0 for none")
    strengths.add_argument("--augment", choices=PRESETS, help="a named set of strengths")
    for name, entry in AUGMENTATIONS.items():
        purpose = (entry.kind.__doc__ or "").split("\n")[0]
        strengths.add_argument(_option(name), type=float, metavar="X", help=purpose.replace("%", "%%"))


def run(args: argparse.Namespace) -> int:
    import matplotlib  # noqa: F401  If one of the two is missing, that shows now and not after hours of training.
    from accelerate import PartialState
    from huggingface_hub import get_token

    from mini_xception.checkpoint.push import check_repo_id, push_folder
    from mini_xception.network.model import MiniXception
    from mini_xception.recognizer import EmotionRecognizer
    from mini_xception.training import train

    if args.push_to_hub:
        check_repo_id(args.push_to_hub)
        if get_token() is None:
            raise MiniXceptionError("--push-to-hub needs a token that may write: `hf auth login`")
    config = config_from(args)
    training, public_test = (load_fer2013(args.data, split) for split in ("Training", "PublicTest"))
    votes = load_votes(args.votes, "Training", training.rows) if args.votes else None
    teacher = load_teacher(args.teacher, len(training)) if args.teacher else None
    initial = MiniXception.from_pretrained(args.initial) if args.initial else None
    model = train(config, training, public_test, args.run, votes, teacher, initial)
    classifier = EmotionRecognizer(model, detector=None, engine="torch")
    if not PartialState().is_main_process:
        return 0
    model.temperature *= fit_temperature(classifier.classify(public_test.images), public_test.labels)
    metrics = measure(classifier.classify(public_test.images), public_test.labels, EMOTIONS)
    best = args.run / "best"
    model.metrics = {"dataset": "FER2013", "split": "PublicTest", **metrics.to_dict()}
    del model.metrics["confusion_matrix"]
    model.provenance = {"recipe": _recipe(args), "commit": _code_version()}
    model.save_pretrained(best)
    plot_curves({args.run.name: args.run / "log.csv"}, args.run / "curves.png")
    title = f"PublicTest (validation): {metrics.accuracy:.2%}"
    plot_confusion_matrix(metrics.confusion_matrix, EMOTIONS, title, args.run / "confusion_matrix.png")
    print(f"{best} is the best checkpoint: mini-xception demo --checkpoint {best}")
    if args.push_to_hub:
        try:
            print(push_folder(best, args.push_to_hub))
        except MiniXceptionError as error:
            again = f"mini-xception push {best} {args.push_to_hub}"
            raise MiniXceptionError(f"{error}; the run is complete in {args.run}, to push it: {again}") from error
    return 0


def config_from(args: argparse.Namespace) -> TrainConfig:
    """The preset with the settings that were given on the command line."""
    preset = RUNS[args.preset]
    strengths = PRESETS[args.augment] if args.augment else preset.augmentations
    changed = {name: value for name in AUGMENTATIONS if (value := getattr(args, name)) is not None}
    for name, value in changed.items():
        if not 0 <= value <= AUGMENTATIONS[name].strongest:
            raise MiniXceptionError(f"{_option(name)} {value} lies outside 0–{AUGMENTATIONS[name].strongest}")
    settings = {name: value for name in SETTINGS if (value := getattr(args, name)) is not None}
    for source, weight in (("votes", "vote_weight"), ("teacher", "teacher_weight")):
        if getattr(preset, weight) and not getattr(args, source) and weight not in settings:
            if os.environ.get("RANK", "0") == "0":  # Of several processes the first one speaks.
                print(f"without --{source}, {args.preset} is trained as if {_option(weight)} were 0", file=sys.stderr)
            settings[weight] = 0.0
        if getattr(args, source) and not settings.get(weight, getattr(preset, weight)):
            raise MiniXceptionError(f"--{source} has no effect while {_option(weight)} is 0; give a weight, say 0.5")
    return dataclasses.replace(preset, augmentations={**strengths, **changed}, **settings)


def _recipe(args: argparse.Namespace) -> str:
    """The command that was given, without the folders of the machine that it ran on."""
    given = {name: value for name, value in vars(args).items() if value is not None}
    del given["command"]
    given.pop("push_to_hub", None)
    if "initial" in given and Path(given["initial"]).is_dir():
        given["initial"] = Path(given["initial"])
    words = [(_option(name), str(value.name if isinstance(value, Path) else value)) for name, value in given.items()]
    return shlex.join(["mini-xception", "train", *itertools.chain(*words)])


def _code_version() -> str:
    """The git commit of the package's code, or its version where it is installed without git."""
    root = Path(__file__).parents[2]
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    if (root / ".git").exists():
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return f"mini_xception {__version__}"


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
