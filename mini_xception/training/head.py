"""A last layer for new classes, computed from the last layer of a trained network."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mini_xception.network.model import MiniXception
from mini_xception.training.labelled import LabelledFaces
from mini_xception.training.targets import class_weights

#: Weight of the squared coefficients in the regression. It keeps the coefficients of few images small.
SHRINKAGE = 1e-2
#: Images per forward pass.
BATCH = 256


def adapt(initial: MiniXception, training: LabelledFaces, balance: float = 0.0) -> MiniXception:
    """Return a copy of a network with a last layer for the training set's classes.

    The new logits are a linear map of the old ones, fitted to the training set by logistic regression. Since the last
    layer is linear, too, the map is multiplied into its weights. The copy therefore starts with all that the network
    knows about the new classes, under whatever names: a class "joy" begins with the weights of "happy". If the classes
    are the same, in any order, the last layer is kept.

    Args:
        initial: the trained network.
        training: the training set.
        balance: ``class_balance`` of the settings.

    Raises:
        MiniXceptionError: the classes of the training set are not valid labels.
    """
    state = {name: value.detach().cpu().clone() for name, value in initial.state_dict().items()}
    settings = initial.config | {"labels": training.classes, "temperature": 1.0, "metrics": None}
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):  # The random first weights are replaced.
        adapted = MiniXception(**settings)
    if set(training.classes) == set(initial.labels):
        order = [initial.labels.index(name) for name in training.classes]
        state["conv.weight"], state["conv.bias"] = state["conv.weight"][order], state["conv.bias"][order]
    else:
        weights = class_weights(training.labels, len(training.classes), balance)
        scale, offset = _regress(_logits(initial, training.images), training.labels, weights)
        weight, bias = state["conv.weight"].double(), state["conv.bias"].double()
        state["conv.weight"] = torch.einsum("nc,cihw->nihw", scale, weight).float()
        state["conv.bias"] = (scale @ bias + offset).float()
    adapted.load_state_dict(state)
    return adapted.eval()


@torch.inference_mode()
def _logits(model: MiniXception, images: np.ndarray) -> Tensor:
    model = copy.deepcopy(model).eval()
    parts = [model(model.preprocess(images[start : start + BATCH])) for start in range(0, len(images), BATCH)]
    return torch.cat(parts).cpu().double()


def _regress(logits: Tensor, labels: np.ndarray, weights: np.ndarray) -> tuple[Tensor, Tensor]:
    """Fit new logits, ``scale @ old + offset``, by logistic regression on standardised old logits."""
    classes, weight_of_class = len(weights), torch.from_numpy(weights).double()
    mean, deviation = logits.mean(dim=0), logits.std(dim=0, correction=0) + 1e-6
    inputs, truth = ((logits - mean) / deviation).clone(), torch.from_numpy(labels)
    weight = torch.zeros(classes, inputs.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        value = functional.cross_entropy(inputs @ weight.T + bias, truth, weight=weight_of_class)
        value = value + SHRINKAGE * weight.square().sum()
        value.backward()
        return value

    with torch.enable_grad():
        solver.step(loss)
    scale = (weight / deviation).detach()
    return scale, (bias - scale @ mean).detach()
