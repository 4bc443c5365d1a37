"""A clip in; an annotated clip and a table of all its faces out, frame by frame."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mini_xception.draw import draw_faces
from mini_xception.errors import MiniXceptionError
from mini_xception.files import replacing
from mini_xception.mp4 import VideoWriter
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.stream import FaceStream
from mini_xception.tracking import SMOOTHING_S, Frame
from mini_xception.video import VideoReader


@dataclass(frozen=True)
class Progress:
    """How far it is.

    Attributes:
        frame: the one that was just written.
        duration_s: of the whole clip, about; None where the file does not say.
    """

    frame: Frame
    duration_s: float | None


def annotate_video(
    recognizer: EmotionRecognizer,
    source: str | os.PathLike[str],
    clip: Path | None = None,
    table: Path | None = None,
    *,
    smoothing_s: float = SMOOTHING_S,
) -> Generator[Progress, None, None]:
    """Draw the faces of a clip into a copy of it, and list them in a table.

    The copy is an MP4 file with the clip's frame times and sound. The table is a CSV file with a row for each face of
    each frame: ``time_s, face_id, x1, y1, x2, y2, score, emotion`` and a column for each label's probability, as
    docs/video.md describes.

    The work goes on while the caller iterates, and memory does not grow with the clip. Both files are written beside
    their names and take their place at the very end; until then no file that was there is touched, and closing the
    generator leaves nothing behind.

    Args:
        recognizer: finds and reads the faces.
        source: a video file, or a URL of one.
        clip: the annotated copy to write.
        table: the CSV file to write.
        smoothing_s: time constant of the smoothing of probabilities; 0 is none.

    Yields:
        A Progress after each frame.

    Raises:
        MiniXceptionError: there is nothing to write, a file would replace another one of these, or a file cannot be
            read or written.
    """
    if clip is None and table is None:
        raise MiniXceptionError("nothing to write: name an annotated clip, a table, or both")
    targets = [path for path in (clip, table) if path is not None]
    _check_targets(source, targets)
    stream = FaceStream(smoothing_s)
    with ExitStack() as stack:
        video = stack.enter_context(VideoReader(source))
        writer = write_rows = None
        if clip is not None:
            partial = stack.enter_context(replacing(clip))
            writer = stack.enter_context(VideoWriter(partial, video.frame_rate, video.sound, name=str(clip)))
        if table is not None:
            partial = stack.enter_context(replacing(table))
            write_rows = stack.enter_context(_table(partial, recognizer.labels))
        for time_s, image in video.frames(writer.write_sound if writer and video.sound else None):
            frame = Frame(time_s, image, recognizer.track(image, time_s, stream))
            if writer:
                writer.write(time_s, draw_faces(image, frame.faces))
            if write_rows:
                write_rows(frame)
            yield Progress(frame, video.duration_s)


def _check_targets(source: str | os.PathLike[str], targets: list[Path]) -> None:
    for path in targets:
        if path.exists() and not path.is_file():
            raise MiniXceptionError(f"{path}: is no regular file; give the name of one to write")
        if path.exists() and os.path.exists(source) and path.samefile(source):
            raise MiniXceptionError(f"{path}: is the clip itself; choose another name to write to")
    if len({path.resolve() for path in targets}) < len(targets):
        raise MiniXceptionError(f"{targets[0]}: the annotated clip and the table need different names")


@contextmanager
def _table(path: Path, labels: Iterable[str]) -> Iterator[Callable[[Frame], None]]:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", "face_id", "x1", "y1", "x2", "y2", "score", "emotion", *labels])

        def write_rows(frame: Frame) -> None:
            for tracked in frame.faces:
                face = tracked.face
                numbers = (frame.time_s, face.score, *face.probabilities.values())
                time_s, score, *probabilities = (f"{value:.6f}" for value in numbers)
                writer.writerow([time_s, tracked.id, *face.box, score, face.emotion, *probabilities])

        yield write_rows
