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

import cv2
import numpy as np

from mini_xception import EmotionRecognizer, Face, StreamMemory, load_image
from mini_xception.detection import mtcnn
from mini_xception.detection.crop import clip_box, crop_face
from mini_xception.export import export_web
from mini_xception.network.preprocess import Framing, to_grey
from mini_xception.tracking.tracker import Tracker
from mini_xception.training.data import load_fer2013
from recipes.measure_framing import FACE_SIDES, put_on_canvas
from tests.conftest import PORTRAIT, ROOT

#: Modules that have the same constants in TypeScript.
MODULES = (
    "boxes",
    "checkpoint.folder",
    "network.preprocess",
    "network.classifier",
    "detection.detector",
    "detection.mtcnn",
    "detection.crop",
    "tracking.tracker",
    "tracking.memory",
    "recognizer",
    "table",
)
#: What the reader needs of a checkpoint's configuration.
CHECKPOINT = ("labels", "image_size", "mean", "std", "framing", "temperature")
#: FER2013 faces that are put on a canvas, each in two sizes.
FACES = 25


class Arrays:
    """A file of arrays."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def __call__(self, array: np.ndarray) -> dict[str, Any]:
        self._file.write(bytes(-self._file.tell() % 8))
        start = self._file.tell()
        self._file.write(np.ascontiguousarray(array).tobytes())
        return {"type": str(array.dtype), "shape": array.shape, "start": start}

    def image(self, image: np.ndarray) -> dict[str, Any]:
        """Write an image in a canvas's format, RGBA."""
        return self(cv2.cvtColor(image, cv2.COLOR_GRAY2RGBA if image.ndim == 2 else cv2.COLOR_RGB2RGBA))

    def close(self) -> None:
        self._file.close()


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
        "grey": list(grey(arrays)),
        "shrunk": list(shrunk(arrays)),
        "averages": averages(arrays),
        "crops": crops(arrays),
        "suppressed": list(suppressed()),
        "images": [recognize(recognizer, arrays, name, image) for name, image in images(fer2013).items()],
        "stream": list(stream(recognizer, arrays)),
        "tracks": [track(np.random.default_rng(seed)) for seed in range(10)],
    }
    arrays.close()
    (folder / "vectors.json").write_text(json.dumps(vectors))


def constants(module: str) -> dict[str, Any]:
    """Return the numbers and tuples of strings that a module defines, by name; and MTCNN's default arguments."""
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
        defaults = inspect.signature(mtcnn.MTCNN).parameters
        found |= {name.upper(): defaults[name].default for name in ("min_face_size", "min_score")}
    return {name: value for name, value in found.items() if isinstance(value, int | float) or is_strings(value)}


def is_strings(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


def grey(arrays: Arrays):
    """Make crops grey and resize them."""
    rng = np.random.default_rng(0)
    portrait = load_image(PORTRAIT)
    for side in (1, 2, 7, 24, 31, 47, 48, 49, 73, 96, 100, 144, 301):
        for crop in (rng.integers(0, 256, (side, side, 3), np.uint8), portrait[60 : 60 + side, 160 : 160 + side]):
            for size in (48, 64):
                yield {"crop": arrays.image(crop), "size": size, "grey": arrays(to_grey(crop, size))}


def shrunk(arrays: Arrays):
    rng = np.random.default_rng(1)
    for height, width, factor in ((200, 333, 0.37), (401, 300, 0.25), (90, 77, 0.77), (301, 150, 0.5), (60, 60, 1.0)):
        image = rng.integers(0, 256, (height, width, 4), np.uint8)
        image[..., 3] = 255
        smaller = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        yield {"image": arrays(image), "factor": factor, "shrunk": arrays(smaller)}


def averages(arrays: Arrays) -> dict[str, Any]:
    """Average parts of an image over bins, as for the detector's networks."""
    image = load_image(PORTRAIT)[:301, :420]
    integral = cv2.integral(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA))
    whole = [((0, 0, 420, 301), size) for size in ((127, 91), (64, 46))]
    boxes = [(10, 20, 58, 68), (0, 0, 30, 31), (100, 100, 111, 109), (7, 3, 8, 4), (200, 50, 420, 301)]
    parts = []
    for (x1, y1, x2, y2), (width, height) in whole + [(box, (side, side)) for box in boxes for side in (24, 48)]:
        rows = mtcnn._bins(np.array([y1]), np.array([y2]), height)
        columns = mtcnn._bins(np.array([x1]), np.array([x2]), width)
        average = arrays(mtcnn._average(integral, rows, columns))
        parts.append({"box": (x1, y1, x2, y2), "size": (width, height), "average": average})
    return {"image": arrays.image(image), "parts": parts}


