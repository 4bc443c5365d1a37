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
