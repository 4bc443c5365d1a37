"""Annotation of a whole video: a copy with the faces drawn in, tables of the faces, and subtitles."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mini_xception.draw import draw_faces
from mini_xception.errors import MiniXceptionError
from mini_xception.media.atomic import atomic_write
from mini_xception.media.source import TIMEOUT_S
from mini_xception.media.video import EndedEarlyError, VideoReader
from mini_xception.media.video_writer import VideoWriter
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.summary.people import VideoSummary
from mini_xception.summary.people_table import to_csv
from mini_xception.summary.webvtt import to_webvtt
from mini_xception.table import open_table
from mini_xception.tracking.memory import StreamMemory
from mini_xception.tracking.tracker import SMOOTHING_S, Frame


@dataclass(frozen=True)
class Progress:
    """The progress of :func:`annotate_video` after a frame.

    Attributes:
        frame: the frame that was just written.
        duration_s: approximate duration of the whole video in seconds; None if the file does not state it.
    """

    frame: Frame
    duration_s: float | None


def annotate_video(
    recognizer: EmotionRecognizer,
    source: str | os.PathLike[str],
    video: str | os.PathLike[str] | None = None,
    table: str | os.PathLike[str] | None = None,
    *,
    people: str | os.PathLike[str] | None = None,
    subtitles: str | os.PathLike[str] | None = None,
    smoothing_s: float = SMOOTHING_S,
    timeout_s: float = TIMEOUT_S,
) -> Generator[Progress, None, None]:
    """Write a copy of a video with the faces drawn in, tables of the faces, and subtitles.

    The copy is an MP4 file with the frame times and the audio of the source. The table is a CSV file with one row per
    face and frame, with the columns of :mod:`mini_xception.table`. The table of people is a CSV file with one row per
    face, with the columns of :mod:`mini_xception.summary.people_table`.

    Each iteration processes one frame, and memory use does not grow with the length of the video, except by the changes
    of expression for ``people`` and ``subtitles``. All files are written atomically: they appear at the end. If the
    generator is closed early, no file is left behind. If the source cannot be read to its end, the files contain
    everything before, and an error says so.

    All frames and boxes have the coordinates of the first frame. If the video's frame size changes, later frames are
    scaled to fit, with black borders.

    Args:
        recognizer: detects and classifies the faces.
        source: a video file or a URL.
        video: the annotated MP4 file to write. None writes no video.
        table: the CSV file to write. None writes no table.
        people: the CSV file with one row per face to write. None writes none.
        subtitles: the WebVTT file to write. None writes none.
        smoothing_s: time constant of the smoothing of probabilities, in seconds; 0 disables it.
        timeout_s: seconds to wait for a URL or a pipe that sends no data.

    Yields:
        A Progress after each frame.

    Raises:
        MiniXceptionError: no output is requested, two of the paths name the same file, or a file cannot be read or
            written.
    """
    copy, rows = (None if path is None else Path(path) for path in (video, table))
    texts = [None if path is None else Path(path) for path in (people, subtitles)]
    _check_targets(source, [path for path in (copy, rows, *texts) if path is not None])
    summary = VideoSummary() if people or subtitles else None
    memory = StreamMemory(smoothing_s)
    ended_early: EndedEarlyError | None = None
    with ExitStack() as stack:
        reader = stack.enter_context(VideoReader(source, timeout_s))
        writer = write_face = temporary = None
        if copy is not None:
            temporary = stack.enter_context(atomic_write(copy))
        if rows is not None:
            write_face = stack.enter_context(open_table(rows, recognizer.labels))
        temporary_texts = [path and stack.enter_context(atomic_write(path)) for path in texts]
        if temporary:  # Entered last and closed first: on a full disk, no file is left behind.
            writer = stack.enter_context(VideoWriter(temporary, reader.frame_rate, reader.audio, name=str(copy)))
        frames = reader.frames(writer.write_audio if writer and reader.audio else None)
        while True:
            try:
                time_s, image = next(frames)
            except StopIteration:
                break
            except EndedEarlyError as error:  # Keep what was read.
                ended_early = error
                break
            frame = Frame(time_s, image, recognizer.track(image, time_s, memory))
            if writer:
                writer.write(time_s, draw_faces(image, frame.faces))
            if write_face:
                for face in frame.faces:
                    write_face(source, face, time_s)
            if summary:
                summary.add(frame)
            yield Progress(frame, reader.duration_s)
        if summary:
            found = summary.people()
            for path, text in zip(temporary_texts, (to_csv(found, recognizer.labels), to_webvtt(found)), strict=True):
                if path:
                    path.write_text(text, encoding="utf-8", newline="")
    if ended_early:
        raise ended_early


def _check_targets(source: str | os.PathLike[str], targets: list[Path]) -> None:
    if not targets:
        raise MiniXceptionError("no output requested; give a path for the video, a table or the subtitles")
    for number, path in enumerate(targets):
        if path.resolve() in [earlier.resolve() for earlier in targets[:number]]:
            raise MiniXceptionError(f"{path}: named for two outputs; choose another name for one of them")
        if path.exists() and not path.is_file():
            raise MiniXceptionError(f"{path}: not a regular file; choose another name")
        if path.exists() and os.path.exists(source) and path.samefile(source):
            raise MiniXceptionError(f"{path}: this is the source video; choose another name")
