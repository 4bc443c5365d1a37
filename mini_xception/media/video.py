"""Reading of videos, cameras and image sequences as upright RGB uint8 arrays (H, W, 3) with their times."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Self

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.media.camera import read_camera
from mini_xception.media.clock import LONGEST_GAP_S, LONGEST_MPEG_GAP_S, Clock
from mini_xception.media.frame import MAX_PIXEL_ASPECT, fit, upright
from mini_xception.media.image import MAX_PIXELS, ImageSource, load_image
from mini_xception.media.source import TIMEOUT_S, Source, StalledError

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

logger = logging.getLogger("mini_xception")

#: File name suffixes of the supported formats, for file dialogs.
SUFFIXES: frozenset[str] = frozenset(
    {".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".avi", ".ts", ".mpg", ".mpeg", ".flv", ".wmv", ".ogv", ".gif"}
)
#: Frames per second of an image sequence, and of a video whose container does not state its frame rate.
DEFAULT_FRAME_RATE = Fraction(30)
#: A container that states fewer or more frames per second is wrong.
MIN_FRAME_RATE, MAX_FRAME_RATE = Fraction(1, 24 * 3600), 10_000
#: Formats round times, for example to milliseconds. A frame that is not later than the one before, but by less than a
#: frame interval, is placed this many seconds after it.
MIN_STEP_S = 0.0001
#: Codecs of cover images that are not marked as such. A stream with another codec is preferred.
IMAGE_CODECS = frozenset({"mjpeg", "png", "bmp", "webp", "tiff"})
#: Decoders pass over packets without an error, for example until the first keyframe. In some codecs, two packets make a
#: frame. If a larger share of packets gives no frame, the difference counts as frames that were left out.
MAX_UNDECODED = 0.6
#: FFmpeg's names of the formats whose header states the duration. If such a file ends more than this many seconds
#: earlier, it was cut off.
FORMATS_WITH_DURATION = frozenset({"mov", "matroska", "avi", "flv", "asf"})
CUT_OFF_S = 1.0
#: A recording that was joined to an MPEG transport stream may have other streams. If a larger share of the file follows
#: the video stream's last packet, this is reported.
MAX_UNREAD = 0.2


class EndedEarlyError(MiniXceptionError):
    """A video could be read up to some frame, but not to its end."""


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
        yield from read_camera(source)
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

    If a file has several video streams, the one that the file marks as the default is read, else the largest. A cover
    image is not a video stream.

    Args:
        source: a path or a URL.
        timeout_s: seconds to wait for a URL or a pipe that sends no data.

    Attributes:
        name: the path or URL.
        frame_rate: average frame rate, in frames per second.
        duration_s: approximate duration in seconds; None if the container does not state it.
        audio: the first audio stream that can be decoded; None if the video has no audio.
        left_out: number of frames that could not be read so far, because they are damaged or out of order.

    Raises:
        MiniXceptionError: the source cannot be opened, has no video stream, or has frames of more than MAX_PIXELS
            pixels.
    """

    def __init__(self, source: str | os.PathLike[str], timeout_s: float = TIMEOUT_S) -> None:
        self.name = os.fspath(source)
        self._source = Source(self.name, timeout_s)
        try:
            self._open_streams(self._source.container)
        except BaseException:
            self._source.close()
            raise
        self._timeout_s = timeout_s
        self._failure: str | None = None
        self._last_position = 0
        self.left_out = 0

    def _open_streams(self, container: InputContainer) -> None:
        self._video = _best_video(self.name, container)
        self._check_size(self._video.codec_context.width, self._video.codec_context.height)
        self._video.thread_type = "AUTO"
        tracks = container.streams.audio
        self.audio: AudioStream | None = next((track for track in tracks if track.codec_context is not None), None)
        if tracks and not self.audio:
            logger.warning("%s: the audio's codec is not supported; a copy has no audio", self.name)
        rates = (self._video.average_rate, self._video.guessed_rate, DEFAULT_FRAME_RATE)
        rate = next(rate for rate in rates if rate and MIN_FRAME_RATE <= rate <= MAX_FRAME_RATE)
        # Video rates have denominators up to 1001, as in 30000/1001. Slide shows have rates below 1 and
        # need larger denominators.
        self.frame_rate = Fraction(rate).limit_denominator(1001 if rate >= 1 else 1_000_000)
        pixel = self._video.sample_aspect_ratio or 1
        self._pixel_width = float(pixel) if 1 / MAX_PIXEL_ASPECT <= pixel <= MAX_PIXEL_ASPECT else 1.0
        start_s = None if container.start_time is None else container.start_time / 1_000_000
        formats = set(container.format.name.split(","))
        self._clock = Clock(
            start_s,
            float(1 / self.frame_rate),
            LONGEST_MPEG_GAP_S if formats & {"mpegts", "mpeg"} else LONGEST_GAP_S,
            reordered=bool(formats & {"matroska", "asf"}),
        )
        self.duration_s = container.duration / 1_000_000 if container.duration else None
        # Some formats count the duration from 0, not from the first time.
        self._stated_s = (self.duration_s or 0.0) - max(start_s or 0.0, 0.0) if formats & FORMATS_WITH_DURATION else 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()

    def frames(self, on_audio: Callable[[Packet], None] | None = None) -> Iterator[tuple[float, np.ndarray]]:
        """Decode the frames. Packets that cannot be decoded are skipped, as in video players, and counted.

        All images have the size of the first one. If a later frame has another size, it is scaled to fit, with black
        borders.

        Args:
            on_audio: called with every packet of :attr:`audio`, in the order of the file; the last packet is empty.
                Packets and frames count their times from the same start.

        Yields:
            The time and image of each frame, as in :func:`read_frames`. Times increase strictly, also if the file
            consists of joined recordings.

        Raises:
            EndedEarlyError: the file is damaged or truncated, or the source sends no more data. The frames before
                were yielded.
            MiniXceptionError: no frame can be decoded, or a frame has more than MAX_PIXELS pixels.
        """
        from av.error import FFmpegError

        time_s, size, interval_s = -math.inf, None, float(1 / self.frame_rate)
        packets = frames = 0
        for packet in self._packets():
            if packet.stream is not self._video:
                if on_audio and packet.stream is self.audio:
                    on_audio(packet)
                continue
            try:
                decoded = self._video.decode(packet)
            except FFmpegError:
                self.left_out += 1
                continue
            self._last_position = packet.pos or self._last_position
            packets, frames = packets + (packet.size > 0 and not packet.is_discard), frames + len(decoded)
            for frame in decoded:
                # A frame without a time is placed one frame interval after the previous one.
                next_s = max(time_s + interval_s, 0.0)
                frame_s = next_s if frame.time is None else max(frame.time, 0.0)
                if frame_s <= time_s < frame_s + interval_s:
                    frame_s = time_s + MIN_STEP_S
                if frame_s <= time_s:  # After a damaged part, older frames may follow.
                    self.left_out += 1
                    continue
                self._check_size(frame.width, frame.height)
                try:
                    image = upright(frame, self._pixel_width)
                except (FFmpegError, ValueError):  # FFmpeg cannot convert these pixels to RGB.
                    self.left_out += 1
                    continue
                time_s = frame_s
                size = size or image.shape[:2]
                yield time_s, fit(image, *size)
        if packets - frames > MAX_UNDECODED * packets:
            self.left_out = max(self.left_out, packets - frames)
        self._check_end(time_s)

    def _packets(self) -> Iterator[Packet]:
        """Read the packets of all video and audio streams, with shifted times.

        If the source fails, store the reason, and end the streams.
        """
        from av.error import FFmpegError

        try:
            for packet in self._source.packets():
                if packet.stream.type not in ("video", "audio"):
                    continue
                begins_anew = self._clock.shift(packet)
                if begins_anew and packet.is_keyframe and packet.stream is self._video:
                    # Some decoders lose the frames that they hold when the new recording has another frame size.
                    yield _end_of(self._video)
                    self._video.codec_context.flush_buffers()
                yield packet
        except StalledError:
            self._failure = f"no more frames for {self._timeout_s:g} s; check the source, or allow more time"
        except (FFmpegError, OSError) as error:
            self._failure = f"damaged or truncated ({error.strerror}); use an intact copy"
        if self._failure:
            # The decoders still hold some frames.
            yield from map(_end_of, [self._video, self.audio] if self.audio else [self._video])

    def _check_size(self, width: int, height: int) -> None:
        if width * height > MAX_PIXELS:
            limit = MAX_PIXELS // 1_000_000
            raise MiniXceptionError(
                f"{self.name}: frames have {width:,}×{height:,} pixels, more than {limit} megapixels; "
                "scale the video down"
            )

    def _check_end(self, time_s: float) -> None:
        """Report everything that could not be read, when the last frame's time is known."""
        if time_s == -math.inf:
            reason = self._failure or "damaged or truncated, no frame can be decoded; use an intact copy"
            raise MiniXceptionError(f"{self.name}: {reason}")
        if self.left_out:
            logger.warning("%s: frames left out because they are damaged or late: %d", self.name, self.left_out)
        if self._failure:
            raise EndedEarlyError(f"{self.name}: read and kept up to {time_s:.1f} s, then {self._failure}")
        missing_s = self._stated_s - max(time_s, self._clock.end_s)
        if missing_s > max(CUT_OFF_S, 2 / float(self.frame_rate)):
            logger.warning("%s: ends %.1f s before the time in its header; it may be truncated", self.name, missing_s)
        if (unread := self._unread_share(self._source.container)) > MAX_UNREAD:
            reason = "contains no frame of the video stream that was read"
            logger.warning("%s: the last part of the file, %.0f %%, %s", self.name, 100 * unread, reason)

    def _unread_share(self, container: InputContainer) -> float:
        """Return which share of a transport stream follows the last packet of the video stream."""
        if container.format.name != "mpegts" or container.size <= 0:
            return 0.0
        return 1 - self._last_position / container.size


def _end_of(stream: Stream) -> Packet:
    """Return an empty packet, which makes a decoder return the frames that it holds."""
    from av import Packet

    packet = Packet()
    packet.stream = stream
    if stream.time_base:
        packet.time_base = stream.time_base
    return packet


def _best_video(name: str, container: InputContainer) -> VideoStream:
    """Return the video stream to read.

    Raises:
        MiniXceptionError: there is none, only cover images, or none that can be decoded.
    """
    from av.stream import Disposition

    images = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    streams = [stream for stream in container.streams.video if not stream.disposition & images]
    if not streams:
        raise MiniXceptionError(f"{name}: no video stream, only audio or subtitles; choose a video file")
    decodable = [stream for stream in streams if stream.codec_context is not None]
    if not decodable:
        raise MiniXceptionError(f"{name}: the video's codec is not supported; convert it to H.264")

    def quality(stream: VideoStream) -> tuple[bool, bool, int]:
        pixels = stream.codec_context.width * stream.codec_context.height
        is_moving = stream.frames != 1 and stream.codec_context.name not in IMAGE_CODECS
        return is_moving, bool(stream.disposition & Disposition.default), pixels

    return max(decodable, key=quality)
