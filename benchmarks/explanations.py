"""Measure how faithful the evidence is: python -m benchmarks.explanations fer2013.csv --faces 1000

The pixels of a face are ordered by the evidence for the class that the network names. Then they are *deleted*, first
those with the most evidence: each is replaced by the same pixel of the blurred face. Or they are *inserted* into the
blurred face in this order (Petsiuk et al. 2018). The curves show the mean probability of the class that was named for
the whole face. Evidence is faithful if the deletion curve falls fast and the insertion curve rises fast.

The evidence competes with other orders: random cells, interpolated as the evidence is; random pixels; a blob in the
centre of the face; and the mean evidence of all faces, which knows the network but not the face.

The faces are from FER2013's PublicTest, the validation set.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mini_xception import Explanation, Face
from mini_xception.explain import upsample
from mini_xception.network.classifier import Classifier
from mini_xception.training.fer2013 import SIDE, load_fer2013

#: Number of steps in which all pixels are deleted or inserted.
STEPS = 16
#: Standard deviation of the blur, in pixels. It leaves a face whose expression cannot be told.
BLUR = 5.0
#: Seeds of the random orders, and number of draws of the bootstrap.
SEEDS, DRAWS = 5, 2000
EVIDENCE = "evidence"


class Curves(NamedTuple):
    """Mean probabilities after each step, (STEPS + 1,), and each face's areas under its curves, (N,)."""

    deletion: np.ndarray
    insertion: np.ndarray
    deletion_areas: np.ndarray
    insertion_areas: np.ndarray


def explain(classifier: Classifier, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the class that is named for each face, (N,), and the contrast of this class, (N, rows, columns)."""
    probabilities, evidence = classifier.explain(faces)
    labels = classifier.config.labels
    contrasts = []
    for crop, row, cells in zip(faces, probabilities, evidence, strict=True):
        face = Face((0, 0, SIDE, SIDE), 1.0, dict(zip(labels, map(float, row), strict=True)))
        contrasts.append(Explanation(face, cells, crop).contrast())
    return probabilities.argmax(axis=1), np.array(contrasts)


def orders(contrasts: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Return name → one or more maps of all faces, each (N, SIDE, SIDE). The largest values come first."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    shape = (len(contrasts), SIDE, SIDE)

    def grown(cells: np.ndarray) -> np.ndarray:
        return np.stack([upsample(map_, SIDE) for map_ in cells])

    return {
        EVIDENCE: [grown(contrasts)],
        "mean evidence of all faces": [np.broadcast_to(upsample(contrasts.mean(axis=0), SIDE), shape)],
        "blob in the centre": [np.broadcast_to(-np.hypot(y, x), shape)],
        "random cells": [grown(rng.random(contrasts.shape, np.float32)) for _ in range(SEEDS)],
        "random pixels": [rng.random(shape) for _ in range(SEEDS)],
    }


def measure(classifier: Classifier, faces: np.ndarray, named: np.ndarray, maps: list[np.ndarray]) -> Curves:
    """Delete and insert pixels in the order of each map, and average over the maps."""
    blurred = np.stack([cv2.GaussianBlur(face, (0, 0), BLUR) for face in faces])
    probabilities = np.zeros((2, STEPS + 1, len(faces)))
    for values in maps:
        # Among equal values, the order is random: rows from the top would favour the forehead.
        shuffled = np.random.default_rng(1).permutation(SIDE * SIDE)
        order = shuffled[np.argsort(-values.reshape(len(faces), -1)[:, shuffled], axis=1, kind="stable")]
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(SIDE * SIDE)[np.newaxis], axis=1)
        for step in range(STEPS + 1):
            first = (rank < step * SIDE * SIDE / STEPS).reshape(faces.shape)
            for i, images in enumerate((np.where(first, blurred, faces), np.where(first, faces, blurred))):
                probabilities[i, step] += classifier(images)[np.arange(len(faces)), named] / len(maps)
    areas = np.asarray(np.trapezoid(probabilities, dx=1 / STEPS, axis=1))
    deletion, insertion = probabilities.mean(axis=2)
    return Curves(deletion, insertion, areas[0], areas[1])


def interval(values: np.ndarray) -> str:
    """Return the mean and its 95 % interval, from a bootstrap over the faces."""
    draws = np.random.default_rng(2).integers(0, len(values), (DRAWS, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def plot(results: dict[str, Curves], path: Path) -> None:
    """Draw the curves, on a transparent background, in colours that are readable on light and dark pages."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    ink = "#7d8590"
    colours = ("#e8710a", "#c58af9", "#1a9edb", "#2da44e", ink)
    with plt.rc_context(dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), ink)):
        figure, both = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
        titles = ("deletion: lower is better", "insertion: higher is better")
        for which, (axes, title) in enumerate(zip(both, titles, strict=True)):
            for (name, curves), colour in zip(results.items(), colours, strict=True):
                width = 2.6 if name == EVIDENCE else 1.6
                axes.plot(np.linspace(0, 100, STEPS + 1), curves[which], color=colour, linewidth=width, label=name)
            axes.set_title(title, fontsize=11)
            axes.set_xlabel("pixels, %")
            axes.set_facecolor("none")
            axes.spines[["top", "right"]].set_visible(False)
            axes.spines[["left", "bottom"]].set_color(ink)
        both[0].set_ylabel("probability of the named class")
        both[0].set_ylim(bottom=0)
        figure.legend(*both[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
        figure.savefig(path, dpi=110, transparent=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013, in any form that mini-xception train accepts")
    parser.add_argument("--faces", type=int, default=1000, help="number of faces, chosen at random (default: 1000)")
    parser.add_argument("--checkpoint", help="checkpoint folder or Hub repository (default: bundled weights)")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the curves")
    args = parser.parse_args()

    classifier = Classifier.from_pretrained(args.checkpoint, device="cpu")
    images = load_fer2013(args.data, "PublicTest").images
    faces = images[np.random.default_rng(0).permutation(len(images))[: args.faces]]
    named, contrasts = explain(classifier, faces)
    results = {}
    print("| order | deletion (lower is better) | insertion (higher is better) |\n| --- | --- | --- |")
    for name, maps in orders(contrasts).items():
        results[name] = measure(classifier, faces, named, maps)
        print(
            f"| {name} | {interval(results[name].deletion_areas)} | {interval(results[name].insertion_areas)} |",
            flush=True,
        )
    print("\n| the evidence's advantage over | deletion | insertion |\n| --- | --- | --- |")
    ours = results[EVIDENCE]
    for name, other in list(results.items())[1:]:
        deletion = interval(other.deletion_areas - ours.deletion_areas)
        print(f"| {name} | {deletion} | {interval(ours.insertion_areas - other.insertion_areas)} |")
    if args.plot:
        plot(results, args.plot)


if __name__ == "__main__":
    main()
