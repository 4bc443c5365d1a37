"""Let trained checkpoints teach: what they say together about every training picture, for ``train --teacher``.

    python recipes/teacher.py fer2013.csv runs/a/best runs/residual/residual.safetensors --out teacher.npy

A checkpoint is mini_Xception's folder, or the file that ``recipes/residual.py`` writes. Each sees each picture as it is
and mirrored, and the mean knows more than a single pass of any of them. The last line says how much, on PublicTest, the
validation set.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from residual import Residual

from mini_xception import MiniXception
from mini_xception.data import load_fer2013

BATCH = 256


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013")
    parser.add_argument("checkpoints", nargs="+", type=Path, help="checkpoint folders and residual.safetensors files")
    parser.add_argument("--out", type=Path, required=True, help="the NumPy file to write")
    args = parser.parse_args()

    models = [
        Residual.from_file(checkpoint)
        if checkpoint.suffix == ".safetensors"
        else MiniXception.from_pretrained(checkpoint)
        for checkpoint in args.checkpoints
    ]
    public_test = load_fer2013(args.data, "PublicTest")
    accuracy = (teach(models, public_test.images).argmax(1) == public_test.labels).mean()
    np.save(args.out, teach(models, load_fer2013(args.data, "Training").images))
    print(f"{args.out}: {accuracy:.2%} on PublicTest (validation)")


if __name__ == "__main__":
    main()
