"""Test vectors of whole images, of streams and of the tracker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.framing import FACE_SIDES, put_on_canvas
from mini_xception import EmotionRecognizer, Explanation, Face, StreamMemory, load_image
from mini_xception.detection.pose import turn
from mini_xception.network.preprocess import normalise, to_grey
from mini_xception.tracking.tracker import Tracker
from mini_xception.training.fer2013 import load_fer2013
from tests.conftest import PORTRAIT, ROOT
from tests.web.arrays import Arrays
from tests.web.image_vectors import darker

#: FER2013 faces that are put on a canvas, each in two sizes.
FACES = 25


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
            smaller = cv2.resize(photo, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
            found |= {f"{name}, {share} of its size": smaller}
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
    portrait = cv2.resize(load_image(PORTRAIT), (420, 420), interpolation=cv2.INTER_AREA)
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
