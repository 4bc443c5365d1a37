"""A training step that CUDA replays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor


class RecordedStep:
    """A training step on CUDA: its first runs as they come, then recorded once as a CUDA graph and replayed.

    Launching the thousand small kernels of a step one by one takes Python some ten times as long as the GPU needs to
    compute them. The step may wait for nothing that the GPU computes, and reads and writes tensors that stay where
    they are: the weights, the optimizer's state and learning rate, the data.

    Args:
        step: what is done with a batch, given its pictures' indices.
        generator: of every random number that it draws.
    """

    #: Runs before a recording, in which the optimizer makes its state and cuDNN chooses its algorithms.
    WARM_UP = 3

    def __init__(self, step: Callable[[Tensor], None], generator: torch.Generator) -> None:
        self._step = step
        self._generator = generator
        self._warmed: Counter[int] = Counter()
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Tensor]] = {}  # by the batch's size

    def __call__(self, chosen: Tensor) -> None:
        size = len(chosen)
        if self._warmed[size] < self.WARM_UP:
            self._warmed[size] += 1
            self._on_a_side_stream(chosen)
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

    def _on_a_side_stream(self, chosen: Tensor) -> None:
        """As recordings are: what is made on the default stream cannot be recorded with."""
        side, current = torch.cuda.Stream(), torch.cuda.current_stream()
        side.wait_stream(current)
        with torch.cuda.stream(side):
            self._step(chosen)
        current.wait_stream(side)
