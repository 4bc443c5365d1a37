"""Let trained checkpoints teach: what they say together about every training picture, for ``train --teacher``.

    python recipes/teacher.py fer2013.csv runs/a/best runs/residual/residual.safetensors --votes fer2013new.csv \\
        --out teacher.npy

A checkpoint is mini_Xception's folder, or the file that ``recipes/residual.py`` writes. Each sees each picture as it is
and mirrored, and the mean knows more than a single pass of any of them. With FER+'s votes the teacher knows more than
any network can: a logistic regression, fitted on the training split, tells from the networks' mean and the votes
together which label a picture was given. The last line says how much the teacher knows, on PublicTest, the validation
set.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from residual import Residual
from torch import Tensor
from torch.nn import functional

from mini_xception import MiniXception
from mini_xception.training.data import load_fer2013, load_votes

BATCH = 256
#: Added to probabilities and to shares of ten votes before their logarithms are taken.
NETWORK_FLOOR, VOTE_FLOOR = 1e-4, 0.05
WEIGHT_DECAY = 1e-3


@torch.inference_mode()
def teach(models: Sequence[MiniXception | Residual], images: np.ndarray) -> np.ndarray:
    """The mean of what several networks say about pictures and their mirror images.

    Args:
        models: networks with the same labels.
        images: uint8, (N, 48, 48).

    Returns:
        float32, (N, labels), probabilities.
    """
    sums = np.zeros((len(images), len(models[0].labels)), np.float32)
    for model in models:
        model.eval().to(memory_format=torch.channels_last)
        for start in range(0, len(images), BATCH):
            batch = model.preprocess(images[start : start + BATCH]).to(memory_format=torch.channels_last)
            for seen in (batch, batch.flip(-1)):
                sums[start : start + BATCH] += model(seen).softmax(dim=1).cpu().numpy()
    return sums / (2 * len(models))


class LabelRegression:
    """Logistic regression from what networks and annotators say to FER2013's label, fitted on pictures that have both.

    The inputs are logarithms, so it is a product of experts: weighted votes for each label, and a habit of confusing
    one with another for each pair.
    """

    def __init__(self, probabilities: np.ndarray, votes: np.ndarray, labels: np.ndarray) -> None:
        inputs, truth = self._inputs(probabilities, votes), torch.from_numpy(labels)
        self.weight = torch.zeros(inputs.shape[1], probabilities.shape[1], requires_grad=True)
        self.bias = torch.zeros(probabilities.shape[1], requires_grad=True)
        optimizer = torch.optim.LBFGS([self.weight, self.bias], max_iter=300)

        def loss() -> Tensor:
            optimizer.zero_grad()
            value = functional.cross_entropy(inputs @ self.weight + self.bias, truth)
            value = value + WEIGHT_DECAY * self.weight.square().sum()
            value.backward()
            return value

        optimizer.step(loss)

    @torch.no_grad()
    def __call__(self, probabilities: np.ndarray, votes: np.ndarray) -> np.ndarray:
        """float32, (N, labels), probabilities of the labels, from the networks' and the votes, both (N, labels)."""
        return (self._inputs(probabilities, votes) @ self.weight + self.bias).softmax(dim=1).numpy()

    @staticmethod
    def _inputs(probabilities: np.ndarray, votes: np.ndarray) -> Tensor:
        logarithms = [np.log(probabilities + NETWORK_FLOOR), np.log(votes + VOTE_FLOOR)]
        return torch.from_numpy(np.concatenate(logarithms, axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013")
    parser.add_argument("checkpoints", nargs="+", type=Path, help="checkpoint folders and residual.safetensors files")
    parser.add_argument("--votes", type=Path, help="FER+'s fer2013new.csv, for a teacher that sees the votes, too")
    parser.add_argument("--out", type=Path, required=True, help="the NumPy file to write")
    args = parser.parse_args()

    models = [
        Residual.from_file(checkpoint)
        if checkpoint.suffix == ".safetensors"
        else MiniXception.from_pretrained(checkpoint)
        for checkpoint in args.checkpoints
    ]
    training, public_test = (load_fer2013(args.data, split) for split in ("Training", "PublicTest"))
    taught, validated = teach(models, training.images), teach(models, public_test.images)
    if args.votes:
        votes = load_votes(args.votes, "Training", training.rows)
        regression = LabelRegression(taught, votes, training.labels)
        taught = regression(taught, votes)
        validated = regression(validated, load_votes(args.votes, "PublicTest", public_test.rows))
    with args.out.open("wb") as file:
        np.save(file, taught)
    print(f"{args.out}: {(validated.argmax(1) == public_test.labels).mean():.2%} on PublicTest (validation)")


if __name__ == "__main__":
    main()
