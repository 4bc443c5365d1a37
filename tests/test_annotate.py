"""A clip in, an annotated clip and a table out."""

import csv
import weakref
from fractions import Fraction

import av
import numpy as np
import pytest

from mini_xception import EMOTIONS, EmotionRecognizer, MiniXceptionError
from mini_xception.annotate import annotate_video
from mini_xception.media.video import VideoReader, read_frames
from mini_xception.table import COLUMNS
from tests.conftest import ROOT
from tests.media.test_video import NTSC, picture, sound_of, write_clip

CLIP = ROOT / "examples" / "two_portraits.mp4"


@pytest.fixture
def one_face(recognizer):
    """Finds a face in the same place of every picture, at no cost."""
    return EmotionRecognizer(recognizer.model, lambda _: (np.array([[8.0, 8, 40, 40]]), np.array([0.9])))


@pytest.fixture(scope="module")
def annotated(recognizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("annotated")
    steps = list(annotate_video(recognizer, CLIP, folder / "clip.mp4", folder / "faces.csv"))
    with (folder / "faces.csv").open(newline="") as file:
        return folder, [step.frame.time_s for step in steps], list(csv.DictReader(file))


def test_the_example_clip_shows_two_happy_faces(annotated):
    _, times, rows = annotated
    assert len(times) == 100
    assert {(row["track_id"], row["emotion"]) for row in rows} == {("1", "happy"), ("2", "happy")}
    # First the one, then both, then the other; there is always one.
    assert {round(float(row["time_s"]), 3) for row in rows} == {round(time_s, 3) for time_s in times}
    shown = {id: [float(row["time_s"]) for row in rows if row["track_id"] == id] for id in ("1", "2")}
    assert shown["1"][0] == 0
    assert shown["2"][0] < shown["1"][-1] < 3
    assert shown["2"][-1] == pytest.approx(times[-1])


def test_the_tables_format(annotated):
    _, _, rows = annotated
    assert list(rows[0]) == [*COLUMNS, *EMOTIONS]
    assert {row["path"] for row in rows} == {str(CLIP)}
    for row in rows:
        x1, y1, x2, y2 = (int(row[name]) for name in ("x1", "y1", "x2", "y2"))
        assert 0 <= x1 < x2 <= 640
        assert 0 <= y1 < y2 <= 480
        assert sum(float(row[label]) for label in EMOTIONS) == pytest.approx(1, abs=1e-4)
        assert row["emotion"] == max(EMOTIONS, key=lambda label: float(row[label]))


def test_the_copy_is_the_clip_with_boxes(annotated):
    folder, times, _ = annotated
    copy = list(read_frames(folder / "clip.mp4"))
    assert [time_s for time_s, _ in copy] == pytest.approx(times)
    difference = np.abs(copy[0][1].astype(int) - next(read_frames(CLIP))[1])
    assert difference.max() > 100
    assert np.median(difference) < 10
    assert np.array_equal(sound_of(folder / "clip.mp4"), sound_of(CLIP))
    assert (folder / "clip.mp4").stat().st_mode & 0o777 == 0o644


def test_rate_and_sound_of_odd_clips(one_face, tmp_path):
    images = [picture(n, 65, 49) for n in range(60)]
    source = write_clip(tmp_path / "a.mkv", images, NTSC, sound="libopus", pixels="yuv444p")
    steps = list(annotate_video(one_face, source, tmp_path / "b.mp4"))
    assert {tracked.track_id for step in steps for tracked in step.frame.faces} == {1}
    assert steps[-1].duration_s == pytest.approx(float(60 / NTSC), abs=0.1)
    with VideoReader(tmp_path / "b.mp4") as video:
        assert video.frame_rate == NTSC
        assert video.audio is not None
        assert next(iter(video.frames()))[1].shape == (50, 66, 3)
    assert len(sound_of(tmp_path / "b.mp4")) == pytest.approx(len(sound_of(source)), abs=2048)


def test_no_faces_is_an_empty_table_and_the_same_clip(recognizer, tmp_path):
    source = write_clip(tmp_path / "a.mp4", map(picture, range(5)), Fraction(25))
    list(annotate_video(recognizer, source, tmp_path / "b.mp4", tmp_path / "b.csv"))
    assert (tmp_path / "b.csv").read_text().splitlines() == [",".join([*COLUMNS, *EMOTIONS])]
    for (_, before), (_, after) in zip(read_frames(source), read_frames(tmp_path / "b.mp4"), strict=True):
        assert np.abs(before.astype(int) - after).mean() < 5


def test_memory_does_not_grow_with_the_clip(one_face, tmp_path):
    source = write_clip(tmp_path / "a.mp4", map(picture, range(250)), sound="aac")
    images, most = [], 0
    for step in annotate_video(one_face, source, tmp_path / "b.mp4", tmp_path / "b.csv"):
        images = [image for image in images if image() is not None] + [weakref.ref(step.frame.image)]
        most = max(most, len(images))
    assert most <= 3
    with av.open(tmp_path / "b.mp4") as container:
        assert container.streams.video[0].frames == 250


@pytest.mark.parametrize("frames", [1, 40])
def test_cancelled_halfway_nothing_is_left(one_face, tmp_path, frames):
    source = write_clip(tmp_path / "a.mp4", map(picture, range(90)), sound="aac")
    (tmp_path / "b.csv").write_text("from before")
    work = annotate_video(one_face, source, tmp_path / "b.mp4", tmp_path / "b.csv")
    for _ in range(frames):
        next(work)
    assert len(list(tmp_path.iterdir())) == 4  # two of them half-written
    work.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.csv"]
    assert (tmp_path / "b.csv").read_text() == "from before"


def test_a_failure_leaves_nothing_either(recognizer, tmp_path):
    calls = []

    def failing(_):
        calls.append(1)
        if len(calls) == 20:
            raise RuntimeError("detector broken")
        return np.empty((0, 4)), np.empty(0)

    source = write_clip(tmp_path / "a.mp4", map(picture, range(90)), sound="aac")
    with pytest.raises(RuntimeError, match="detector broken"):
        list(annotate_video(EmotionRecognizer(recognizer.model, failing), source, tmp_path / "b.mp4"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_outputs_that_would_destroy_something(one_face, tmp_path):
    source = write_clip(tmp_path / "a.mp4", map(picture, range(3)))
    (tmp_path / "link.mp4").symlink_to("a.mp4")
    (tmp_path / "hard.mp4").hardlink_to(source)
    (tmp_path / "pipe").symlink_to("/dev/null")
    before = source.read_bytes()
    for clip, table, reason in [
        ("a.mp4", None, "is the clip itself"),
        ("link.mp4", None, "is the clip itself"),
        ("hard.mp4", None, "is the clip itself"),
        (None, "a.mp4", "is the clip itself"),
        ("b.mp4", "b.mp4", "different names"),
        (None, "pipe", "no regular file"),
        (None, ".", "no regular file"),
        ("absent/b.mp4", None, "absent/b.mp4: cannot be written"),
        (None, None, "nothing to write"),
    ]:
        paths = (tmp_path / clip if clip else None, tmp_path / table if table else None)
        with pytest.raises(MiniXceptionError, match=reason):
            list(annotate_video(one_face, source, *paths))
    assert source.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 4


def test_a_file_that_was_there_is_replaced_and_a_link_stays_one(one_face, tmp_path):
    source = write_clip(tmp_path / "a.mp4", map(picture, range(3)))
    (tmp_path / "old.mp4").write_text("old")
    (tmp_path / "link.mp4").symlink_to("old.mp4")
    list(annotate_video(one_face, source, tmp_path / "link.mp4"))
    assert (tmp_path / "link.mp4").is_symlink()
    assert len(list(read_frames(tmp_path / "old.mp4"))) == 3


def test_the_shared_clip(recognizer, shared, tmp_path):
    """Its first second: several faces, most of whom are seen all the time."""
    work = annotate_video(recognizer, shared / "media" / "video.mp4", table=tmp_path / "faces.csv")
    frames = [next(work).frame for _ in range(10)]
    work.close()
    assert min(len(frame.faces) for frame in frames) >= 5
    assert len({tracked.track_id for frame in frames for tracked in frame.faces}) <= 10
