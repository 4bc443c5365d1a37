"""Train a network on your own labelled faces or on FER2013.

By default, the bundled weights are adapted to your own data. A named run (--preset) supplies the settings; options
change them. --dry-run shows what the data contains, and stops before the training.

To resume a run that was stopped, repeat its command. To use several GPUs, replace "mini-xception train" with
"accelerate launch -m mini_xception.training". To use several processes on CPUs, replace it with
"torchrun --nproc_per_node N -m -- mini_xception.training".
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import itertools
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mini_xception.cli.data import add_data
from mini_xception.cli.options import add_quiet
from mini_xception.errors import MiniXceptionError
from mini_xception.training.augment import AUGMENTATIONS, PRESETS
from mini_xception.training.config import RUNS, SETTINGS, TrainConfig, fine_tuning
from mini_xception.training.decode import FACES
from mini_xception.training.fer2013 import has_training_splits, is_fer2013, load_fer2013
from mini_xception.training.load import VALIDATION_FRACTION, FaceData, load_faces
from mini_xception.training.targets import load_teacher, load_votes

if TYPE_CHECKING:
    from mini_xception.network.model import MiniXception

DEFAULT_RUN, FINE_TUNE = "best", "fine_tune"
#: Presets that continue from the weights of another run.
CONTINUED = ("finish", "real_faces")
#: Option with a source of targets → the setting of its weight.
SOURCES = {"votes": "vote_weight", "teacher": "teacher_weight"}
#: FER2013 with fewer training images is only a part of it, to which trained weights are adapted by default.
COMPLETE = 10_000
#: The value of --initial for random weights.
NO_INITIAL = "none"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument(
        "--group-column",
        metavar="NAME",
        help="a table's column of groups, such as persons; a group is not divided between the training set and the "
        "validation set (default: no groups)",
    )
    parser.add_argument(
        "--validation",
        type=float,
        default=VALIDATION_FRACTION,
        metavar="FRACTION",
        help="part of the training images that becomes the validation set, if the data has none (default: %(default)s)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print what the data contains, draw some of its faces in data.png, and stop",
    )
    parser.add_argument(
        "--run", type=Path, required=True, metavar="DIR", help="folder of the run; an existing run is resumed"
    )
    parser.add_argument(
        "--preset",
        choices=RUNS,
        help="named run: fine_tune adapts trained weights to other data; best is this project's; reference is the "
        "PyTorch reference's; finish continues from the last weights of best, passed with --initial; real_faces "
        "continues from the best of finish, on the data of recipes/real_faces.py (default: best for the complete "
        "FER2013 and for random weights, else fine_tune, whose number of epochs fits the data)",
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
        help="checkpoint to start from: folder, or Hub repository user/repo; none starts from random weights (default: "
        "none for the complete FER2013, else the bundled weights)",
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
    import torch
    from accelerate import PartialState
    from huggingface_hub import get_token

    from mini_xception.checkpoint.push import check_repo_id, push_folder
    from mini_xception.checkpoint.version import code_version
    from mini_xception.network.model import MiniXception
    from mini_xception.training import train
    from mini_xception.training.state import LAST
    from mini_xception.training.summary import SAMPLE_SHEET, describe, save_data

    if args.push_to_hub:
        check_repo_id(args.push_to_hub)
        if get_token() is None:
            raise MiniXceptionError("--push-to-hub: no access token found; run `hf auth login`")
    own = not (is_fer2013(Path(args.data)) and has_training_splits(Path(args.data)))
    if own and (args.votes or args.teacher):
        raise MiniXceptionError("--votes and --teacher belong to FER2013's images; omit them for other data")
    preset, adapts = _choose_run(args, own)
    config = config_from(args, preset)
    if not own and not args.quiet and os.environ.get("RANK", "0") == "0":  # Only the first of several processes prints.
        for source, weight in _missing_sources(args, preset).items():
            print(f"--{source} is not given: training with {_option(weight)} 0", file=sys.stderr)
    initial = MiniXception.from_pretrained(args.initial) if adapts else None
    if initial and args.image_size is None:
        config = dataclasses.replace(config, image_size=initial.image_size)
    processes = PartialState(cpu=not torch.accelerator.is_available())
    with processes.main_process_first():  # The others find the decoded images in the cache.
        data = _load(args, config, initial, args.quiet or not processes.is_main_process)
    if args.dry_run:
        if (args.run / LAST).exists():
            raise MiniXceptionError(f"{args.run}: contains a run already; choose another --run to look at the data")
        if processes.is_main_process:
            print(describe(data))
            save_data(data, args.run)
            print(f"{args.run / SAMPLE_SHEET}: the faces as the network sees them")
        return 0
    if preset == FINE_TUNE:
        fitted = fine_tuning(len(data.training))
        epochs, patience = args.epochs or fitted.epochs, args.patience or fitted.patience
        config = dataclasses.replace(config, epochs=epochs, patience=patience)
    training, validation = data.training, data.validation
    votes = load_votes(args.votes, "Training", training.rows) if args.votes else None
    teacher = load_teacher(args.teacher, len(training)) if args.teacher else None
    if own and processes.is_main_process:
        if not args.quiet:
            print(describe(data), file=sys.stderr)
        if not (args.run / LAST).exists():  # A run that is resumed has these files.
            save_data(data, args.run)
    provenance = {"recipe": _recipe(args), "commit": code_version()}
    train(config, training, validation, args.run, votes, teacher, initial, provenance=provenance, quiet=args.quiet)
    if not processes.is_main_process:
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


def _choose_run(args: argparse.Namespace, own: bool) -> tuple[str, bool]:
    """Return the name of the preset, and whether the run starts from trained weights."""
    if not own and args.initial is None and args.preset in CONTINUED:
        raise MiniXceptionError(f"--preset {args.preset} continues from trained weights; name them with --initial")
    if args.preset:
        adapts = own or args.initial is not None or args.preset == FINE_TUNE
        return args.preset, adapts and args.initial != NO_INITIAL
    from_scratch = args.votes or args.teacher or args.image_size
    small = own or (not from_scratch and len(load_fer2013(args.data, "Training")) < COMPLETE)
    adapts = args.initial != NO_INITIAL and (small or args.initial is not None)
    return FINE_TUNE if adapts and small else DEFAULT_RUN, adapts


def _load(args: argparse.Namespace, config: TrainConfig, initial: MiniXception | None, quiet: bool) -> FaceData:
    cropper = None
    if args.initial and initial:  # The bundled weights' cropper is the default.
        from mini_xception.recognizer import EmotionRecognizer

        cropper = EmotionRecognizer(initial, engine="torch").cropper
    return load_faces(
        args.data,
        faces=args.faces,
        validation=args.validation,
        image_column=args.image_column,
        label_column=args.label_column,
        group_column=args.group_column,
        size=config.image_size,
        seed=config.seed,
        cropper=cropper,
        quiet=quiet,
    )


def config_from(args: argparse.Namespace, default: str = DEFAULT_RUN) -> TrainConfig:
    """Return the preset's settings with the changes from the command line.

    Args:
        args: the options.
        default: name of the preset, if the options name none.

    Raises:
        MiniXceptionError: a value is not allowed, or a file is given that the settings do not use.
    """
    preset = RUNS[args.preset or default]
    strengths = PRESETS[args.augment] if args.augment else preset.augmentations
    changed = {name: value for name in AUGMENTATIONS if (value := getattr(args, name)) is not None}
    settings = {name: value for name in SETTINGS if (value := getattr(args, name)) is not None}
    settings |= dict.fromkeys(_missing_sources(args, args.preset or default).values(), 0.0)
    for source, weight in SOURCES.items():
        if getattr(args, source) and not settings.get(weight, getattr(preset, weight)):
            raise MiniXceptionError(
                f"--{source} has no effect while {_option(weight)} is 0; set {_option(weight)}, for example to 0.5"
            )
    return dataclasses.replace(preset, augmentations={**strengths, **changed}, **settings)


def _missing_sources(args: argparse.Namespace, preset: str) -> dict[str, str]:
    """Return the preset's sources of targets that are not given, with their weights, unless the weight is given."""
    return {
        source: weight
        for source, weight in SOURCES.items()
        if getattr(RUNS[preset], weight) and getattr(args, source) is None and getattr(args, weight) is None
    }


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
    omitted = ("command", "push_to_hub", "quiet", "dry_run")
    defaults = {"faces": FACES[0], "validation": VALIDATION_FRACTION}
    given = {name: value for name, value in vars(args).items() if value not in (None, defaults.get(name))}
    given = {name: value for name, value in given.items() if name not in omitted}
    for name in ("data", "initial"):
        if name in given and Path(given[name]).exists():
            given[name] = Path(given[name]).resolve()
    words = [(_option(name), str(value.name if isinstance(value, Path) else value)) for name, value in given.items()]
    return shlex.join(["mini-xception", "train", *itertools.chain(*words)])


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
