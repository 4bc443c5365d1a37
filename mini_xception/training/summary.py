"""The contents of a data set, as text and as an image, shown before training."""

from __future__ import annotations

import json
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mini_xception.media.atomic import atomic_write
from mini_xception.training.labelled import TRAIN
from mini_xception.training.load import FaceData
from mini_xception.training.splits import write_splits
from mini_xception.training.state import FACTS

#: Name of the image in a run's folder, and number of its faces per class.
SAMPLE_SHEET, SHOWN = "data.png", 10
_FACES = {"detect": "the largest face of each photo (--faces detect)", "crop": "the whole images (--faces crop)"}


def count(data: FaceData) -> dict[str, dict[str, int]]:
    """Count the images: split → class → number of images."""
    counts = {name: np.bincount(faces.labels, minlength=len(data.classes)) for name, faces in data.splits.items()}
    return {name: dict(zip(data.classes, map(int, row), strict=True)) for name, row in counts.items()}


def facts(data: FaceData) -> dict[str, Any]:
    """Return the counts, the images that are left out, and the remarks, ready for JSON."""
    reasons = {reason: len(names) for reason, names in _reasons(data).items()}
    return {"images": count(data), "faces": _FACES[data.faces], "left out": reasons, "notes": data.notes}


def describe(data: FaceData) -> str:
    """Return the numbers of images per class and split, what is left out and why, and remarks, as lines of text."""
    counts = count(data)
    width = max(8, *map(len, data.classes))
    dataset = data.training.dataset
    total = sum(map(len, data.splits.values()))
    lines = [f"{dataset}: {total:,} images, {len(data.classes)} classes; faces: {_FACES[data.faces]}"]
    lines.append(" " * width + "".join(f"{name:>12}" for name in counts))
    lines += [f"{label:<{width}}" + "".join(f"{row[label]:>12,}" for row in counts.values()) for label in data.classes]
    if data.left_out:
        lines.append(f"left out: {len(data.left_out):,} images")
        for reason, names in _reasons(data).items():
            lines.append(f"  {len(names):,} {reason}, such as {names[0]}")
    return "\n".join(lines + data.notes)


def draw(data: FaceData, target: Path) -> None:
    """Draw some training images of each class as the network sees them, one row per class. Needs matplotlib.

    Args:
        data: the data.
        target: the PNG file to write.
    """
    from matplotlib.figure import Figure

    faces = data.splits[TRAIN]
    figure = Figure(figsize=(1.0 * SHOWN + 1.5, 1.15 * len(data.classes) + 0.6), layout="constrained")
    rows = figure.subplots(len(data.classes), SHOWN, squeeze=False)
    for index, (label, row) in enumerate(zip(data.classes, rows, strict=True)):
        chosen = np.flatnonzero(faces.labels == index)
        # Evenly over the class: neighbouring files often show the same person.
        shown = chosen[np.linspace(0, len(chosen) - 1, min(SHOWN, len(chosen))).round().astype(int)]
        for position, axes in enumerate(row):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if position < len(shown):
                axes.imshow(faces.images[shown[position]], cmap="gray", vmin=0, vmax=255)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    figure.suptitle(f"{faces.dataset}: training images as the network sees them", fontsize=9)
    with atomic_write(target) as temporary:
        figure.savefig(temporary, dpi=100)


def save_data(data: FaceData, run_dir: Path) -> None:
    """Write what is known about the data to a run's folder.

    The files are ``splits.csv`` (the split of each image), ``left_out.csv`` (the images that are not used),
    ``data.json`` (the numbers), and, if matplotlib is installed, ``data.png``.

    Raises:
        MiniXceptionError: a file cannot be written.
    """
    rows = (
        (source, data.classes[label], split)
        for split, faces in data.splits.items()
        for source, label in zip(faces.sources or map(str, faces.rows), faces.labels, strict=True)
    )
    write_splits(run_dir, rows, data.left_out)
    with atomic_write(run_dir / FACTS) as temporary:
        text = json.dumps(facts(data), indent=2, ensure_ascii=False)
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))  # A file name may not be UTF-8.
    if find_spec("matplotlib"):
        draw(data, run_dir / SAMPLE_SHEET)


def _reasons(data: FaceData) -> dict[str, list[str]]:
    """Return reason → names of the images that are left out. Reasons that differ only in details are one."""
    names = defaultdict(list)
    for image in data.left_out:
        kind, _, detail = image.reason.partition(": ")
        names[kind].append(f"{image.source} ({detail})" if detail else image.source)
    return dict(sorted(names.items(), key=lambda item: -len(item[1])))
