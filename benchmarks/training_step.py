"""Compare the speed of the trainer's step with a plain loop: python -m benchmarks.training_step

The plain loop runs in eager mode, in the default memory layout, in float32, and without augmentation. The trainer's
step uses the augmentation, the moving average, the memory layout and the precision of its preset. Both run on the CPU,
in alternating rounds. The output shows both median speeds, their ratio, and the augmentation's share of the trainer's
step.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import statistics
from collections.abc import Callable

import torch
from accelerate import Accelerator
from torch.nn import functional

from benchmarks.machine import seconds
from mini_xception.network.devices import computes_bfloat16
from mini_xception.network.model import MiniXception
from mini_xception.training import RUNS
from mini_xception.training.augment import augment, build
from mini_xception.training.state import Run
from mini_xception.training.step import StagedData, TrainingStep


def plain_step(batch: int) -> Callable[[], None]:
    """Return a function that runs one step of the plain loop."""
    model = MiniXception()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    faces, labels = torch.rand(batch, 1, 48, 48), torch.randint(0, 7, (batch,))

    def step() -> None:
        loss = functional.cross_entropy(model(faces), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def trainers_step(batch: int, preset: str) -> tuple[Callable[[], None], Callable[[], torch.Tensor]]:
    """Return a function that runs one step of the trainer, and one that runs only its augmentation."""
    run = Run.create(RUNS[preset], {}, torch.device("cpu"))
    bf16 = run.config.mixed_precision == "bf16" and computes_bfloat16(run.model.device)
    faces = torch.randint(0, 256, (batch, 1, 48, 48), dtype=torch.uint8)
    labels, chosen = torch.randint(0, 7, (batch,)), torch.arange(batch)
    data = StagedData(faces, labels, torch.eye(7)[labels], torch.empty(0), torch.empty(0))
    take_step = TrainingStep(run, data, Accelerator(cpu=True, mixed_precision="bf16" if bf16 else "no"))
    take_step.start_epoch(1)
    numbers = itertools.count()
    augmentations, generator = build(run.config.augmentations), torch.Generator().manual_seed(0)

    def augmentation() -> torch.Tensor:
        return augment(faces.float(), augmentations, generator)

    return lambda: take_step(next(numbers), chosen), augmentation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=128, help="images per step (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of five steps each (default: %(default)s)")
    parser.add_argument("--preset", default="best", choices=RUNS, help="the trainer's named run (default: %(default)s)")
    args = parser.parse_args()

    step, augmentation = trainers_step(args.batch, args.preset)
    calls = {"plain": plain_step(args.batch), "trainer": step, "augmentation": augmentation}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        seconds(call, 3)
    for _ in range(args.rounds):
        for name, call in calls.items():
            times[name].append(seconds(call, 5))

    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    median = {name: statistics.median(values) for name, values in times.items()}
    for name in ("plain", "trainer"):
        print(f"{name:>8}: {args.batch / median[name]:7.0f} images/s")
    print(f"trainer / plain: {median['plain'] / median['trainer']:.2f}×")
    print(f"augmentation: {median['augmentation'] / median['trainer']:.0%} of the trainer's step")


if __name__ == "__main__":
    main()
