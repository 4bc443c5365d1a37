"""Write the five small data sets on which the settings of ``fine_tune`` were chosen, as folders of images.

    python -m benchmarks.small_sets fer2013.csv fer2013new.csv --lfw lfw_faces.npz --out sets

All images of FER2013 are from PublicTest, which the bundled weights were not trained on. Each set has the folders
``train`` and ``test``; ``mini-xception train --data sets/posed`` trains on one of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from mini_xception.faces import EMOTIONS
from mini_xception.media.atomic import atomic_write
from mini_xception.training.fer2013 import load_fer2013
from mini_xception.training.targets import load_votes

#: Number of test images of each set.
TESTED = 800
#: Other names for six of FER2013's classes, in its order.
POSED = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
#: Share of the annotators that must agree on the class of an image of ``posed`` and ``few``.
AGREEMENT = 0.6


def disturb(image: np.ndarray) -> np.ndarray:
    """Make a grey image look like one of another data set: wider framing, blurred, and darker."""
    wider = cv2.copyMakeBorder(image, 10, 10, 4, 4, cv2.BORDER_REPLICATE)
    blurred = cv2.GaussianBlur(cv2.resize(wider, image.shape, interpolation=cv2.INTER_AREA), (0, 0), 1.0)
    return (255 * (blurred / 255.0) ** 2.5).astype(np.uint8)


def write(folder: Path, images: np.ndarray, names: list[str], train: np.ndarray, test: np.ndarray) -> None:
    """Write ``train/class/number.png`` and ``test/class/number.png``."""
    for split, chosen in (("train", train), ("test", test[:TESTED])):
        for index in chosen:
            with atomic_write(folder / split / names[index] / f"{index}.png") as temporary:
                cv2.imwrite(str(temporary), images[index])


def write_fer2013_sets(data: Path, votes_file: Path, out: Path, rng: np.random.Generator) -> None:
    """Write ``seven`` (1,000 images), ``happy`` (500), ``posed`` (802) and ``few`` (90)."""
    faces = load_fer2013(data, "PublicTest")
    votes = load_votes(votes_file, "PublicTest", faces.rows)
    order = rng.permutation(len(faces))
    emotions = [EMOTIONS[label] for label in faces.labels]
    write(out / "seven", faces.images, emotions, order[:1000], order[1000:])
    happy = ["happy" if name == "happy" else "not happy" for name in emotions]
    write(out / "happy", faces.images, happy, order[:500], order[500:])

    voted, sure = votes.argmax(axis=1), votes.max(axis=1) >= AGREEMENT
    posed = order[sure[order] & (voted[order] < len(POSED))]
    train = np.concatenate([members[: min(200, len(members) * 2 // 3)] for members in
                            (posed[voted[posed] == label] for label in range(len(POSED)))])  # fmt: skip
    disturbed = np.stack([disturb(image) for image in faces.images])
    names = [POSED[label] if label < len(POSED) else "" for label in voted]
    write(out / "posed", disturbed, names, train, posed[~np.isin(posed, train)])

    few = order[sure[order] & np.isin(voted[order], (3, 5, 6))]
    write(out / "few", faces.images, [EMOTIONS[label] for label in voted], few[:90], few[90:])


def write_lfw(file: Path, out: Path, rng: np.random.Generator) -> None:
    """Write ``people``: 600 images of news photographs with other class names, tested on other people."""
    arrays = np.load(file)
    classes = {3: "smile", 4: "down", 5: "wow", 6: "calm"}
    kept = np.flatnonzero(np.isin(arrays["labels"], list(classes)))
    people = rng.permutation(np.unique(arrays["person"][kept]))
    place = {person: i for i, person in enumerate(people)}
    order = kept[np.argsort([place[person] for person in arrays["person"][kept]], kind="stable")]
    boundary = next(i for i in range(600, len(order)) if arrays["person"][order[i]] != arrays["person"][order[599]])
    names = [classes.get(int(label), "") for label in arrays["labels"]]
    write(out / "people", arrays["faces"], names, order[:600], order[boundary:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013")
    parser.add_argument("votes", type=Path, help="FER+'s fer2013new.csv")
    parser.add_argument("--lfw", type=Path, help="faces of LFW: arrays faces, labels and person (default: no such set)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    args = parser.parse_args()
    write_fer2013_sets(args.data, args.votes, args.out, np.random.default_rng(0))
    if args.lfw:
        write_lfw(args.lfw, args.out, np.random.default_rng(0))


if __name__ == "__main__":
    main()
