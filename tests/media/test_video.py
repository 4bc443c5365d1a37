"""Videos of all supported kinds, written with PyAV, and the frames read from them."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from mini_xception import MiniXceptionError
from mini_xception.media.video import VideoReader, read_frames
from mini_xception.media.video_writer import VideoWriter

NTSC = Fraction(30000, 1001)
SAMPLE_RATE = 48_000
#: a, b, c and d of the display matrix → the same operation on the stored image, in NumPy.
ORIENTATIONS = {
    (1, 0, 0, 1): lambda image: image,
    (0, 1, -1, 0): lambda image: np.rot90(image, -1),
    (-1, 0, 0, -1): lambda image: np.rot90(image, 2),
    (0, -1, 1, 0): lambda image: np.rot90(image, 1),
    (-1, 0, 0, 1): np.fliplr,
    (1, 0, 0, -1): np.flipud,
    (0, 1, 1, 0): lambda image: image.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda image: np.rot90(image, 2).transpose(1, 0, 2),
}


def make_image(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Return a grey image with a red, a green and a blue corner. Higher numbers are brighter."""
    image = np.full((height, width, 3), 20 + 5 * (number % 40), np.uint8)
    for corner, (y, x) in enumerate([(0, 0), (0, width // 2), (height // 2, 0)]):
        image[y : y + height // 2, x : x + width // 2, corner] = 250
    return image


def write_video(path, images, rate=NTSC, times=None, codec="libx264", audio_codec=None, pixel_format="yuv420p"):
    """Write a video of these images, with times in units of the frame duration, and a tone of the same length."""
    images = list(images)
    with av.open(path, "w") as container:
        video = container.add_stream(codec, rate)
        video.height, video.width = images[0].shape[:2]
        video.pix_fmt = pixel_format
        track = container.add_stream(audio_codec, SAMPLE_RATE, layout="mono") if audio_codec else None
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = times[number] if times else number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if track:
            seconds = np.arange(round(len(images) / rate * SAMPLE_RATE)) / SAMPLE_RATE
            tone = (3000 * np.sin(2 * np.pi * 440 * seconds)).astype(np.int16)
            samples = av.AudioFrame.from_ndarray(tone[np.newaxis], format="s16", layout="mono")
            samples.sample_rate = SAMPLE_RATE
            container.mux(track.encode(samples))
            container.mux(track.encode(None))
    return path


def copy(source, target):
    """Copy a video's frames and audio with VideoReader and VideoWriter; return the frame times."""
    with VideoReader(source) as video, VideoWriter(target, video.frame_rate, video.audio) as writer:
        times = []
        for time_s, image in video.frames(writer.write_audio if video.audio else None):
            writer.write(time_s, image)
            times.append(time_s)
    return times


def audio_of(path) -> np.ndarray:
    with av.open(path) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def test_frames_have_the_right_images_and_times(tmp_path):
    frames = list(read_frames(write_video(tmp_path / "a.mp4", map(make_image, range(30)))))
    assert [time_s for time_s, _ in frames] == pytest.approx([float(n / NTSC) for n in range(30)])
    for number, (_, image) in enumerate(frames):
        assert image.dtype == np.uint8
        assert np.abs(image.astype(int) - make_image(number)).mean() < 12


def test_a_variable_frame_rate_is_kept(tmp_path):
    times = [0, 1, 2, 10, 11, 40, 41]
    frames = list(read_frames(write_video(tmp_path / "a.mp4", map(make_image, range(7)), Fraction(20), times)))
    assert [time_s for time_s, _ in frames] == pytest.approx([time / 20 for time in times])
    again = copy(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert [time_s for time_s, _ in read_frames(tmp_path / "b.mp4")] == pytest.approx(again, abs=1e-4)
    with VideoReader(tmp_path / "b.mp4") as video:
        assert video.duration_s >= again[-1]  # Players stop at the duration that the file states.


def test_a_frame_that_lasts_an_hour(tmp_path):
    source = write_video(tmp_path / "a.mp4", map(make_image, range(2)), Fraction(20), [0, 72_000])
    assert [time_s for time_s, _ in read_frames(source)] == [0, 3600]
    copy(source, tmp_path / "b.mp4")
    assert [time_s for time_s, _ in read_frames(tmp_path / "b.mp4")] == [0, 3600]


def test_pixels_become_square(tmp_path):
    with av.open(tmp_path / "a.mp4", "w") as container:
        video = container.add_stream("libx264", 25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.sample_aspect_ratio = Fraction(3, 2)
        for frame in (av.VideoFrame.from_ndarray(make_image(0), format="rgb24"), None):
            container.mux(video.encode(frame))
    ((_, image),) = read_frames(tmp_path / "a.mp4")
    assert image.shape == (48, 96, 3)
    assert image[4, 40].tolist() == pytest.approx(image[4, 4].tolist(), abs=8)


@pytest.mark.parametrize("matrix", ORIENTATIONS)
def test_the_display_matrix_is_applied(tmp_path, matrix):
    data = bytearray(write_video(tmp_path / "a.mp4", [make_image(3)]).read_bytes())
    a, b, c, d = (value << 16 for value in matrix)
    # tkhd, version 0: the matrix follows 40 bytes after the box's name (ISO 14496-12, 8.3.2).
    struct.pack_into(">9i", data, data.index(b"tkhd") + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    (tmp_path / "a.mp4").write_bytes(data)
    ((_, image),) = read_frames(tmp_path / "a.mp4")
    expected = ORIENTATIONS[matrix](make_image(3))
    assert image.shape == expected.shape
    assert image.flags.c_contiguous
    assert np.abs(image.astype(int) - expected).mean() < 12


def test_a_video_of_one_frame(tmp_path):
    ((time_s, image),) = read_frames(write_video(tmp_path / "a.mp4", [make_image(0)]))
    assert (time_s, image.shape) == (0, (48, 64, 3))
    assert copy(tmp_path / "a.mp4", tmp_path / "b.mp4") == [0]
    assert len(list(read_frames(tmp_path / "b.mp4"))) == 1


def test_an_animated_gif_is_a_video(tmp_path):
    first, *more = (Image.fromarray(make_image(n)) for n in range(3))
    first.save(tmp_path / "a.gif", save_all=True, append_images=more, duration=100)
    assert [round(time_s, 3) for time_s, _ in read_frames(tmp_path / "a.gif")] == [0, 0.1, 0.2]


def write_with_cover(path, images, marked=True):
    """Write a song with a cover image, and with a video if there are images. The cover is the first stream."""
    with av.open(path, "w") as container:
        cover = container.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 300, 300, "yuvj420p"
        if marked:
            cover.disposition = Disposition.attached_pic.value
        if images:
            video = container.add_stream("libx264", 25)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream("aac", SAMPLE_RATE, layout="mono")
        square = av.VideoFrame.from_ndarray(np.full((300, 300, 3), 200, np.uint8), format="rgb24")
        container.mux([*cover.encode(square), *cover.encode(None)])
        for image in images:
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        if images:
            container.mux(video.encode(None))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, SAMPLE_RATE), np.int16), format="s16", layout="mono")
        silence.sample_rate = SAMPLE_RATE
        container.mux([*track.encode(silence), *track.encode(None)])
    if marked:  # FFmpeg writes the cover after the other streams.
        data = path.read_bytes()
        start = data.index(b"moov") + 4
        boxes, position = [], start
        while position < start - 8 + int.from_bytes(data[start - 8 : start - 4], "big"):
            size = int.from_bytes(data[position : position + 4], "big")
            boxes.append(data[position : position + size])
            position += size
        boxes.sort(key=lambda box: [b"mvhd", b"udta", b"trak"].index(box[4:8]))
        path.write_bytes(data[:start] + b"".join(boxes) + data[position:])
    return path


@pytest.mark.parametrize(("name", "marked"), [("a.mp4", True), ("a.mkv", False)])
def test_a_cover_image_is_not_the_video(tmp_path, name, marked):
    source = write_with_cover(tmp_path / name, [make_image(n) for n in range(20)], marked)
    with av.open(source) as container:
        assert container.streams.video[0].codec_context.name == "mjpeg"
    frames = list(read_frames(source))
    assert len(frames) == 20
    assert frames[0][1].shape == (48, 64, 3)


def test_a_song_with_a_cover_image_is_audio(tmp_path):
    source = write_with_cover(tmp_path / "song.mp4", [])
    with pytest.raises(MiniXceptionError, match=r"song\.mp4: no video stream, only audio or subtitles; choose a video"):
        next(read_frames(source))


def test_the_largest_video_stream_is_read(tmp_path):
    """Unless the file marks another one as its default."""
    for name, default, expected in (("a.mkv", None, 96), ("b.mkv", 64, 64)):
        with av.open(tmp_path / name, "w") as container:
            streams = []
            for width in (64, 96):
                stream = container.add_stream("mpeg4", 25)
                stream.width, stream.height, stream.pix_fmt = width, 48, "yuv420p"
                stream.disposition = Disposition.default.value if width == default else 0
                streams.append(stream)
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(make_image(0, stream.width), format="rgb24")
                container.mux([*stream.encode(frame), *stream.encode(None)])
        ((_, image),) = read_frames(tmp_path / name)
        assert image.shape == (48, expected, 3)


@pytest.mark.parametrize("second", [(48, 64), (96, 128), (240, 24)])
def test_a_new_frame_size_is_fitted_into_the_first_one(tmp_path, second):
    """As when a phone is turned while it records. A grey frame has a white disc, whose shape must stay."""
    data = b""
    for height, width in ((64, 48), second):
        image = np.full((height, width, 3), 100, np.uint8)
        side = min(height, width)
        image[(height - side // 2) // 2 : (height + side // 2) // 2, (width - side // 2) // 2 :][:, : side // 2] = 250
        data += write_video(tmp_path / "a.ts", [image] * 20, Fraction(25), codec="mpeg2video").read_bytes()
    (tmp_path / "b.ts").write_bytes(data)
    frames = [image for _, image in read_frames(tmp_path / "b.ts")]
    assert len(frames) == 40
    assert {image.shape for image in frames} == {(64, 48, 3)}
    scale = min(64 / second[0], 48 / second[1])
    height, width = (round(scale * side) for side in second)
    content = frames[-1].max(axis=2) > 50
    assert content.any(axis=1).sum() == pytest.approx(height, abs=1)
    assert content.any(axis=0).sum() == pytest.approx(width, abs=1)
    white = frames[-1].min(axis=2) > 180
    assert white.any(axis=1).sum() == pytest.approx(white.any(axis=0).sum(), abs=2)
    rows, columns = np.nonzero(white)
    assert (rows.mean(), columns.mean()) == pytest.approx((31.5, 23.5), abs=1.5)


def test_a_file_that_is_not_a_video_is_a_one_line_error(tmp_path):
    video = write_video(tmp_path / "video.mp4", map(make_image, range(30)), audio_codec="aac").read_bytes()
    (tmp_path / "truncated.mp4").write_bytes(video[: len(video) // 2])
    (tmp_path / "text.mp4").write_text("text, renamed\n" * 100)
    (tmp_path / "text.txt").write_text("FFmpeg would render this as a terminal\n" * 100)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nvideo.mp4\n")
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile video.mp4\n")
    Image.fromarray(make_image(0)).save(tmp_path / "photo.png")
    with av.open(tmp_path / "audio.mp4", "w") as container:
        track = container.add_stream("aac", SAMPLE_RATE, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), format="s16", layout="mono")
        silence.sample_rate = SAMPLE_RATE
        container.mux([*track.encode(silence), *track.encode(None)])
    reasons = {
        "truncated.mp4": "not a supported video, or damaged or truncated",
        "text.mp4": "not a supported video",
        "text.txt": "not a supported video",
        "empty.mp4": "not a supported video",
        "list.m3u8": "not a supported video",
        "list.mp4": "not a supported video",
        "photo.png": "use MP4, MOV, MKV, WebM, AVI, MPEG, FLV, WMV, OGG or GIF",
        "audio.mp4": "no video stream, only audio or subtitles; choose a video file",
        "absent.mp4": "No such file",
        ".": "directory",
        f"concat:{tmp_path}/video.mp4": "No such file",
    }
    for name, reason in reasons.items():
        source = name if name.startswith("concat:") else tmp_path / name
        with pytest.raises(MiniXceptionError, match=reason) as raised:
            next(read_frames(source))
        assert Path(name).name in str(raised.value) or name == "."
        assert "\n" not in str(raised.value)


def test_damage_in_the_middle_is_skipped(tmp_path):
    copy(write_video(tmp_path / "a.mp4", map(make_image, range(90)), audio_codec="aac"), tmp_path / "b.mp4")
    data = bytearray((tmp_path / "b.mp4").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 500] = bytes(500)
    (tmp_path / "damaged.mp4").write_bytes(data)
    (tmp_path / "truncated.mp4").write_bytes(data[: len(data) * 2 // 3])  # with a complete header
    for name, least in (("damaged.mp4", 40), ("truncated.mp4", 30)):
        times = copy(tmp_path / name, tmp_path / "out.mp4")
        assert least < len(times) <= 90
        assert np.diff(times).min() > 0


def test_a_video_without_decodable_frames_is_an_error(tmp_path):
    data = bytearray(write_video(tmp_path / "a.mp4", [make_image(0)]).read_bytes())
    start = data.index(b"mdat") + 4
    data[start : data.index(b"moov") - 4] = bytes(data.index(b"moov") - 4 - start)
    (tmp_path / "a.mp4").write_bytes(data)
    with pytest.raises(MiniXceptionError, match="damaged or truncated, no frame can be decoded; use an intact copy"):
        next(read_frames(tmp_path / "a.mp4"))


def test_a_video_is_read_from_a_url(tmp_path):
    import functools
    import threading
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    write_video(tmp_path / "a.mp4", map(make_image, range(5)))
    handler = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        assert len(list(read_frames(url + "a.mp4"))) == 5
        with pytest.raises(MiniXceptionError, match=r"absent\.mp4"):
            next(read_frames(url + "absent.mp4"))
        server.shutdown()


def test_a_missing_camera_is_a_one_line_error(capfd):
    reason = "camera 99: not found, or in use by another program; close that program or use another camera"
    with pytest.raises(MiniXceptionError, match=reason):
        next(read_frames(99))
    assert capfd.readouterr().err == ""


def test_the_shared_video(shared):
    with VideoReader(shared / "media" / "video.mp4") as video:
        assert video.frame_rate == 25
        times = [time_s for time_s, _ in video.frames()]
    assert times == pytest.approx([number / 25 for number in range(105)])
