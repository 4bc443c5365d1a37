"""Write test vectors for comparing the browser's reader with the Python package.

    python -m tests.web.vectors FOLDER [FER2013.csv.gz]

The command writes ``vectors.json``, ``arrays.bin`` and the networks, ``models/*.onnx``. The JSON has each array's type,
shape and start in ``arrays.bin``. The same command writes the same numbers.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from mini_xception import EmotionRecognizer
from mini_xception.detection.mtcnn import MTCNN
from mini_xception.export import export_web
from tests.web import detection_vectors, image_vectors, recognition_vectors
from tests.web.arrays import Arrays

#: Modules that have the same constants in TypeScript.
MODULES = (
    "boxes",
    "landmarks",
    "checkpoint.folder",
    "network.preprocess",
    "network.classifier",
    "detection.integral",
    "detection.suppress",
    "detection.cascade",
    "detection.light",
    "detection.pose",
    "detection.second_look",
    "detection.detections",
    "detection.mtcnn",
    "detection.detector",
    "detection.follow",
    "detection.crop",
    "tracking.tracker",
    "tracking.memory",
    "explain",
    "recognizer",
    "table",
)
#: What the reader needs of a checkpoint's configuration.
CHECKPOINT = ("labels", "image_size", "mean", "std", "framing", "temperature")


def write_vectors(folder: Path, fer2013: Path | None = None) -> None:
    """Write the files.

    Args:
        folder: where to write them.
        fer2013: FER2013's file; if given, the images include some of its faces on canvases.
    """
    recognizer = EmotionRecognizer.from_pretrained(device="cpu", engine="onnx")
    export_web(recognizer.model, folder / "models")
    arrays = Arrays(folder / "arrays.bin")
    vectors = {
        "constants": {module: constants(module) for module in MODULES},
        "checkpoint": {name: recognizer.model.config[name] for name in CHECKPOINT},
        "grey": list(image_vectors.grey(arrays)),
        "shrunk": list(image_vectors.shrunk(arrays)),
        "averages": image_vectors.averages(arrays),
        "stretched": list(image_vectors.stretched(arrays)),
        "turned": image_vectors.turned(arrays),
        "rolls": image_vectors.rolls(),
        "crops": image_vectors.crops(arrays),
        "upright": list(image_vectors.upright(arrays)),
        "suppressed": list(detection_vectors.suppressed()),
        "evidence": list(recognition_vectors.evidence(recognizer, arrays)),
        "overlaps": detection_vectors.overlaps(),
        "rolled": list(detection_vectors.rolled(arrays)),
        "examined": list(detection_vectors.examined(arrays)),
        "images": [
            recognition_vectors.recognize(recognizer, arrays, name, image)
            for name, image in recognition_vectors.images(fer2013).items()
        ],
        "streams": [
            list(recognition_vectors.stream(recognizer, arrays)),
            list(recognition_vectors.turning_stream(recognizer, arrays)),
        ],
        "tracks": [recognition_vectors.track(np.random.default_rng(seed)) for seed in range(10)],
    }
    arrays.close()
    (folder / "vectors.json").write_text(json.dumps(vectors))


def constants(module: str) -> dict[str, Any]:
    """Return the numbers, and the tuples of numbers or strings, that a module defines; and MTCNN's default score."""
    loaded = import_module(f"mini_xception.{module}")
    assignments = [
        node for node in ast.parse(inspect.getsource(loaded)).body if isinstance(node, ast.Assign | ast.AnnAssign)
    ]
    targets = [
        target for node in assignments for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    found = {name: getattr(loaded, name) for name in names if name.isupper()}
    if module == "detection.mtcnn":
        found["MIN_SCORE"] = inspect.signature(MTCNN).parameters["min_score"].default
    return {name: value for name, value in found.items() if isinstance(value, int | float) or is_list(value)}


def is_list(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, int | float | str) for item in value)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write_vectors(target, Path(sys.argv[2]) if len(sys.argv) > 2 else None)
