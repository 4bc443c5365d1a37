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

from benchmarks.framing import FACE_SIDES, put_on_canvas
from mini_xception import EmotionRecognizer, Explanation, Face, StreamMemory, load_image
from mini_xception.detection.cascade import Cascade
from mini_xception.detection.crop import clip_box, crop_face, crop_upright
from mini_xception.detection.integral import average, bins, integrate
from mini_xception.detection.light import stretch_crop, stretch_image
from mini_xception.detection.mtcnn import MTCNN
from mini_xception.detection.pose import Pose, apply, cut_square, turn
from mini_xception.detection.second_look import check_roll, examine
from mini_xception.detection.suppress import overlap_any, suppress, suppress_inside
from mini_xception.export import export_web
from mini_xception.landmarks import roll_degrees
from mini_xception.network.preprocess import Framing, normalise, to_grey
from mini_xception.tracking.tracker import Tracker
from mini_xception.training.fer2013 import load_fer2013
from tests.conftest import PORTRAIT, ROOT

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
AREA = cv2.INTER_AREA
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
        "stretched": list(stretched(arrays)),
        "turned": turned(arrays),
        "rolls": rolls(),
        "crops": crops(arrays),
        "upright": list(upright(arrays)),
        "suppressed": list(suppressed()),
        "evidence": list(evidence(recognizer, arrays)),
        "overlaps": overlaps(),
        "rolled": list(rolled(arrays)),
        "examined": list(examined(arrays)),
        "images": [recognize(recognizer, arrays, name, image) for name, image in images(fer2013).items()],
        "streams": [list(stream(recognizer, arrays)), list(turning_stream(recognizer, arrays))],
        "tracks": [track(np.random.default_rng(seed)) for seed in range(10)],
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
    sizes = ((200, 333, 0.37), (401, 300, 0.25), (90, 77, 0.77), (301, 150, 0.5), (60, 60, 1.0), (200, 202, 1 / 3))
    for height, width, factor in sizes:
        image = rng.integers(0, 256, (height, width, 4), np.uint8)
        image[..., 3] = 255
        smaller = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        yield {"image": arrays(image), "factor": factor, "shrunk": arrays(smaller)}


def averages(arrays: Arrays) -> dict[str, Any]:
    """Average parts of an image over bins, as for the detector's networks."""
    image = load_image(PORTRAIT)[:301, :420]
    integral = integrate(image)
    whole = [((0, 0, 420, 301), size) for size in ((127, 91), (64, 46))]
    boxes = [(10, 20, 58, 68), (0, 0, 30, 31), (100, 100, 111, 109), (7, 3, 8, 4), (200, 50, 420, 301)]
    parts = []
    for (x1, y1, x2, y2), (width, height) in whole + [(box, (side, side)) for box in boxes for side in (24, 48)]:
        rows = bins(np.array([y1]), np.array([y2]), height)
        columns = bins(np.array([x1]), np.array([x2]), width)
        averaged = arrays(average(integral, rows, columns))
        parts.append({"box": (x1, y1, x2, y2), "size": (width, height), "average": averaged})
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


