"""Write a teacher's probabilities for the training images, for ``mini-xception train --teacher``.

    python -m recipes.teacher fer2013.csv runs/a/best runs/residual/residual.safetensors --votes fer2013new.csv \\
        --out teacher.npy
    mini-xception train --data fer2013.csv --votes fer2013new.csv --teacher teacher.npy --run runs/b

The teacher averages the probabilities of one or more checkpoints over each image and its horizontally flipped copy. A
checkpoint is a mini_Xception folder, or a file written by ``recipes/residual.py``.

With --votes, a logistic regression combines the average with FER+'s votes to predict the FER2013 label. It is fitted on
the training split, and is more accurate than any of the networks. The recipe prints the teacher's accuracy on
PublicTest, the validation set.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mini_xception import MiniXception
from mini_xception.media.atomic import atomic_write
from mini_xception.training.fer2013 import load_fer2013
from mini_xception.training.targets import load_votes
from recipes.residual import Residual

#: Images per forward pass.
BATCH = 256
#: Values added to the networks' probabilities and to the fractions of the votes before the logarithm is taken.
NETWORK_FLOOR, VOTE_FLOOR = 1e-4, 0.05
WEIGHT_DECAY = 1e-3


@torch.inference_mode()
def teach(models: Sequence[MiniXception | Residual], images: np.ndarray) -> np.ndarray:
    """Average the probabilities of several networks over images and their horizontally flipped copies.

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
            for view in (batch, batch.flip(-1)):
                sums[start : start + BATCH] += model(view).softmax(dim=1).cpu().numpy()
    return sums / (2 * len(models))


class LabelRegression:
    """Logistic regression from the networks' probabilities and the annotators' votes to the FER2013 label.

    The inputs are logarithms, so the regression is a product of experts. Its weights express how much each label's
    probability and votes count, and which labels are often confused.

    Args:
        probabilities: float32, (N, labels), the networks' probabilities.
        votes: float32, (N, labels), fractions of the votes.
        labels: int64, (N,), the FER2013 labels.
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
        """Predict label probabilities, float32, (N, labels). The arguments are as in the constructor."""
        return (self._inputs(probabilities, votes) @ self.weight + self.bias).softmax(dim=1).numpy()

    @staticmethod
    def _inputs(probabilities: np.ndarray, votes: np.ndarray) -> Tensor:
        logarithms = [np.log(probabilities + NETWORK_FLOOR), np.log(votes + VOTE_FLOOR)]
        return torch.from_numpy(np.concatenate(logarithms, axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013, in any form that mini-xception train accepts")
    parser.add_argument("checkpoints", nargs="+", type=Path, help="checkpoint folders and residual.safetensors files")
    parser.add_argument(
        "--votes", type=Path, help="FER+'s fer2013new.csv, combined with the networks (default: only the networks)"
    )
    parser.add_argument("--out", type=Path, required=True, help="NumPy file to write")
    args = parser.parse_args()

    models = [
        Residual.from_file(checkpoint)
        if checkpoint.suffix == ".safetensors"
        else MiniXception.from_pretrained(checkpoint)
        for checkpoint in args.checkpoints
    ]
    training, validation = (load_fer2013(args.data, split) for split in ("Training", "PublicTest"))
    taught, validated = teach(models, training.images), teach(models, validation.images)
    if args.votes:
        votes = load_votes(args.votes, "Training", training.rows)
        regression = LabelRegression(taught, votes, training.labels)
        taught = regression(taught, votes)
        validated = regression(validated, load_votes(args.votes, "PublicTest", validation.rows))
    with atomic_write(args.out) as temporary, temporary.open("wb") as file:
        np.save(file, taught)
    print(f"{args.out}: {(validated.argmax(1) == validation.labels).mean():.2%} on PublicTest (validation)")


if __name__ == "__main__":
    main()
