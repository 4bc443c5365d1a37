"""Write training data with soft targets: FER2013 and, with --lfw, faces of news photographs.

    python -m recipes.real_faces fer2013.csv --votes fer2013new.csv --lfw lfw_faces.npz \\
        --teachers runs/a/best runs/b/best --out runs/data
    mini-xception train --data runs/data/faces.csv --teacher runs/data/targets.npy --preset real_faces \\
        --initial runs/a/best --run runs/real_faces

``faces.csv`` has the columns of fer2013.csv. Its training images are those of FER2013, and those of the persons of LFW
that are not held out. Its PublicTest is FER2013's. ``targets.npy`` has one row of probabilities for each training
image: a mixture of its label and a teacher's opinion of the image as it is, without augmentation.

- FER2013: the teacher is that of recipes/teacher.py, a logistic regression on FER+'s votes and the average of the
  checkpoints.
- LFW: the teacher is the first checkpoint. Most of these faces are happy or neutral. Only some of the happy ones are
  used, and the images of rare labels are repeated.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from mini_xception import EMOTIONS, MiniXception
from mini_xception.media.atomic import atomic_write
from mini_xception.training.fer2013 import load_fer2013
from mini_xception.training.targets import load_votes
from recipes.teacher import LabelRegression, teach

#: One in this number of LFW's persons is held out.
HELD_OUT_PERSONS = 5
#: Share of the label in a target. The rest is the teacher's opinion.
LABEL_SHARE, LABEL_SHARE_LFW = 0.15, 0.8
#: Label of LFW → how often an image is used.
REPEATS = {"angry": 4, "disgust": 2, "fear": 3, "happy": 1, "sad": 4, "surprise": 4, "neutral": 1}
#: Different images of LFW at most: of a person with one label, and of happy faces.
MOST_OF_PERSON, MOST_HAPPY = 20, 1600


def mix(labels: np.ndarray, opinions: np.ndarray, share: float) -> np.ndarray:
    """Mix labels, int64, (N,), with a teacher's opinions, float32, (N, labels)."""
    return share * np.eye(opinions.shape[1], dtype=np.float32)[labels] + (1 - share) * opinions


def choose(labels: np.ndarray, person: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return indices of LFW's images, of persons that are not held out; rare labels are repeated."""
    chosen = []
    for label, emotion in enumerate(EMOTIONS):
        members = rng.permutation(np.flatnonzero((labels == label) & (person % HELD_OUT_PERSONS != 0)))
        members = np.concatenate(
            [members[person[members] == name][:MOST_OF_PERSON] for name in np.unique(person[members])]
        )
        if emotion == "happy":
            members = rng.permutation(members)[:MOST_HAPPY]
        chosen.append(np.repeat(members, REPEATS[emotion]))
    return np.concatenate(chosen)


def write_table(path: Path, splits: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Write images, uint8, (N, 48, 48), and labels, as FER2013's CSV file."""
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("emotion", "pixels", "Usage"))
        for split, (images, labels) in splits.items():
            for image, label in zip(images, labels, strict=True):
                writer.writerow((label, " ".join(map(str, image.reshape(-1))), split))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013, in any form that mini-xception train accepts")
    parser.add_argument("--votes", type=Path, required=True, help="FER+'s fer2013new.csv")
    parser.add_argument("--lfw", type=Path, help="LFW: arrays faces, labels and person (default: FER2013 only)")
    parser.add_argument("--teachers", nargs="+", type=Path, required=True, help="checkpoint folders")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    args = parser.parse_args()

    models = [MiniXception.from_pretrained(folder) for folder in args.teachers]
    training, validation = (load_fer2013(args.data, split) for split in ("Training", "PublicTest"))
    votes, opinions = load_votes(args.votes, "Training", training.rows), teach(models, training.images)
    opinions = LabelRegression(opinions, votes, training.labels)(opinions, votes)
    images, labels = [training.images], [training.labels]
    targets = [mix(training.labels, opinions, LABEL_SHARE)]
    if args.lfw:
        lfw = np.load(args.lfw)
        chosen = choose(lfw["labels"], lfw["person"], np.random.default_rng(0))
        faces, names = lfw["faces"][chosen], lfw["labels"][chosen]
        images.append(faces)
        labels.append(names)
        targets.append(mix(names, teach(models[:1], faces), LABEL_SHARE_LFW))
        print(f"LFW: {len(chosen)} images, {len(np.unique(chosen))} of them different")
    splits = {
        "Training": (np.concatenate(images), np.concatenate(labels)),
        "PublicTest": (validation.images, validation.labels),
    }
    write_table(args.out / "faces.csv", splits)
    with atomic_write(args.out / "targets.npy") as temporary, temporary.open("wb") as file:
        np.save(file, np.concatenate(targets).astype(np.float32))


if __name__ == "__main__":
    main()
