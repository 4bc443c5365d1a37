"""One time line for the streams of a video, also if the file's clock begins anew or jumps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet

#: A new recording begins if a packet is more than this many seconds earlier than the one before. Smaller steps back are
#: jitter.
JITTER_S = 0.1
#: Some formats store the order of display, but not of decoding. Their packets, except keyframes, may be stored after
#: this many frames that are displayed later (the limit of H.264).
REORDERED_FRAMES = 16
#: Longest gap between two packets of a stream, in seconds. A longer one is an error of the clock, and is removed.
LONGEST_GAP_S = 12 * 3600
#: The same for MPEG streams, whose clock begins at any value and restarts after 26.5 hours.
LONGEST_MPEG_GAP_S = 3600
#: If one stream's clock began anew, another stream follows it only if this brings it within this many seconds of the
#: end. Otherwise, that stream's clock began anew for itself.
SYNC_S = 5.0


@dataclass
class _StreamState:
    """A stream's latest times in the file, in seconds, and which of the clock's offsets applies to it."""

    offset: int
    latest_s: list[float]


class Clock:
    """Shifts the times of packets, so that every stream's times increase from about 0.

    If recordings were joined, the times in the file step back at the joint. From there on, the packets of all streams
    are shifted by the same offset, so that the new recording begins where the previous one ends.

    Args:
        start_s: the time in the file at which the video begins, in seconds; None uses the first packet's.
        frame_duration_s: duration of a packet that does not state it, in seconds.
        longest_gap_s: a longer gap between two packets of a stream is removed.
        reordered: whether the format stores only the order of display.

    Attributes:
        end_s: the time at which the packets so far end, in seconds.
    """

    def __init__(
        self, start_s: float | None, frame_duration_s: float, longest_gap_s: float, *, reordered: bool
    ) -> None:
        self._offsets: list[float] = [] if start_s is None else [-start_s]
        self._frame_duration_s = frame_duration_s
        self._longest_gap_s = longest_gap_s
        self._reordered = reordered
        self._streams: dict[int, _StreamState] = {}
        self.end_s = 0.0

    def shift(self, packet: Packet) -> bool:
        """Change a packet's times in place, and return whether a new recording begins with it.

        The packets come in the order of the file.
        """
        ticks = packet.dts if packet.pts is None else packet.pts
        if ticks is None or not packet.time_base:
            return False
        file_s = float(ticks * packet.time_base)
        if not self._offsets:
            self._offsets.append(-file_s)
        state = self._streams.setdefault(packet.stream_index, _StreamState(0, []))
        order_s = file_s if self._reordered or packet.dts is None else float(packet.dts * packet.time_base)
        begins_anew = self._begins_anew(state.latest_s, order_s, is_keyframe=packet.is_keyframe)
        if begins_anew:
            state.offset = self._offset_at_the_end(state, file_s)
        elif state.offset < len(self._offsets) - 1 and self._fits_the_newest(state, file_s):
            begins_anew, state.offset = True, len(self._offsets) - 1
        if begins_anew:
            state.latest_s.clear()
        state.latest_s = sorted([*state.latest_s, order_s])[-REORDERED_FRAMES - 1 :]
        offset_s = self._offsets[state.offset]
        duration_s = float((packet.duration or 0) * packet.time_base)
        if not 0 < duration_s <= self._longest_gap_s:
            duration_s = self._frame_duration_s
        self.end_s = max(self.end_s, file_s + offset_s + duration_s)
        shift = round(Fraction(offset_s) / packet.time_base)
        if packet.pts is not None:
            packet.pts += shift
        if packet.dts is not None:
            packet.dts += shift
        return begins_anew

    def _begins_anew(self, latest_s: list[float], order_s: float, *, is_keyframe: bool) -> bool:
        allowed = REORDERED_FRAMES if self._reordered and not is_keyframe else 0
        later = sum(time_s - order_s > JITTER_S for time_s in latest_s)
        return later > allowed or (bool(latest_s) and order_s - latest_s[-1] > self._longest_gap_s)

    def _fits_the_newest(self, state: _StreamState, file_s: float) -> bool:
        """Return whether the stream follows another one to a new recording, though its own time does not step back."""
        own, newest = (abs(file_s + self._offsets[number] - self.end_s) for number in (state.offset, -1))
        return newest < own

    def _offset_at_the_end(self, state: _StreamState, file_s: float) -> int:
        """Return the index of the offset that moves this time to the end of what was read so far."""
        newest = len(self._offsets) - 1
        if state.offset < newest and math.isclose(file_s + self._offsets[newest], self.end_s, abs_tol=SYNC_S):
            return newest
        self._offsets.append(self.end_s - file_s)
        return newest + 1
