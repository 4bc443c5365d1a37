"""Average the weights of checkpoints that were trained from the same one, and calibrate the average on PublicTest.

    python -m recipes.average fer2013.csv runs/real_1/last runs/real_2/last --neutral 0.2 --out runs/average

Runs with different data or seeds have different strengths. Their average keeps more of them (Wortsman et al. 2022).

``--neutral`` is added to the logit of neutral. FER2013 has fewer neutral faces than photos of people have.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

import torch

from mini_xception import MiniXception
from mini_xception.checkpoint.version import code_version
from mini_xception.evaluation.metrics import measure
from mini_xception.training.fer2013 import SIDE, load_fer2013
from mini_xception.training.finish import calibrate


def average(models: list[MiniXception]) -> MiniXception:
    """Return a network with the mean of the networks' weights and batch norm statistics, for crops of 48×48 pixels.

    Networks that were trained with ``--image-size 64`` saw enlarged images of 48×48 pixels only. A crop of a photo is
    sharper, so their mean takes 48×48 pixels and enlarges them itself.
    """
    states, share = [model.state_dict() for model in models], 1 / len(models)
    mean = {
        name: sum(share * state[name] for state in states) if value.is_floating_point() else value
        for name, value in states[0].items()
    }
    network = models[0]
    network.load_state_dict(mean)
    if network.image_size > SIDE:
        network.image_size, network.upsample_to = SIDE, network.image_size
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013, in any form that mini-xception train accepts")
    parser.add_argument("checkpoints", nargs="+", type=Path, help="checkpoint folders")
    parser.add_argument(
        "--neutral", type=float, default=0.0, help="number added to the logit of neutral (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")
    args = parser.parse_args()

    model = average([MiniXception.from_pretrained(folder, device="cpu") for folder in args.checkpoints])
    with torch.no_grad():
        model.conv.get_parameter("bias")[model.labels.index("neutral")] += args.neutral
    validation = load_fer2013(args.data, "PublicTest")
    scores = measure(calibrate(model, validation), validation.labels, model.labels).to_dict()
    del scores["confusion_matrix"]
    model.metrics = {"dataset": validation.dataset, "split": validation.split, **scores}
    # "last" alone would not name a run. A whole path would name a folder of this machine.
    checkpoints = ["/".join(folder.parts[-2:]) for folder in args.checkpoints]
    names = [args.data.name, *checkpoints, "--neutral", str(args.neutral), "--out", args.out.name]
    model.provenance = {"recipe": shlex.join(["python", "-m", "recipes.average", *names]), "commit": code_version()}
    model.save_pretrained(args.out)


if __name__ == "__main__":
    main()
