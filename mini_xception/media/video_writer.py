"""Writing of MP4 files for any video player: H.264 in yuv420p, with the frame times and audio of another video."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.media.audio_track import AudioTrack

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.packet import Packet

logger = logging.getLogger("mini_xception")

#: Colour space of the conversion from RGB (SMPTE 170M in H.264's table). If a file does not state it, players assume
#: BT.709 for large images.
BT601 = 6
#: Approximate ticks per second of a file's clock. The exact value is a multiple of the frame rate's numerator.
CLOCK_HZ = 90_000
#: Matroska and WebM round times to milliseconds. A time that is this close to a multiple of the frame duration is moved
#: to that multiple.
GRID_TOLERANCE_S = 0.001
#: Most bytes of audio before the first frame. They are kept in memory.
MAX_EARLY_AUDIO = 256 * 2**20
#: Largest width and height of an H.264 encoder, in pixels.
MAX_SIDE = 16_384
#: Longest time between two frames, in ticks. An MP4 file can store almost twice as much.
LONGEST_FRAME = 2**30


class VideoWriter:
    """A context manager that writes one MP4 file.

    Args:
        path: the file; an existing file is replaced.
        frame_rate: average frame rate, in frames per second. Each frame keeps its own time.
        audio: the audio stream whose packets :meth:`write_audio` will receive; None creates a file without audio.
        name: the file's name in error messages; by default its path.

    Raises:
        MiniXceptionError: the file cannot be written. All methods can raise it.
    """

    def __init__(
        self, path: Path, frame_rate: Fraction, audio: AudioStream | None = None, name: str | None = None
    ) -> None:
        import av

        self._name, self._frame_rate = name or str(path), frame_rate
        self._clock_hz = frame_rate.numerator * max(1, round(CLOCK_HZ / frame_rate.numerator))
        with self._errors():
            self._container = av.open(path, "w", format="mp4", options={"movflags": "faststart"})
            # Disable B-frames. Their reordering makes the stated duration too short, and players stop early.
            options = {"preset": "veryfast", "crf": "20", "bf": "0"}
            self._video = self._container.add_stream("libx264", frame_rate, options)
            self._video.pix_fmt = "yuv420p"
            self._video.codec_context.time_base = Fraction(1, self._clock_hz)
            self._video.codec_context.colorspace = BT601
            self._audio = AudioTrack(self._container, audio) if audio else None
        self._early_audio: list[Packet] = []
        self._early_bytes = 0
        self._first_s: float | None = None
        self._last_pts = -1

    def write(self, time_s: float, image: np.ndarray) -> None:
        """Write a frame.

        Args:
            time_s: the frame's time in seconds.
            image: RGB, uint8, (H, W, 3), of the same size as the previous images. An odd side is made even by repeating
                the last row or column.
        """
        height, width = image.shape[:2]
        if height % 2 or width % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._first_s is None:
            if max(image.shape) > MAX_SIDE:
                reason = f"an MP4 file has at most {MAX_SIDE:,} pixels in a row or column; scale the video down"
                raise MiniXceptionError(f"{self._name}: a frame has {width:,}×{height:,} pixels; {reason}")
            self._first_s = time_s
            self._video.height, self._video.width = image.shape[:2]
            for packet in self._early_audio:
                self.write_audio(packet)
            self._early_audio.clear()
        elif image.shape != self._last_image.shape:
            raise MiniXceptionError(f"{self._name}: a frame has {width}×{height} pixels, unlike the frames before it")
        pts = max(self._ticks(time_s, self._first_s), self._last_pts + 1)
        while self._last_pts >= 0 and pts - self._last_pts > LONGEST_FRAME:
            self._encode(self._last_image, self._last_pts + LONGEST_FRAME)
        self._encode(image, pts)

    def _encode(self, image: np.ndarray, pts: int) -> None:
        from av import VideoFrame

        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.time_base = Fraction(1, self._clock_hz)
        frame.pts = self._last_pts = pts
        self._last_image = image
        with self._errors():
            self._container.mux(self._video.encode(frame))

    def write_audio(self, packet: Packet) -> None:
        """Write a packet of the audio stream. An empty packet ends the audio."""
        assert self._audio, "the writer was created without an audio stream"
        if self._first_s is None:  # The first packet writes the file's header, which needs the frame size.
            self._early_audio.append(packet)
            self._early_bytes += packet.size
            if self._early_bytes > MAX_EARLY_AUDIO:
                raise MiniXceptionError(f"{self._name}: cannot be written, because the video has no frame for too long")
            return
        from av.error import FFmpegError

        with self._errors():
            for new in self._audio.packets(packet):
                try:
                    self._container.mux(new)
                except FFmpegError as error:
                    if isinstance(error, OSError):
                        raise
                    self._audio.left_out += 1  # The packet was copied, and is damaged.

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if error_type is None:
            with self._errors():
                self._container.mux(self._video.encode(None))
                self._container.close()
            if self._audio and self._audio.left_out:
                reason = "because they are damaged or overlap others"
                logger.warning("%s: audio packets left out %s: %d", self._name, reason, self._audio.left_out)
        else:
            with suppress(MiniXceptionError), self._errors():
                self._container.close()

    def _ticks(self, time_s: float, first_s: float) -> int:
        steps = round((time_s - first_s) * self._frame_rate)
        on_grid = first_s + float(steps / self._frame_rate)
        return round((on_grid if abs(on_grid - time_s) <= GRID_TOLERANCE_S else time_s) * self._clock_hz)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from av.error import FFmpegError

        try:
            yield
        except (FFmpegError, OSError) as error:
            raise MiniXceptionError(f"{self._name}: cannot be written ({error.strerror or error})") from error
