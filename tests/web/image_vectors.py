"""Test vectors of the image operations: grey images, sizes, crops, contrast and turned images."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from mini_xception import load_image
from mini_xception.detection.crop import clip_box, crop_face, crop_upright
from mini_xception.detection.integral import average, bins, integrate
from mini_xception.detection.light import stretch_crop, stretch_image
from mini_xception.detection.mtcnn import MTCNN
from mini_xception.detection.pose import Pose, apply, cut_square, turn
from mini_xception.landmarks import roll_degrees
from mini_xception.network.preprocess import Framing, to_grey
from tests.conftest import PORTRAIT
from tests.web.arrays import Arrays


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
