"""Time and memory from a cold process to the first answer: python -m benchmarks.startup

Every command runs in a new process. The commands take turns in every round, so another program slows all of them
equally. All files are in the disk cache.

Times are medians over the rounds. Memory is the largest resident set of a single process. The ratio compares a command
with ``import torch`` in the same round, and is also a median over the rounds.

--before also measures the commands of another checkout of this repository. For --fer, see benchmarks/speed.py.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "examples" / "eileen_collins.jpg"
PHOTOS = sorted((ROOT / "examples").glob("*.jpg"))
BULK = 100
PREDICT = ["-m", "mini_xception", "predict"]
LOAD = "from mini_xception import EmotionRecognizer; EmotionRecognizer.from_pretrained(device='cpu')"
#: The same task, written with facenet-pytorch and the network in eager mode.
BY_HAND = """
import sys, torch, numpy as np
from PIL import Image
from facenet_pytorch import MTCNN
from mini_xception import MiniXception
image = Image.open(sys.argv[1]).convert("RGB")
model = MiniXception.from_pretrained(device="cpu")
boxes, _ = MTCNN().detect(image)
crops = [np.asarray(image.crop(tuple(map(int, box)))) for box in boxes]
print((model(model.preprocess(crops)) / model.temperature).softmax(dim=1))
"""
FER = "import sys, cv2; from fer.fer import FER; print(FER(mtcnn=True).detect_emotions(cv2.imread(sys.argv[1])))"


class Cost(NamedTuple):
    """Wall time of a process in seconds, and the largest resident set of the process or one of its children in MiB."""

    wall_s: float
    memory_mib: float


def run(command: list[str], checkout: Path) -> Cost:
    """Run a command, and wait until it ends.

    Raises:
        SystemExit: the command failed.
    """
    environment = os.environ | {"PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"}
    started = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, env=environment, cwd=checkout, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        elapsed_s = time.perf_counter() - started
        if status:
            errors.seek(0)
            sys.exit(f"{' '.join(command)}: exit status {status}\n{errors.read().decode()}")
    return Cost(elapsed_s, usage.ru_maxrss / 1024)


def worker_memory_mib(checkout: Path, folder: Path) -> float:
    """Return the largest resident set of a worker process while it processes many photos."""
    import psutil

    command = [sys.executable, *PREDICT, str(folder), "--workers", "2"]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    largest = 0
    with subprocess.Popen(
        command, env=environment, cwd=checkout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            for child in psutil.Process(process.pid).children():
                try:
                    if "spawn_main" in " ".join(child.cmdline()):
                        largest = max(largest, child.memory_info().rss)
                except psutil.Error:  # The process has ended in the meantime.
                    continue
            time.sleep(0.02)
    return largest / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command (default: 5)")
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="also measure this checkout")
    parser.add_argument("--fer", metavar="PYTHON", help="also measure fer, with the interpreter of its environment")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()

    checkouts = {"": ROOT} | ({"before: ": args.before.resolve()} if args.before else {})
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for number, photo in enumerate(itertools.islice(itertools.cycle(PHOTOS), BULK)):
            (folder / f"{number:03}.jpg").symlink_to(photo)
        commands = {"import torch": ([sys.executable, "-c", "import torch"], ROOT)}
        for prefix, checkout in checkouts.items():
            commands |= {
                f"{prefix}mini-xception predict PHOTO": ([sys.executable, *PREDICT, str(PHOTO)], checkout),
                f"{prefix}EmotionRecognizer.from_pretrained()": ([sys.executable, "-c", LOAD], checkout),
                f"{prefix}{BULK} photos, 2 workers": (
                    [sys.executable, *PREDICT, str(folder), "--workers", "2"],
                    checkout,
                ),
            }
        commands["facenet-pytorch and eager PyTorch, PHOTO"] = ([sys.executable, "-c", BY_HAND, str(PHOTO)], ROOT)
        if args.fer:
            commands["fer with MTCNN, PHOTO"] = ([args.fer, "-c", FER, str(PHOTO)], ROOT)
        for command, checkout in commands.values():
            run(command, checkout)  # Fill the disk cache and compile modules.
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for _ in range(args.rounds):
            for name, (command, checkout) in commands.items():
                costs[name].append(run(command, checkout))
        workers = {f"{prefix}worker": worker_memory_mib(path, folder) for prefix, path in checkouts.items()}

    from benchmarks.machine import machine  # It imports torch; a child's peak memory starts at its parent's.

    baseline = [cost.wall_s for cost in costs["import torch"]]
    rows = {
        name: {
            "wall_s": statistics.median(cost.wall_s for cost in measured),
            "ratio": statistics.median(cost.wall_s / torch_s for cost, torch_s in zip(measured, baseline, strict=True)),
            "memory_mib": statistics.median(cost.memory_mib for cost in measured),
        }
        for name, measured in costs.items()
    }
    if args.json:
        print(json.dumps({"machine": machine(), "rows": rows, "worker_memory_mib": workers}))
        return
    print("  ".join(f"{name} {value}" for name, value in machine().items()))
    print(f"{'':50}{'wall':>8}{'× import torch':>16}{'memory':>12}")
    for name, row in rows.items():
        print(f"{name:50}{row['wall_s']:>6.2f} s{row['ratio']:>16.3f}{row['memory_mib']:>8.0f} MiB")
    for name, memory_mib in workers.items():
        print(f"{name:50}{'':>8}{'':>16}{memory_mib:>8.0f} MiB")


if __name__ == "__main__":
    main()
