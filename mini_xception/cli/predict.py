"""Recognise the expressions of all faces in photos and folders of photos."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from mini_xception.cli import report
from mini_xception.cli.options import add_quiet, add_recognizer_options, load_recognizer, make_writable, number
from mini_xception.draw import draw_evidence, draw_faces
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.media.atomic import atomic_write
from mini_xception.media.image import SUPPORTED, load_image
from mini_xception.media.photos import FoundPhotos, find_photos
from mini_xception.table import open_table

#: Characters of a label in a file name.
LONGEST_LABEL = 40


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
        "--explain",
        type=Path,
        metavar="DIR",
        help="write an image of each face that shows which parts are evidence for its expression and which against it, "
        "named PHOTO-face-NUMBER-EXPRESSION.png; this uses one process",
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
    photos, failed = _search(args.paths, args.quiet)
    if not photos:
        return 1
    taken = {_key(photo) for photo in photos}  # An output must not replace a photo, or another output of this run.
    if args.csv:
        _check_target(args.csv, taken)
        taken.add(_key(args.csv))
    copies, overlays = _Outputs(args.save, taken), _Outputs(args.explain, taken)
    if args.explain and args.workers:
        raise MiniXceptionError(f"--workers {args.workers}: --explain uses one process; leave out --workers")
    for folder in (args.save, args.explain, args.csv and args.csv.parent):
        if folder:
            make_writable(folder)
    from mini_xception.bulk import default_workers, explain_photos, predict_photos

    recognizer = load_recognizer(args)
    workers = default_workers(len(photos)) if args.workers is None else args.workers
    process = explain_photos(photos, recognizer) if args.explain else predict_photos(photos, recognizer, workers)
    with ExitStack() as stack:
        write_face = stack.enter_context(open_table(args.csv, recognizer.labels)) if args.csv else None
        results = stack.enter_context(closing(process))
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
            try:
                if args.save:
                    image = load_image(photo.path) if photo.image is None else photo.image
                    _save(draw_faces(image, photo.faces), copies.name(photo.path.stem, "-faces", ".jpg"))
                for number, explanation in enumerate(photo.explanations, start=1):
                    name = f"-face-{number}-{_as_file_name(explanation.face.emotion)}"
                    _save(draw_evidence(explanation), overlays.name(photo.path.stem, name, ".png"))
            except MiniXceptionError as error:
                _print_error(error)
                failed += 1
    return 1 if failed else 0


def _search(paths: Sequence[Path], quiet: bool) -> tuple[list[Path], int]:
    """Return the photos at these paths, and the number of folders that cannot be read or have no photo."""
    photos: list[Path] = []
    failed = 0
    for path in paths:
        if not path.is_dir():
            photos.append(path)  # If it does not exist, loading it reports the error.
            continue
        found = find_photos(path)
        photos += found.paths
        skipped = _describe_skipped(found)
        for folder, reason in found.unreadable:
            _print_error(f"{folder}: folder cannot be read ({reason})")
        if not found.paths and not found.unreadable:
            _print_error(f"{path}: no photo in this folder{skipped and f' ({skipped})'}; use {SUPPORTED} files")
        elif skipped and not quiet:
            _print_error(f"{path}: {skipped}")
        failed += len(found.unreadable) or not found.paths
    return photos, failed


def _describe_skipped(found: FoundPhotos) -> str:
    """Return what a search left out, or ""."""
    counted = []
    if found.others:
        counted.append(
            "1 file that is not a photo" if found.others == 1 else f"{found.others} files that are not photos"
        )
    if found.hidden:
        counted.append("1 hidden file or folder" if found.hidden == 1 else f"{found.hidden} hidden files or folders")
    return f"skipped {' and '.join(counted)}" if counted else ""


def _check_target(path: Path, photos: set[str]) -> None:
    if path.exists() and not path.is_file():
        raise MiniXceptionError(f"{path}: not a regular file; choose another name")
    if _key(path) in photos:
        raise MiniXceptionError(f"{path}: this is one of the photos; choose another name")


class _Outputs:
    """Chooses names of images to write. No name belongs to a photo or to another output of this run."""

    def __init__(self, folder: Path, taken: set[str]) -> None:
        self._folder = folder
        self._taken = taken
        self._numbers: Counter[str] = Counter()  # name → last number, because many folders may have the same names

    def name(self, stem: str, ending: str, suffix: str) -> Path:
        while True:
            self._numbers[stem + ending] += 1
            number = self._numbers[stem + ending]
            path = self._shortened(stem, f"{ending}{suffix}" if number == 1 else f"{ending}-{number}{suffix}")
            if _key(path) not in self._taken:
                self._taken.add(_key(path))
                return path

    def _shortened(self, stem: str, ending: str) -> Path:
        """Return the path of an image. Its stem is cut if the file system has no room for the ending."""
        try:
            longest = os.pathconf(self._folder, "PC_NAME_MAX")
        except (AttributeError, OSError, ValueError):  # Windows has no pathconf.
            longest = 255
        while stem and len(os.fsencode(stem + ending)) > longest:
            stem = stem[:-1]
        return self._folder / f"{stem}{ending}"


def _key(path: Path) -> str:
    """Return a string that is equal for two paths if a file system may treat them as the same file."""
    # resolve() fails if a link points to itself. Some file systems ignore case and the composition of characters.
    return unicodedata.normalize("NFC", os.path.realpath(path)).casefold()


def _save(image: np.ndarray, path: Path) -> None:
    with atomic_write(path) as temporary:
        Image.fromarray(image).save(temporary, quality=95)


def _as_file_name(label: str) -> str:
    """Replace what a file name cannot contain. A checkpoint's own labels may be any text."""
    return re.sub(r"[^\w-]+", "_", label)[:LONGEST_LABEL]


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
    with tqdm.external_write_mode(file=sys.stderr):
        report(_one_line(error))


def _one_line(text: object) -> str:
    """Escape line breaks and other characters that cannot be printed. A file name may contain them."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in str(text))
