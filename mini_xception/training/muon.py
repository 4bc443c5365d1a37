"""The Muon optimizer (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

#: Coefficients of the Newton–Schulz iteration and the number of iterations, from the source above. The singular values
#: of the result lie between 0.7 and 1.2.
COEFFICIENTS, ITERATIONS = (3.4445, -4.7750, 2.0315), 5
#: Decay of a matrix's momentum, from the source above.
MOMENTUM = 0.95
#: Root mean square of the entries of a matrix's update, about that of Adam (Liu et al. 2025, arXiv 2502.16982).
SCALE = 0.2
#: Decays of Adam's averages of the gradient and its square, and what is added to the denominator (Kingma and Ba 2015).
BETAS, EPSILON = (0.9, 0.999), 1e-8


class Muon(torch.optim.Optimizer):
    """Muon for 1×1 convolutions, and Adam for all other parameters, with one learning rate.

    The weight of a 1×1 convolution is a matrix. Its momentum often has few large singular values. Muon makes all of
    them about equal, so that the update changes all directions of the matrix equally.

    Args:
        groups: parameter groups with the keys "params", "lr" and "weight_decay".
        learning_rate: the learning rate of groups without "lr".
    """

    def __init__(self, groups: Iterable[dict[str, Any]], learning_rate: float) -> None:
        super().__init__(groups, {"lr": learning_rate, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, _closure: None = None) -> None:  # type: ignore[override]
        """Update the parameters from their gradients. All values stay on the device, so the step can be recorded."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    rule = self._muon if is_matrix(parameter) else self._adam
                    update = rule(self.state[parameter], parameter.grad)
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.sub_(group["lr"] * update)

    @staticmethod
    def _muon(state: dict[str, Tensor], gradient: Tensor) -> Tensor:
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        matrix = gradient.lerp(state["momentum"], MOMENTUM).flatten(1)  # Nesterov's momentum
        return (SCALE * max(matrix.shape) ** 0.5 * orthogonalise(matrix)).view_as(gradient)

    @staticmethod
    def _adam(state: dict[str, Tensor], gradient: Tensor) -> Tensor:
        if not state:
            state["step"] = torch.zeros((), device=gradient.device)
            state["mean"], state["square"] = torch.zeros_like(gradient), torch.zeros_like(gradient)
        state["step"] += 1
        state["mean"].lerp_(gradient, 1 - BETAS[0])
        state["square"].lerp_(gradient.square(), 1 - BETAS[1])
        mean = state["mean"] / (1 - BETAS[0] ** state["step"])
        square = state["square"] / (1 - BETAS[1] ** state["step"])
        return mean / (square.sqrt() + EPSILON)


def is_matrix(parameter: Tensor) -> bool:
    """Whether a parameter is the weight of a 1×1 convolution."""
    return parameter.ndim == 4 and parameter.shape[2:] == (1, 1)


def orthogonalise(matrix: Tensor) -> Tensor:
    """Make all singular values of a matrix about 1, by Newton–Schulz iteration."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T
