"""Sources that stall: sockets that say nothing, downloads that stop, and pipes without a writer."""

import os
import socket
import threading
from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import pytest

from mini_xception import MiniXceptionError
from mini_xception.media.video import EndedEarlyError, VideoReader
from tests.media.test_video import write_video

TIMEOUT_S = 0.5


@contextmanager
def serve(answer: bytes, close: bool = False):
    """Serve these bytes to every connection, then say nothing, or close it. Yield the port and an event.

    The event is set when the first answer was sent.
    """
    sent, connections = threading.Event(), []

    def run():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connections.append(connection)
            if answer:
                connection.recv(65536)
                connection.sendall(answer)
            if close:
                connection.close()
            sent.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], sent
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in connections:
                connection.close()
            thread.join()


def partial_answer(path) -> bytes:
    """Return an HTTP answer that promises the whole file and contains 70 % of it."""
    data = path.read_bytes()
    header = f"HTTP/1.1 200 OK\r\nContent-Type: video/x-matroska\r\nContent-Length: {len(data)}\r\n\r\n"
    return header.encode() + data[: len(data) * 7 // 10]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A video that is so large that 70 % of it contain more than the header."""
    path = tmp_path_factory.mktemp("video") / "a.mkv"
    noise = np.random.default_rng(0).integers(0, 255, (10, 240, 320, 3), np.uint8)
    images = [noise[number % 10] for number in range(100)]
    return write_video(path, images, Fraction(25), None, "mjpeg", "pcm_s16le", "yuvj420p")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/a.mp4", "rtsp://127.0.0.1:{port}/a", "tcp://127.0.0.1:{port}"]
)
def test_a_server_that_says_nothing_is_an_error(url):
    with (
        serve(b"") as (port, _),
        pytest.raises(MiniXceptionError, match=r"not opened within 0\.5 s; check the source, or allow more time"),
    ):
        VideoReader(url.format(port=port), TIMEOUT_S)


def read_until_error(source):
    """Return the times that were read, the audio packets, and the error."""
    times, audio = [], []
    with VideoReader(source, TIMEOUT_S) as reader:
        try:
            times.extend(time_s for time_s, _ in reader.frames(audio.append))
        except EndedEarlyError as error:
            return times, audio, error
    return times, audio, None


@pytest.mark.parametrize(
    ("close", "reason"),
    [(False, "no more frames for 0.5 s; check"), (True, "damaged or truncated (Input/output error)")],
)
def test_a_download_that_stops_gives_the_frames_before(video, close, reason):
    with serve(partial_answer(video), close) as (port, _):
        times, audio, error = read_until_error(f"http://127.0.0.1:{port}/a.mkv")
    assert 50 < len(times) < 80
    assert audio[-1].size == 0  # The end of the audio is announced, so an encoder can finish.
    assert f"read and kept up to {times[-1]:.1f} s, then {reason}" in str(error)


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "b.mkv")
    return tmp_path / "b.mkv"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are not part of this system")
def test_a_pipe_without_a_writer_is_an_error(pipe):
    with pytest.raises(
        MiniXceptionError, match=r"b\.mkv: not opened within 0\.5 s; check the source, or allow more time"
    ):
        VideoReader(pipe, TIMEOUT_S)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are not part of this system")
@pytest.mark.parametrize("share", [0.7, 1.0])
def test_a_video_is_read_from_a_pipe(pipe, video, share):
    data, finished = video.read_bytes(), threading.Event()

    def write():
        with pipe.open("wb", buffering=0) as file:
            file.write(data[: round(share * len(data))])
            if share < 1:
                finished.wait()

    writer = threading.Thread(target=write)
    writer.start()
    times, _, error = read_until_error(pipe)
    finished.set()
    writer.join()
    if share == 1:
        assert (len(times), error) == (100, None)
    else:
        assert 50 < len(times) < 80
        assert f"read and kept up to {times[-1]:.1f} s, then no more frames for 0.5 s" in str(error)


def test_devices_are_not_videos():
    for device in ("/dev/null", "/dev/zero"):
        with pytest.raises(MiniXceptionError, match=f"{device}: not a supported video"):
            VideoReader(device, TIMEOUT_S)
