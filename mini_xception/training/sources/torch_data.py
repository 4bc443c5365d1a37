"""PyTorch data sets and data loaders of one's own, whose items are images with labels."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

from mini_xception.errors import MiniXceptionError
from mini_xception.training.sources.samples import Sample, Samples, split_of

FORM = "a torch Dataset or DataLoader of (image, label), or a dictionary of them, one per split"


def read_torch_data(data: Any, names: tuple[str, ...] = ()) -> Samples:
    """Read all items of a data set or of a data loader once. An item or a batch is a pair of images and labels.

    Args:
        data: a Dataset, a DataLoader, any sequence of pairs, or a mapping of splits to them.
        names: names of the classes; empty uses the attribute ``classes``, as torchvision's data sets have it.

    Raises:
        MiniXceptionError: an item is not a pair of an image and a label.
    """
    found = Samples()
    if isinstance(data, Mapping):
        for split, part in data.items():
            place = split_of(str(split))
            if place is None:
                raise MiniXceptionError(f"split {split!r} not found; use train, validation and test")
            read = read_torch_data(part, names)
            read.samples = [sample._replace(source=f"{split} {sample.source}", split=place) for sample in read.samples]
            found.add(read)
        return found
    dataset = data
    while not hasattr(dataset, "classes") and hasattr(dataset, "dataset"):  # a data loader or a subset
        dataset = dataset.dataset
    names = names or tuple(getattr(dataset, "classes", ()))
    for number, (image, label) in enumerate(_pairs(data)):
        pixels = _pixels(image, number)
        index = None if isinstance(label, str) else _index(label, number)
        if index is not None and names and not 0 <= index < len(names):
            raise MiniXceptionError(f"item {number}: the label is {index}, but there are {len(names)} class names")
        text = str(label) if index is None else names[index] if names else str(index)
        found.samples.append(Sample(f"item {number}", pixels, text))
    found.names = names
    return found


def _pairs(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield images with labels from items, or from the batches of a data loader."""
    from torch.utils.data import DataLoader

    items: Iterable[Any] = data if isinstance(data, DataLoader) else (data[i] for i in range(len(data)))
    for number, item in enumerate(items):
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise MiniXceptionError(f"item {number}: not a pair of an image and a label; use {FORM}")
        if isinstance(data, DataLoader) and data.batch_size is not None:
            yield from zip(*item, strict=True)
        else:
            yield item[0], item[1]


def _index(label: Any, number: int) -> int:
    """Convert a label, a whole number or a tensor of one, to int."""
    try:
        return operator.index(label)
    except TypeError as error:
        raise MiniXceptionError(f"item {number}: the label {label!r} is not a name or a whole number") from error


def _pixels(image: Any, number: int) -> np.ndarray:
    """Convert an image to RGB or grey uint8. A tensor is (C, H, W), with values 0–255 or, if they are floats, 0–1."""
    import torch

    if isinstance(image, Image.Image):
        return np.asarray(image.convert("RGB"))
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu()
        if image.is_floating_point():
            if image.min() < 0 or image.max() > 1:
                raise MiniXceptionError(
                    f"item {number}: the image has values outside 0–1; give images before they are normalised"
                )
            image = (image * 255).round().to(torch.uint8)
        image = (image.permute(1, 2, 0) if image.ndim == 3 else image).contiguous().numpy()
        image = image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim not in (2, 3):
        kind = f"{image.dtype} of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise MiniXceptionError(f"item {number}: {kind} is not an image; give a PIL image, a uint8 array or a tensor")
    return image
