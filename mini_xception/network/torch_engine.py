"""The PyTorch engine, which runs any module on any device."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from mini_xception.network.model import MiniXception

#: Images per forward pass on a CPU. Larger batches are slower, because PyTorch allocates more memory.
CHUNK = 16


class TorchEngine:
    """An engine that runs a module on its device. It switches the module to inference mode and channels-last layout."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module.eval().to(memory_format=torch.channels_last)
        self.has_evidence = hasattr(module, "evidence")
        weight = next(module.parameters())
        self._device, self._dtype = weight.device, weight.dtype

    @torch.inference_mode()
    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(inputs).to(self._device, self._dtype, memory_format=torch.channels_last)
        if self._device.type != "cpu":
            return self._module(batch).float().cpu().numpy()
        with _one_thread:
            return torch.cat([self._module(chunk) for chunk in batch.split(CHUNK)]).float().numpy()

    @torch.inference_mode()
    def explain(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute logits and evidence; see :class:`~mini_xception.network.engines.ExplainingEngine`."""
        batch = torch.from_numpy(inputs).to(self._device, self._dtype, memory_format=torch.channels_last)
        network = cast("MiniXception", self._module)
        if self._device.type != "cpu":
            evidence = network.evidence(batch).float()
        else:
            with _one_thread:
                evidence = torch.cat([network.evidence(chunk) for chunk in batch.split(CHUNK)]).float()
        return evidence.mean(dim=(-2, -1)).cpu().numpy(), evidence.cpu().contiguous().numpy()


class _OneThread:
    """Limits PyTorch to one thread during a call, and restores the previous limit afterwards.

    PyTorch stores a limit for each calling thread, but a new thread starts with the limit that was last set in any
    thread. If several calls overlap, only the first call sees the limit that must be restored.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._before = 1

    def __enter__(self) -> None:
        with self._lock:
            if self._calls == 0:
                self._before = torch.get_num_threads()
            self._calls += 1
            torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._calls -= 1
            torch.set_num_threads(self._before)


_one_thread = _OneThread()
