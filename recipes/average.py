"""Average the weights of checkpoints that were trained from the same one, and calibrate the average on PublicTest.

    python recipes/average.py fer2013.csv runs/real_faces/last runs/before --out runs/average

Fine-tuned weights lose a part of what the first ones could do. Their average keeps more of both (Wortsman et al. 2022).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mini_xception import MiniXception
from mini_xception.evaluation.metrics import fit_temperature, measure
from mini_xception.network.classifier import Classifier
from mini_xception.training.data import load_fer2013
from mini_xception.training.labelled import LabelledFaces


def average(models: list[MiniXception], weights: list[float]) -> MiniXception:
    """Return a network with the weighted mean of the networks' weights and batch norm statistics."""
    states = [model.state_dict() for model in models]
    mean = {
        name: sum(weight * state[name] for weight, state in zip(weights, states, strict=True))
        if value.is_floating_point()
        else value
        for name, value in states[0].items()
    }
    result = models[0]
    result.load_state_dict(mean)
    result.temperature, result.metrics = 1.0, None
    return result


def calibrate(model: MiniXception, validation: LabelledFaces) -> None:
    """Fit the temperature on the validation set, and store the scores there."""
    probabilities = Classifier.from_model(model, "torch")(validation.images)
    model.temperature = fit_temperature(probabilities, validation.labels)
    calibrated = Classifier.from_model(model, "torch")(validation.images)
    scores = measure(calibrated, validation.labels, model.labels).to_dict()
    model.metrics = {"dataset": validation.dataset, "split": validation.split, **scores}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013, in any form that mini-xception train accepts")
    parser.add_argument("checkpoints", nargs="+", type=Path, help="checkpoint folders")
    parser.add_argument("--weights", nargs="+", type=float, help="one per checkpoint; sum 1 (default: equal)")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")
    args = parser.parse_args()
    weights = args.weights or [1 / len(args.checkpoints)] * len(args.checkpoints)
    model = average([MiniXception.from_pretrained(folder, device="cpu") for folder in args.checkpoints], weights)
    calibrate(model, load_fer2013(args.data, "PublicTest"))
    model.save_pretrained(args.out)


if __name__ == "__main__":
    main()
