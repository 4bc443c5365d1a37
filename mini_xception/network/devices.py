"""Devices that a network can run on."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mini_xception.errors import MiniXceptionError

if TYPE_CHECKING:
    import torch

#: Device files that the drivers of NVIDIA, WSL and AMD GPUs create on Linux.
GPU_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")

#: Held while PyTorch's default data type is changed, because all threads share it.
_defaults_changed = threading.RLock()


def choose_device(device: str | torch.device | None) -> str:
    """Return the name of the device that a recogniser should use. PyTorch is imported only if a GPU may be present.

    Args:
        device: a torch device or its name. "auto" uses CUDA if it is available, else the CPU; it ignores MPS, which is
            not faster for networks this small. None uses torch's default device if torch is already imported, else the
            CPU.

    Raises:
        MiniXceptionError: the device is not available.
    """
    if device is None:
        imported = sys.modules.get("torch")
        return str(imported.get_default_device()) if imported else "cpu"
    if str(device) == "cpu":
        return "cpu"
    if device != "auto":
        return str(resolve_device(device))
    may_have_gpu = any(Path(driver).exists() for driver in GPU_DRIVERS) or (
        sys.platform == "win32" and find_library("nvcuda") is not None
    )
    if not may_have_gpu or find_spec("torch") is None:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def resolve_device(device: str | torch.device | None) -> torch.device:
    """Return a torch device, and check that it is available.

    Args:
        device: a torch device or its name. "auto" uses CUDA if it is available, else MPS, else the CPU. None uses
            torch's default device.

    Raises:
        MiniXceptionError: the device is not available.
    """
    import torch

    if device is None:
        return torch.empty(0).device
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise MiniXceptionError(f"device {str(device)!r}: not available ({reason}); use 'auto' or 'cpu'") from error
    return resolved


def computes_bfloat16(device: torch.device) -> bool:
    """Check whether a device has bfloat16 instructions.

    Other CPUs emulate these instructions, which makes them ten times slower in bfloat16 than in float32.
    """
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()


@contextmanager
def initial_torch_defaults() -> Iterator[None]:
    """Create tensors on the CPU and in float32 until the block ends, even if the program has set other defaults."""
    import torch

    with _defaults_changed, torch.device("cpu"):
        dtype = torch.get_default_dtype()
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
