"""Measure a checkpoint on faces of LFW, of persons that recipes/real_faces.py holds out.

    python -m benchmarks.real_faces lfw_faces.npz [--checkpoint NAME] [--most N]

Some persons have hundreds of images, often with doubtful labels. At most ``--most`` images of each person are counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mini_xception import EMOTIONS, EmotionRecognizer
from mini_xception.evaluation.metrics import measure
from recipes.real_faces import HELD_OUT_PERSONS

#: Labels with enough images for a recall.
COMMON = ("neutral", "happy", "surprise", "angry", "sad")


def first_images(person: np.ndarray, most: int) -> np.ndarray:
    """Return the indices of each person's first images, at most this many."""
    return np.concatenate([np.flatnonzero(person == name)[:most] for name in np.unique(person)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lfw", type=Path, help="faces of LFW: arrays faces, labels and person")
    parser.add_argument("--checkpoint", help="checkpoint folder (default: the bundled weights)")
    parser.add_argument("--most", type=int, default=10, help="images per person (default: %(default)s)")
    args = parser.parse_args()
    lfw = np.load(args.lfw)
    held = np.flatnonzero((lfw["person"] % HELD_OUT_PERSONS == 0) & (lfw["labels"] >= 0))
    chosen = held[first_images(lfw["person"][held], args.most)]
    recognizer = EmotionRecognizer.from_pretrained(args.checkpoint, detector=None)
    metrics = measure(recognizer.classify(lfw["faces"][chosen]), lfw["labels"][chosen], EMOTIONS)
    mean = np.mean([metrics.recall[name] for name in COMMON])
    print(f"{len(chosen)} images: accuracy {metrics.accuracy:.1%}, ECE {metrics.ece:.3f}, mean recall {mean:.3f}")
    print(", ".join(f"{name} {metrics.recall[name]:.3f}" for name in COMMON))


if __name__ == "__main__":
    main()
