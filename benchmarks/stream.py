"""Frames per second of a stream, with and without tracking: python -m benchmarks.stream [VIDEO]

Without tracking, each frame is processed like a photo. Measurements with and without tracking alternate. The output
shows:

- the median frame rates, including the decoding of the video
- the share of faces that are also found with tracking (intersection over union of the boxes above 0.5)
- the median overlap of the boxes
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from mini_xception import EmotionRecognizer, Face
from mini_xception.boxes import iou
from mini_xception.media.video import read_frames

VIDEO = Path(__file__).parents[1] / "examples" / "two_portraits.mp4"
#: Yields the faces of each frame.
Recognise = Callable[[EmotionRecognizer, Path], Iterator[list[Face]]]


def tracked(recognizer: EmotionRecognizer, video: Path) -> Iterator[list[Face]]:
    for frame in recognizer.stream(video):
        yield list(frame.faces)


def untracked(recognizer: EmotionRecognizer, video: Path) -> Iterator[list[Face]]:
    for _, image in read_frames(video):
        yield recognizer(image)


def frames_per_s(recognise: Recognise, recognizer: EmotionRecognizer, video: Path) -> float:
    started = time.perf_counter()
    frames = sum(1 for _ in recognise(recognizer, video))
    return frames / (time.perf_counter() - started)


def agreement(recognizer: EmotionRecognizer, video: Path) -> tuple[float, float]:
    """Return the share of faces that are also found with tracking, and the median overlap of the boxes."""
    overlaps: list[float] = []
    for expected, found in zip(untracked(recognizer, video), tracked(recognizer, video), strict=True):
        boxes = (np.array([face.box for face in faces], float).reshape(-1, 4) for faces in (expected, found))
        overlaps += iou(*boxes).max(axis=1, initial=0).tolist()
    return float(np.mean(np.array(overlaps) > 0.5)), statistics.median(overlaps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="?", type=Path, default=VIDEO, help="video file (default: the example)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements with and without tracking (default: 5)")
    args = parser.parse_args()

    recognizer = EmotionRecognizer.from_pretrained(device="cpu")
    share, overlap = agreement(recognizer, args.video)
    rates: dict[Recognise, list[float]] = {tracked: [], untracked: []}
    for _ in range(args.rounds):
        for recognise, measured in rates.items():
            measured.append(frames_per_s(recognise, recognizer, args.video))

    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    on, off = (statistics.median(rates[recognise]) for recognise in (tracked, untracked))
    print(f"{on:.1f} frames/s with tracking, {off:.1f} without: {on / off:.1f}×")
    print(f"{share:.1%} of the faces are also found with tracking; median overlap {overlap:.2f}")


if __name__ == "__main__":
    main()
