"""Where a network runs."""

from __future__ import annotations

import torch

from mini_xception.errors import MiniXceptionError


def resolve_device(device: str | torch.device | None) -> torch.device:
    """A torch device from its name; "auto" is CUDA, else MPS, else the CPU; None is torch's default device.

    Raises:
        MiniXceptionError: no device has this name, or this machine has none such.
    """
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
        raise MiniXceptionError(f"device {str(device)!r} cannot be used here: {str(error).splitlines()[0]}") from error
    return resolved


def computes_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16. A processor without them emulates it, some ten times slower than
    it computes float32.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()
