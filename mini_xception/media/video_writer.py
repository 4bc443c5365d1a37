"""MP4 files that every player plays: H.264 in yuv420p, every frame at its own time, and the sound of another video."""

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

#: The sound that every player plays in an MP4 file: it is copied as it is, any other becomes it.
AUDIO_CODEC: Final = "aac"
#: When sound is encoded anew, a gap of more than this in its times stays one, less is rounding.
AUDIO_GAP_S = 0.1
#: How RGB is converted (SMPTE 170M in H.264's table); without this mark, players take large pictures for BT.709.
BT601 = 6
#: Ticks a second of a written file's clock, about: a whole multiple of the frame rate's numerator.
CLOCK_HZ = 90_000
#: Matroska and WebM store times in whole milliseconds: frames this close to the frame rate's grid belong on it.
GRID_TOLERANCE_S = 0.001


class VideoWriter:
    """An MP4 file that is being written.

    Args:
        path: the file, which is replaced.
        frame_rate: on average, in frames a second; each frame keeps its own time.
        audio: the audio stream whose packets will be written.
        name: what an error calls the file; by default its path.

    Raises:
        MiniXceptionError: here or later, the file cannot be written.
    """

    def __init__(
        self, path: Path, frame_rate: Fraction, audio: AudioStream | None = None, name: str | None = None
    ) -> None:
        import av

        self._name, self._frame_rate = name or str(path), frame_rate
        self._clock_hz = frame_rate.numerator * max(1, round(CLOCK_HZ / frame_rate.numerator))
        with self._errors():
            self._container = av.open(path, "w", format="mp4", options={"movflags": "faststart"})
            # Without B-frames, whose order hides how late the last ones are shown: players would stop before them.
            options = {"preset": "veryfast", "crf": "20", "bf": "0"}
            self._pictures = self._container.add_stream("libx264", frame_rate, options)
            self._pictures.pix_fmt = "yuv420p"
            self._pictures.codec_context.time_base = Fraction(1, self._clock_hz)
            self._pictures.codec_context.colorspace = BT601
            self._audio = _AudioTrack(self._container, audio) if audio else None
        self._early_audio: list[Packet] = []
        self._first_s: float | None = None
        self._last_pts = -1

    def write(self, time_s: float, image: np.ndarray) -> None:
        """Add a frame: RGB, uint8, (H, W, 3); an odd side is made even by repeating the last row or column."""
        from av import VideoFrame

        height, width = image.shape[:2]
        if height % 2 or width % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._first_s is None:
            self._first_s = time_s
            self._pictures.height, self._pictures.width = image.shape[:2]
            for packet in self._early_audio:
                self.write_audio(packet)
            self._early_audio.clear()
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.time_base = Fraction(1, self._clock_hz)
        frame.pts = self._last_pts = max(self._ticks(time_s, self._first_s), self._last_pts + 1)
        with self._errors():
            self._container.mux(self._pictures.encode(frame))

    def write_audio(self, packet: Packet) -> None:
        """Add a packet of the sound track; an empty one ends it."""
        assert self._audio, "no sound track was announced"
        if self._first_s is None:  # The file's head is written with its first packet, and holds the pictures' size.
            self._early_audio.append(packet)
            return
        with self._errors():
            self._container.mux(self._audio.packets(packet))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if error_type is None:
            with self._errors():
                self._container.mux(self._pictures.encode(None))
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
    """The sound of a file that is written, from the packets of one that is read."""

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
        """What a packet that was read becomes; an empty one ends the sound."""
        if self._copies:
            packet.stream = self._track
            return [packet] if packet.size else []
        encoded = [new for frame in self._decode(packet) for new in self._track.encode(self._in_samples(frame))]
        return encoded if packet.size else encoded + self._track.encode(None)

    def _decode(self, packet: Packet) -> list[AudioFrame]:
        from av.error import FFmpegError

        try:
            return self._source.decode(packet)
        except FFmpegError:  # A damaged packet is passed over, as players do.
            return []

    def _in_samples(self, frame: AudioFrame) -> AudioFrame:
        """The frame with its time counted in samples, since a container's own clock may be too coarse for that."""
        if frame.time is not None and frame.time - self._next_sample / frame.sample_rate > AUDIO_GAP_S:
            self._next_sample = round(frame.time * frame.sample_rate)
        frame.time_base, frame.pts = Fraction(1, frame.sample_rate), self._next_sample
        self._next_sample += frame.samples
        return frame
