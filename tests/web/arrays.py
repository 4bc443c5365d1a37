"""The file that holds the arrays of the test vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np


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
