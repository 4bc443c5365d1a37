"""Write a teacher's probabilities for the training images, for ``mini-xception train --teacher``.

    python recipes/teacher.py fer2013.csv runs/a/best runs/residual/residual.safetensors --votes fer2013new.csv \\
        --out teacher.npy
    mini-xception train --data fer2013.csv --votes fer2013new.csv --teacher teacher.npy --run runs/b

The teacher is the mean of one or more checkpoints over each image and its horizontally flipped copy. A checkpoint is a
folder of mini_Xception, or a file written by ``recipes/residual.py``. With --votes, a logistic regression combines the
mean with FER+'s votes to predict the FER2013 label; it is fitted on the training split, and is more accurate than any
of the networks. The output is the teacher's accuracy on PublicTest, the validation set.
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
from mini_xception.media.atomic import atomic_write
from mini_xception.training.data import load_fer2013, load_votes

#: Images per forward pass.
BATCH = 256
#: Added to probabilities, and to fractions of the votes, before the logarithm.
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

    Its inputs are logarithms, so it is a product of experts. The weights express how much each label's probability and
    votes count, and which labels are often confused.

    Args:
        probabilities: float32, (N, labels), of the networks.
        votes: float32, (N, labels), fractions of the votes.
        labels: int64, (N,).
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
        """Predict the labels' probabilities, float32, (N, labels), from inputs as in the constructor."""
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
        "--votes", type=Path, help="FER+'s fer2013new.csv, combined with the networks (default: the networks alone)"
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
