"""Annotated copies of videos, and tables of their faces."""

import csv
import weakref
from collections import Counter
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from mini_xception import EMOTIONS, EmotionRecognizer, MiniXceptionError
from mini_xception.annotate import annotate_video
from mini_xception.media.video import VideoReader, read_frames
from mini_xception.table import COLUMNS
from tests.conftest import ROOT
from tests.media.test_video import NTSC, audio_of, make_image, write_video

VIDEO = ROOT / "examples" / "two_portraits.mp4"


@pytest.fixture
def one_face(recognizer):
    """A recogniser whose detector returns the same box for every image."""
    return EmotionRecognizer(recognizer.model, lambda _: (np.array([[8.0, 8, 40, 40]]), np.array([0.9])))


@pytest.fixture(scope="module")
def annotated(recognizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("annotated")
    steps = list(annotate_video(recognizer, VIDEO, folder / "video.mp4", folder / "faces.csv"))
    with (folder / "faces.csv").open(newline="") as file:
        return folder, [step.frame.time_s for step in steps], list(csv.DictReader(file))


def test_the_example_video_shows_a_happy_and_a_neutral_face(annotated):
    _, times, rows = annotated
    assert len(times) == 100
    assert {row["emotion"] for row in rows if row["track_id"] == "1"} == {"happy"}
    assert Counter(row["emotion"] for row in rows if row["track_id"] == "2").most_common(1)[0][0] == "neutral"
    # First one face, then both, then the other; every frame shows a face.
    assert {round(float(row["time_s"]), 3) for row in rows} == {round(time_s, 3) for time_s in times}
    shown = {id: [float(row["time_s"]) for row in rows if row["track_id"] == id] for id in ("1", "2")}
    assert shown["1"][0] == 0
    assert shown["2"][0] < shown["1"][-1] < 3
    assert shown["2"][-1] == pytest.approx(times[-1])


def test_the_table_has_valid_rows(annotated):
    _, _, rows = annotated
    assert list(rows[0]) == [*COLUMNS, *EMOTIONS]
    assert {row["path"] for row in rows} == {str(VIDEO)}
    for row in rows:
        x1, y1, x2, y2 = (int(row[name]) for name in ("x1", "y1", "x2", "y2"))
        assert 0 <= x1 < x2 <= 640
        assert 0 <= y1 < y2 <= 480
        assert sum(float(row[label]) for label in EMOTIONS) == pytest.approx(1, abs=1e-4)
        assert row["emotion"] == max(EMOTIONS, key=lambda label: float(row[label]))


def test_the_copy_is_the_video_with_boxes(annotated):
    folder, times, _ = annotated
    copy = list(read_frames(folder / "video.mp4"))
    assert [time_s for time_s, _ in copy] == pytest.approx(times)
    difference = np.abs(copy[0][1].astype(int) - next(read_frames(VIDEO))[1])
    assert difference.max() > 100
    assert np.median(difference) < 10
    assert np.array_equal(audio_of(folder / "video.mp4"), audio_of(VIDEO))
    assert (folder / "video.mp4").stat().st_mode & 0o777 == 0o644


def test_frame_rate_and_audio_are_kept_if_the_sides_are_odd(one_face, tmp_path):
    images = [make_image(n, 65, 49) for n in range(60)]
    source = write_video(tmp_path / "a.mkv", images, NTSC, audio_codec="libopus", pixel_format="yuv444p")
    steps = list(annotate_video(one_face, source, tmp_path / "b.mp4"))
    assert {face.track_id for step in steps for face in step.frame.faces} == {1}
    assert steps[-1].duration_s == pytest.approx(float(60 / NTSC), abs=0.1)
    with VideoReader(tmp_path / "b.mp4") as video:
        assert video.frame_rate == NTSC
        assert video.audio is not None
        assert next(iter(video.frames()))[1].shape == (50, 66, 3)
    assert len(audio_of(tmp_path / "b.mp4")) == pytest.approx(len(audio_of(source)), abs=2048)


def test_without_faces_the_table_is_empty_and_the_copy_is_the_same(recognizer, tmp_path):
    source = write_video(tmp_path / "a.mp4", map(make_image, range(5)), Fraction(25))
    copy, table = tmp_path / "new folder" / "b.mp4", tmp_path / "b.csv"
    list(annotate_video(recognizer, source, copy, table))
    assert table.read_text().splitlines() == [",".join([*COLUMNS, *EMOTIONS])]
    for (_, before), (_, after) in zip(read_frames(source), read_frames(copy), strict=True):
        assert np.abs(before.astype(int) - after).mean() < 5


def bright_square(image):
    """A detector that finds a white square."""
    rows, columns = np.nonzero(image.min(axis=2) > 180)
    if not len(rows):
        return np.empty((0, 4)), np.empty(0)
    return np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], float), np.array([0.9])


