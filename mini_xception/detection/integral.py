"""Averages over parts of an image, from an integral image, which gives the sum over any rectangle from four values."""

from __future__ import annotations

import cv2
import numpy as np


def integrate(image: np.ndarray) -> np.ndarray:
    """Compute the integral image of RGB uint8 (H, W, 3): int32, (H + 1, W + 1, 4)."""
    # Four channels, because NumPy gathers 16-byte items fastest. If int32 overflows, differences are still correct.
    return cv2.integral(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA))


def bins(start: np.ndarray, stop: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide N ranges of pixels into ``count`` bins. Return the bins' start and stop pixels, (N, count) each.

    Neighbouring bins share a pixel if the length is not a multiple of ``count``, as in
    ``torch.nn.functional.interpolate``'s mode "area".
    """
    edges = (stop - start)[:, np.newaxis] * np.arange(count + 1)
    start = start[:, np.newaxis]
    return start + edges[:, :-1] // count, start - (-edges[:, 1:] // count)


def shrink(integral: np.ndarray, height: int, width: int) -> np.ndarray:
    """Downscale a whole image by averaging: float32, (1, 3, height, width)."""
    zero = np.array([0])
    top, bottom = (edges[0] for edges in bins(zero, zero + integral.shape[0] - 1, height))
    left, right = (edges[0] for edges in bins(zero, zero + integral.shape[1] - 1, width))
    averages = np.empty((3, height, width), np.float32)
    for start in range(0, height, 16):  # in strips that fit into the processor's cache
        strip = slice(start, start + 16)
        rows = integral.take(bottom[strip], axis=0)
        rows -= integral.take(top[strip], axis=0)
        pixels = rows.view(np.complex128)[:, :, 0]
        total = pixels.take(right, axis=1).view(np.int32)
        total -= pixels.take(left, axis=1).view(np.int32)
        averages[:, strip] = total.reshape(-1, width, 4)[..., :3].transpose(2, 0, 1)
    averages /= ((bottom - top)[:, np.newaxis] * (right - left)).astype(np.float32)
    return averages[np.newaxis]


def average(
    integral: np.ndarray, rows: tuple[np.ndarray, np.ndarray], columns: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Downscale N parts of an image by averaging: float32, (N, 3, H, W)."""
    (top, bottom), (left, right) = rows, columns
    sums, width = integral.view(np.complex128).reshape(-1), integral.shape[1]

    def corner(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        found = sums.take(row + column)
        return found.view(np.int32).reshape(*found.shape, 4)

    above, below = ((row * width)[:, :, np.newaxis] for row in (top, bottom))
    before, after = (column[:, np.newaxis] for column in (left, right))
    total = corner(below, after)
    total -= corner(above, after)
    total -= corner(below, before)
    total += corner(above, before)
    area = ((bottom - top)[:, :, np.newaxis] * (right - left)[:, np.newaxis]).astype(np.float32)
    # Channels first, because NumPy is slow along an axis of length three.
    averages = np.empty((len(total), 3, *total.shape[1:3]), np.float32)
    averages[...] = total[..., :3].transpose(0, 3, 1, 2)
    averages /= area[:, np.newaxis]
    return averages
