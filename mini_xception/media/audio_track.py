"""The audio stream of a written MP4 file, made from the packets of another file's audio stream."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet

#: The audio codec that any player supports in an MP4 file. Its basic profile is copied unchanged; other audio is
#: converted to it.
AUDIO_CODEC: Final = "aac"
COPIED_PROFILE: Final = "LC"
#: AAC packets of MPEG streams begin with a header (ISO 14496-3, 1.A.2.2); these are the values of its first two bytes.
ADTS_BEGINNINGS: Final = (b"\xff\xf0", b"\xff\xf1", b"\xff\xf8", b"\xff\xf9")
ADTS_SIZE: Final = 7
#: The encoder's sample format.
SAMPLE_FORMAT: Final = "fltp"
#: Samples per second of converted audio.
SAMPLE_RATE: Final = 48_000
#: When audio is encoded, gaps and overlaps longer than this between two packets are kept and cut off. Shorter ones are
#: rounding errors.
AUDIO_GAP_S = 0.1


class AudioTrack:
    """The audio stream of the written file. Its packets are copied or encoded from another file's audio stream.

    A stream's sample rate or channels may change. The written file has those of the beginning, so from then on, the
    audio is converted.

    Args:
        container: the written file.
        source: the audio stream of the other file.

    Attributes:
        left_out: number of packets that could not be used, because they are damaged or overlap the previous one.
    """

    def __init__(self, container: OutputContainer, source: AudioStream) -> None:
        context = source.codec_context
        self._source = source
        self._encoder: AudioCodecContext | None = None
        # A damaged file may not state the sample rate.
        if context.name == AUDIO_CODEC and context.profile == COPIED_PROFILE and context.sample_rate:
            self._track = container.add_stream_from_template(source)
        else:
            layout = "mono" if context.channels == 1 else "stereo"
            self._track = container.add_stream(AUDIO_CODEC, rate=SAMPLE_RATE, layout=layout)
            self._encoder = self._track.codec_context
        self._adts_header = b""
        self._resampler: AudioResampler | None = None
        self._input: tuple[str, str, int] | None = None
        self._next_s, self._next_sample = 0.0, 0
        self._written_s = self._end_s = Fraction(-1_000_000)
        self.left_out = 0

    def packets(self, packet: Packet) -> list[Packet]:
        """Copy or encode a packet of the source. An empty packet ends the audio."""
        frames = self._decode(packet)
        if self._encoder is None:
            self._input = self._input or next(map(_format, frames), None)
            if all(_format(frame) == self._input for frame in frames):
                if bytes(packet)[:2] in ADTS_BEGINNINGS:
                    self._adts_header = bytes(packet)[:ADTS_SIZE]
                self._move_behind_the_previous(packet)
                return self._in_order([packet] if packet.size else [])
            self._encoder = self._continue_with_encoder()
        encoded = [new for frame in frames for new in self._encode(frame)]
        if not packet.size:
            encoded += self._resample(None) + self._encoder.encode(None)
        if self._adts_header:
            encoded = [_with_adts_header(packet, self._adts_header) for packet in encoded]
        return self._in_order(encoded)

    def _decode(self, packet: Packet) -> list[AudioFrame]:
        from av.error import FFmpegError

        try:
            return self._source.decode(packet)
        except FFmpegError:  # Skip a damaged packet, as video players do.
            self.left_out += self._encoder is not None
            return []

    def _continue_with_encoder(self) -> AudioCodecContext:
        """Return an encoder whose packets continue the copied ones."""
        from av import CodecContext

        assert self._input
        encoder = CodecContext.create(AUDIO_CODEC, "w")
        _, encoder.layout, encoder.sample_rate = self._input
        encoder.format, encoder.time_base = SAMPLE_FORMAT, Fraction(1, encoder.sample_rate)
        self._input = None
        return encoder

    def _encode(self, frame: AudioFrame) -> list[Packet]:
        from av import AudioResampler

        assert self._encoder
        encoded: list[Packet] = []
        if _format(frame) != self._input:
            encoded += self._resample(None)
            self._input = _format(frame)
            self._resampler = AudioResampler(SAMPLE_FORMAT, self._encoder.layout, self._encoder.sample_rate)
        if frame.time is not None and abs(frame.time - self._next_s) > AUDIO_GAP_S:
            if frame.time < self._next_s:
                self.left_out += 1
                return encoded
            self._next_s, self._next_sample = frame.time, round(frame.time * self._encoder.sample_rate)
        self._next_s += frame.samples / frame.sample_rate
        return encoded + self._resample(frame)

    def _resample(self, frame: AudioFrame | None) -> list[Packet]:
        """Convert and encode a frame. None flushes the converter."""
        assert self._encoder
        encoded: list[Packet] = []
        for converted in self._resampler.resample(frame) if self._resampler else []:
            if converted is None:  # from a converter that had nothing to convert
                continue
            # Count the time in samples, because the container's clock may be too coarse.
            converted.time_base, converted.pts = Fraction(1, converted.sample_rate), self._next_sample
            self._next_sample += converted.samples
            encoded += self._encoder.encode(converted)
        return encoded

    def _move_behind_the_previous(self, packet: Packet) -> None:
        """Correct the time of a packet that repeats the previous one's time, or overlaps it by a rounding error."""
        if packet.dts is None or not packet.duration:
            return
        ticks = round(self._end_s / packet.time_base)
        if packet.dts * packet.time_base <= self._written_s and (ticks - packet.dts) * packet.time_base < AUDIO_GAP_S:
            packet.pts = packet.dts = ticks
        self._end_s = (packet.dts + packet.duration) * packet.time_base

    def _in_order(self, packets: list[Packet]) -> list[Packet]:
        """Return the packets that follow those already written. An MP4 file cannot hold others."""
        kept = []
        for packet in packets:
            time_s = None if packet.dts is None else packet.dts * packet.time_base
            if time_s is None or time_s <= self._written_s:
                self.left_out += 1
                continue
            self._written_s = time_s
            packet.stream = self._track
            kept.append(packet)
        return kept


def _with_adts_header(packet: Packet, header: bytes) -> Packet:
    """Return a packet with the header that the copied packets have, because the muxer expects it."""
    import av

    # From the first bit: 15 bits, whether there is no checksum, 14 bits, 13 bits of size, 13 bits.
    bits = int.from_bytes(header, "big") & ~(0x1FFF << 13) | 1 << 40 | (packet.size + ADTS_SIZE) << 13
    new = av.Packet(bits.to_bytes(ADTS_SIZE, "big") + bytes(packet))
    new.pts, new.dts, new.duration, new.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    return new


def _format(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
