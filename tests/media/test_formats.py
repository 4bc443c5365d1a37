"""The containers and codecs that docs/formats.md lists: frames, times and audio arrive in the annotated copy."""

import os
from fractions import Fraction

import av
import numpy as np
import pytest

from mini_xception.media.video import read_frames
from tests.media.test_video import copy, make_image

RATE, FRAMES = 25, 15
#: Suffix → FFmpeg's name, if it cannot tell it from the suffix.
CONTAINERS = {"wmv": "asf", "ogv": "ogg", "m4v": "mp4"}
#: Suffix, video codec, pixel format (None is yuv420p), audio codec.
FORMATS = [
    ("mp4", "libx264", None, "aac"),
    ("mp4", "libx265", None, "ac3"),
    ("mp4", "libsvtav1", None, "libopus"),
    ("mp4", "libvpx-vp9", None, "flac"),
    ("m4v", "mpeg4", None, "libmp3lame"),
    ("mov", "prores_ks", "yuv422p10le", "pcm_s24le"),
    ("mov", "mjpeg", "yuvj420p", "pcm_alaw"),
    ("mov", "png", "rgb24", "alac"),
    ("mov", "qtrle", "rgb24", "pcm_s16be"),
    ("mov", "dnxhd", "yuv422p", None),
    ("3gp", "h263", None, "libopencore_amrnb"),
    ("mkv", "libx264", "yuv444p10le", "pcm_f32le"),
    ("mkv", "libx265", "yuv420p10le", "eac3"),
    ("mkv", "ffv1", "gray", "flac"),
    ("mkv", "ffv1", "gbrp12le", "aac"),
    ("mkv", "ffv1", "bgra", None),
    ("mkv", "mjpeg", "yuvj444p", "aac"),
    ("webm", "libvpx", None, "libopus"),
    ("webm", "libvpx-vp9", "yuva420p", "libopus"),
    ("webm", "libsvtav1", "yuv420p10le", "libopus"),
    ("avi", "mpeg4", None, "ac3"),
    ("avi", "mjpeg", "yuvj422p", "pcm_u8"),
    ("avi", "huffyuv", "yuv422p", "adpcm_ima_wav"),
    ("avi", "utvideo", "yuv420p", "pcm_mulaw"),
    ("avi", "ffv1", "yuva420p", "pcm_s16le"),
    ("avi", "cinepak", "rgb24", None),
    ("avi", "rawvideo", "bgr24", None),
    ("ts", "libx264", None, "libopus"),
    ("ts", "libx265", None, "aac"),
    ("ts", "mpeg2video", None, "ac3"),
    ("ts", "mpeg4", None, "libmp3lame"),
    ("mpg", "mpeg1video", None, "mp2"),
    ("mpeg", "mpeg2video", None, "ac3"),
    ("flv", "libx264", None, "aac"),
    ("flv", "flv", None, "libmp3lame"),
    ("flv", "flashsv", "bgr24", None),
    ("wmv", "wmv1", None, "libmp3lame"),
    ("wmv", "wmv2", None, "wmav2"),
    ("wmv", "msmpeg4", None, "wmav1"),
    ("ogv", "libvpx", None, "libopus"),
    ("ogv", "libvpx", None, "flac"),
    ("gif", "gif", "rgb8", None),
]
#: Codecs that support only some frame sizes, sample rates and channels.
SIZES = {"h263": (352, 288), "dnxhd": (1280, 720), "libsvtav1": (128, 96)}
RATES = {"libopencore_amrnb": 8000, "wmav1": 44_100, "wmav2": 44_100}


def write(path, suffix, codec, pixels, audio_codec):
    """Write numbered frames and a tone of 440 Hz."""
    with av.open(path, "w", format=CONTAINERS.get(suffix)) as container:
        video = container.add_stream(codec, RATE)
        video.width, video.height = SIZES.get(codec, (64, 48))
        video.pix_fmt = pixels or "yuv420p"
        if codec == "dnxhd":
            video.bit_rate = 120_000_000
        if audio_codec:
            rate = RATES.get(audio_codec, 48_000)
            track = container.add_stream(audio_codec, rate, layout="mono")
            track.bit_rate = 12_200 if audio_codec == "libopencore_amrnb" else 64_000
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(make_image(number, video.width, video.height), format="rgb24")
            frame.pts = number
            container.mux(video.encode(frame))
            if audio_codec:
                seconds = np.arange(number * rate // RATE, (number + 1) * rate // RATE) / rate
                tone = (8000 * np.sin(2 * np.pi * 440 * seconds)).astype(np.int16)
                samples = av.AudioFrame.from_ndarray(tone[np.newaxis], format="s16", layout="mono")
                samples.sample_rate, samples.pts = rate, number * rate // RATE
                container.mux(track.encode(samples))
        container.mux(video.encode(None))
        if audio_codec:
            container.mux(track.encode(None))
    if codec == "libsvtav1" and hasattr(os, "sched_setscheduler"):
        # If the user is root, SVT-AV1 makes this thread a realtime thread, and all later processes with it.
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@pytest.mark.parametrize(("suffix", "codec", "pixels", "audio_codec"), FORMATS)
def test_every_format_in_the_documentation(tmp_path, caplog, suffix, codec, pixels, audio_codec):
    source = tmp_path / f"a.{suffix}"
    write(source, suffix, codec, pixels, audio_codec)
    times = copy(source, tmp_path / "b.mp4")
    assert np.diff(times) == pytest.approx([1 / RATE] * (FRAMES - 1), abs=0.0011)
    with av.open(tmp_path / "b.mp4") as container:
        assert container.streams.video[0].frames == FRAMES
        assert container.streams.video[0].average_rate == Fraction(RATE)
        assert len(container.streams.audio) == (audio_codec is not None)
        if audio_codec:
            audio = container.streams.audio[0]
            assert float(audio.duration * audio.time_base) == pytest.approx(FRAMES / RATE, abs=0.09)
            heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio)])
            spectrum = np.abs(np.fft.rfft(heard, 48_000))
            assert spectrum.argmax() * audio.codec_context.sample_rate / 48_000 == pytest.approx(440, abs=12)
    _, image = next(read_frames(source))
    height, width = image.shape[:2]
    corners = [image[height // 4, width // 4], image[height // 4, 3 * width // 4], image[3 * height // 4, width // 4]]
    if pixels != "gray":
        assert [corner.argmax() for corner in corners] == [0, 1, 2]  # red, green, blue
    assert not caplog.records
