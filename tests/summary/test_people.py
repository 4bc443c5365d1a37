"""The faces of a video: shares of time, appearances, thumbnails, the table and the subtitles."""

import csv
import io

import numpy as np
import pytest

from mini_xception import EMOTIONS, Face
from mini_xception.summary import VideoSummary, to_csv, to_webvtt
from mini_xception.summary.people import THUMBNAIL_SIDE
from mini_xception.tracking.tracker import Frame

RATE = 10
IMAGE = np.full((200, 300, 3), 128, np.uint8)


def face(track_id, emotion, probability=0.8, box=(10, 10, 110, 110)):
    rest = (1 - probability) / (len(EMOTIONS) - 1)
    return Face(box, 0.9, {label: probability if label == emotion else rest for label in EMOTIONS}, track_id)


def summarise(*shown, image=IMAGE):
    """Summarise a video with the given faces in each frame, at RATE frames per second."""
    summary = VideoSummary()
    for i, faces in enumerate(shown):
        summary.add(Frame(i / RATE, image, tuple(faces)))
    return summary


@pytest.fixture(scope="module")
def two_people():
    """Face 1 is happy for 4 s, absent for 2 s, and sad for 2 s; face 2 is seen for 3 s, unsure."""
    first = [[face(1, "happy")]] * 40 + [[]] * 20 + [[face(1, "sad")]] * 20
    second = [[]] * 20 + [[face(2, "fear", 0.3)]] * 30 + [[]] * 30
    return summarise(*(a + b for a, b in zip(first, second, strict=True)))


def test_time_is_shared_among_expressions(two_people):
    first, second = two_people.people()
    assert first.track_id == 1
    assert first.seen_s == pytest.approx(6)
    assert first.shares() == pytest.approx({"happy": 2 / 3, "sad": 1 / 3})
    assert first.emotion == "happy"
    assert first.longest.duration_s == pytest.approx(4)
    assert np.allclose(first.appearances(), [(0, 4), (6, 8)])
    assert (second.shares(), second.emotion) == ({None: 1}, None)
    assert two_people.end_s == pytest.approx(8)


def test_those_seen_longest_come_first():
    summary = summarise(*[[face(1, "happy"), face(2, "sad")]] * 10, *[[face(2, "sad")]] * 10)
    assert [person.track_id for person in summary.people()] == [2, 1]


def test_frames_count_for_as_long_as_they_are_shown():
    """In a slide show, the second image is shown longer."""
    summary = VideoSummary()
    for time_s, emotion in [(0, "happy"), (1, "sad"), (4, "happy")]:
        summary.add(Frame(time_s, IMAGE, (face(1, emotion),)))
    (person,) = summary.people()
    assert person.shares() == pytest.approx({"happy": 4 / 7, "sad": 3 / 7})


def test_a_single_frame_is_enough():
    (person,) = summarise([face(1, "happy")]).people()
    assert person.shares() == {"happy": 1}
    assert person.seen_s > 0


def test_the_thumbnail_is_the_face_seen_best():
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 256, IMAGE.shape, dtype=np.uint8)
    summary = VideoSummary()
    summary.add(Frame(0, IMAGE, (face(1, "happy"),)))
    summary.add(Frame(1, sharp, (face(1, "happy"),)))
    summary.add(Frame(2, sharp, (face(1, "happy", box=(-60, 10, 40, 110)),)))  # partly outside the image
    summary.add(Frame(3, IMAGE, (face(1, "happy"),)))
    (person,) = summary.people()
    assert person.thumbnail.shape == (THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3)
    assert person.thumbnail.std() > 30
    assert (person.thumbnail.mean(axis=2) > 0).all()


def test_the_table_has_a_row_per_face(two_people):
    text = to_csv(two_people.people(), EMOTIONS)
    first, second = csv.DictReader(io.StringIO(text))
    assert (first["track_id"], first["appearances"], first["emotion"]) == ("1", "2", "happy")
    assert (first["longest_emotion"], float(first["longest_start_s"]), float(first["longest_end_s"])) == ("happy", 0, 4)
    assert (second["emotion"], float(second["unsure"])) == ("unsure", 1)
    for row in (first, second):
        assert sum(float(row[label]) for label in (*EMOTIONS, "unsure")) == pytest.approx(1)


def test_subtitles_have_a_line_per_face_and_never_overlap(two_people):
    assert to_webvtt(two_people.people()) == (
        "WEBVTT\n"
        "\n00:00:00.000 --> 00:00:02.000\nface 1: happy 80 %\n"
        "\n00:00:02.000 --> 00:00:04.000\nface 1: happy 80 %\nface 2: unsure\n"
        "\n00:00:04.000 --> 00:00:05.000\nface 2: unsure\n"
        "\n00:00:06.000 --> 00:00:08.000\nface 1: sad 80 %\n"
    )


def test_a_label_cannot_break_the_subtitles():
    """Angle brackets are escaped, and a line break would end a subtitle."""
    people = summarise(*[[face(1, "happy")]] * 10).people()
    text = to_webvtt(people, lambda track_id, _: f"<b>{track_id}\n\n00:00 --> 00:09")
    assert text == "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n&lt;b&gt;1 00:00 --&gt; 00:09\n"


def test_no_face_gives_a_table_without_rows_and_no_subtitles():
    people = summarise([], []).people()
    assert len(to_csv(people, EMOTIONS).splitlines()) == 1
    assert to_webvtt(people) == "WEBVTT\n"


def test_the_dictionary_is_json_ready(two_people):
    import json

    first, second = json.loads(json.dumps([person.to_dict() for person in two_people.people()]))
    assert [part["emotion"] for part in first["stretches"]] == ["happy", "sad"]
    assert first["frames"] == 60
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert (second["emotion"], second["shares"]) == (None, {"unsure": 1})
