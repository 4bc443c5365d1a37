"""Reports of made-up classifiers, which the tests read and open in a browser."""

from pathlib import Path

import numpy as np

from mini_xception.evaluation import write_report

#: Names that HTML, Markdown, a narrow screen or a font could break. "absent" has no images.
LABELS = (
    "<script>alert(1)</script>",
    "专注",
    'a|b & "c"',
    "a class whose name is longer than its column on a phone",
    "WithoutAnySpaceInAVeryLongNameThatCannotBeBrokenAtAWord",
    "absent",
    "سعيد",
)
HISTORY = [
    {"epoch": epoch, "learning_rate": 1e-3, "train_loss": 2 / epoch, "validation_loss": 2.2 / epoch,
     "train_accuracy": 1 - 1 / epoch, "validation_accuracy": 0.9 - 0.9 / epoch}
    for epoch in range(1, 31)
]  # fmt: skip
DATA = {
    "source": "my_photos/",
    "images_per_class": {"train": dict.fromkeys(LABELS, 40), "test": {LABELS[0]: 1234}},
    "left_out": {"no face found": 3},
    "warnings": ["<b>few</b> images"],
}


def predictions(n: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make probabilities, truth and images. Class 5, if there is one, has no images."""
    rng = np.random.default_rng(seed)
    truth = rng.choice([label for label in range(classes) if label != 5], n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), truth] += 1.5
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities.astype(np.float32), truth, rng.integers(0, 256, (n, 48, 48), np.uint8)


def write_example(folder: Path, labels=LABELS, n: int = 200, history=HISTORY, **options) -> dict:
    probabilities, truth, images = predictions(n, len(labels))
    names = [f"{label}/{'照片' * 9}_{number}<i>.png" for number, label in enumerate(np.array(labels)[truth])]
    arguments = {"title": "runs/<mine> & yours", "names": names, "history": history, "data": DATA} | options
    return write_report(folder, probabilities, truth, labels, images, **arguments)
