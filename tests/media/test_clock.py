"""Videos whose clock begins anew or jumps. Nothing is dropped, and video and audio stay together."""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from mini_xception.media.video import read_frames
from tests.media.test_video import copy, make_image, write_video

RATE = Fraction(25)
#: Container, video codec, audio codec.
KINDS = [
    ("ts", "libx264", "aac"),
    ("ts", "mpeg2video", "mp2"),
    ("mpg", "mpeg2video", "mp2"),
    ("vob", "mpeg2video", "mp2"),
    ("flv", "libx264", "aac"),
    ("webm", "libvpx", "libopus"),
    ("mkv", "libx264", "aac"),
    ("avi", "mpeg4", "libmp3lame"),
    ("ts", "libx264", None),
]


def beep(number: int) -> np.ndarray:
    """Return a frame of a video whose tone sounds only while the image is bright, in the second half of a second."""
    return np.full((48, 64, 3), 230 if number % 25 >= 12 else 20, np.uint8)


def write_beeps(path, codec, audio_codec, frames=50, audible=range(1000)):
    """Write a video in which the tone and the bright frames come at the same time. Some frames have audio."""
    with av.open(path, "w") as container:
        video = container.add_stream(codec, RATE)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream(audio_codec, 48_000, layout="mono") if audio_codec else None
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(beep(number), format="rgb24")
            frame.pts = number
            container.mux(video.encode(frame))
            if track and number in audible:
                loud = 8000 if number % 25 >= 12 else 0
                tone = (loud * np.sin(2 * np.pi * 500 * np.arange(1920) / 48_000)).astype(np.int16)
                samples = av.AudioFrame.from_ndarray(tone[np.newaxis], format="s16", layout="mono")
                samples.sample_rate, samples.pts = 48_000, number * 1920
                container.mux(track.encode(samples))
        container.mux(video.encode(None))
        if track:
            container.mux(track.encode(None))
    return path


def rising_edges(path):
    """Return the times at which the image becomes bright, and the times at which the tone begins."""
    bright = [(time_s, image.mean() > 120) for time_s, image in read_frames(path)]
    shown = [now for (_, before), (now, after) in pairwise(bright) if after and not before]
    heard, loud = [], False
    with av.open(path) as container:
        if not container.streams.audio:
            return shown, shown
        start_s = container.start_time / 1_000_000
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray()[0].astype(float)
            level = samples / (1 if samples.dtype.kind == "f" and np.abs(samples).max() <= 1.5 else 32768)
            parts = np.abs(level[: len(level) // 128 * 128]).reshape(-1, 128).max(axis=1)
            for part, value in enumerate(parts):
                if (value > 0.1) != loud:
                    loud = not loud
                    if loud:
                        heard.append(frame.time - start_s + part * 128 / frame.sample_rate)
    return shown, heard


@pytest.mark.parametrize(("container", "codec", "audio_codec"), KINDS, ids=map("-".join, [map(str, k) for k in KINDS]))
def test_joined_recordings_keep_all_frames_and_stay_in_sync(tmp_path, caplog, container, codec, audio_codec):
    source = write_beeps(tmp_path / f"a.{container}", codec, audio_codec)
    joined = tmp_path / f"joined.{container}"
    joined.write_bytes(source.read_bytes() * 3)
    times = copy(joined, tmp_path / "b.mp4")
    assert len(times) == 150
    assert np.diff(times).min() > 0.035
    assert np.diff(times).max() < 0.3  # At each joint, the longer of video and audio ends.
    shown, heard = rising_edges(tmp_path / "b.mp4")
    assert len(shown) == len(heard) == 6
    assert heard == pytest.approx(shown, abs=0.12)
    assert not [record for record in caplog.records if "frames left out" in record.message]


@pytest.mark.parametrize(("container", "codec", "audio_codec"), [KINDS[0], KINDS[1], KINDS[4], KINDS[5]])
def test_audio_that_covers_only_a_part_of_a_joined_recording(tmp_path, container, codec, audio_codec):
    """In the second recording, the audio begins later than it ended in the first one, so its times do not step back."""
    joined = tmp_path / f"joined.{container}"
    data = [
        write_beeps(tmp_path / f"a.{container}", codec, audio_codec, audible=audible).read_bytes()
        for audible in (range(22), range(27, 50), range(30, 50), range(50))
    ]
    joined.write_bytes(b"".join(data))
    assert len(copy(joined, tmp_path / "b.mp4")) == 200
    shown, heard = rising_edges(tmp_path / "b.mp4")
    assert len(shown) == 8
    assert len(heard) == 5
    assert heard == pytest.approx([shown[0], shown[3], *shown[5:]], abs=0.15)


def test_recordings_of_different_times_of_day(tmp_path):
    """The second recording's clock is a minute and more before the first one's, or hours after it."""
    parts = {}
    for start_s in (100, 4000, 30_000):
        times = [25 * start_s + number for number in range(50)]
        write_video(tmp_path / "a.ts", map(make_image, range(50)), RATE, times)
        parts[start_s] = (tmp_path / "a.ts").read_bytes()
    (tmp_path / "joined.ts").write_bytes(parts[4000] + parts[100] + parts[30_000] + parts[100])
    times = [time_s for time_s, _ in read_frames(tmp_path / "joined.ts")]
    assert times == pytest.approx([number / 25 for number in range(200)], abs=0.001)


def test_a_pause_of_many_hours_is_kept(tmp_path):
    """An MP4 file stores the duration of a frame in 31 bits, which is 6.6 hours at the usual clock rate."""
    times = [0, 25, 25 * 3600 * 8, 25 * 3600 * 8 + 25]
    source = write_video(tmp_path / "a.mkv", map(make_image, range(4)), RATE, times)
    expected = [0, 1, 8 * 3600, 8 * 3600 + 1]
    assert [time_s for time_s, _ in read_frames(source)] == pytest.approx(expected)
    copy(source, tmp_path / "b.mp4")
    written = [time_s for time_s, _ in read_frames(tmp_path / "b.mp4")]
    assert set(expected) <= {round(time_s, 3) for time_s in written}


def test_one_wrong_time_stamp_loses_no_frame(tmp_path):
    source = write_video(tmp_path / "a.flv", map(make_image, range(50)), RATE, codec="flv")
    data = bytearray(source.read_bytes())
    position, frames = 13, 0
    while position < len(data):  # A tag: type, 3 bytes of size, 3 + 1 bytes of time in ms, 3 bytes, data, its size.
        if data[position] == 9:
            frames += 1
            if frames == 20:
                data[position + 4] = 5  # five times 65.536 s too late
        position += 15 + int.from_bytes(data[position + 1 : position + 4], "big")
    source.write_bytes(data)
    times = [time_s for time_s, _ in read_frames(source)]
    assert len(times) == 50
    assert np.diff(times).min() > 0
