"""Read the expressions of all faces in photos and folders of photos."""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from mini_xception.cli import PROGRAM
from mini_xception.cli.options import add_checkpoint, add_device, make_writable
from mini_xception.draw import draw_faces
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.media.image import SUFFIXES, load_image
from mini_xception.table import open_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a photo, or a folder of photos")
    parser.add_argument("--json", action="store_true", help="print one JSON object per photo")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write one row per face")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write annotated copies, named PHOTO-faces.jpg")
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that find faces; default: one a core for many photos, else 0",
    )
    add_checkpoint(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    photos = list(_photos(args.paths))
    inputs = {Path(os.path.realpath(photo)) for photo in photos}  # resolve() fails at a link to itself
    if args.csv:
        _check_target(args.csv, inputs)
    for folder in (args.save, args.csv and args.csv.parent):
        if folder:
            make_writable(folder)
    # Pillow warns of what load_image reads all the same, or refuses in its own words.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)

    from mini_xception.bulk import default_workers, predict_photos
    from mini_xception.recognizer import EmotionRecognizer

    recognizer = EmotionRecognizer.from_pretrained(args.checkpoint, device=args.device)
    workers = default_workers(len(photos)) if args.workers is None else args.workers
    taken = set(inputs)  # An annotated copy replaces neither a photo nor another copy of this run.
    failed = 0
    with ExitStack() as stack:
        write_face = stack.enter_context(open_table(args.csv, recognizer.labels)) if args.csv else None
        results = stack.enter_context(closing(predict_photos(photos, recognizer, workers)))
        quiet = None if any(path.is_dir() for path in args.paths) else True
        for photo in tqdm(results, total=len(photos), unit="photo", disable=quiet):
            if photo.error:
                tqdm.write(f"{PROGRAM}: {_one_line(photo.error)}", file=sys.stderr)
                failed += 1
                continue
            _print((_json_line if args.json else _text_line)(photo.path, photo.faces))
            if write_face:
                for face in photo.faces:
                    write_face(photo.path, face, None)
            if args.save:
                target = _unused_path(args.save, photo.path.stem, taken)
                taken.add(target.resolve())
                image = load_image(photo.path) if photo.image is None else photo.image
                try:
                    _save_annotated(image, photo.faces, target)
                except MiniXceptionError as error:
                    tqdm.write(f"{PROGRAM}: {_one_line(error)}", file=sys.stderr)
                    failed += 1
    return 1 if failed else 0


def _print(line: str) -> None:
    try:
        tqdm.write(line, file=sys.stdout)
    except BrokenPipeError:
        raise
    except OSError as error:  # Else it would count as the table's.
        raise MiniXceptionError(f"standard output: cannot be written ({error.strerror})") from error


def _photos(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path  # One that does not exist is named when its turn comes.
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and not file.is_dir())
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


def _json_line(path: Path, faces: list[Face]) -> str:
    return json.dumps({"path": str(path), "faces": [face.to_dict() for face in faces]})


def _text_line(path: Path, faces: list[Face]) -> str:
    found = ", ".join(f"{face.emotion} {face.confidence:.0%} at {face.box}" for face in faces) or "no face found"
    return f"{_one_line(path)}: {found}"


def _one_line(text: object) -> str:
    """A file name may hold line breaks; a line of output may not."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in str(text))
