"""Find the framing that gives the highest accuracy on FER2013. A framing determines the crop from the detector's box.

    python -m benchmarks.framing fer2013.csv [--checkpoint NAME] [--faces N]

FER2013's images were not cropped with this project's detector. This benchmark puts faces of PublicTest, the validation
set, on a grey canvas, detects them, crops them with many framings, and classifies the crops. Faces that are not
detected in the right place are ignored.

It prints one table per face size. Above each table is the accuracy without detection. The last line is the
framing with the highest accuracy, averaged over the tables.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mini_xception.detection.crop import crop_face
from mini_xception.detection.detector import Detector
from mini_xception.network.preprocess import Framing
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.training.fer2013 import load_fer2013

#: Sides of the faces on the canvas, in pixels: the original size, and a size that is common in photos.
FACE_SIDES = (48, 144)
SCALES = np.arange(0.85, 1.11, 0.05)
OFFSETS_Y = np.arange(-0.06, 0.031, 0.03)


def put_on_canvas(face: np.ndarray, side: int) -> np.ndarray:
    """Put a grey face in the middle of a grey canvas.

    Args:
        face: uint8, (48, 48).
        side: side of the face on the canvas, in pixels.

    Returns:
        RGB, uint8, (3 * side, 3 * side, 3).
    """
    canvas = np.full((3 * side, 3 * side), 128, np.uint8)
    canvas[side : 2 * side, side : 2 * side] = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.repeat(canvas[:, :, np.newaxis], 3, axis=2)


def detect_on_canvas(faces: np.ndarray, detector: Detector, side: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield index, canvas and box of every face that is detected in the right place."""
    for index, face in enumerate(faces):
        canvas = put_on_canvas(face, side)
        boxes = detector(canvas)[0]
        for box in boxes:
            centre = (box[:2] + box[2:]) / 2
            if np.abs(centre - 1.5 * side).max() < 0.25 * side and 0.5 * side < box[3] - box[1] < 1.6 * side:
                yield index, canvas, box
                break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013, in any form that mini-xception train accepts")
    parser.add_argument(
        "--checkpoint", help="checkpoint folder, or Hub repository user/repo (default: the bundled weights)"
    )
    parser.add_argument("--faces", type=int, help="number of PublicTest's faces to use (default: all)")
    args = parser.parse_args()

    recognizer = EmotionRecognizer.from_pretrained(args.checkpoint)
    assert recognizer.detector is not None
    validation = load_fer2013(args.data, "PublicTest")
    images, labels = validation.images[: args.faces], validation.labels[: args.faces]

    def accuracy(crops: list[np.ndarray] | np.ndarray, truth: np.ndarray) -> float:
        return float((recognizer.classify(crops).argmax(axis=1) == truth).mean())

    tables = []
    for side in FACE_SIDES:
        found = list(detect_on_canvas(images, recognizer.detector, side))
        indices = np.array([index for index, _, _ in found])
        boxes = np.stack([box for _, _, box in found])
        sizes = (boxes[:, 2:] - boxes[:, :2]) / side
        centres = (boxes[:, 2:] + boxes[:, :2]) / 2 / side - 1
        print(
            f"{side} px: {len(found)} of {len(images)} found; boxes {sizes.mean(axis=0).round(3)} of the side,", end=" "
        )
        print(f"centred at {centres.mean(axis=0).round(3)}")
        print(f"  classified directly: {accuracy(images[indices], labels[indices]):.2%}")
        print("  scale \\ offset_y" + "".join(f"{offset:>8.2f}" for offset in OFFSETS_Y))
        table = []
        for scale in SCALES:
            row = []
            for offset in OFFSETS_Y:
                framing = Framing(scale=float(scale), offset_y=float(offset))
                crops = [crop_face(canvas, box, framing) for _, canvas, box in found]
                row.append(accuracy(crops, labels[indices]))
            table.append(row)
            print(f"  {scale:>16.2f}" + "".join(f"{value:>8.1%}" for value in row), flush=True)
        tables.append(table)
    mean = np.mean(tables, axis=0)
    i, j = np.unravel_index(mean.argmax(), mean.shape)
    print(f"highest: Framing(scale={SCALES[i]:.2f}, offset_y={OFFSETS_Y[j]:.2f}), {mean[i, j]:.2%} on average")


if __name__ == "__main__":
    main()
