"""Faces with labels: one split of a data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS

#: Splits of a data set of one's own. FER2013's splits keep their names.
TRAIN, VALIDATION, TEST = "train", "validation", "test"


def validation_name(split: str) -> str:
    """Return the name of a validation set, which says that it is one: "PublicTest (validation)"."""
    return split if split == VALIDATION else f"{split} (validation)"


@dataclass(frozen=True)
class LabelledFaces:
    """Face images with their labels.

    Attributes:
        images: uint8, (N, H, W), grey.
        labels: int64, (N,), indices into ``classes``.
        rows: int64, (N,), the number of each image in the data, from 0: FER2013's rows, or the images that can be used.
        split: name of the split. It is shown next to scores.
        classes: names of the classes.
        dataset: name of the data set. It is shown next to scores.
        sources: the name of each image, such as its path in the data's folder; empty if images have no names.
    """

    images: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    split: str
    classes: tuple[str, ...] = EMOTIONS
    dataset: str = "FER2013"
    sources: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def with_classes(self, classes: tuple[str, ...]) -> LabelledFaces:
        """Return the same faces with their labels as indices into other class names, such as a checkpoint's.

        Raises:
            MiniXceptionError: a class that has images is not among the names.
        """
        if classes == self.classes:
            return self
        used = [self.classes[i] for i in np.unique(self.labels)]
        if missing := [name for name in used if name not in classes]:
            raise MiniXceptionError(
                f"{self.dataset}: the class {missing[0]!r} is not one of {', '.join(classes)}; rename the data's "
                "classes, or use a checkpoint that was trained on them"
            )
        new = np.array([classes.index(name) if name in classes else -1 for name in self.classes], np.int64)
        return LabelledFaces(self.images, new[self.labels], self.rows, self.split, classes, self.dataset, self.sources)
