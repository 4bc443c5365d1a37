"""Measure what stretching the contrast of face crops does on FER2013's PublicTest, the validation set.

    python -m benchmarks.contrast fer2013.csv

It prints the accuracy of the bundled weights on the images with less contrast than each limit, as they are and
stretched. The last limit includes all images that do not span all grey levels already. MIN_CROP_CONTRAST in
``mini_xception/detection/light.py`` is the limit below which stretching helps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mini_xception.detection import light
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.training.fer2013 import load_fer2013

LIMITS = (100, light.MIN_CROP_CONTRAST, 140, 160, 256)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013, in any form that mini-xception train accepts")
    args = parser.parse_args()

    recognizer = EmotionRecognizer.from_pretrained(detector=None)
    validation = load_fer2013(args.data, "PublicTest")

    def accuracy(images: list[np.ndarray], labels: np.ndarray) -> float:
        return float((recognizer.classify(images).argmax(axis=1) == labels).mean())

    for limit in LIMITS:
        light.MIN_CROP_CONTRAST = limit
        stretched = [light.stretch_crop(image) for image in validation.images]
        changed = [i for i, image in enumerate(validation.images) if not np.array_equal(stretched[i], image)]
        labels = validation.labels[changed]
        before = accuracy([validation.images[i] for i in changed], labels)
        after = accuracy([stretched[i] for i in changed], labels)
        share = len(changed) / len(stretched)
        print(f"contrast below {limit}: {share:.1%} of the images, accuracy {before:.2%}, stretched {after:.2%}")


if __name__ == "__main__":
    main()
