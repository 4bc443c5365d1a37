"""Small sets of labelled images, written in every form that the trainer reads."""

import numpy as np
from PIL import Image

#: Classes of the synthetic faces, with the row at which their bright band begins.
BANDS = {"away": 4, "bored": 20, "focused": 36}


def face(label: str, seed: int, size: int = 48) -> np.ndarray:
    """Make a noisy grey image, uint8, (size, size), with a bright band that shows its class."""
    rng = np.random.default_rng([seed, *label.encode()])
    image = rng.integers(0, 60, (48, 48), np.uint8)
    image[BANDS[label] : BANDS[label] + 8] += 180
    return np.asarray(Image.fromarray(image).resize((size, size)))


def write(path, image: np.ndarray, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)


def write_folder(folder, per_class: int = 10, splits=("",), size: int = 48):
    """Write ``[split/]class/number.png``, and return the folder."""
    for number, split in enumerate(splits):
        for label in BANDS:
            for index in range(per_class):
                write(folder / split / label / f"{index}.png", face(label, 1000 * number + index, size))
    return folder


def write_rows(per_class: int = 10) -> list[tuple[str, np.ndarray]]:
    return [(label, face(label, index)) for index in range(per_class) for label in BANDS]
