"""Frames a second of a stream, with tracking and without, side by side in one run: python benchmarks/stream.py [VIDEO]

Without tracking, every frame is read as a photo. Rounds alternate; the median of each is printed, with the share of
faces that both find (boxes overlap by half) and the median overlap. Decoding the video is part of both.
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

CLIP = Path(__file__).parents[1] / "examples" / "two_portraits.mp4"
Reader = Callable[[EmotionRecognizer, Path], Iterator[list[Face]]]


def tracked(recognizer: EmotionRecognizer, video: Path) -> Iterator[list[Face]]:
    for frame in recognizer.stream(video):
        yield list(frame.faces)


def untracked(recognizer: EmotionRecognizer, video: Path) -> Iterator[list[Face]]:
    for _, image in read_frames(video):
        yield recognizer(image)


def frames_per_s(read: Reader, recognizer: EmotionRecognizer, video: Path) -> float:
    started = time.perf_counter()
    frames = sum(1 for _ in read(recognizer, video))
    return frames / (time.perf_counter() - started)


def agreement(recognizer: EmotionRecognizer, video: Path) -> tuple[float, float]:
    """Share of the untracked faces that are found with tracking, too, and the median overlap of their boxes."""
    overlaps: list[float] = []
    for expected, found in zip(untracked(recognizer, video), tracked(recognizer, video), strict=True):
        boxes = (np.array([face.box for face in faces], float).reshape(-1, 4) for faces in (expected, found))
        overlaps += iou(*boxes).max(axis=1, initial=0).tolist()
    return float(np.mean(np.array(overlaps) > 0.5)), statistics.median(overlaps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="?", type=Path, default=CLIP)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()

    recognizer = EmotionRecognizer.from_pretrained(device="cpu")
    share, overlap = agreement(recognizer, args.video)
    rates: dict[Reader, list[float]] = {tracked: [], untracked: []}
    for _ in range(args.rounds):
        for read, measured in rates.items():
            measured.append(frames_per_s(read, recognizer, args.video))

    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    on, off = (statistics.median(rates[read]) for read in (tracked, untracked))
    print(f"with tracking {on:.1f} frames/s, without {off:.1f}: {on / off:.1f}×")
    print(f"{share:.1%} of the faces are found with tracking, too; median overlap {overlap:.2f}")


if __name__ == "__main__":
    main()
