"""A training step that is recorded as a CUDA graph and replayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor


class RecordedStep:
    """A training step on CUDA, recorded as a CUDA graph and replayed.

    For each batch size, the step is executed normally a few times, then recorded. From then on, it is replayed.

    A step consists of a thousand small kernels. Launching them one by one from Python takes about ten times as long
    as the GPU needs to compute them.

    A recorded step must not wait for the GPU. The tensors that it reads and writes must stay at the same addresses: the
    weights, the optimizer's state and learning rate, and the data.

    Args:
        step: the training step. It takes the indices of a batch's images.
        generator: the generator of all random numbers that the step draws.
    """

    #: Number of executions before the recording. They let the optimizer create its state and cuDNN choose algorithms.
    WARM_UP = 3

    def __init__(self, step: Callable[[Tensor], None], generator: torch.Generator) -> None:
        self._step = step
        self._generator = generator
        self._runs: Counter[int] = Counter()
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Tensor]] = {}  # by batch size

    def __call__(self, chosen: Tensor) -> None:
        size = len(chosen)
        if self._runs[size] < self.WARM_UP:
            self._runs[size] += 1
            self._run_on_side_stream(chosen)
            return
        if size not in self._graphs:
            graph, indices = torch.cuda.CUDAGraph(), chosen.clone()
            graph.register_generator_state(self._generator)
            with torch.cuda.graph(graph):
                self._step(indices)
            self._graphs[size] = graph, indices
        graph, indices = self._graphs[size]
        indices.copy_(chosen)
        graph.replay()

    def _run_on_side_stream(self, chosen: Tensor) -> None:
        """Run the step on another stream, because a recording cannot use state from the default stream."""
        side, current = torch.cuda.Stream(), torch.cuda.current_stream()
        side.wait_stream(current)
        with torch.cuda.stream(side):
            self._step(chosen)
        current.wait_stream(side)
