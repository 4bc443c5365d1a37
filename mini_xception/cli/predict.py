"""Read the expressions of all faces in photos and folders of photos."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from mini_xception.cli import PROGRAM
from mini_xception.cli.options import add_checkpoint, add_device, make_writable
from mini_xception.draw import draw_faces
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.images import SUFFIXES, load_image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a photo, or a folder of photos")
    parser.add_argument("--json", action="store_true", help="print one JSON object per photo")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write one row per face")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write annotated copies, named PHOTO-faces.jpg")
    add_checkpoint(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    photos = list(_photos(args.paths))
    inputs = {photo.resolve() for photo in photos}
    if args.csv:
        _check_target(args.csv, inputs)
    for folder in (args.save, args.csv and args.csv.parent):
        if folder:
            make_writable(folder)
    # Pillow warns of what load_image reads all the same, or refuses in its own words.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)

    from mini_xception.recognizer import EmotionRecognizer

    recognizer = EmotionRecognizer.from_pretrained(args.checkpoint, device=args.device)
    results: list[tuple[Path, list[Face]]] = []
    taken = set(inputs)  # An annotated copy replaces neither a photo nor another copy of this run.
    unreadable = 0
    bar = tqdm(photos, unit="photo", disable=None if any(path.is_dir() for path in args.paths) else True)
    for path in bar:
        try:
            image = load_image(path)
            faces = recognizer(image)
        except MiniXceptionError as error:
            tqdm.write(f"{PROGRAM}: {_one_line(error)}", file=sys.stderr)
            unreadable += 1
            continue
        tqdm.write(_json_line(path, faces) if args.json else _text_line(path, faces), file=sys.stdout)
        if args.csv:
            results.append((path, faces))
        if args.save:
            target = _unused_path(args.save, path.stem, taken)
            taken.add(target.resolve())
            _save_annotated(image, faces, target)
    if args.csv:
        _write_csv(args.csv, results, recognizer.labels)
    return 1 if unreadable else 0


def _photos(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path  # One that does not exist is named when its turn comes.
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        if not found:
            raise MiniXceptionError(f"{path}: no photo in this folder ({', '.join(sorted(SUFFIXES))})")
        yield from found


def _check_target(path: Path, inputs: set[Path]) -> None:
    if path.exists() and not path.is_file():
        raise MiniXceptionError(f"{path}: is no regular file; --csv takes the name of one")
    if path.resolve() in inputs:
        raise MiniXceptionError(f"{path}: is one of the photos; choose another name for --csv")


def _unused_path(folder: Path, stem: str, taken: set[Path]) -> Path:
    number = 1
    while (path := folder / f"{stem}-faces{'' if number == 1 else f'-{number}'}.jpg").resolve() in taken:
        number += 1
    return path


def _save_annotated(image: np.ndarray, faces: list[Face], path: Path) -> None:
    try:
        Image.fromarray(draw_faces(image, faces)).save(path, quality=95)
    except OSError as error:
        raise MiniXceptionError(f"{path}: cannot be written ({error.strerror or error})") from error


def _write_csv(path: Path, results: list[tuple[Path, list[Face]]], labels: Sequence[str]) -> None:
    path = path.resolve()  # A link stays one; what it points to is replaced.
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, newline="", encoding="utf-8", errors="surrogateescape",
                                         delete=False) as file:  # fmt: skip
            _write_rows(csv.writer(file), results, labels)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except OSError as error:
        raise MiniXceptionError(f"{path}: cannot be written ({error.strerror or error})") from error


def _write_rows(writer: Any, results: list[tuple[Path, list[Face]]], labels: Sequence[str]) -> None:
    writer.writerow(["path", "face", "x1", "y1", "x2", "y2", "score", "emotion", "confidence", *labels])
    for photo, faces in results:
        for number, face in enumerate(faces, start=1):
            numbers = (face.score, face.confidence, *face.probabilities.values())
            score, confidence, *probabilities = (f"{value:.6f}" for value in numbers)
            writer.writerow([photo, number, *face.box, score, face.emotion, confidence, *probabilities])


def _json_line(path: Path, faces: list[Face]) -> str:
    return json.dumps({"path": str(path), "faces": [face.to_dict() for face in faces]})


def _text_line(path: Path, faces: list[Face]) -> str:
    found = ", ".join(f"{face.emotion} {face.confidence:.0%} at {face.box}" for face in faces) or "no face found"
    return f"{_one_line(path)}: {found}"


def _one_line(text: object) -> str:
    """A file name may hold line breaks; a line of output may not."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in str(text))
