"""Opening of video files, pipes and URLs with FFmpeg. A source that sends no data ends in an error, never in a hang."""

from __future__ import annotations

import io
import os
import queue
import select
import stat
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mini_xception.errors import MiniXceptionError
from mini_xception.media.joined import open_joined

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

#: FFmpeg's names of the supported file formats. Other formats are rejected when a local file is opened, because
#: some of them make FFmpeg open further files.
FORMATS: tuple[str, ...] = ("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "gif")
SUPPORTED = "MP4, MOV, MKV, WebM, AVI, MPEG, FLV, WMV, OGG or GIF"
#: Seconds to wait for a URL or a pipe that sends no data.
TIMEOUT_S = 30
#: Name of the thread that waits for the data of a URL or a pipe.
SOURCE_THREAD = "mini_xception video source"
#: Seconds between two checks whether a signal has arrived. Only Windows needs them.
SIGNAL_EVERY_S = 0.5


class StalledError(Exception):
    """The source sent no data before the timeout."""


class Source:
    """An opened video file, pipe or URL.

    Args:
        name: a path or a URL.
        timeout_s: seconds to wait for a URL or a pipe that sends no data.

    Attributes:
        container: the opened file. While :meth:`packets` waits for data, only its streams' decoders may be used.

    Raises:
        MiniXceptionError: the source cannot be opened.
    """

    def __init__(self, name: str, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        # Reading a regular file does not stall. All other sources are read in a thread, because FFmpeg would not let
        # Python handle signals, such as Ctrl-C, while it waits.
        self._reader = _Reader() if "://" in name or _is_pipe(name) else None
        try:
            self.container = self._call(lambda: _open(name, timeout_s))
        except BaseException as error:
            self._end()
            if isinstance(error, StalledError):
                reason = f"not opened within {timeout_s:g} s; check the source, or allow more time"
                raise MiniXceptionError(f"{name}: {reason}") from error
            raise

    def packets(self) -> Iterator[Packet]:
        """Read the packets of all streams, in the order of the file. The last packet of each stream is empty.

        Raises:
            StalledError: the source sent no data before the timeout.
            av.error.FFmpegError: the source is damaged or cannot be read.
        """
        packets = self.container.demux()
        while True:
            try:
                packet = self._call(lambda: next(packets, None))
            except IndexError:  # PyAV ends like this, after the last packet, if a stream began in the middle.
                return
            if packet is None:
                return
            yield packet

    def close(self) -> None:
        """Close the source. The thread may still wait for data; then it closes the source afterwards."""
        if self._reader:
            self._reader.post(self.container.close)
        else:
            self.container.close()
        self._end()

    def _call(self, work: Callable[[], Any]) -> Any:
        return self._reader.call(work, self._timeout_s) if self._reader else work()

    def _end(self) -> None:
        if self._reader:
            self._reader.post(None)


class _Reader:
    """A thread that makes calls that may block. The program can end while it waits."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=SOURCE_THREAD, daemon=True).start()

    def post(self, work: Callable[[], object] | None) -> None:
        """Make a call after all previous calls, and do not wait for it. None ends the thread."""
        self._work.put(work)

    def call(self, work: Callable[[], object], timeout_s: float) -> object:
        """Make a call and return its result. Raise StalledError if it takes too long."""
        answer: queue.SimpleQueue[tuple[object, BaseException | None]] = queue.SimpleQueue()

        def make_call() -> None:
            try:
                answer.put((work(), None))
            except BaseException as error:
                answer.put((None, error))

        self.post(make_call)
        deadline = time.monotonic() + timeout_s
        while (remaining_s := deadline - time.monotonic()) > 0:
            try:
                result, error = answer.get(timeout=min(remaining_s, SIGNAL_EVERY_S))
            except queue.Empty:
                continue
            if error:
                raise error
            return result
        raise StalledError

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


class _Pipe(io.RawIOBase):
    """A named pipe or a device, opened without waiting for the program that writes to it."""

    def __init__(self, name: str, timeout_s: float) -> None:
        self._file = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
        self._timeout_s = timeout_s
        self.name = name

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        # Without data, this ends the thread's call after the caller has reported the timeout.
        ready, _, _ = select.select([self._file], [], [], self._timeout_s)
        return os.read(self._file, size) if ready else b""

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()


def _is_pipe(name: str) -> bool:
    try:
        mode = os.stat(name).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _open(name: str, timeout_s: float) -> InputContainer:
    import av
    from av.error import FFmpegError

    restricted = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}
    # These are options of the container alone. PyAV 14 crashes if a container that finds its streams later has others.
    options = {} if "://" in name else restricted
    try:
        file = _file(name, timeout_s)
    except (OSError, ValueError) as error:  # ValueError: the name contains a null character.
        raise _unreadable(name, error) from error
    try:
        # One second more than the caller waits, so the caller's error is the one that is reported.
        return av.open(file, "r", container_options=options, timeout=timeout_s + 1, metadata_errors="replace")
    except (FFmpegError, ValueError) as error:
        if isinstance(error, OSError) and "://" in name:
            raise _unreadable(name, error) from error
        raise MiniXceptionError(f"{name}: not a supported video, or damaged or truncated; use {SUPPORTED}") from error


def _unreadable(name: str, error: Exception) -> MiniXceptionError:
    return MiniXceptionError(f"{name or 'empty path'}: cannot be read ({getattr(error, 'strerror', None) or error})")


def _file(name: str, timeout_s: float) -> str | io.RawIOBase:
    """Return what FFmpeg should open."""
    if "://" in name:
        return name
    if _is_pipe(name):
        return _Pipe(name, timeout_s)
    return open_joined(name) or f"file:{name}"
