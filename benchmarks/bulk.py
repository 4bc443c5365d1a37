"""Measure core utilisation and memory of `mini-xception predict FOLDER --csv FILE`: python -m benchmarks.bulk

The first part runs on one core and measures decoding, detection and classification separately. The second part runs the
whole command on a folder of links to the examples.

The costs per step are processor time, which other programs on the machine hardly change. The command's duration is
valid only on an idle machine. Memory is the total of all processes, with shared pages counted once. The benchmark needs
psutil, which is part of the extra "train".
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.machine import machine, one_core
from benchmarks.speed import PHOTOS
from mini_xception import EmotionRecognizer, load_image
from mini_xception.bulk import BATCH_SIZE


def costs_s(rounds: int) -> dict[str, float]:
    """Measure the processor time per photo of each step, in seconds, on one core."""
    with one_core():
        recognizer = EmotionRecognizer.from_pretrained(device="cpu")
        images = [load_image(path) for path in PHOTOS]
        crops = [crop for image in images for crop in recognizer.cropper(image)]
        batches = BATCH_SIZE // len(PHOTOS)
        calls: dict[str, Callable[[], object]] = {
            "decode": lambda: [load_image(path) for path in PHOTOS],
            "detect": lambda: [recognizer.cropper(image) for image in images],
            "classify": lambda: recognizer.classify_faces(crops * batches),
        }
        times: dict[str, list[float]] = {step: [] for step in calls}
        for _ in range(rounds):
            for step, call in calls.items():
                started = time.process_time()
                call()
                times[step].append(time.process_time() - started)
    medians = {step: statistics.median(values) for step, values in times.items()}
    medians["classify"] /= batches
    return {step: median / len(PHOTOS) for step, median in medians.items()}


def memory_mb(process: psutil.Process) -> float:
    """Return the memory of a process and its children, in MB."""
    parts = [process, *process.children(recursive=True)]
    return sum(part.memory_full_info().pss for part in parts) / 1e6


def run_s(folder: Path, photos: int) -> float:
    """Run the command and return its duration in seconds. Print its memory after each tenth of the photos."""
    command = [sys.executable, "-m", "mini_xception", "predict", str(folder), "--csv", str(folder / "faces.csv")]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for done, _ in enumerate(process.stdout, start=1):
            if done % (photos // 10) == 0 and done < photos:
                megabytes = memory_mb(psutil.Process(process.pid))
                print(f"{done:>8} photos{time.perf_counter() - started:>8.1f} s{megabytes:>8.0f} MB", flush=True)
    if process.returncode:
        raise SystemExit(process.returncode)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=10_000, help="number of photos, 10 or more (default: 10000)")
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each step on one core (default: 15)")
    args = parser.parse_args()
    print(", ".join(f"{name} {value}" for name, value in machine().items()))

    costs = costs_s(args.rounds)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.photos):
            photo = PHOTOS[number % len(PHOTOS)]
            (Path(folder) / f"{number:06}{photo.suffix}").symlink_to(photo)
        taken_s = run_s(Path(folder), args.photos)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)

    steps_s, cores = args.photos * sum(costs.values()), machine()["cores"]
    used_s = usage.ru_utime + usage.ru_stime
    print(", ".join(f"{step} {cost * 1e3:.1f} ms" for step, cost in costs.items()), "per photo")
    print(f"processor time {used_s:.1f} s including start-up, {steps_s / used_s:.0%} of it for these steps")
    busy = steps_s / cores / taken_s
    print(f"{taken_s:.1f} s, {args.photos / taken_s:.0f} photos/s; {busy:.0%} of {cores} cores used for these steps")


if __name__ == "__main__":
    main()
