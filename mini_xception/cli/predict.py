"""Recognise the expressions of all faces in photos and folders of photos."""

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
from mini_xception.cli.options import add_quiet, add_recognizer_options, load_recognizer, make_writable, number
from mini_xception.draw import draw_faces
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.media.image import SUFFIXES, load_image
from mini_xception.table import open_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="photo, or folder to search for photos recursively"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per photo instead of text")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a table with one row per face")
    parser.add_argument(
        "--save", type=Path, metavar="DIR", help="write an annotated copy of each photo, named PHOTO-faces.jpg"
    )
    parser.add_argument(
        "--workers",
        type=number(int, 0),
        metavar="N",
        help="number of processes that detect faces, 0 or more; 0 does all the work in one process "
        "(default: one per core for 100 photos or more, else 0)",
    )
    add_quiet(parser)
    add_recognizer_options(parser)


def run(args: argparse.Namespace) -> int:
    photos = list(_photos(args.paths))
    inputs = {Path(os.path.realpath(photo)) for photo in photos}  # resolve() fails if a link points to itself.
    if args.csv:
        _check_target(args.csv, inputs)
    for folder in (args.save, args.csv and args.csv.parent):
        if folder:
            make_writable(folder)
    # load_image has its own limit and error for large images.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)

    from mini_xception.bulk import default_workers, predict_photos

    recognizer = load_recognizer(args)
    workers = default_workers(len(photos)) if args.workers is None else args.workers
    taken = set(inputs)  # An annotated copy must not replace a photo, or another copy from this run.
    failed = 0
    with ExitStack() as stack:
        write_face = stack.enter_context(open_table(args.csv, recognizer.labels)) if args.csv else None
        results = stack.enter_context(closing(predict_photos(photos, recognizer, workers)))
        # None shows the bar on terminals only. A few photos need no bar.
        hidden = None if any(path.is_dir() for path in args.paths) and not args.quiet else True
        for photo in tqdm(results, total=len(photos), unit="photo", disable=hidden):
            if photo.error:
                _print_error(photo.error)
                failed += 1
                continue
            if args.json:
                _print(_json_line(photo.path, photo.faces))
            elif not args.quiet:
                _print(_text_line(photo.path, photo.faces))
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
                    _print_error(error)
                    failed += 1
    return 1 if failed else 0


def _photos(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the photos at these paths. The photos in a folder are in alphabetical order."""
    for path in paths:
        if not path.is_dir():
            yield path  # If it does not exist, loading it reports the error.
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and not file.is_dir())
        if not found:
            raise MiniXceptionError(
                f"{path}: no photo in this folder; file names must end in {', '.join(sorted(SUFFIXES))}"
            )
        yield from found


def _check_target(path: Path, inputs: set[Path]) -> None:
    if path.exists() and not path.is_file():
        raise MiniXceptionError(f"{path}: not a regular file; choose another name")
    if path.resolve() in inputs:
        raise MiniXceptionError(f"{path}: this is one of the photos; choose another name")


def _unused_path(folder: Path, stem: str, taken: set[Path]) -> Path:
    copy = 1
    while (path := folder / f"{stem}-faces{'' if copy == 1 else f'-{copy}'}.jpg").resolve() in taken:
        copy += 1
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


def _print(line: str) -> None:
    try:
        tqdm.write(line, file=sys.stdout)
    except BrokenPipeError:
        raise
    except OSError as error:  # Otherwise open_table would report it as an error of the table.
        raise MiniXceptionError(f"standard output: cannot be written ({error.strerror})") from error


def _print_error(error: object) -> None:
    tqdm.write(f"{PROGRAM}: {_one_line(error)}", file=sys.stderr)


def _one_line(text: object) -> str:
    """Escape line breaks and other characters that cannot be printed. A file name may contain them."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in str(text))
