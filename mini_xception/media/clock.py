"""One time line for the streams of a video, also if the file's clock begins anew or jumps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet

#: A new recording begins if a keyframe or an audio packet is more than this many seconds earlier than the packets
#: before it. Smaller steps back are jitter.
JITTER_S = 0.1
#: Other video packets may be stored out of order by this many frames (the limit of H.264).
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
    """A stream's latest time in the file, in seconds, and which of the clock's offsets applies to it."""

    last_s: float
    offset: int


class Clock:
    """Shifts the times of packets, so that every stream's times increase from about 0.

    If recordings were joined, the times in the file step back at the joint. From there on, the packets of all streams
    are shifted by the same offset, so that the new recording begins where the previous one ends.

    Args:
        start_s: the time in the file at which the video begins, in seconds; None uses the first packet's.
        frame_rate: average frame rate, in frames per second.
        longest_gap_s: a longer gap between two packets of a stream is removed.
    """

    def __init__(self, start_s: float | None, frame_rate: Fraction, longest_gap_s: float) -> None:
        self._offsets: list[float] = [] if start_s is None else [-start_s]
        self._reorder_s = max(JITTER_S, float(REORDERED_FRAMES / frame_rate))
        self._longest_gap_s = longest_gap_s
        self._streams: dict[int, _StreamState] = {}
        self._end_s = 0.0

    def shift(self, packet: Packet) -> None:
        """Change a packet's times in place. The packets come in the order of the file."""
        ticks = packet.dts if packet.pts is None else packet.pts
        if ticks is None or not packet.time_base:
            return
        file_s = float(ticks * packet.time_base)
        if not self._offsets:
            self._offsets.append(-file_s)
        state = self._streams.setdefault(packet.stream_index, _StreamState(file_s, 0))
        back_s = state.last_s - file_s
        if back_s > (JITTER_S if packet.is_keyframe else self._reorder_s) or -back_s > self._longest_gap_s:
            state.offset, state.last_s = self._offset_at_the_end(state, file_s), file_s
        state.last_s = max(state.last_s, file_s)
        offset_s = self._offsets[state.offset]
        duration_s = float((packet.duration or 0) * packet.time_base)
        self._end_s = max(self._end_s, file_s + offset_s + duration_s)
        shift = round(Fraction(offset_s) / packet.time_base)
        if packet.pts is not None:
            packet.pts += shift
        if packet.dts is not None:
            packet.dts += shift

    def _offset_at_the_end(self, state: _StreamState, file_s: float) -> int:
        """Return the index of the offset that moves this time to the end of what was read so far."""
        newest = len(self._offsets) - 1
        if state.offset < newest and math.isclose(file_s + self._offsets[newest], self._end_s, abs_tol=SYNC_S):
            return newest
        self._offsets.append(self._end_s - file_s)
        return newest + 1
