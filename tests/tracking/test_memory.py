"""Where a stream looks for faces, and what it remembers."""

import copy
import dataclasses
import pickle
import weakref

import numpy as np
import pytest

from mini_xception import EmotionRecognizer, MiniXceptionError, StreamMemory, load_image
from mini_xception.tracking.memory import DETECT_EVERY
from tests.conftest import PORTRAIT, ROOT

STEP_S = 1 / 30


class Counting:
    """A detector that remembers the sizes of what it was shown."""

    def __init__(self, detector):
        self.detector = detector
        self.shapes = []

    def __call__(self, image):
        self.shapes.append(image.shape)
        return self.detector(image)


@pytest.fixture
def counting(recognizer):
    return EmotionRecognizer(recognizer.model, Counting(recognizer.detector))


def searched(recognizer, image):
    """In which of the frames so far the whole image was searched."""
    whole = [shape == image.shape for shape in recognizer.detector.shapes]
    recognizer.detector.shapes.clear()
    return whole


def moved(image, x, y=0):
    return np.roll(image, (y, x), axis=(0, 1))


def test_between_searches_only_small_crops_are_looked_at(counting, portrait):
    frames = list(counting.stream([moved(portrait, 2 * step) for step in range(2 * DETECT_EVERY + 1)]))
    assert max(np.prod(shape[:2]) for shape in counting.detector.shapes if shape != portrait.shape) < 150 * 150
    expected = [step % DETECT_EVERY == 0 for step in range(2 * DETECT_EVERY + 1)]
    assert searched(counting, portrait) == expected
    assert {tracked.track_id for frame in frames for tracked in frame.faces} == {1}
    assert all(frame.faces[0].emotion == "happy" for frame in frames)
    # The box goes with the face.
    first, last = (frames[step].faces[0].box for step in (0, -1))
    assert last[0] - first[0] == pytest.approx(4 * DETECT_EVERY, abs=6)


def test_no_face_is_searched_for_in_every_frame(counting, portrait):
    grey = np.full_like(portrait, 128)
    frames = list(counting.stream([grey, grey, portrait]))
    assert searched(counting, portrait) == [True, True, True]
    assert [len(frame.faces) for frame in frames] == [0, 0, 1]


def test_a_lost_face_is_searched_for_at_once_and_known_again(counting, portrait):
    grey = np.full_like(portrait, 128)
    frames = list(counting.stream([portrait, portrait, grey, portrait]))
    assert searched(counting, portrait) == [True, False, False, True, True]  # the third frame: a look, then a search
    assert [[tracked.track_id for tracked in frame.faces] for frame in frames] == [[1], [1], [], [1]]


def test_a_face_that_jumps_is_found_in_the_same_frame(counting, portrait):
    frames = list(counting.stream([portrait, moved(portrait, 200, 200)]))
    assert [[tracked.track_id for tracked in frame.faces] for frame in frames] == [[1], [2]]


def test_a_phone_that_is_turned_changes_the_frames_size(recognizer, portrait):
    both = load_image(ROOT / "examples" / "two_portraits.jpg")
    frames = list(recognizer.stream([both, portrait, both[:, 500:505].copy(), both]))
    assert [len(frame.faces) for frame in frames] == [2, 1, 0, 2]


def test_two_faces_that_become_one_are_one(recognizer):
    """Where both looks find the same face, the whole picture decides."""
    both = load_image(ROOT / "examples" / "two_portraits.jpg")
    (left,) = (box for box in recognizer.detector(both)[0] if box[0] < 512)
    shown = [[left, left + 20], [left], [left]]  # two searches, two looks, one search

    def detector(image):
        if image.shape == both.shape:
            return np.array(shown.pop(0)), np.ones(2 if len(shown) == 2 else 1)
        return recognizer.detector(image)

    first, second = EmotionRecognizer(recognizer.model, detector).stream([both, both])
    assert [len(first.faces), len(second.faces)] == [2, 1]


def test_another_face_nearby_is_not_taken_for_the_one_that_was_there(recognizer, portrait):
    corner = np.array([[0.0, 0, 30, 30]])  # of the crop that is looked at
    known = np.array([[150.0, 150, 250, 250]])
    detector = Counting(lambda image: (known if image.shape == portrait.shape else corner, np.ones(1)))
    frames = list(EmotionRecognizer(recognizer.model, detector).stream([portrait] * 2))
    assert [shape == portrait.shape for shape in detector.shapes] == [True, False, True]
    assert [frame.faces[0].box for frame in frames] == [(150, 150, 250, 250)] * 2


def test_many_faces_in_a_small_picture_are_searched_for_together(counting):
    both = load_image(ROOT / "examples" / "two_portraits.jpg")[::4, ::4].copy()
    frames = list(EmotionRecognizer(counting.model, counting.detector, min_face_size=15).stream([both] * 3))
    assert searched(counting, both) == [True] * 3
    assert len(frames) == 3


def test_a_cropped_face_needs_no_detector(recognizer, portrait):
    crop = portrait[60:180, 165:285]
    alone = EmotionRecognizer(recognizer.model, detector=None)
    for frame in alone.stream([crop] * 3, smoothing_s=0):
        (tracked,) = frame.faces
        assert tracked == dataclasses.replace(alone(crop)[0], track_id=1)


def test_a_page_keeps_the_memory_and_not_the_model(recognizer, portrait):
    memory = StreamMemory()
    (before,) = recognizer.track(portrait, 0.0, memory)
    assert len(pickle.dumps(memory)) < 5_000
    for other in (copy.deepcopy(memory), pickle.loads(pickle.dumps(memory))):
        (after,) = recognizer.track(portrait, STEP_S, other)
        assert after.track_id == before.track_id == 1


def test_streams_do_not_see_each_other(recognizer, portrait):
    streams = [recognizer.stream([moved(portrait, 5 * step) for step in range(3)]) for _ in range(2)]
    for one, other in zip(*streams, strict=True):
        assert one.faces == other.faces


def test_times_of_pictures_come_from_the_frame_rate(recognizer):
    grey = np.full((50, 50, 3), 128, np.uint8)
    assert [frame.time_s for frame in recognizer.stream([grey] * 3, frame_rate=25)] == [0, 0.04, 0.08]
    with pytest.raises(MiniXceptionError, match="frame_rate"):
        next(recognizer.stream([grey], frame_rate=0))


def test_any_picture_is_a_frame(recognizer):
    frames = list(recognizer.stream([PORTRAIT, PORTRAIT.read_bytes(), load_image(PORTRAIT)]))
    assert [[tracked.emotion for tracked in frame.faces] for frame in frames] == [["happy"]] * 3
    with pytest.raises(MiniXceptionError, match=r"absent\.jpg"):
        list(recognizer.stream(["absent.jpg"]))


def test_no_frame_is_held(recognizer):
    """A thousand frames, never more than a few at a time."""
    most = 0

    def pictures():
        nonlocal most
        alive = []
        for _ in range(1000):
            picture = np.zeros((16, 16, 3), np.uint8)
            alive = [reference for reference in alive if reference() is not None] + [weakref.ref(picture)]
            most = max(most, len(alive))
            yield picture

    assert sum(1 for _ in recognizer.stream(pictures())) == 1000
    assert most <= 3
