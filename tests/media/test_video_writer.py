"""Written MP4 files: they play anywhere, and keep the frame rate, audio and colours."""

from fractions import Fraction

import av
import numpy as np
import pytest

from mini_xception import MiniXceptionError
from mini_xception.media.video import read_frames
from mini_xception.media.video_writer import VideoWriter
from tests.media.test_video import NTSC, SAMPLE_RATE, audio_of, copy, make_image, write_video


@pytest.mark.parametrize("rate", [NTSC, Fraction(25), Fraction(24000, 1001), Fraction(15, 2), Fraction(60)], ids=str)
@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_the_frame_rate_is_kept_exactly(tmp_path, rate, container):
    """Even from Matroska, which rounds times to milliseconds."""
    source = write_video(tmp_path / f"a.{container}", map(make_image, range(40)), rate)
    copy(source, tmp_path / "b.mp4")
    with av.open(tmp_path / "b.mp4") as written:
        assert written.streams.video[0].average_rate == rate
        assert written.streams.video[0].frames == 40


def test_any_player_can_play_the_file(tmp_path):
    images = [make_image(n, 65, 49) for n in range(3)]
    copy(write_video(tmp_path / "a.mkv", images, pixel_format="yuv444p"), tmp_path / "b.mp4")
    with av.open(tmp_path / "b.mp4") as written:
        (video,) = written.streams
        context = video.codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 66, 50)
    data = (tmp_path / "b.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # so it plays while it downloads


@pytest.mark.parametrize(
    ("name", "codec", "audio_codec"),
    [
        ("a.mp4", "libx264", "aac"),
        ("a.ts", "libx264", "aac"),
        ("a.mkv", "libx264", "libopus"),
        ("a.webm", "libvpx", "libopus"),
        ("a.avi", "mpeg4", "libmp3lame"),
        ("a.mov", "libx264", "pcm_s16le"),
    ],
)
def test_audio_is_kept(tmp_path, name, codec, audio_codec):
    source = write_video(tmp_path / name, map(make_image, range(60)), codec=codec, audio_codec=audio_codec)
    copy(source, tmp_path / "b.mp4")
    with av.open(tmp_path / "b.mp4") as written:
        assert [(stream.type, stream.codec_context.name) for stream in written.streams] == [
            ("video", "h264"),
            ("audio", "aac"),
        ]
    before, after = audio_of(source), audio_of(tmp_path / "b.mp4")
    assert len(after) == pytest.approx(len(before), abs=2048)
    # It is still a tone of 440 Hz.
    spectrum = np.abs(np.fft.rfft(after[SAMPLE_RATE // 2 : SAMPLE_RATE]))
    assert spectrum.argmax() * 2 == pytest.approx(440, abs=4)


def test_aac_is_copied_bit_for_bit(tmp_path):
    source = write_video(tmp_path / "a.mp4", map(make_image, range(60)), audio_codec="aac")
    copy(source, tmp_path / "b.mp4")
    packets = []
    for path in (source, tmp_path / "b.mp4"):
        with av.open(path) as container:
            packets.append([(packet.pts, bytes(packet)) for packet in container.demux(audio=0) if packet.size])
    assert packets[0] == packets[1]


def test_audio_and_video_stay_in_sync(tmp_path):
    """In the source, they begin at different times, both after 0."""
    source = write_video(tmp_path / "a.ts", map(make_image, range(60)), audio_codec="aac")
    copy(source, tmp_path / "b.mp4")
    offsets = []
    for path in (source, tmp_path / "b.mp4"):
        with av.open(path) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            offsets.append(float(video.start_time * video.time_base - audio.start_time * audio.time_base))
    assert offsets[0] == pytest.approx(offsets[1], abs=0.002)


def test_colours_are_kept(tmp_path):
    """Most players assume BT.709 for large images that do not state their colour space."""
    red = np.full((720, 1280, 3), (200, 40, 60), np.uint8)
    with VideoWriter(tmp_path / "a.mp4", Fraction(25)) as writer:
        writer.write(0, red)
    ((_, image),) = read_frames(tmp_path / "a.mp4")
    assert np.abs(image.astype(int) - red).max() < 5
    with av.open(tmp_path / "a.mp4") as container:
        assert next(container.decode(video=0)).colorspace == 6


def test_an_error_names_the_file(tmp_path):
    path = tmp_path / "absent" / "a.mp4"
    with (
        pytest.raises(MiniXceptionError, match=r"out\.mp4: cannot be written"),
        VideoWriter(path, Fraction(25), name="out.mp4") as writer,
    ):
        writer.write(0, make_image(0))
