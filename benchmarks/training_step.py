"""The trainer's step against a plain loop, side by side in one run: python benchmarks/training_step.py

Plain is what most people write: eager, default memory layout, float32, no augmentation. The trainer's step has its
augmentation and its moving average, in the layout and precision of its preset. Rounds alternate; the median of each is
printed, and their ratio. The last line is the augmentation's share of the step.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch.nn import functional

from mini_xception.network.devices import computes_bfloat16
from mini_xception.network.model import MiniXception
from mini_xception.network.preprocess import scale_pixels
from mini_xception.training import RUNS
from mini_xception.training.augment import augment, build


def plain_step(batch: int) -> Callable[[], None]:
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
    """A step as in ``train.loop``, and its augmentation alone."""
    from mini_xception.training.loop import _update_average
    from mini_xception.training.state import Run

    run = Run.start(RUNS[preset], "", torch.device("cpu"))
    bf16 = run.config.mixed_precision == "bf16" and computes_bfloat16(run.model.device)
    faces = torch.randint(0, 256, (batch, 1, 48, 48), dtype=torch.uint8)
    labels, decay = torch.randint(0, 7, (batch,)), torch.tensor(run.config.ema_decay)
    augmentations, generator = build(run.config.augmentations), torch.Generator().manual_seed(0)

    def augmentation() -> torch.Tensor:
        return augment(faces.float(), augmentations, generator)

    def step() -> None:
        pixels = scale_pixels(augmentation(), run.model.mean, run.model.std).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = run.model(pixels)
        loss = functional.cross_entropy(logits.float(), labels)
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        run.optimizer.step()
        _update_average(run.average, run.model, decay)

    return step, augmentation


def seconds(call: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - started) / times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--preset", default="best", choices=RUNS)
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
