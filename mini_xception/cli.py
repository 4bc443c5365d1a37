"""The command line: it parses, calls and writes; the heavy imports wait until a command needs them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mini_xception import __version__
from mini_xception.errors import MiniXceptionError

if TYPE_CHECKING:
    import numpy as np

    from mini_xception.faces import Face
    from mini_xception.metrics import Metrics

PROGRAM = "mini-xception"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; a failure is one line on stderr and a non-zero status."""
    args = parser().parse_args(argv)
    try:
        return args.command(args)
    except MiniXceptionError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # The reader, `head` say, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog=PROGRAM, description="Read facial expressions in photos with mini_Xception.")
    root.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)

    predict_ = commands.add_parser("predict", help="read the expressions in photos", description=predict.__doc__)
    predict_.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a photo, or a folder of photos")
    predict_.add_argument("--json", action="store_true", help="print one JSON object per photo")
    predict_.add_argument("--csv", type=Path, metavar="FILE", help="write one row per face")
    predict_.add_argument("--save", type=Path, metavar="DIR", help="write annotated copies, named PHOTO-faces.jpg")
    _add_checkpoint(predict_)
    _add_device(predict_)
    predict_.set_defaults(command=predict)

    evaluate_ = commands.add_parser("evaluate", help="measure a checkpoint on FER2013", description=evaluate.__doc__)
    evaluate_.add_argument("--data", type=Path, required=True, metavar="FILE", help="fer2013.csv or fer2013.csv.gz")
    evaluate_.add_argument("--split", required=True, choices=("Training", "PublicTest", "PrivateTest"))
    evaluate_.add_argument("--json", action="store_true", help="print one JSON object")
    _add_checkpoint(evaluate_)
    _add_device(evaluate_)
    evaluate_.set_defaults(command=evaluate)

    convert_ = commands.add_parser("convert", help="make a checkpoint folder of a .pth", description=convert.__doc__)
    convert_.add_argument("file", type=Path, metavar="FILE", help="a state dict of the PyTorch reference (.pth)")
    convert_.add_argument("dir", type=Path, metavar="DIR", help="the checkpoint folder to make")
    convert_.set_defaults(command=convert)

    demo_ = commands.add_parser("demo", help="serve the web page", description=demo.__doc__)
    _add_checkpoint(demo_)
    _add_device(demo_)
    demo_.set_defaults(command=demo)
    return root


def _add_checkpoint(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--checkpoint", metavar="NAME", help="a checkpoint folder or user/repo on the Hub; default: the bundled weights"
    )


def _add_device(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", default="auto", metavar="D", help="cpu, cuda, mps or auto (default)")


def predict(args: argparse.Namespace) -> int:
    """Read the expressions of all faces in photos and folders of photos."""
    photos = list(_photos(args.paths))
    for folder in (args.save, args.csv and args.csv.parent):
        if folder:
            _make_writable(folder)

    from tqdm import tqdm

    from mini_xception.images import load_image
    from mini_xception.recognizer import EmotionRecognizer

    recognizer = EmotionRecognizer.from_pretrained(args.checkpoint, device=args.device)
    results: list[tuple[Path, list[Face]]] = []
    saved: set[str] = set()
    unreadable = 0
    bar = tqdm(photos, unit="photo", disable=None if any(path.is_dir() for path in args.paths) else True)
    for path in bar:
        try:
            image = load_image(path)
        except MiniXceptionError as error:
            tqdm.write(f"{PROGRAM}: {error}", file=sys.stderr)
            unreadable += 1
            continue
        faces = recognizer(image)
        tqdm.write(_json_line(path, faces) if args.json else _text_line(path, faces), file=sys.stdout)
        if args.csv:
            results.append((path, faces))
        if args.save:
            _save_annotated(image, faces, args.save / _unused_name(path.stem, saved))
    if args.csv:
        _write_csv(args.csv, results, recognizer.labels)
    return 1 if unreadable else 0


def evaluate(args: argparse.Namespace) -> int:
    """Measure a checkpoint on one split of FER2013: one forward pass in float32, no averaging."""
    from mini_xception.data import load_fer2013
    from mini_xception.faces import EMOTIONS
    from mini_xception.metrics import measure
    from mini_xception.recognizer import EmotionRecognizer

    recognizer = EmotionRecognizer.from_pretrained(args.checkpoint, device=args.device, detector=None)
    if recognizer.labels != EMOTIONS:
        raise MiniXceptionError(f"the checkpoint's labels are {', '.join(recognizer.labels)}, not FER2013's")
    faces = load_fer2013(args.data, args.split)
    metrics = measure(recognizer.classify(faces.images), faces.labels, EMOTIONS)
    print(json.dumps(metrics.to_dict()) if args.json else _report(metrics, args.split))
    return 0


def convert(args: argparse.Namespace) -> int:
    """Make a checkpoint folder (config.json and model.safetensors) of the PyTorch reference's state dict."""
    from mini_xception.convert import convert

    convert(args.file, args.dir)
    print(f"{args.dir} is a checkpoint folder now: mini-xception predict --checkpoint {args.dir} PHOTO")
    return 0


def demo(args: argparse.Namespace) -> int:
    """Serve the web page on http://127.0.0.1:7860."""
    try:
        from mini_xception.demo import launch
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise MiniXceptionError("the page needs Gradio: pip install 'mini_xception[app]'") from error
    launch(checkpoint=args.checkpoint, device=args.device)
    return 0


def _photos(paths: Sequence[Path]) -> Iterator[Path]:
    from mini_xception.images import SUFFIXES

    for path in paths:
        if not path.is_dir():
            yield path  # One that does not exist is named when its turn comes.
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        if not found:
            raise MiniXceptionError(f"{path}: no photo in this folder ({', '.join(sorted(SUFFIXES))})")
        yield from found


def _make_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MiniXceptionError(f"{folder}: cannot be made ({error.strerror})") from error
    if not os.access(folder, os.W_OK):
        raise MiniXceptionError(f"{folder}: no right to write here")


def _unused_name(stem: str, used: set[str]) -> str:
    number = 1
    while (name := f"{stem}-faces{'' if number == 1 else f'-{number}'}.jpg") in used:
        number += 1
    used.add(name)
    return name


def _save_annotated(image: np.ndarray, faces: list[Face], path: Path) -> None:
    from PIL import Image

    from mini_xception.draw import draw_faces

    Image.fromarray(draw_faces(image, faces)).save(path, quality=95)


def _write_csv(path: Path, results: list[tuple[Path, list[Face]]], labels: Sequence[str]) -> None:
    import csv

    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "face", "x1", "y1", "x2", "y2", "score", "emotion", "confidence", *labels])
        for photo, faces in results:
            for number, face in enumerate(faces, start=1):
                numbers = (face.score, face.confidence, *face.probabilities.values())
                score, confidence, *probabilities = (f"{value:.6f}" for value in numbers)
                writer.writerow([photo, number, *face.box, score, face.emotion, confidence, *probabilities])
    os.replace(temporary, path)


def _json_line(path: Path, faces: list[Face]) -> str:
    return json.dumps({"path": str(path), "faces": [face.to_dict() for face in faces]}, ensure_ascii=False)


def _text_line(path: Path, faces: list[Face]) -> str:
    if not faces:
        return f"{path}: no face found"
    return f"{path}: " + ", ".join(f"{face.emotion} {face.confidence:.0%} at {face.box}" for face in faces)


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
