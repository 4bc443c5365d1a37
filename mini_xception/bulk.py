"""Many photos: worker processes decode them and find the faces, this one reads the faces of many photos at once."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.finder import FaceFinder, FoundFace
from mini_xception.images import load_image
from mini_xception.preprocess import to_grey
from mini_xception.recognizer import EmotionRecognizer

#: From so many on, workers are worth the 2 s that they take to start: two of them, with photos of a megapixel.
MIN_PHOTOS = 100
#: Photos whose faces are read at once, where workers find them.
BATCH_SIZE = 32
#: Photos that each worker may be ahead, so that none waits while one of them has a large photo. What is kept of a photo
#: is a few KB, its faces.
AHEAD = 64


@dataclass(frozen=True)
class Photo:
    """A photo that was read.

    Attributes:
        path: its file.
        faces: the largest first.
        image: RGB, uint8, (H, W, 3); None where another process decoded it.
    """

    path: Path
    faces: list[Face]
    image: np.ndarray | None


def default_workers(photos: int) -> int:
    """How many processes are worth their start: one a core that this one may use, for few photos none."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if cores > 1 and photos >= MIN_PHOTOS else 0


def read_photos(
    paths: Iterable[Path], recognizer: EmotionRecognizer, workers: int = 0
) -> Generator[Photo | MiniXceptionError, None, None]:
    """Read the expressions of all faces in photos. Memory does not grow with their number.

    Args:
        paths: the photos' files.
        recognizer: reads the faces. Its detector is sent to the workers by pickle; MTCNN runs on the CPU there.
        workers: processes that decode and detect; with 0, this one does all itself. A script that starts workers needs
            ``if __name__ == "__main__":``, since they import it.

    Yields:
        In the order of the paths, each photo, or the error that says why it cannot be read.

    Raises:
        MiniXceptionError: a worker died.
    """
    if workers < 0:
        raise MiniXceptionError(f"workers must be 0 or more, not {workers}")
    if workers:
        found = _find_in_workers(paths, recognizer.finder, recognizer.model.image_size, workers)
    else:
        found = (_find(path, recognizer.finder) for path in paths)
    with closing(found):
        while batch := list(islice(found, BATCH_SIZE if workers else 1)):
            photos = [item for item in batch if not isinstance(item, MiniXceptionError)]
            faces = iter(recognizer.read([face for photo in photos for face in photo.faces]))
            for item in batch:
                if isinstance(item, MiniXceptionError):
                    yield item
                else:
                    yield Photo(item.path, list(islice(faces, len(item.faces))), item.image)


class _FoundPhoto(NamedTuple):
    path: Path
    faces: list[FoundFace]
    image: np.ndarray | None


_Found = _FoundPhoto | MiniXceptionError


def _find(path: Path, finder: FaceFinder) -> _Found:
    try:
        image = load_image(path)
    except MiniXceptionError as error:
        return error
    return _FoundPhoto(path, finder(image), image)


def _find_in_workers(
    paths: Iterable[Path], finder: FaceFinder, size: int, workers: int
) -> Generator[_Found, None, None]:
    # Spawned, since the threads of PyTorch and OpenCV do not survive a fork.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (finder, size))
    pending: deque[tuple[Path, Future[_Found]]] = deque()
    try:
        for path in paths:
            with _interrupts_held():
                pending.append((path, pool.submit(_find_small, path)))
            if len(pending) == workers * AHEAD:
                yield pending[0][1].result()
                pending.popleft()
        while pending:
            yield pending[0][1].result()
            pending.popleft()
    except BrokenProcessPool as error:
        path = pending[0][0]
        raise MiniXceptionError(
            f"{path}: a worker process died at this photo or soon after, killed for lack of memory perhaps; "
            "take fewer workers, or 0, which does all in one process"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Put Ctrl-C off: until the end for this process, for one that starts meanwhile until :func:`_start`.

    A worker that is interrupted while it starts, or whose starter is, prints a traceback.
    """
    held: list[int] = []
    # Only the main thread is interrupted, and None is a handler that is not Python's, which could not be put back.
    handler = signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
    if handler is not None:
        signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    # The handler alone is not enough, since a program that starts has none; nor is the mask, which is this thread's.
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


#: A worker's own.
_finder: FaceFinder
_size: int


def _start(finder: FaceFinder, size: int) -> None:
    """Make this process a worker, which ends with the process that started it, at once."""
    global _finder, _size
    _finder, _size = finder, size
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    cv2.setNumThreads(1)  # The other cores have workers of their own.
    # Pillow warns of what load_image reads all the same, or refuses in its own words.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _find_small(path: Path) -> _Found:
    """In a worker: only what the network looks at of a photo is sent back."""
    found = _find(path, _finder)
    if isinstance(found, MiniXceptionError):
        return found
    return _FoundPhoto(path, [face._replace(crop=to_grey(face.crop, _size)) for face in found.faces], None)
