"""Recognition in many photos, with or without worker processes.

Workers decode the photos and detect faces. The calling process classifies the faces in batches.
"""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from mini_xception.detection.crop import FaceCrop, FaceCropper
from mini_xception.errors import MiniXceptionError
from mini_xception.explain import Explanation
from mini_xception.faces import Face
from mini_xception.media.image import ImageSource, load_image
from mini_xception.network.preprocess import to_grey
from mini_xception.recognizer import EmotionRecognizer

if TYPE_CHECKING:
    from concurrent.futures import Future

#: With fewer photos, workers are not worth their start-up time of 2 s. Measured with two workers and photos of one
#: megapixel.
MIN_PHOTOS = 100
#: Number of photos whose faces are classified in one batch when workers detect them.
BATCH_SIZE = 32
#: Number of photos that each worker may process ahead of the results. This way, no worker waits while another one
#: processes a large photo. The crops of a photo take a few KB.
AHEAD = 64


@dataclass(frozen=True)
class PhotoResult:
    """The faces of one photo, or the reason why it could not be read.

    Attributes:
        path: the photo's file.
        faces: the faces, largest first; empty if no face was found or the photo could not be read.
        image: RGB, uint8, (H, W, 3); None if the photo could not be read, or if a worker process decoded it.
        error: the reason, in one line, why the photo could not be read; None if it was read.
        explanations: the explanation of each face, in the same order; empty if the photo was not explained.
    """

    path: Path
    faces: list[Face]
    image: np.ndarray | None = None
    error: str | None = None
    explanations: list[Explanation] = field(default_factory=list)


def default_workers(photos: int) -> int:
    """Return the default number of workers: one per available core, or 0 for few photos or a single core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if cores > 1 and photos >= MIN_PHOTOS else 0


def predict_photos(
    paths: Iterable[str | os.PathLike[str]], recognizer: EmotionRecognizer, workers: int = 0
) -> Generator[PhotoResult, None, None]:
    """Recognise the expressions of all faces in many photos. Memory use does not grow with the number of photos.

    Args:
        paths: the photos' files.
        recognizer: classifies the faces. The workers receive a pickled copy of its detector; MTCNN runs on the CPU in
            a worker.
        workers: number of processes that decode photos and detect faces; with 0, this process does all the work. A
            script that starts workers needs ``if __name__ == "__main__":``, because each worker imports the script.

    Yields:
        One result per photo, in the order of the paths.

    Raises:
        MiniXceptionError: ``workers`` is negative, or a worker process died.
    """
    if workers < 0:
        raise MiniXceptionError(f"workers must be 0 or more, not {workers}")
    files = map(Path, paths)
    if workers:
        size = recognizer.classifier.config.image_size
        cropped = _crop_in_workers(((path, path) for path in files), recognizer.cropper, size, workers)
    else:
        cropped = (_crop(path, path, recognizer.cropper) for path in files)
    with closing(cropped):
        while batch := list(islice(cropped, BATCH_SIZE if workers else 1)):
            faces = iter(recognizer.classify_faces([crop for photo in batch for crop in photo.crops]))
            for photo in batch:
                found = list(islice(faces, len(photo.crops)))
                yield PhotoResult(Path(photo.name), found, photo.image, photo.error)


def explain_photos(paths: Iterable[str | os.PathLike[str]], recognizer: EmotionRecognizer) -> Iterator[PhotoResult]:
    """Recognise and explain the faces of many photos, in this process.

    Yields:
        One result per photo, in the order of the paths.

    Raises:
        MiniXceptionError: the engine gives no evidence; see :meth:`EmotionRecognizer.explain`.
    """
    for path in map(Path, paths):
        try:
            image = load_image(path)
        except MiniXceptionError as error:
            yield PhotoResult(path, [], error=str(error))
            continue
        found = recognizer.explain(image)
        yield PhotoResult(path, [explanation.face for explanation in found], image, explanations=found)


class CroppedPhoto(NamedTuple):
    """The face crops of one photo, or the reason why it could not be read. ``name`` is the photo's name in errors."""

    name: str | Path
    crops: list[FaceCrop]
    image: np.ndarray | None = None
    error: str | None = None


def crop_photos(
    photos: Iterable[tuple[str | Path, ImageSource]], cropper: FaceCropper, size: int, workers: int = 0
) -> Generator[CroppedPhoto, None, None]:
    """Cut the faces out of many photos, without classifying them.

    Args:
        photos: the name of each photo in errors, and its path, bytes or pixels.
        cropper: finds the faces and cuts them out.
        size: side of the crops in pixels.
        workers: as for :func:`predict_photos`.

    Yields:
        One result per photo, in their order. Each crop is grey, uint8, (size, size).

    Raises:
        MiniXceptionError: a worker process died.
    """
    if workers:
        yield from _crop_in_workers(photos, cropper, size, workers)
    else:
        yield from (_shrink(_crop(name, source, cropper), size) for name, source in photos)


def _crop(name: str | Path, source: ImageSource, cropper: FaceCropper) -> CroppedPhoto:
    try:
        image = load_image(source, str(name))
    except MiniXceptionError as error:
        return CroppedPhoto(name, [], error=str(error))
    return CroppedPhoto(name, cropper(image), image)


def _shrink(photo: CroppedPhoto, size: int) -> CroppedPhoto:
    """Keep only the pixels that the network needs."""
    return photo._replace(crops=[crop._replace(pixels=to_grey(crop.pixels, size)) for crop in photo.crops], image=None)


def _crop_in_workers(
    photos: Iterable[tuple[str | Path, ImageSource]], cropper: FaceCropper, size: int, workers: int
) -> Generator[CroppedPhoto, None, None]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # Spawn, because the threads of ONNX Runtime and OpenCV do not survive a fork.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (cropper, size))
    pending: deque[tuple[str | Path, Future[CroppedPhoto]]] = deque()
    try:
        for name, source in photos:
            with _interrupts_held():
                pending.append((name, pool.submit(_crop_small, name, source)))
            if len(pending) == workers * AHEAD:
                yield pending[0][1].result()
                pending.popleft()
        while pending:
            yield pending[0][1].result()
            pending.popleft()
    except BrokenProcessPool as error:
        name = pending[0][0]
        raise MiniXceptionError(
            f"{name}: a worker process died while processing this photo or one of the next, perhaps out of memory; "
            "use fewer workers, or 0 to do all the work in one process"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Delay Ctrl-C in this process until the block ends, and in a process started in the block until :func:`_start`.

    Otherwise, a worker that is interrupted during its start would print a traceback.
    """
    held: list[int] = []
    # Only the main thread is interrupted. If Python did not install the handler, it is None and cannot be restored.
    handler = signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
    if handler is not None:
        signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    # Both are needed: a new process inherits the mask but not the handler, and the mask does not cover other threads.
    masked = hasattr(signal, "pthread_sigmask")  # not on Windows
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masked else set()
    try:
        yield
    finally:
        if masked:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        if held:
            signal.raise_signal(signal.SIGINT)


#: Set in each worker process.
_cropper: FaceCropper
_size: int


def _start(cropper: FaceCropper, size: int) -> None:
    """Set up this process as a worker, which exits as soon as its parent exits."""
    global _cropper, _size
    _cropper, _size = cropper, size
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    cv2.setNumThreads(1)  # Each core has its own worker.
    warnings.filterwarnings("ignore", module=r"PIL\.")  # load_image raises an error if something is wrong.


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _crop_small(name: str | Path, source: ImageSource) -> CroppedPhoto:
    """Crop the faces of a photo in a worker."""
    return _shrink(_crop(name, source, _cropper), _size)
