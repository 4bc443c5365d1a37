"""Train a network on FER2013. A named run (--preset) supplies the settings; options change them.

To resume a run that was stopped, repeat its command. To use several GPUs, replace "mini-xception train" with
"accelerate launch -m mini_xception.training". To use several processes on CPUs, replace it with
"torchrun --nproc_per_node N -m -- mini_xception.training".
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import inspect
import itertools
import os
import shlex
import subprocess
import sys
from pathlib import Path

from mini_xception import __version__
from mini_xception.cli.options import add_quiet
from mini_xception.errors import MiniXceptionError
from mini_xception.training.augment import AUGMENTATIONS, PRESETS
from mini_xception.training.config import RUNS, SETTINGS, TrainConfig
from mini_xception.training.data import FORMS, load_fer2013, load_teacher, load_votes

DEFAULT_RUN = "best"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="PATH",
        help=f"FER2013: {FORMS}; see docs/training.md",
    )
    parser.add_argument(
        "--run", type=Path, required=True, metavar="DIR", help="folder of the run; an existing run is resumed"
    )
    parser.add_argument(
        "--preset",
        default=DEFAULT_RUN,
        choices=RUNS,
        help="named run: best is this project's; reference is the PyTorch reference's; finish continues from the last "
        "weights of best, passed with --initial (default: %(default)s)",
    )
    parser.add_argument(
        "--votes",
        type=Path,
        metavar="FILE",
        help="FER+'s fer2013new.csv; --vote-weight sets the votes' share of the targets (default: no votes, weight 0)",
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="FILE",
        help="a teacher's probabilities, written by recipes/teacher.py; --teacher-weight sets their share of the "
        "targets (default: no teacher, weight 0)",
    )
    parser.add_argument(
        "--initial",
        metavar="NAME",
        help="checkpoint to start from: folder, or Hub repository user/repo (default: random weights)",
    )
    parser.add_argument(
        "--push-to-hub", metavar="USER/REPO", help="publish the best checkpoint on the Hub when the run ends"
    )
    add_quiet(parser)
    _add_settings(parser)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Add an option for every setting and every augmentation."""
    settings = parser.add_argument_group(
        "settings of the run",
        "The defaults are the settings of --preset best. If another preset has a different value, it is also listed.",
    )
    for name, (kind, setting) in SETTINGS.items():
        text = setting.help if setting.choices else f"{setting.help}; {setting.allowed}"
        text = f"{text} ({_defaults(name)})"
        if setting.choices:
            settings.add_argument(_option(name), choices=setting.choices, help=text)
        else:
            settings.add_argument(_option(name), type=kind, metavar=kind.__name__.upper(), help=text)
    strengths = parser.add_argument_group("augmentation", "Strengths of the augmentations. 0 disables an augmentation.")
    strengths.add_argument(
        "--augment", choices=PRESETS, help="named set of strengths; see docs/training.md (default: the preset's)"
    )
    for name, entry in AUGMENTATIONS.items():
        (unit,) = inspect.signature(entry.kind).parameters
        purpose = (entry.kind.__doc__ or "").split("\n")[0].partition(": ")[2].rstrip(".")
        text = f"{purpose}; 0 to {entry.strongest:g} ({_defaults(name)})"
        strengths.add_argument(_option(name), type=float, metavar=unit.upper(), help=text)


def run(args: argparse.Namespace) -> int:
    import matplotlib  # noqa: F401  If one of the two is missing, report it now and not after hours of training.
    from accelerate import PartialState
    from huggingface_hub import get_token

    from mini_xception.checkpoint.push import check_repo_id, push_folder
    from mini_xception.network.model import MiniXception
    from mini_xception.training import train

    if args.push_to_hub:
        check_repo_id(args.push_to_hub)
        if get_token() is None:
            raise MiniXceptionError("--push-to-hub: no access token found; run `hf auth login`")
    config = config_from(args)
    training, validation = (load_fer2013(args.data, split) for split in ("Training", "PublicTest"))
    votes = load_votes(args.votes, "Training", training.rows) if args.votes else None
    teacher = load_teacher(args.teacher, len(training)) if args.teacher else None
    initial = MiniXception.from_pretrained(args.initial) if args.initial else None
    provenance = {"recipe": _recipe(args), "commit": _code_version()}
    train(config, training, validation, args.run, votes, teacher, initial, provenance=provenance, quiet=args.quiet)
    if not PartialState().is_main_process:
        return 0
    best = args.run / "best"
    if not args.quiet:
        print(f"{best}: the best checkpoint; try it with: mini-xception demo --checkpoint {best}")
    if args.push_to_hub:
        try:
            print(push_folder(best, args.push_to_hub))
        except MiniXceptionError as error:
            again = f"mini-xception push {best} {args.push_to_hub}"
            raise MiniXceptionError(
                f"{error}; the run in {args.run} is complete; to publish it, run: {again}"
            ) from error
    return 0


def config_from(args: argparse.Namespace) -> TrainConfig:
    """Return the preset's settings with the changes from the command line.

    Raises:
        MiniXceptionError: a value is not allowed, or a file is given that the settings do not use.
    """
    preset = RUNS[args.preset]
    strengths = PRESETS[args.augment] if args.augment else preset.augmentations
    changed = {name: value for name in AUGMENTATIONS if (value := getattr(args, name)) is not None}
    settings = {name: value for name in SETTINGS if (value := getattr(args, name)) is not None}
    for source, weight in (("votes", "vote_weight"), ("teacher", "teacher_weight")):
        if getattr(preset, weight) and not getattr(args, source) and weight not in settings:
            if os.environ.get("RANK", "0") == "0":  # Only the first of several processes prints.
                print(f"--{source} is not given: training with {_option(weight)} 0", file=sys.stderr)
            settings[weight] = 0.0
        if getattr(args, source) and not settings.get(weight, getattr(preset, weight)):
            raise MiniXceptionError(
                f"--{source} has no effect while {_option(weight)} is 0; set {_option(weight)}, for example to 0.5"
            )
    return dataclasses.replace(preset, augmentations={**strengths, **changed}, **settings)


def _defaults(name: str) -> str:
    """Return a help text with the values of a setting or of an augmentation in the named runs."""
    values = {}
    for preset, config in RUNS.items():
        value = config.augmentations.get(name, 0) if name in AUGMENTATIONS else getattr(config, name)
        values[preset] = value if isinstance(value, str) else f"{value:g}"
    default = values[DEFAULT_RUN]
    others = ", ".join(f"{preset}: {value}" for preset, value in values.items() if value != default)
    return f"default: {default}; {others}" if others else f"default: {default}"


def _recipe(args: argparse.Namespace) -> str:
    """Return the training command, with names instead of paths, and without options that do not affect the weights."""
    omitted = ("command", "push_to_hub", "quiet")
    given = {name: value for name, value in vars(args).items() if value is not None and name not in omitted}
    if "initial" in given and Path(given["initial"]).is_dir():
        given["initial"] = Path(given["initial"])
    words = [(_option(name), str(value.name if isinstance(value, Path) else value)) for name, value in given.items()]
    return shlex.join(["mini-xception", "train", *itertools.chain(*words)])


def _code_version() -> str:
    """Return the git commit of the code. Without a git checkout, return the version of the package."""
    root = Path(__file__).parents[2]
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    if (root / ".git").exists():
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return f"mini_xception {__version__}"


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