def crops(arrays: Arrays) -> dict[str, Any]:
    """Cut face crops, some of which extend beyond the image, and clip boxes to the image."""
    image = load_image(PORTRAIT)[:200, :300]
    height, width = image.shape[:2]
    rng = np.random.default_rng(2)
    cuts = []
    for framing in (Framing(), Framing(0.95, 0.0, -0.03), Framing(1.37, 0.11, -0.2)):
        near = rng.uniform((-40, -40), (width - 10, height - 10), (12, 2))
        boxes = np.hstack([near, near + rng.uniform(41, 160, (12, 2))]).astype(np.float32)
        # Python rounds halves to the even number.
        for box in (*boxes, *boxes.round(), *(boxes.round() + np.float32(0.5))):
            crop = arrays.image(crop_face(image, box, framing))
            clipped = clip_box(box, width, height)
            cuts.append({"box": box.tolist(), "framing": vars(framing), "crop": crop, "clipped": clipped})
    return {"image": arrays.image(image), "cuts": cuts}


def suppressed():
    """Suppress boxes. Some of them overlap, and some have equal scores."""
    rng = np.random.default_rng(3)
    for count in (0, 1, 2, 60, 200):
        near = rng.integers(0, 120, (count, 2))
        boxes = np.hstack([near, near + rng.integers(10, 60, (count, 2)), rng.integers(60, 100, (count, 1)) / 100])
        boxes = np.hstack([boxes, np.arange(count)[:, np.newaxis].repeat(4, 1)]).astype(np.float32)
        for max_overlap in (0.5, 0.7):
            yield {
                "boxes": boxes.tolist(),
                "max_overlap": max_overlap,
                "of_union": mtcnn._suppress(boxes.copy(), max_overlap)[:, 5].tolist(),
                "of_smaller": mtcnn._suppress_inside(boxes.copy(), max_overlap)[:, 5].tolist(),
            }


def images(fer2013: Path | None) -> dict[str, np.ndarray]:
    """Return the examples, a photo larger than MAX_SIDE, cut and tiny faces, no face, and FER2013 faces on canvases."""
    found = {path.stem: load_image(path) for path in sorted((ROOT / "examples").glob("*.jpg"))}
    portrait = load_image(PORTRAIT)
    wide = np.full((700, 4500, 3), 90, np.uint8)
    wide[50 : 50 + 512, 3900 : 3900 + 512] = portrait
    wide[100:612, 200:712] = portrait
    noise = np.random.default_rng(4).integers(0, 256, (240, 320, 3), np.uint8)
    found |= {"larger than MAX_SIDE": wide, "noise": noise, "below the smallest face": portrait[:39, :60]}
    found |= {
        "cut at the left": portrait[:, 220:],
        "cut at the bottom": portrait[:150],
        "face alone": portrait[60:175, 175:270],
    }
    if fer2013:
        for index, face in enumerate(load_fer2013(fer2013, "PublicTest").images[:FACES]):
            found |= {f"FER2013 face {index} at {side} pixels": put_on_canvas(face, side) for side in FACE_SIDES}
    return found


def recognize(recognizer: EmotionRecognizer, arrays: Arrays, name: str, image: np.ndarray) -> dict[str, Any]:
    boxes, _ = recognizer.cropper.detect(image)
    return {
        "name": name,
        "image": arrays.image(image),
        "detected": boxes.tolist(),
        "faces": [as_json(face) for face in recognizer(image)],
    }


def stream(recognizer: EmotionRecognizer, arrays: Arrays):
    """Two faces that move, disappear, return and jump; one frame has another size, as from a rotated phone."""
    both = cv2.resize(load_image(ROOT / "examples" / "two_portraits.jpg"), (640, 320), interpolation=cv2.INTER_AREA)
    memory = StreamMemory()
    for step in range(26):
        image = np.roll(both, 3 * step if step < 22 else 170, axis=1)
        if step in (13, 14):
            image = np.full_like(both, 128)
        if step == 23:
            image = image[:, 300:306]
        tracked = recognizer.track(image, step / 15, memory)
        yield {"image": arrays.image(image), "time_s": step / 15, "faces": [as_json(face) for face in tracked]}


def track(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Faces that move, cross, disappear and return, at uneven times with one step back."""
    tracker = Tracker()
    places, time_s, updates = rng.uniform(0, 200, (4, 2)), 0.0, []
    for step in range(40):
        time_s = max(time_s + rng.choice([1 / 30, 0.1, 0.0, 1.2], p=[0.6, 0.3, 0.05, 0.05]), 0) if step != 30 else 0.0
        places += rng.uniform(-25, 25, places.shape)
        seen = rng.permutation([i for i in range(4) if rng.random() < 0.8])
        faces = []
        for i in seen:
            x, y = (int(value) for value in places[i])
            probabilities = rng.dirichlet(np.ones(7)).tolist()
            faces.append(
                Face((x, y, x + 60 + 5 * int(i), y + 80), 0.95, dict(zip("abcdefg", probabilities, strict=True)))
            )
        tracked = [as_json(face) for face in tracker.update(faces, time_s)]
        updates.append({"time_s": time_s, "faces": [as_json(face) for face in faces], "tracked": tracked})
    return updates


def as_json(face: Face) -> dict[str, Any]:
    """Return a face as TypeScript's ``Face``."""
    probabilities = list(face.probabilities.values())
    return {"box": face.box, "score": face.score, "probabilities": probabilities, "trackId": face.track_id}


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write_vectors(target, Path(sys.argv[2]) if len(sys.argv) > 2 else None)
