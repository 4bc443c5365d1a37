"""The machine that a benchmark runs on: describe it, measure its speed limit, and run code on one of its cores."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from mini_xception import MiniXception


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Return the mean duration of a call, in seconds."""
    started = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - started) / repeats


@contextmanager
def one_core() -> Iterator[None]:
    """Run the block with one PyTorch thread, and on a single core if the system supports that."""
    cores, threads = _cores(), torch.get_num_threads()
    _pin({min(cores)})
    torch.set_num_threads(1)
    try:
        yield
    finally:
        _pin(cores)
        torch.set_num_threads(threads)


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _pin(cores: set[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def machine() -> dict[str, Any]:
    """Describe the machine and the installed packages: name → value."""
    cpuinfo = Path("/proc/cpuinfo")  # on Linux only
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    cpu = next((line for line in lines if line.startswith("model name")), "")
    packages = ("torch", "onnxruntime", "openvino", "facenet-pytorch", "numpy", "opencv-python")
    installed = {name: found for name in packages if (found := _version(name))}
    return {
        "cpu": cpu.partition(":")[2].strip() or platform.machine(),
        "cores": len(_cores()),
        "load": round(os.getloadavg()[0], 1),
        "torch threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **installed,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def limit() -> dict[str, float]:
    """Return the operations that one face needs, and how many per second one core reaches in large matrix products."""
    from torch.utils.flop_counter import FlopCounterMode

    model = MiniXception.from_pretrained(device="cpu")
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 48, 48))
    result = {"MFLOP per face": counter.get_total_flops() / 1e6}
    with one_core():
        for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
            a, b = (torch.randn(1024, 1024).to(dtype) for _ in range(2))
            fastest = min(seconds(partial(torch.mm, a, b), 3) for _ in range(5))
            result[f"GFLOP/s per core, {name}"] = 2 * 1024**3 / fastest / 1e9
    return result
