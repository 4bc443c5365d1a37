"""Train on your own faces, from Python: look at the data, train, evaluate, use the result.

The faces here are drawn, so the example needs no photos. To use your own photos, replace ``draw_faces`` with them: one
folder per class, as in ``my_photos/smile/1.jpg`` and ``my_photos/frown/1.jpg``.

Needs the extra "train": pip install '.[train]'
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from mini_xception import EmotionRecognizer, MiniXception
from mini_xception.training import describe, fine_tuning, load_faces, save_data, train

DATA, RUN = Path("drawn_faces"), Path("runs/drawn")


def draw_face(smiles: bool, rng: np.random.Generator) -> np.ndarray:
    """Draw a simple face, RGB, uint8, (96, 96, 3), at a random place and brightness."""
    image = rng.integers(0, 60, (96, 96, 3), np.uint8)
    x, y = map(int, rng.integers(40, 56, 2))
    skin = int(rng.integers(140, 230))
    cv2.circle(image, (x, y), 36, (skin, skin, skin), -1)
    for side in (-13, 13):
        cv2.circle(image, (x + side, y - 10), 4, (20, 20, 20), -1)
    mouth = (x, y + (8 if smiles else 24))
    cv2.ellipse(image, mouth, (15, 10), 0, *((20, 160) if smiles else (200, 340)), (20, 20, 20), 3)
    return image


def draw_faces(folder: Path, per_class: int) -> None:
    rng = np.random.default_rng(0)
    for name in ("smile", "frown"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            cv2.imwrite(str(folder / name / f"{number}.png"), draw_face(name == "smile", rng))


if __name__ == "__main__":  # Loading 100 images or more starts worker processes, which import this file.
    draw_faces(DATA, per_class=40)

    # 1. Load the images. A fifth of them becomes the validation set.
    data = load_faces(DATA, faces="crop")
    print(describe(data))
    save_data(data, RUN)  # draws runs/drawn/data.png: look at it before you train

    # 2. Adapt the bundled weights to the two classes. fine_tuning fits the settings to the number of images.
    config = replace(fine_tuning(len(data.training)), epochs=10)
    model = train(config, data.training, data.validation, RUN, initial=MiniXception.from_pretrained(), quiet=True)
    print(f"validation accuracy {model.metrics['accuracy']:.0%}; see {RUN}/report.html")

    # 3. Use the checkpoint. detector=None, because the drawings are crops of a face.
    recognizer = EmotionRecognizer.from_pretrained(RUN / "best", detector=None)
    (face,) = recognizer(draw_face(smiles=True, rng=np.random.default_rng(1)))
    print(f"a new drawing: {face.emotion}")