def stretched(arrays: Arrays):
    """Stretch the contrast of dark, flat, grey and ordinary images, and of one that is too dark."""
    portrait = load_image(PORTRAIT)
    noise = np.random.default_rng(5).integers(90, 150, (41, 33, 3), np.uint8)
    images = [portrait, *(darker(portrait, brightness) for brightness in (0.4, 0.15, 0.02)), 80 + portrait // 4, noise]
    images.append(cv2.resize(darker(portrait, 0.3), None, fx=1.3, fy=1.7))
    for image in images:
        yield {
            "image": arrays.image(image),
            "as_image": arrays.image(stretch_image(image)),
            "as_crop": arrays.image(stretch_crop(image)),
        }


def darker(image: np.ndarray, brightness: float) -> np.ndarray:
    return np.rint(image * brightness).astype(np.uint8)


def turned(arrays: Arrays) -> dict[str, Any]:
    """Turn a whole image, and cut turned squares, some of which lie partly or wholly outside the image."""
    image = load_image(PORTRAIT)[:201, :300]
    images = []
    for degrees in (0.0, 30.0, 90.0, -90.0, 180.0, 45.0, -135.0, 17.3):
        found, transform = turn(image, degrees)
        images.append({"degrees": degrees, "turned": arrays.image(found), "transform": transform.tolist()})
    poses = [
        *(Pose(220.3, 110.9, side, roll) for side in (20.0, 48.0, 91.5, 333.0) for roll in (0.0, 31.0, -98.5, 180.0)),
        *(Pose(x, y, 60.0, 40.0) for x, y in ((2.0, 3.0), (299.0, 150.0), (340.0, 260.0), (900.0, -500.0))),
    ]
    squares = [{"pose": pose._asdict(), "square": arrays.image(cut_square(image, pose, 48))} for pose in poses]
    return {"image": arrays.image(image), "images": images, "squares": squares}


def rolls() -> list[dict[str, Any]]:
    points = np.random.default_rng(6).uniform(0, 100, (50, 5, 2))
    return [{"landmarks": landmarks.tolist(), "roll": roll_degrees(landmarks)} for landmarks in points]


def upright(arrays: Arrays):
    """Cut the face of a portrait that is turned or dark."""
    for degrees in (0.0, 20.0, 60.0, -100.0, 180.0):
        turned, face = turned_face(degrees)
        box, landmarks = face[:4], face[5:].reshape(2, 5).T
        for image in (turned, darker(turned, 0.3)):
            for framing in (Framing(0.95, 0.0, -0.03), Framing(1.37, 0.11, -0.2)):
                yield {
                    "image": arrays.image(image),
                    "box": box.tolist(),
                    "landmarks": landmarks.tolist(),
                    "framing": vars(framing),
                    "crop": arrays.image(crop_upright(image, box, landmarks, framing)),
                }


def turned_face(degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a turned portrait, and the row of its face."""
    portrait = load_image(PORTRAIT)
    found = MTCNN()(portrait)
    image, transform = turn(portrait, degrees)
    back = cv2.invertAffineTransform(transform)
    centre = apply(back, found.boxes[0].reshape(2, 2).mean(axis=0, keepdims=True))[0]
    half = (found.boxes[0, 2:] - found.boxes[0, :2]).max() / 2
    landmarks = apply(back, found.landmarks[0])
    row = np.concatenate([centre - half, centre + half, found.scores[:1], landmarks.T.reshape(-1)])
    return image, row.astype(np.float32)


def overlaps() -> dict[str, Any]:
    """Ask which boxes show the same face as one of a few others."""
    rng = np.random.default_rng(7)
    near = rng.uniform(0, 200, (80, 2))
    boxes = np.hstack([near, near + rng.uniform(10, 60, (80, 2)), np.ones((80, 1))]).astype(np.float32)
    found = overlap_any(boxes[20:], boxes[:20])
    return {"boxes": boxes[20:].tolist(), "others": boxes[:20].tolist(), "overlap": found.tolist()}


def rolled(arrays: Arrays):
    """Compare uncertain faces at four rolls: the face of a turned portrait, the same on its head, and none."""
    for degrees in (0.0, 35.0, -120.0):
        image, face = turned_face(degrees)
        wrong, elsewhere, certain = face.copy(), face.copy(), face.copy()
        wrong[5:10], wrong[10:15] = face[[9, 8, 7, 6, 5]], face[[14, 13, 12, 11, 10]]
        elsewhere[[0, 2, *range(5, 10)]] -= face[2] - face[0]
        for row, score in ((face, 0.95), (wrong, 0.92), (elsewhere, 0.91), (certain, 0.999)):
            row[4] = score
        rows = np.stack([face, wrong, elsewhere, certain])
        stay, candidates = check_roll(Cascade(), image, rows)
        yield {
            "image": arrays.image(image),
            "rows": rows.tolist(),
            "faces": stay.tolist(),
            "candidates": candidates.tolist(),
        }


def examined(arrays: Arrays):
    """Examine candidates around the face of a turned portrait. Most of them are no faces."""
    cascade = Cascade()
    rng = np.random.default_rng(8)
    for degrees in (0.0, 35.0, 90.0, 180.0):
        image, face = turned_face(degrees)
        size = face[2] - face[0]
        candidates = []
        for shift in (0.0, 0.1, 0.3, 1.0):
            for score in (0.3, 0.9):
                candidate = face.copy()
                candidate[[0, 2, *range(5, 10)]] += shift * size * rng.choice([-1, 1])
                candidate[[1, 3, *range(10, 15)]] += shift * size * rng.choice([-1, 1])
                candidate[4] = score
                candidates.append(candidate)
        faces = examine(cascade, image, np.array(candidates, np.float32))
        yield {
            "image": arrays.image(image),
            "candidates": np.array(candidates, np.float32).tolist(),
            "faces": faces.tolist(),
        }


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
                "of_union": suppress(boxes.copy(), max_overlap)[:, 5].tolist(),
                "of_smaller": suppress_inside(boxes.copy(), max_overlap)[:, 5].tolist(),
            }


def evidence(recognizer: EmotionRecognizer, arrays: Arrays):
    """Explain crops that need no resizing: a face, the same mirrored, a flat one, and noise."""
    (crop, *_) = recognizer.crop(PORTRAIT)
    grey = to_grey(crop, recognizer.model.image_size)
    noise = np.random.default_rng(9).integers(0, 256, grey.shape, np.uint8)
    crops = [grey, np.ascontiguousarray(grey[:, ::-1]), np.full_like(grey, 128), noise]
    logits = recognizer.engine(normalise(crops, len(grey), recognizer.model.mean, recognizer.model.std))
    for crop, row, probabilities, cells in zip(crops, logits, *recognizer.classifier.explain(crops), strict=True):
        face = Face((0, 0, 48, 48), 1.0, dict(zip(recognizer.labels, map(float, probabilities), strict=True)))
        explanation = Explanation(face, cells, crop)
        yield {
            "crop": arrays.image(crop),
            "logits": row.tolist(),
            "evidence": cells.tolist(),
            "scale": explanation.scale,
            "overlays": [arrays.image(explanation.overlay(label)) for label in recognizer.labels],
        }


def images(fer2013: Path | None) -> dict[str, np.ndarray]:
    """Return the examples, a photo larger than MAX_SIDE, no face, faces that are cut, tiny, dark or turned, and FER2013
    faces on canvases.
    """
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
    two = found["two_portraits"]
    for name, photo in (("portrait", portrait), ("two portraits", two)):
        found |= {f"{name}, turned by {degrees}°": turn(photo, degrees)[0] for degrees in (-30, 50, 90, 180)}
        found |= {f"{name}, dark": darker(photo, 0.15)}
        for share in (0.4, 0.3):
            found |= {f"{name}, {share} of its size": cv2.resize(photo, None, fx=share, fy=share, interpolation=AREA)}
    found |= {
        "portrait, dark and turned": turn(darker(portrait, 0.15), 90)[0],
        "portrait without its face": np.vstack([portrait[:60], portrait[250:]]),
        "dark noise": noise // 8,
    }
    if fer2013:
        for index, face in enumerate(load_fer2013(fer2013, "PublicTest").images[:FACES]):
            found |= {f"FER2013 face {index} at {side} pixels": put_on_canvas(face, side) for side in FACE_SIDES}
    return found


def recognize(recognizer: EmotionRecognizer, arrays: Arrays, name: str, image: np.ndarray) -> dict[str, Any]:
    return {
        "name": name,
        "image": arrays.image(image),
        "detected": recognizer.cropper.detect(image).boxes.tolist(),
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


def turning_stream(recognizer: EmotionRecognizer, arrays: Arrays):
    """A face that turns by 7 degrees a frame while the light goes out."""
    portrait = cv2.resize(load_image(PORTRAIT), (420, 420), interpolation=AREA)
    memory = StreamMemory()
    for step in range(22):
        image = darker(np.pad(portrait, ((30, 30), (110, 110), (0, 0))), max(1 - step / 20, 0.1))
        image = turn(image, -7 * step)[0]
        top, left = (image.shape[0] - 480) // 2, (image.shape[1] - 640) // 2
        image = image[max(top, 0) : top + 480, max(left, 0) : left + 640]
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
            box, landmarks = (x, y, x + 60 + 5 * int(i), y + 80), ((x, y),) * 5
            faces.append(Face(box, 0.95, dict(zip("abcdefg", probabilities, strict=True)), landmarks=landmarks))
        tracked = [as_json(face) for face in tracker.update(faces, time_s)]
        updates.append({"time_s": time_s, "faces": [as_json(face) for face in faces], "tracked": tracked})
    return updates


def as_json(face: Face) -> dict[str, Any]:
    """Return a face as TypeScript's ``Face``."""
    probabilities = list(face.probabilities.values())
    return {
        "box": face.box,
        "score": face.score,
        "landmarks": face.landmarks,
        "probabilities": probabilities,
        "trackId": face.track_id,
        "evidence": None,
    }


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write_vectors(target, Path(sys.argv[2]) if len(sys.argv) > 2 else None)
