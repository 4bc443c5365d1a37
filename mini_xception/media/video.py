"""Anything that moves, as frames: RGB uint8 arrays (H, W, 3), upright, with their times; or one clear error."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

import cv2
import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.media.image import MAX_PIXELS, ImageSource, load_image

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame

#: FFmpeg's names of the containers that are read from files; others can make it open further files.
FORMATS: tuple[str, ...] = ("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "gif")
ACCEPTED = "accepted are MP4, MOV, MKV, WebM, AVI, MPEG, FLV, WMV, OGG and GIF"
#: File name endings of those, for file dialogs.
SUFFIXES: frozenset[str] = frozenset(
    {".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".avi", ".ts", ".mpg", ".mpeg", ".flv", ".wmv", ".ogv", ".gif"}
)
#: Pixels of a DVD's or an old camera's frames are up to this many times as wide as high, or as high as wide.
WIDEST_PIXEL = 4
#: Where a container does not know its frame rate.
USUAL_RATE = Fraction(30)
#: What a webcam is asked for, in pixels.
CAMERA_SIZE = (640, 480)


def read_frames(
    source: int | str | os.PathLike[str] | Iterable[ImageSource], frame_rate: float | Fraction = USUAL_RATE
) -> Iterator[tuple[float, np.ndarray]]:
    """Read a stream frame by frame; no frame is kept.

    Args:
        source: a camera's number, a video file or a URL of one, or pictures.
        frame_rate: of pictures, in frames a second.

    Yields:
        The time in seconds since the beginning, and the image, RGB, uint8, (H, W, 3), upright.

    Raises:
        MiniXceptionError: the source cannot be read, or is no video.
    """
    if isinstance(source, int):
        yield from _read_camera(source)
    elif isinstance(source, (str, os.PathLike)):
        with VideoReader(source) as video:
            yield from video.frames()
    else:
        if not frame_rate > 0:
            raise MiniXceptionError(f"frame_rate must be above 0, not {frame_rate}")
        for number, image in enumerate(source):
            yield float(number / frame_rate), load_image(image)


class VideoReader:
    """A video file, or a URL that FFmpeg opens, for one pass.

    Attributes:
        frame_rate: on average, in frames a second.
        duration_s: None where the container does not say.
        audio: the audio stream, if there is one.

    Raises:
        MiniXceptionError: it cannot be opened, or has no pictures.
    """

    def __init__(self, source: str | os.PathLike[str]) -> None:
        self.name = os.fspath(source)
        self._container = _open(self.name)
        if not self._container.streams.video:
            self._container.close()
            raise MiniXceptionError(f"{self.name}: there are no pictures in it, only sound or text")
        self._pictures = self._container.streams.video[0]
        width, height = self._pictures.codec_context.width, self._pictures.codec_context.height
        if width * height > MAX_PIXELS:
            self._container.close()
            raise MiniXceptionError(f"{self.name}: {width:,}×{height:,} pixels are too many; scale it down first")
        self._pictures.thread_type = "AUTO"
        self.audio: AudioStream | None = next(iter(self._container.streams.audio), None)
        rate = self._pictures.average_rate or self._pictures.guessed_rate or USUAL_RATE
        # The largest denominator in use is that of 30000/1001, but for pictures that change by the minute.
        self.frame_rate = Fraction(rate).limit_denominator(1001 if rate >= 1 else 1_000_000)
        pixel = self._pictures.sample_aspect_ratio or 1
        self._pixel_width = float(pixel) if 1 / WIDEST_PIXEL <= pixel <= WIDEST_PIXEL else 1.0
        self._start_s = (self._container.start_time or 0) / 1_000_000
        duration = self._container.duration
        self.duration_s = duration / 1_000_000 if duration else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def frames(self, on_audio: Callable[[Packet], None] | None = None) -> Iterator[tuple[float, np.ndarray]]:
        """Time and image of every frame, as :func:`read_frames` yields them; times always grow.

        What cannot be decoded is passed over, as players do.

        Args:
            on_audio: is called with every packet of :attr:`audio` as it comes by, the last one empty; its times count
                from the same beginning as the frames'.

        Raises:
            MiniXceptionError: the file is damaged or cut short, or no frame of it can be read.
        """
        from av.error import FFmpegError

        streams = [self._pictures, self.audio] if on_audio and self.audio else [self._pictures]
        packets, time_s = self._container.demux(*streams), -math.inf
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                raise MiniXceptionError(
                    f"{self.name}: damaged or cut short after {max(time_s, 0):.1f} s ({error})"
                ) from error
            if packet is None:
                break
            if on_audio and packet.stream is self.audio:
                on_audio(self._from_beginning(packet))
                continue
            try:
                decoded = self._pictures.decode(packet)
            except FFmpegError:
                continue
            for frame in decoded:
                # A frame without a time follows the one before by the frame rate.
                next_s = max(time_s + float(1 / self.frame_rate), 0.0)
                shown_s = next_s if frame.time is None else frame.time - self._start_s
                if shown_s > time_s:  # Behind damage, frames may come too late.
                    time_s = shown_s
                    yield time_s, _upright(frame, self._pixel_width)
        if time_s == -math.inf:
            raise MiniXceptionError(f"{self.name}: damaged or cut short: no frame of it can be read")

    def _from_beginning(self, packet: Packet) -> Packet:
        start = round(self._start_s / packet.time_base) if packet.time_base else 0
        if packet.pts is not None:
            packet.pts -= start
        if packet.dts is not None:
            packet.dts -= start
        return packet


def _open(name: str) -> InputContainer:
    import av
    from av.error import FFmpegError

    is_url = "://" in name
    restricted = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}
    try:
        return av.open(name if is_url else f"file:{name}", options={} if is_url else restricted)
    except (FFmpegError, ValueError) as error:
        if isinstance(error, OSError):
            raise MiniXceptionError(f"{name or 'the empty path'}: cannot be read ({error.strerror})") from error
        raise MiniXceptionError(f"{name}: no video, damaged or cut short; {ACCEPTED}") from error


def _upright(frame: VideoFrame, pixel_width: float) -> np.ndarray:
    """The frame with square pixels, as the container's display matrix turns and mirrors it: (x', y') = (a·x + c·y,
    b·x + d·y).
    """
    image: np.ndarray = frame.to_ndarray(format="rgb24")
    if pixel_width != 1:
        image = cv2.resize(image, None, fx=pixel_width, fy=1)
    side_data: Any = frame.side_data  # Its types know of motion vectors alone.
    try:
        matrix = np.frombuffer(side_data["DISPLAYMATRIX"], np.int32)
    except (KeyError, ValueError):  # ValueError: data of a kind that this PyAV does not know is there, too.
        return image
    a, b, _, c, d, *_ = matrix.tolist()
    across, down = a, d
    if abs(b) > abs(a):  # A quarter turn: what ran across runs down.
        image = image.transpose(1, 0, 2)
        across, down = c, b
    return np.ascontiguousarray(image[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


def _read_camera(number: int) -> Iterator[tuple[float, np.ndarray]]:
    # OpenCV has its own words for a camera that is absent. How they are silenced has another place since version 5.
    set_log_level = cv2.utils.logging.setLogLevel if hasattr(cv2.utils, "logging") else cv2.setLogLevel  # type: ignore[attr-defined]
    level = set_log_level(0)
    try:
        camera = cv2.VideoCapture(number)
    finally:
        set_log_level(level)
    if not camera.isOpened():
        raise MiniXceptionError(f"camera {number}: there is none of this number, or another program has it")
    camera.set(cv2.CAP_PROP_FRAME_WIDTH, CAMERA_SIZE[0])
    camera.set(cv2.CAP_PROP_FRAME_HEIGHT, CAMERA_SIZE[1])
    camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # The newest frame, not one that waited.
    started = time.monotonic()
    try:
        while True:
            taken, bgr = camera.read()
            if not taken:
                raise MiniXceptionError(f"camera {number}: it gives no more pictures")
            yield time.monotonic() - started, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    finally:
        camera.release()