def test_boxes_and_copy_have_the_same_coordinates_when_the_frame_size_changes(recognizer, tmp_path):
    """As when a phone is turned while it records."""
    data = b""
    for height, width in ((360, 480), (480, 360)):
        image = np.full((height, width, 3), 60, np.uint8)
        image[height // 2 :, width // 2 :][:120, :120] = 255
        data += write_video(tmp_path / "a.ts", [image] * 10, Fraction(25), codec="mpeg2video").read_bytes()
    (tmp_path / "joined.ts").write_bytes(data)
    recognizer = EmotionRecognizer(recognizer.model, bright_square)
    list(annotate_video(recognizer, tmp_path / "joined.ts", tmp_path / "b.mp4", tmp_path / "b.csv"))
    with (tmp_path / "b.csv").open(newline="") as file:
        boxes = [[int(row[name]) for name in ("x1", "y1", "x2", "y2")] for row in csv.DictReader(file)]
    written = [image for _, image in read_frames(tmp_path / "b.mp4")]
    assert len(boxes) == len(written) == 20
    assert boxes[0] == pytest.approx([240, 180, 360, 300], abs=3)
    # 480 rows become 360, between black borders: the centre stays, and 120 pixels become 90.
    assert boxes[-1] == pytest.approx([240, 180, 330, 270], abs=3)
    for (x1, y1, x2, y2), image in zip(boxes, written, strict=True):
        assert image.shape == (360, 480, 3)
        inside = image[y1 + 8 : y2 - 8, x1 + 8 : x2 - 8]
        assert inside.min() > 180
        assert (image.min(axis=2) > 180).sum() < 1.3 * (x2 - x1) * (y2 - y1)


def test_two_people_in_a_slow_animation_are_two_people(recognizer, tmp_path):
    """Its frames are 1.5 seconds apart, and a face is forgotten after 1 second without it."""
    both = Image.open(ROOT / "examples" / "two_portraits.jpg").resize((640, 427))
    first, *more = (both.transform(both.size, Image.Transform.AFFINE, (1, 0, 2 * n, 0, 1, 0)) for n in range(8))
    first.save(tmp_path / "a.gif", save_all=True, append_images=more, duration=1500)
    steps = list(annotate_video(recognizer, tmp_path / "a.gif", table=tmp_path / "a.csv"))
    assert len(steps) == 8
    assert {tuple(sorted(face.track_id for face in step.frame.faces)) for step in steps} == {(1, 2)}


def test_memory_does_not_grow_with_the_video(one_face, tmp_path):
    source = write_video(tmp_path / "a.mp4", map(make_image, range(250)), audio_codec="aac")
    images, most = [], 0
    for step in annotate_video(one_face, source, tmp_path / "b.mp4", tmp_path / "b.csv"):
        images = [image for image in images if image() is not None] + [weakref.ref(step.frame.image)]
        most = max(most, len(images))
    assert most <= 3
    with av.open(tmp_path / "b.mp4") as container:
        assert container.streams.video[0].frames == 250


@pytest.mark.parametrize("frames", [1, 40])
def test_cancelling_leaves_nothing(one_face, tmp_path, frames):
    source = write_video(tmp_path / "a.mp4", map(make_image, range(90)), audio_codec="aac")
    (tmp_path / "b.csv").write_text("old")
    work = annotate_video(one_face, source, tmp_path / "b.mp4", tmp_path / "b.csv")
    for _ in range(frames):
        next(work)
    assert len(list(tmp_path.iterdir())) == 4  # two of them incomplete
    work.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.csv"]
    assert (tmp_path / "b.csv").read_text() == "old"


def test_a_failure_leaves_nothing(recognizer, tmp_path):
    calls = []

    def failing(_):
        calls.append(1)
        if len(calls) == 20:
            raise RuntimeError("detector broken")
        return np.empty((0, 4)), np.empty(0)

    source = write_video(tmp_path / "a.mp4", map(make_image, range(90)), audio_codec="aac")
    with pytest.raises(RuntimeError, match="detector broken"):
        list(annotate_video(EmotionRecognizer(recognizer.model, failing), source, tmp_path / "b.mp4"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_an_output_may_not_replace_the_source_or_the_other_output(one_face, tmp_path):
    source = write_video(tmp_path / "a.mp4", map(make_image, range(3)))
    (tmp_path / "link.mp4").symlink_to("a.mp4")
    (tmp_path / "hard.mp4").hardlink_to(source)
    (tmp_path / "pipe").symlink_to("/dev/null")
    before = source.read_bytes()
    for video, table, reason in [
        ("a.mp4", None, "this is the source video; choose another name"),
        ("link.mp4", None, "this is the source video; choose another name"),
        ("hard.mp4", None, "this is the source video; choose another name"),
        (None, "a.mp4", "this is the source video; choose another name"),
        ("b.mp4", "b.mp4", "b.mp4: named for two outputs; choose another name for one of them"),
        (None, "pipe", "not a regular file; choose another name"),
        (None, ".", "not a regular file; choose another name"),
        ("a.mp4/b.mp4", None, "a.mp4/b.mp4: cannot be written"),
        (None, None, "no output requested; give a path for the video, a table or the subtitles"),
    ]:
        paths = (tmp_path / video if video else None, tmp_path / table if table else None)
        with pytest.raises(MiniXceptionError, match=reason):
            list(annotate_video(one_face, source, *paths))
    assert source.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 4


def test_subtitles_alone_appear_at_the_end(one_face, tmp_path):
    source = write_video(tmp_path / "a.mp4", map(make_image, range(3)))
    steps = annotate_video(one_face, source, subtitles=tmp_path / "a.vtt")
    next(steps)
    steps.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    list(annotate_video(one_face, source, subtitles=tmp_path / "a.vtt"))
    assert (tmp_path / "a.vtt").read_text().count(" --> ") == 1


def test_an_existing_file_is_replaced_and_a_symbolic_link_is_kept(one_face, tmp_path):
    source = write_video(tmp_path / "a.mp4", map(make_image, range(3)))
    (tmp_path / "old.mp4").write_text("old")
    (tmp_path / "link.mp4").symlink_to("old.mp4")
    list(annotate_video(one_face, source, tmp_path / "link.mp4"))
    assert (tmp_path / "link.mp4").is_symlink()
    assert len(list(read_frames(tmp_path / "old.mp4"))) == 3


def test_the_first_frames_of_the_shared_video(recognizer, shared, tmp_path):
    """They show several faces, most of them in every frame."""
    work = annotate_video(recognizer, shared / "media" / "video.mp4", table=tmp_path / "faces.csv")
    frames = [next(work).frame for _ in range(10)]
    work.close()
    assert min(len(frame.faces) for frame in frames) >= 5
    assert len({face.track_id for frame in frames for face in frame.faces}) <= 10
