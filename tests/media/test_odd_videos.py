"""Videos that are unusual, but can be read, and those that cannot be."""

import shutil
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from mini_xception import MiniXceptionError
from mini_xception.media.video import VideoReader, read_frames
from tests.media.test_video import SAMPLE_RATE, copy, make_image, write_video

RATE = Fraction(25)
JPEG = {"codec": "mjpeg", "pixel_format": "yuvj420p"}


def patch(path, old, new):
    """Replace bytes of a file by as many others."""
    data = path.read_bytes()
    assert old in data
    assert len(old) == len(new)
    path.write_bytes(data.replace(old, new))
    return path


def test_metadata_need_not_be_utf8(tmp_path):
    with av.open(tmp_path / "a.avi", "w") as container:
        container.metadata["title"] = "Cafe au lait"
        video = container.add_stream("mpeg4", 25)
        video.width, video.height = 64, 48
        container.mux([*video.encode(av.VideoFrame.from_ndarray(make_image(0), format="rgb24")), *video.encode(None)])
    assert len(list(read_frames(patch(tmp_path / "a.avi", b"Cafe", b"Caf\xe9")))) == 1


def test_an_unknown_video_codec_is_an_error(tmp_path):
    source = write_video(tmp_path / "a.mkv", [make_image(0)], RATE)
    with pytest.raises(MiniXceptionError, match=r"a\.mkv: the video's codec is not supported; convert it to H\.264"):
        VideoReader(patch(source, b"V_MPEG4/ISO/AVC", b"V_UNKNOWN/CODEC"))


def test_without_the_audio_codec_the_copy_has_no_audio(tmp_path, caplog):
    source = write_video(tmp_path / "a.mkv", map(make_image, range(5)), RATE, audio_codec="aac")
    copy(patch(source, b"A_AAC", b"A_XYZ"), tmp_path / "b.mp4")
    with av.open(tmp_path / "b.mp4") as container:
        assert [stream.type for stream in container.streams] == ["video"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{source}: the audio's codec is not supported; a copy has no audio"
    ]


@pytest.mark.parametrize(
    ("rate", "scale"), [(0, 0), (0, 1), (1, 0), (1, 2**31), (2**32 - 1, 1), (10**6, 1)], ids=lambda value: f"{value}"
)
def test_an_impossible_frame_rate(tmp_path, rate, scale):
    source = write_video(tmp_path / "a.avi", map(make_image, range(10)), RATE, **JPEG)
    data = bytearray(source.read_bytes())
    struct.pack_into("<II", data, data.index(b"strh") + 28, scale, rate)  # the stream header's dwScale and dwRate
    source.write_bytes(data)
    times = copy(source, tmp_path / "b.mp4")
    assert len(times) == 10
    assert np.diff(times).min() > 0
    assert times[-1] < 1
    assert len(list(read_frames(tmp_path / "b.mp4"))) == 10


def test_more_frames_per_second_than_the_format_can_tell_apart(tmp_path):
    """Matroska rounds times to milliseconds."""
    source = write_video(tmp_path / "a.mkv", map(make_image, range(40)), Fraction(4000), **JPEG)
    times = copy(source, tmp_path / "b.mp4")
    assert len(times) == 40
    assert times == pytest.approx([number / 4000 for number in range(40)], abs=0.0011)
    assert np.diff(times).min() > 0


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 300), (300, 1), (4096, 2)])
def test_the_smallest_and_the_widest_frames(tmp_path, width, height):
    first, second = (Image.new("RGB", (width, height), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second], duration=100)
    assert {image.shape for _, image in read_frames(tmp_path / "a.gif")} == {(height, width, 3)}
    copy(tmp_path / "a.gif", tmp_path / "b.mp4")
    assert len(list(read_frames(tmp_path / "b.mp4"))) == 2


def test_a_frame_that_is_too_wide_for_the_copy(tmp_path):
    source = write_video(tmp_path / "a.mkv", [make_image(0, 20_000, 16)], RATE, codec="ffv1")
    reason = r"b\.mp4: a frame has 20,000×16 pixels; an MP4 file has at most 16,384 pixels in a row or column; scale"
    with pytest.raises(MiniXceptionError, match=reason):
        copy(source, tmp_path / "b.mp4")


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "mjpeg"), ("a.flv", "flv")])
def test_a_truncated_file_is_reported(tmp_path, caplog, name, codec):
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    images = [make_image(number) for number in range(100)]
    source = write_video(tmp_path / name, images, RATE, codec=codec, pixel_format=pixels)
    assert len(list(read_frames(source))) == 100
    assert not caplog.records
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert 30 < len(list(read_frames(source))) < 70
    assert "s before the time in its header; it may be truncated" in caplog.records[-1].getMessage()


def test_a_late_start_is_not_a_truncated_file(tmp_path, caplog):
    """Matroska counts the duration from 0, although the first frame is at 1000 s."""
    times = [25_000 + number for number in range(50)]
    source = write_video(tmp_path / "a.mkv", map(make_image, range(50)), RATE, times, **JPEG)
    assert [time_s for time_s, _ in read_frames(source)] == pytest.approx([number / 25 for number in range(50)])
    assert not caplog.records


