"""Recognise the expressions of all faces in a video: write an annotated copy with the same audio, tables, subtitles."""

from __future__ import annotations

import argparse
import logging
from contextlib import closing
from pathlib import Path

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from mini_xception.cli.options import (
    add_quiet,
    add_recognizer_options,
    add_smoothing,
    load_recognizer,
    make_writable,
    number,
)
from mini_xception.errors import MiniXceptionError
from mini_xception.media.source import TIMEOUT_S

logger = logging.getLogger("mini_xception")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="VIDEO", help="video file, or URL of a video")
    parser.add_argument(
        "copy", nargs="?", type=Path, metavar="OUT.mp4", help="write an annotated copy, an MP4 file with the same audio"
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a table with one row per face and frame")
    parser.add_argument(
        "--people",
        type=Path,
        metavar="FILE",
        help="write a table with one row per face and its shares of time",
    )
    parser.add_argument(
        "--subtitles", type=Path, metavar="FILE.vtt", help="write the expression of each face as subtitles (WebVTT)"
    )
    parser.add_argument(
        "--timeout",
        default=TIMEOUT_S,
        type=number(float, 1),
        metavar="SECONDS",
        help="how long to wait for a URL or a pipe that sends no data (default: %(default)s)",
    )
    add_quiet(parser)
    add_smoothing(add_recognizer_options(parser))


def run(args: argparse.Namespace) -> int:
    if not (args.copy or args.csv or args.people or args.subtitles):
        raise MiniXceptionError("nothing to write; add OUT.mp4 for an annotated copy, or --csv FILE for a table")
    if args.copy and args.copy.suffix.lower() != ".mp4":
        raise MiniXceptionError(f"{args.copy}: the annotated copy must be an MP4 file; choose a name that ends in .mp4")
    for path in (args.copy, args.csv, args.people, args.subtitles):
        if path:
            make_writable(path.parent)
    import av  # noqa: F401  If it is missing, report it before the weights are loaded.

    from mini_xception.annotate import annotate_video

    recognizer = load_recognizer(args)
    frames, track_ids = 0, set[int | None]()
    layout = "{percentage:3.0f}%|{bar}| {n:.1f}/{total:.1f} s [{elapsed}<{remaining}]"
    hidden = True if args.quiet else None  # None shows the bar on terminals only.
    # Closing the generator deletes its temporary files, also after an interrupt.
    work = closing(
        annotate_video(
            recognizer,
            args.source,
            args.copy,
            args.csv,
            people=args.people,
            subtitles=args.subtitles,
            smoothing_s=args.smoothing,
            timeout_s=args.timeout,
        )
    )
    with work as steps, tqdm(total=0.0, disable=hidden, bar_format=layout) as bar, logging_redirect_tqdm([logger]):
        for progress in steps:
            frame = progress.frame
            frames += 1
            track_ids.update(face.track_id for face in frame.faces)
            bar.total = max(progress.duration_s or 0.0, frame.time_s)
            bar.update(frame.time_s - bar.n)
        bar.update(bar.total - bar.n)  # The last frame starts before the video ends.
    if not args.quiet:
        print(f"{args.source}: {frames} frames, {_faces(len(track_ids))}")
    return 0


def _faces(count: int) -> str:
    return {0: "no face found", 1: "1 face"}.get(count, f"{count} faces")
