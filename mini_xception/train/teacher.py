"""Whom a run learns from: what was said of each picture beforehand, or a network that sees them as they are augmented.

Either is a module from a batch of grey faces in [0, 1], float, (N, 1, S, S), and their places in the training split,
(N,), to probabilities, (N, labels).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS


class FixedTeacher(nn.Module):
    """Says the same of a picture however it is augmented.

    Args:
        probabilities: float32, (pictures of the training split, labels).
    """

    probabilities: Tensor

    def __init__(self, probabilities: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("probabilities", torch.from_numpy(probabilities))

    def forward(self, _faces: Tensor, places: Tensor) -> Tensor:
        return self.probabilities[places]


class LiveTeacher(nn.Module):
    """Sees what its student sees, as Beyer et al. 2022 advise ("a good teacher is patient and consistent").

    Args:
        network: from grey faces in [0, 1], float, (N, 1, S, S), to probabilities, (N, labels).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor, _places: Tensor) -> Tensor:
        return self.network(faces)


def load_teacher(path: str | os.PathLike[str], n: int, image_size: int) -> FixedTeacher | LiveTeacher:
    """Load probabilities (``.npy``, as ``recipes/teacher.py`` writes them) or a network (``.pt2``: ``torch.export``).

    Args:
        path: the file.
        n: pictures of the training split.
        image_size: side of the run's pictures in pixels.

    Raises:
        MiniXceptionError: no such file, or it does not fit the run.
    """
    path = Path(path)
    if path.suffix == ".pt2":
        return LiveTeacher(load_network(path, image_size))
    try:
        probabilities = np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, EOFError, TypeError, ValueError) as error:
        raise MiniXceptionError(f"{path}: no file of a teacher's probabilities ({error})") from error
    if probabilities.shape != (n, len(EMOTIONS)):
        raise MiniXceptionError(f"{path}: shape {probabilities.shape}, the data needs ({n}, {len(EMOTIONS)})")
    if not ((probabilities >= 0).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)):
        raise MiniXceptionError(f"{path}: a row is no distribution; probabilities are at least 0 and sum to 1")
    return FixedTeacher(probabilities)


def load_network(path: Path, image_size: int) -> nn.Module:
    """A network that ``torch.export.save`` wrote, as ``recipes/live_teacher.py`` does.

    Raises:
        MiniXceptionError: no such file, or it does not go from such pictures to probabilities.
    """
    try:
        network = torch.export.load(path).module()
        with torch.no_grad():
            said = network(torch.zeros(2, 1, image_size, image_size))
    except Exception as error:  # A damaged file makes torch's reader raise almost anything, and so does another input.
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise MiniXceptionError(f"{path}: no network for {image_size}×{image_size} pictures ({reason})") from error
    if said.shape != (2, len(EMOTIONS)) or not torch.allclose(said.sum(dim=1), torch.ones(2), atol=1e-3):
        raise MiniXceptionError(f"{path}: it gives no probabilities of {', '.join(EMOTIONS)}")
    return network
