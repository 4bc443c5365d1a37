"""Writing of MP4 files for any video player: H.264 in yuv420p, with the frame times and audio of another video."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from mini_xception.errors import MiniXceptionError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet

#: The audio codec that any player supports in an MP4 file. AAC is copied unchanged; other audio is converted to AAC.
AUDIO_CODEC: Final = "aac"
#: When audio is encoded, gaps longer than this between two packets are kept. Shorter gaps are rounding errors.
AUDIO_GAP_S = 0.1
#: Colour space of the conversion from RGB (SMPTE 170M in H.264's table). If a file does not state it, players assume
#: BT.709 for large images.
BT601 = 6
#: Approximate ticks per second of a file's clock. The exact value is a multiple of the frame rate's numerator.
CLOCK_HZ = 90_000
#: Matroska and WebM round times to milliseconds. A time that is this close to a multiple of the frame duration is moved
#: to that multiple.
GRID_TOLERANCE_S = 0.001


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
            self._audio = _AudioTrack(self._container, audio) if audio else None
        self._early_audio: list[Packet] = []
        self._first_s: float | None = None
        self._last_pts = -1

    def write(self, time_s: float, image: np.ndarray) -> None:
        """Write a frame.

        Args:
            time_s: the frame's time in seconds.
            image: RGB, uint8, (H, W, 3). An odd side is made even by repeating the last row or column.
        """
        from av import VideoFrame

        height, width = image.shape[:2]
        if height % 2 or width % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._first_s is None:
            self._first_s = time_s
            self._video.height, self._video.width = image.shape[:2]
            for packet in self._early_audio:
                self.write_audio(packet)
            self._early_audio.clear()
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.time_base = Fraction(1, self._clock_hz)
        frame.pts = self._last_pts = max(self._ticks(time_s, self._first_s), self._last_pts + 1)
        with self._errors():
            self._container.mux(self._video.encode(frame))

    def write_audio(self, packet: Packet) -> None:
        """Write a packet of the audio stream. An empty packet ends the audio."""
        assert self._audio, "the writer was created without an audio stream"
        if self._first_s is None:  # The first packet writes the file's header, which needs the frame size.
            self._early_audio.append(packet)
            return
        with self._errors():
            self._container.mux(self._audio.packets(packet))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if error_type is None:
            with self._errors():
                self._container.mux(self._video.encode(None))
                self._container.close()
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


class _AudioTrack:
    """The audio stream of the written file. Its packets are copied or encoded from another file's audio stream."""

    def __init__(self, container: OutputContainer, source: AudioStream) -> None:
        self._source = source
        self._copies = source.codec_context.name == AUDIO_CODEC
        if self._copies:
            self._track = container.add_stream_from_template(source)
        else:
            layout = "mono" if source.codec_context.channels == 1 else "stereo"
            self._track = container.add_stream(AUDIO_CODEC, rate=48_000, layout=layout)
        self._next_sample = 0

    def packets(self, packet: Packet) -> list[Packet]:
        """Copy or encode a packet of the source. An empty packet ends the audio."""
        if self._copies:
            packet.stream = self._track
            return [packet] if packet.size else []
        encoded = [new for frame in self._decode(packet) for new in self._track.encode(self._retime(frame))]
        return encoded if packet.size else encoded + self._track.encode(None)

    def _decode(self, packet: Packet) -> list[AudioFrame]:
        from av.error import FFmpegError

        try:
            return self._source.decode(packet)
        except FFmpegError:  # Skip a damaged packet, as video players do.
            return []

    def _retime(self, frame: AudioFrame) -> AudioFrame:
        """Set the frame's time in samples, because the container's clock may be too coarse."""
        if frame.time is not None and frame.time - self._next_sample / frame.sample_rate > AUDIO_GAP_S:
            self._next_sample = round(frame.time * frame.sample_rate)
        frame.time_base, frame.pts = Fraction(1, frame.sample_rate), self._next_sample
        self._next_sample += frame.samples
        return frame
