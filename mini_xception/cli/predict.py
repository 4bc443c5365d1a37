"""Read the expressions of all faces in photos and folders of photos."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

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
    if args.csv and args.csv.is_dir():
        raise MiniXceptionError(f"{args.csv}: is a folder; --csv takes a file")
    for folder in (args.save, args.csv and args.csv.parent):
        if folder:
            make_writable(folder)
    # Pillow warns of what load_image reads all the same, or refuses in its own words.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)

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


def _photos(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path  # One that does not exist is named when its turn comes.
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        if not found:
            raise MiniXceptionError(f"{path}: no photo in this folder ({', '.join(sorted(SUFFIXES))})")
        yield from found


def _unused_name(stem: str, used: set[str]) -> str:
    number = 1
    while (name := f"{stem}-faces{'' if number == 1 else f'-{number}'}.jpg") in used:
        number += 1
    used.add(name)
    return name


def _save_annotated(image: np.ndarray, faces: list[Face], path: Path) -> None:
    try:
        Image.fromarray(draw_faces(image, faces)).save(path, quality=95)
    except OSError as error:
        raise MiniXceptionError(f"{path}: cannot be written ({error.strerror or error})") from error


def _write_csv(path: Path, results: list[tuple[Path, list[Face]]], labels: Sequence[str]) -> None:
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
    return json.dumps({"path": str(path), "faces": [face.to_dict() for face in faces]})


def _text_line(path: Path, faces: list[Face]) -> str:
    if not faces:
        return f"{path}: no face found"
    return f"{path}: " + ", ".join(f"{face.emotion} {face.confidence:.0%} at {face.box}" for face in faces)
