"""Measure how often faces in bad images are found and named: python -m benchmarks.robustness fer2013.csv

Faces of FER2013's PublicTest, the validation set, are put on a grey canvas of 420×360 pixels, which is then darkened,
turned, blurred and so on. A face is right if it is found and its expression is named. The tables show percentages of
all faces.

Recognisers take turns on the same images. "0.1.0" is that version: facenet-pytorch's boxes, and crops that are not
turned. "one pass" is today's recogniser without the second look. --peer adds any other one: a function that takes an
RGB image, uint8, (H, W, 3), and returns a list of (x1, y1, x2, y2, label). For example,

    python -m benchmarks.robustness fer2013.csv --peer my_module:recognise
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from mini_xception import EMOTIONS, EmotionRecognizer
from mini_xception.detection.cascade import Cascade
from mini_xception.detection.crop import crop_face
from mini_xception.detection.mtcnn import MIN_FACE_SIZE
from mini_xception.training.fer2013 import load_fer2013

WIDTH, HEIGHT = 420, 360
#: Side of a face on the canvas, in pixels, and the grey level of the canvas.
SIDE, GREY = 144, 128
#: A box is in the right place if its centre is this near to the face's, and its longer side is in this range; all are
#: fractions of the face's side.
MAX_DISTANCE, MIN_LENGTH, MAX_LENGTH = 0.35, 0.45, 1.8

#: A face as (x1, y1, x2, y2, label).
Found = tuple[float, float, float, float, str]
Recognise = Callable[[np.ndarray], list[Found]]


class Condition(NamedTuple):
    """A way to make an image worse.

    Attributes:
        change: applied to the canvas; the generator supplies noise.
        goal: the percentage of right faces that the project aims at.
        side: side of the face on the canvas, in pixels.
    """

    change: Callable[[np.ndarray, np.random.Generator], np.ndarray]
    goal: float
    side: int = SIDE


def put_on_canvas(face: np.ndarray, side: int) -> np.ndarray:
    """Put a grey face in the middle of a grey canvas: RGB, uint8, (HEIGHT, WIDTH, 3)."""
    canvas = np.full((HEIGHT, WIDTH), GREY, np.uint8)
    top, left = (HEIGHT - side) // 2, (WIDTH - side) // 2
    interpolation = cv2.INTER_CUBIC if side > len(face) else cv2.INTER_AREA
    canvas[top : top + side, left : left + side] = cv2.resize(face, (side, side), interpolation=interpolation)
    return np.repeat(canvas[:, :, np.newaxis], 3, axis=2)


def levels(change: Callable[[np.ndarray], np.ndarray], goal: float) -> Condition:
    """A condition that maps grey levels, float in 0–255; the result is clipped."""

    def apply(image: np.ndarray, _: np.random.Generator) -> np.ndarray:
        return np.rint(change(image.astype(np.float32)).clip(0, 255)).astype(np.uint8)

    return Condition(apply, goal)


def turned(degrees: int, goal: float) -> Condition:
    """A condition that turns the canvas about its centre, counter-clockwise."""

    def apply(image: np.ndarray, _: np.random.Generator) -> np.ndarray:
        if degrees % 90 == 0:
            return np.ascontiguousarray(np.rot90(image, degrees // 90))
        turn = cv2.getRotationMatrix2D(((WIDTH - 1) / 2, (HEIGHT - 1) / 2), degrees, 1)
        return cv2.warpAffine(image, turn, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)

    return Condition(apply, goal)


def sized(side: int, goal: float) -> Condition:
    """A condition with faces of another size."""
    return Condition(lambda image, _: image, goal, side)


def shade(image: np.ndarray) -> np.ndarray:
    image[:, : WIDTH // 2] *= 0.35
    return image


def add_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.rint((image + rng.normal(0, 25, image.shape)).clip(0, 255)).astype(np.uint8)


def compress(image: np.ndarray, _: np.random.Generator) -> np.ndarray:
    decoded = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 10])[1], cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


CONDITIONS: dict[str, Condition] = {
    f"{SIDE} px": sized(SIDE, 64),
    **{f"{side} px": sized(side, goal) for side, goal in ((64, 60), (48, 59), (40, 56), (32, 54))},
    **{
        f"turned {degrees}°": turned(degrees, goal)
        for degrees, goal in ((10, 61), (20, 60), (30, 58), (45, 56), (90, 54), (180, 54))
    },
    "brightness ×0.25": levels(lambda image: image * 0.25, 60),
    "brightness ×0.1": levels(lambda image: image * 0.1, 57),
    "contrast ×0.3": levels(lambda image: (image - GREY) * 0.3 + GREY, 60),
    "brightness +90": levels(lambda image: image + 90, 52),
    "gamma 2.2": levels(lambda image: 255 * (image / 255) ** 2.2, 60),
    "half in shadow": levels(shade, 54),
    "noise σ 25": Condition(add_noise, 55),
    "blur σ 5 px": Condition(lambda image, _: cv2.GaussianBlur(image, (0, 0), 5), 40),
    "motion 15 px": Condition(lambda image, _: cv2.blur(image, (1, 15)), 40),
    "JPEG quality 10": Condition(compress, 58),
}


def is_in_place(box: Sequence[float], shape: tuple[int, ...], side: int) -> bool:
    """Return whether a box fits a face of this size in the middle of an image of this shape."""
    x1, y1, x2, y2 = box
    distance = max(abs((x1 + x2 - shape[1]) / 2), abs((y1 + y2 - shape[0]) / 2))
    return distance < MAX_DISTANCE * side and MIN_LENGTH * side < max(x2 - x1, y2 - y1) < MAX_LENGTH * side


def measure(
    recognisers: dict[str, Recognise], condition: Condition, faces: np.ndarray, labels: np.ndarray
) -> dict[str, dict[str, float]]:
    """Return the percentages of found and right faces, and the number of other boxes, for each recogniser."""
    rng = np.random.default_rng(0)
    counts = {name: np.zeros(3, int) for name in recognisers}
    for face, label in zip(faces, labels, strict=True):
        image = condition.change(put_on_canvas(face, condition.side), rng)
        for name, recognise in recognisers.items():
            boxes = recognise(image)
            in_place = [found for found in boxes if is_in_place(found[:4], image.shape, condition.side)]
            right = bool(in_place) and in_place[0][4] == EMOTIONS[label]
            counts[name] += (bool(in_place), right, len(boxes) - bool(in_place))
    return {
        name: {"found": 100 * found / len(faces), "right": 100 * right / len(faces), "other_boxes": int(others)}
        for name, (found, right, others) in counts.items()
    }


def ours(thorough: bool) -> Recognise:
    recognizer = EmotionRecognizer.from_pretrained(device="cpu", thorough=thorough)
    return lambda image: [(*face.box, face.emotion) for face in recognizer(image)]


def facenet() -> Recognise:
    """Recognise faces as version 0.1.0 did. The cascade gives the boxes of facenet-pytorch."""
    cascade, recognizer = Cascade(), EmotionRecognizer.from_pretrained(device="cpu", detector=None)

    def recognise(image: np.ndarray) -> list[Found]:
        faces = cascade.faces(cascade.propose(image, MIN_FACE_SIZE))
        boxes = [tuple(map(float, face[:4])) for face in faces if face[4] >= 0.9]
        crops = [crop_face(image, box, recognizer.cropper.framing) for box in boxes]
        labels = recognizer.classify(crops).argmax(axis=1)
        return [(*box, EMOTIONS[label]) for box, label in zip(boxes, labels, strict=True)]

    return recognise


def peer(name: str) -> Recognise:
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


def plot(results: dict[str, dict[str, dict[str, float]]], path: Path) -> None:
    """Draw a bar for each condition and recogniser, and the goals as ticks."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(results)
    colours = ("#b8c0cc", "#8fb3f0", "#2f6fde", "#e69f00", "#009e73", "#cc79a7")
    height = 0.8 / len(names)
    places = np.arange(len(CONDITIONS))
    figure, axes = plt.subplots(figsize=(8, 9), layout="constrained")
    for i, (name, colour) in enumerate(zip(names, colours, strict=False)):
        values = [results[name][condition]["right"] for condition in CONDITIONS]
        mean = np.mean(values)
        axes.barh(
            places + (i - (len(names) - 1) / 2) * height,
            values,
            height,
            color=colour,
            label=f"{name}: {mean:.1f} % on average",
        )
    for place, condition in zip(places, CONDITIONS.values(), strict=True):
        axes.plot([condition.goal] * 2, [place - 0.42, place + 0.42], color="black", linewidth=1)
    axes.plot([], [], color="black", linewidth=1, label="goal")
    axes.set_yticks(places, CONDITIONS)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlabel("found and named right, % of all faces (PublicTest)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013, in any form that mini-xception train accepts")
    parser.add_argument("--faces", type=int, default=800, help="number of faces, chosen at random (default: 800)")
    parser.add_argument("--peer", action="append", default=[], metavar="MODULE:FUNCTION", help="another recogniser")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the results")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    args = parser.parse_args()

    validation = load_fer2013(args.data, "PublicTest")
    chosen = np.random.default_rng(0).permutation(len(validation.labels))[: args.faces]
    recognisers = {"0.1.0": facenet(), "one pass": ours(thorough=False), "second look": ours(thorough=True)}
    recognisers |= {name: peer(name) for name in args.peer}
    results: dict[str, dict[str, Any]] = {name: {} for name in recognisers}
    out = sys.stderr if args.json else sys.stdout
    print(f"{len(chosen)} faces of PublicTest: found, right (%), and boxes elsewhere", file=out)
    print(f"{'':18}{'goal':>6}" + "".join(f"{name:>24}" for name in recognisers), file=out)
    for name, condition in CONDITIONS.items():
        measured = measure(recognisers, condition, validation.images[chosen], validation.labels[chosen])
        row = ""
        for recogniser, values in measured.items():
            results[recogniser][name] = values
            row += "{found:>12.1f}{right:>7.1f}{other_boxes:>5}".format(**values)
        print(f"{name:18}{condition.goal:>6}{row}", file=out, flush=True)
    means = [np.mean([values["right"] for values in result.values()]) for result in results.values()]
    goal = np.mean([condition.goal for condition in CONDITIONS.values()])
    print(f"{'mean':18}{goal:>6.0f}" + "".join(f"{mean:>19.1f}{'':5}" for mean in means), file=out)
    if args.json:
        print(json.dumps(results))
    if args.plot:
        plot(results, args.plot)


if __name__ == "__main__":
    main()
