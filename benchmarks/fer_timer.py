"""Time PyPI's fer for ``benchmarks.speed --fer``. fer needs older packages, so this runs in a separate environment.

The script reads lines of ``classify FACES REPEATS`` or ``photos REPEATS`` from standard input. For each line, it prints
the seconds per call. The command-line arguments are the photos.
"""

from __future__ import annotations

import sys
import time
from functools import partial

import cv2
import numpy as np
from fer.fer import FER  # the package's own __init__ needs moviepy 1


def main() -> None:
    fer = FER(mtcnn=True)
    crops = np.random.default_rng(0).integers(0, 256, (256, 48, 48), np.uint8)

    def classify(faces: int) -> None:
        """Classify face crops, prepared as in ``FER.detect_emotions``."""
        grey = np.array([cv2.resize(crop, (64, 64)) for crop in crops[:faces]], "float32")
        fer._classify_emotions((grey / 255.0 - 0.5) * 2.0)

    def photos() -> None:
        for path in sys.argv[1:]:
            fer.detect_emotions(cv2.imread(path))

    print("ready", flush=True)
    for line in sys.stdin:
        task, *numbers, repeats = line.split()
        call = partial(classify, int(numbers[0])) if task == "classify" else photos
        started = time.perf_counter()
        for _ in range(int(repeats)):
            call()
        print((time.perf_counter() - started) / int(repeats), flush=True)


if __name__ == "__main__":
    main()
