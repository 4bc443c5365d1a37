"""Reading of videos, cameras and image sequences as upright RGB uint8 arrays (H, W, 3) with their times."""

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

#: FFmpeg's names of the supported file formats. Other formats are rejected when a local file is opened, because
#: some of them make FFmpeg open further files.
FORMATS: tuple[str, ...] = ("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "gif")
SUPPORTED = "MP4, MOV, MKV, WebM, AVI, MPEG, FLV, WMV, OGG or GIF"
#: File name suffixes of these formats, for file dialogs.
SUFFIXES: frozenset[str] = frozenset(
    {".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".avi", ".ts", ".mpg", ".mpeg", ".flv", ".wmv", ".ogv", ".gif"}
)
#: DVDs and old cameras have pixels that are not square. If a file states that the longer side of a pixel is more than
#: this many times the shorter side, its pixels are treated as square.
MAX_PIXEL_ASPECT = 4
#: Frames per second of an image sequence, and of a video whose container does not state its frame rate.
DEFAULT_FRAME_RATE = Fraction(30)
#: Width and height requested from a camera, in pixels.
CAMERA_SIZE = (640, 480)


def read_frames(
    source: int | str | os.PathLike[str] | Iterable[ImageSource], frame_rate: float | Fraction = DEFAULT_FRAME_RATE
) -> Iterator[tuple[float, np.ndarray]]:
    """Read a stream frame by frame. Only the current frame is in memory.

    Args:
        source: a camera number, a video file, the URL of a video, or a sequence of images.
        frame_rate: frames per second of a sequence of images. Videos and cameras supply their own times.

    Yields:
        The time in seconds since the beginning of the stream, and the image: RGB, uint8, (H, W, 3), upright.

    Raises:
        MiniXceptionError: the source cannot be read, or is not a video.
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
    """A video file or URL, opened with FFmpeg. Its frames can be read only once.

    Attributes:
        name: the path or URL.
        frame_rate: average frame rate, in frames per second.
        duration_s: approximate duration in seconds; None if the container does not state it.
        audio: the first audio stream; None if the video has no audio.

    Raises:
        MiniXceptionError: the source cannot be opened, has no video stream, or has frames of more than MAX_PIXELS
            pixels.
    """

    def __init__(self, source: str | os.PathLike[str]) -> None:
        self.name = os.fspath(source)
        self._container = _open(self.name)
        if not self._container.streams.video:
            self._container.close()
            raise MiniXceptionError(f"{self.name}: no video stream, only audio or subtitles; choose a video file")
        self._video = self._container.streams.video[0]
        width, height = self._video.codec_context.width, self._video.codec_context.height
        if width * height > MAX_PIXELS:
            self._container.close()
            limit = MAX_PIXELS // 1_000_000
            raise MiniXceptionError(
                f"{self.name}: frames have {width:,}×{height:,} pixels, more than {limit} megapixels; "
                "scale the video down"
            )
        self._video.thread_type = "AUTO"
        self.audio: AudioStream | None = next(iter(self._container.streams.audio), None)
        rate = self._video.average_rate or self._video.guessed_rate or DEFAULT_FRAME_RATE
        # Video rates have denominators up to 1001, as in 30000/1001. Slide shows have rates below 1 and
        # need larger denominators.
        self.frame_rate = Fraction(rate).limit_denominator(1001 if rate >= 1 else 1_000_000)
        pixel = self._video.sample_aspect_ratio or 1
        self._pixel_width = float(pixel) if 1 / MAX_PIXEL_ASPECT <= pixel <= MAX_PIXEL_ASPECT else 1.0
        self._start_s = (self._container.start_time or 0) / 1_000_000
        duration = self._container.duration
        self.duration_s = duration / 1_000_000 if duration else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def frames(self, on_audio: Callable[[Packet], None] | None = None) -> Iterator[tuple[float, np.ndarray]]:
        """Decode the frames. Packets that cannot be decoded are skipped, as in video players.

        Args:
            on_audio: called with every packet of :attr:`audio`, in the order of the file; the last packet is empty.
                Packets and frames count their times from the same start.

        Yields:
            The time and image of each frame, as in :func:`read_frames`. Times increase strictly.

        Raises:
            MiniXceptionError: the file is damaged or truncated, or no frame can be decoded.
        """
        from av.error import FFmpegError

        streams = [self._video, self.audio] if on_audio and self.audio else [self._video]
        packets, time_s = self._container.demux(*streams), -math.inf
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                raise MiniXceptionError(
                    f"{self.name}: damaged or truncated after {max(time_s, 0):.1f} s ({error}); use an intact copy"
                ) from error
            if packet is None:
                break
            if on_audio and packet.stream is self.audio:
                on_audio(self._shift_to_start(packet))
                continue
            try:
                decoded = self._video.decode(packet)
            except FFmpegError:
                continue
            for frame in decoded:
                # A frame without a time is placed one frame interval after the previous one.
                next_s = max(time_s + float(1 / self.frame_rate), 0.0)
                frame_s = next_s if frame.time is None else frame.time - self._start_s
                if frame_s > time_s:  # After a damaged part, older frames may follow.
                    time_s = frame_s
                    yield time_s, _upright(frame, self._pixel_width)
        if time_s == -math.inf:
            raise MiniXceptionError(f"{self.name}: damaged or truncated, no frame can be decoded; use an intact copy")

    def _shift_to_start(self, packet: Packet) -> Packet:
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
            raise MiniXceptionError(f"{name or 'empty path'}: cannot be read ({error.strerror})") from error
        raise MiniXceptionError(f"{name}: not a supported video, or damaged or truncated; use {SUPPORTED}") from error


def _upright(frame: VideoFrame, pixel_width: float) -> np.ndarray:
    """Return a frame's image with square pixels, rotated and flipped by the container's display matrix.

    The matrix maps (x, y) to (a·x + c·y, b·x + d·y).

    Args:
        frame: a decoded frame.
        pixel_width: width of a pixel divided by its height.

    Returns:
        RGB, uint8, (H, W, 3), contiguous.
    """
    image: np.ndarray = frame.to_ndarray(format="rgb24")
    if pixel_width != 1:
        image = cv2.resize(image, None, fx=pixel_width, fy=1)
    side_data: Any = frame.side_data  # PyAV's annotations cover only motion vectors.
    try:
        matrix = np.frombuffer(side_data["DISPLAYMATRIX"], np.int32)
    except (KeyError, ValueError):  # ValueError: PyAV does not know the type of some side data.
        return image
    a, b, _, c, d, *_ = matrix.tolist()
    x_scale, y_scale = a, d
    if abs(b) > abs(a):  # A quarter turn swaps the axes.
        image = image.transpose(1, 0, 2)
        x_scale, y_scale = c, b
    return np.ascontiguousarray(image[:: -1 if y_scale < 0 else 1, :: -1 if x_scale < 0 else 1])


def _read_camera(number: int) -> Iterator[tuple[float, np.ndarray]]:
    # Silence OpenCV's own message about a missing camera. OpenCV 5 moved this function.
    set_log_level = cv2.utils.logging.setLogLevel if hasattr(cv2.utils, "logging") else cv2.setLogLevel  # type: ignore[attr-defined]
    level = set_log_level(0)
    try:
        camera = cv2.VideoCapture(number)
    finally:
        set_log_level(level)
    if not camera.isOpened():
        raise MiniXceptionError(
            f"camera {number}: not found, or in use by another program; close that program or use another camera"
        )
    camera.set(cv2.CAP_PROP_FRAME_WIDTH, CAMERA_SIZE[0])
    camera.set(cv2.CAP_PROP_FRAME_HEIGHT, CAMERA_SIZE[1])
    camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # Read the newest frame, never a buffered one.
    started = time.monotonic()
    try:
        while True:
            success, bgr = camera.read()
            if not success:
                raise MiniXceptionError(f"camera {number}: no more frames; check that it is still connected")
            yield time.monotonic() - started, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    finally:
        camera.release()
