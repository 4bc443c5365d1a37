"""Decoding of labelled images to the grey squares that the network sees: in parallel, once, then cached."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mini_xception.bulk import crop_photos, default_workers
from mini_xception.detection.crop import FaceCropper
from mini_xception.errors import MiniXceptionError
from mini_xception.media.image import load_image
from mini_xception.training.cache import Arrays, cached
from mini_xception.training.sources.samples import Sample

#: What the images are: photos in which the face is detected, or crops of a face. "auto" decides from the data.
FACES = ("auto", "detect", "crop")
#: An image with a shorter side is taken for a crop, in pixels.
SMALLEST_PHOTO = 100
#: A face that covers a larger part of the shorter side is taken for a crop. FER2013's images are about as large as the
#: detector's boxes, and a face in a portrait photo takes up about half of the shorter side.
CROP_SHARE = 0.75
#: Maximum number of images that decide.
PROBES = 24


def choose_faces(samples: Sequence[Sample], cropper: FaceCropper) -> str:
    """Decide whether images are photos or crops: "detect" or "crop".

    Images are crops if most of those that contain a detectable face are small or filled by the face, or if no face is
    found in any of them.
    """
    step = max(1, math.ceil(len(samples) / PROBES))
    shares = [share for sample in samples[::step] if (share := _share(sample, cropper)) is not None]
    return "detect" if shares and np.median(shares) < CROP_SHARE else "crop"


def _share(sample: Sample, cropper: FaceCropper) -> float | None:
    """Return the part of the image's shorter side that the face covers; None without a face or an image."""
    try:
        image = load_image(sample.image, sample.source)
    except MiniXceptionError:
        return None  # It is reported when all images are decoded.
    if min(image.shape[:2]) < SMALLEST_PHOTO:
        return 1.0
    boxes = cropper.search(image).boxes
    return float((boxes[0, 2:] - boxes[0, :2]).max() / min(image.shape[:2])) if len(boxes) else None


def decode(
    samples: Sequence[Sample], faces: str, cropper: FaceCropper, size: int, workers: int | None, quiet: bool
) -> tuple[np.ndarray, dict[int, str]]:
    """Decode images, cut out the largest face of each photo, and resize it to the network's input.

    Args:
        samples: the images.
        faces: "detect" or "crop".
        cropper: detects a photo's faces and cuts them out, as in recognition.
        size: side of the result in pixels.
        workers: number of worker processes; None uses one per core for 100 images or more.
        quiet: hide the progress bar.

    Returns:
        Grey images, uint8, (N, size, size), and the reasons why some are missing: index → reason. A missing image is
        black.

    Raises:
        MiniXceptionError: a worker process died.
    """
    if faces == "crop":
        cropper = dataclasses.replace(cropper, detector=None)
    files = [sample.image for sample in samples if isinstance(sample.image, Path)]
    described = [f"{size} {faces} {hashlib.sha256(pickle.dumps(cropper)).hexdigest()}"]
    described += [f"{sample.source} {_digest(sample)}" for sample in samples]

    def make() -> Arrays:
        photos = ((sample.source, sample.image) for sample in samples)
        encoded = sum(not isinstance(sample.image, np.ndarray) for sample in samples)
        count = default_workers(encoded) if workers is None else workers
        images, missing = np.zeros((len(samples), size, size), np.uint8), {}
        hidden = True if quiet else None  # None shows the bar on terminals only.
        results = crop_photos(photos, cropper, size, count)
        for index, photo in enumerate(tqdm(results, "decoding", len(samples), leave=False, disable=hidden)):
            if photo.crops:
                images[index] = photo.crops[0].pixels
            else:
                reason = photo.error and f"unreadable: {photo.error.removeprefix(f'{photo.name}: ')}"
                missing[index] = reason or "no face found"
        return {"images": images, "missing": np.array(json.dumps(missing))}

    arrays = cached("faces", "\n".join(described), files, ("images", "missing"), make)
    return arrays["images"], {int(index): reason for index, reason in json.loads(str(arrays["missing"])).items()}


def _digest(sample: Sample) -> str:
    """Identify pixels and bytes by their content. The state of files is a part of the cache's key."""
    image = sample.image
    if isinstance(image, Path):
        return ""
    data = image if isinstance(image, bytes) else np.ascontiguousarray(image).tobytes() + str(image.shape).encode()
    return hashlib.sha256(data).hexdigest()
