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


def write_tone(path, codec, audio_codec, sample_rate, layout):
    """Write two seconds of video with a tone of 440 Hz."""
    with av.open(path, "w", format="mpegts") as container:
        video = container.add_stream(codec, 25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream(audio_codec, sample_rate, layout=layout)
        for number in range(50):
            container.mux(video.encode(av.VideoFrame.from_ndarray(make_image(number), format="rgb24")))
        container.mux(video.encode(None))
        tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * sample_rate) / sample_rate, dtype=np.float32)
        channels = np.repeat(tone[np.newaxis], track.codec_context.channels, axis=0)
        samples = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels), format="fltp", layout=layout)
        samples.sample_rate = sample_rate
        container.mux([*track.encode(samples), *track.encode(None)])
    return path


@pytest.mark.parametrize("audio_codec", ["aac", "mp2"])
@pytest.mark.parametrize(
    "changes",
    [
        [(48_000, "mono"), (48_000, "stereo")],
        [(48_000, "stereo"), (44_100, "stereo")],
        [(44_100, "stereo"), (32_000, "mono"), (44_100, "stereo")],
    ],
    ids=["layout", "rate", "both, and back"],
)
def test_audio_may_change_its_rate_and_layout(tmp_path, audio_codec, changes):
    parts = [write_tone(tmp_path / "a.ts", "mpeg2video", audio_codec, *kind).read_bytes() for kind in changes]
    (tmp_path / "b.ts").write_bytes(b"".join(parts))
    times = copy(tmp_path / "b.ts", tmp_path / "b.mp4")
    assert len(times) == 50 * len(changes)
    audio = audio_of(tmp_path / "b.mp4")
    with av.open(tmp_path / "b.mp4") as written:
        rate = written.streams.audio[0].codec_context.sample_rate
    assert rate == (changes[0][0] if audio_codec == "aac" else SAMPLE_RATE)
    assert len(audio) / rate == pytest.approx(2 * len(changes), abs=0.2)
    for part in range(len(changes)):  # Each part is still a tone of 440 Hz.
        spectrum = np.abs(np.fft.rfft(audio[round((2 * part + 0.5) * rate) :][:rate]))
        assert spectrum.argmax() == pytest.approx(440, abs=4)
        assert spectrum.max() > 0.1 * 0.3 * rate


def test_five_channels_are_kept_or_mixed(tmp_path):
    for audio_codec, channels in (("aac", 6), ("ac3", 2)):
        source = write_tone(tmp_path / f"{audio_codec}.ts", "mpeg2video", audio_codec, 48_000, "5.1")
        copy(source, tmp_path / "b.mp4")
        with av.open(tmp_path / "b.mp4") as written:
            assert written.streams.audio[0].codec_context.channels == channels


def test_a_frame_of_another_size_is_an_error(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", Fraction(25)) as writer:
        writer.write(0, make_image(0))
        with pytest.raises(MiniXceptionError, match=r"a\.mp4: a frame has 48×64 pixels, unlike the frames before it"):
            writer.write(1, make_image(0, 48, 64))


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
