"""Read the expressions of all faces in a clip: an annotated copy with its sound, a table, or both."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from mini_xception.cli.options import add_checkpoint, add_device, make_writable
from mini_xception.errors import MiniXceptionError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="IN", help="a video file, or a URL of one")
    parser.add_argument("clip", nargs="?", type=Path, metavar="OUT.mp4", help="write an annotated copy, sound kept")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write one row per face and frame")
    add_checkpoint(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    if not (args.clip or args.csv):
        raise MiniXceptionError("nothing to write: name an annotated copy, OUT.mp4, or a table, --csv FILE")
    if args.clip and args.clip.suffix.lower() != ".mp4":
        raise MiniXceptionError(f"{args.clip}: the annotated copy is an MP4 file; its name must end in .mp4")
    for path in (args.clip, args.csv):
        if path:
            make_writable(path.parent)
    import av  # noqa: F401  If it is missing, that shows before the weights are loaded.

    from mini_xception.annotate import annotate_video
    from mini_xception.recognizer import EmotionRecognizer

    recognizer = EmotionRecognizer.from_pretrained(args.checkpoint, device=args.device)
    frames, seen = 0, set[int | None]()
    layout = "{percentage:3.0f}%|{bar}| {n:.1f}/{total:.1f} s [{elapsed}<{remaining}]"
    # Closed, so that nothing half-written stays behind when this is interrupted.
    work = closing(annotate_video(recognizer, args.source, args.clip, args.csv))
    with work as steps, tqdm(total=0.0, disable=None, bar_format=layout) as bar:
        for progress in steps:
            frame = progress.frame
            frames += 1
            seen.update(face.track_id for face in frame.faces)
            bar.total = max(progress.duration_s or 0.0, frame.time_s)
            bar.update(frame.time_s - bar.n)
    print(f"{args.source}: {frames} frames, {_faces(len(seen))}")
    return 0


def _faces(count: int) -> str:
    return {0: "no face found", 1: "1 face"}.get(count, f"{count} faces")