def write_interleaved(path, frames, audio_frames, **options):
    """Write frames and silence. The silence lasts as long as ``audio_frames`` frames."""
    with av.open(path, "w", options=options) as container:
        video, track = container.add_stream("libx264", 25), container.add_stream("aac", SAMPLE_RATE, layout="mono")
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for number in range(max(frames, audio_frames)):
            if number < frames:
                frame = av.VideoFrame.from_ndarray(make_image(number), format="rgb24")
                frame.pts = number
                container.mux(video.encode(frame))
            if number < audio_frames:
                samples = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.int16), format="s16", layout="mono")
                samples.sample_rate, samples.pts = SAMPLE_RATE, number * 1920
                container.mux(track.encode(samples))
        container.mux([*video.encode(None), *track.encode(None)])
    return path


def test_audio_longer_than_the_video_is_not_a_truncated_file(tmp_path, caplog):
    source = write_interleaved(tmp_path / "a.mkv", 20, 100)
    assert len(list(read_frames(source))) == 20
    assert not caplog.records


def test_audio_packets_with_the_same_time_are_kept(tmp_path, caplog):
    """In an MP4 file with one fragment per frame, rounding repeats the times of audio packets."""
    source = write_interleaved(tmp_path / "a.mp4", 50, 50, movflags="cmaf+frag_every_frame")
    with av.open(source) as container:
        times = [packet.dts for packet in container.demux(audio=0) if packet.size]
        assert len(set(times)) < len(times)
    assert len(copy(source, tmp_path / "b.mp4")) == 50
    with av.open(tmp_path / "b.mp4") as container:
        counts = [packet.dts for packet in container.demux(audio=0) if packet.size]
    assert len(counts) == len(times)
    assert np.diff(counts).min() >= 1023
    assert not caplog.records


def test_a_damaged_audio_packet_is_left_out_of_the_copy(tmp_path):
    """The header of an AAC packet states its size. Here, one is too large, and a file would not end well."""
    source = write_video(tmp_path / "a.ts", map(make_image, range(60)), RATE, audio_codec="aac")
    data = bytearray(source.read_bytes())
    start = data.index(b"\xff\xf1", len(data) // 2)
    data[start + 2 : start + 6] = b"\xff\xff\xff\xff"
    source.write_bytes(data)
    assert len(copy(source, tmp_path / "b.mp4")) == 60
    with av.open(tmp_path / "b.mp4") as container:
        assert container.streams.audio[0].frames > 50


@pytest.mark.parametrize(
    "name", ["a:b.mp4", "100%d.mp4", "line\nbreak.mp4", "-x.mp4", "http:x.mp4", "pipe:0", "photo.jpg"]
)
def test_any_file_name(tmp_path, name):
    write_video(tmp_path / "a.mp4", map(make_image, range(3)), RATE)
    shutil.move(tmp_path / "a.mp4", tmp_path / name)
    assert len(list(read_frames(tmp_path / name))) == 3


def test_names_that_cannot_be_opened(tmp_path):
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    for name, reason in (
        (tmp_path / "loop.mp4", "Too many levels of symbolic links"),
        ("x" * 5000, "File name too long"),
        ("a\0b.mp4", "cannot be read"),
    ):
        with pytest.raises(MiniXceptionError, match=reason):
            VideoReader(name)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mpeg4"), ("a.mov", "mpeg4"), ("a.wmv", "wmv2")])
def test_joined_files_that_players_do_not_read_are_reported(tmp_path, caplog, name, codec):
    source = write_video(tmp_path / name, map(make_image, range(10)), RATE, codec=codec)
    assert len(list(read_frames(source))) == 10
    assert not caplog.records
    source.write_bytes(source.read_bytes() * 2)
    assert len(list(read_frames(source))) == 10
    assert [record.getMessage() for record in caplog.records] == [
        f"{source}: only the first of several joined recordings is read; convert them first"
    ]


def test_frames_before_the_first_keyframe_are_counted(tmp_path, caplog):
    """As when a recording of a broadcast begins in the middle."""
    first, second = (
        write_video(tmp_path / "a.ts", map(make_image, range(frames)), RATE, codec="libx265").read_bytes()
        for frames in (39, 10)
    )
    (tmp_path / "b.ts").write_bytes(first[len(first) // 376 * 188 :] + second)
    times = [time_s for time_s, _ in read_frames(tmp_path / "b.ts")]
    assert times[0] >= 0
    if len(times) > 10:
        pytest.skip("FFmpeg 7 shows grey frames instead")
    (record,) = caplog.records
    assert "frames left out because they are damaged or late: " in record.getMessage()
    assert 15 < int(record.getMessage().split(": ")[-1]) < 30


def test_a_joined_recording_with_other_streams_is_reported(tmp_path, caplog):
    data = b""
    for first_stream in ("256", "512"):
        with av.open(tmp_path / "a.ts", "w", options={"mpegts_start_pid": first_stream}) as container:
            video = container.add_stream("mpeg2video", 25)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            for number in range(50):
                container.mux(video.encode(av.VideoFrame.from_ndarray(make_image(number), format="rgb24")))
            container.mux(video.encode(None))
        data += (tmp_path / "a.ts").read_bytes()
    (tmp_path / "b.ts").write_bytes(data)
    assert len(list(read_frames(tmp_path / "b.ts"))) == 50
    (record,) = caplog.records
    assert "%, contains no frame of the video stream that was read" in record.getMessage()
