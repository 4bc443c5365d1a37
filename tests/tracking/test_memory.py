"""Streams: when the whole image is searched, and what the memory holds."""

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


class RecordingDetector:
    """Another detector that records the shapes of the images it receives."""

    def __init__(self, detector):
        self.detector = detector
        self.shapes = []

    def __call__(self, image):
        self.shapes.append(image.shape)
        return self.detector(image)


@pytest.fixture
def recording(recognizer):
    return EmotionRecognizer(recognizer.model, RecordingDetector(recognizer.detector))


def searches(recognizer, image):
    """Return, for each detection so far, whether it searched the whole image; then forget them."""
    whole = [shape == image.shape for shape in recognizer.detector.shapes]
    recognizer.detector.shapes.clear()
    return whole


def shifted(image, x, y=0):
    return np.roll(image, (y, x), axis=(0, 1))


def test_between_searches_only_small_crops_are_searched(recording, portrait):
    frames = list(recording.stream([shifted(portrait, 2 * step) for step in range(2 * DETECT_EVERY + 1)]))
    assert max(np.prod(shape[:2]) for shape in recording.detector.shapes if shape != portrait.shape) < 150 * 150
    expected = [step % DETECT_EVERY == 0 for step in range(2 * DETECT_EVERY + 1)]
    assert searches(recording, portrait) == expected
    assert {face.track_id for frame in frames for face in frame.faces} == {1}
    assert all(frame.faces[0].emotion == "happy" for frame in frames)
    # The box moves with the face.
    first, last = (frames[step].faces[0].box for step in (0, -1))
    assert last[0] - first[0] == pytest.approx(4 * DETECT_EVERY, abs=6)


def test_the_whole_image_is_searched_at_least_once_a_second(recording, portrait):
    """Otherwise, a new face in a slow video would be found after many seconds."""
    list(recording.stream([shifted(portrait, 2 * step) for step in range(6)], frame_rate=0.5))
    # When the second frame comes, the frame rate is not known.
    assert searches(recording, portrait) == [True, False, True, True, True, True]
    list(recording.stream([shifted(portrait, 2 * step) for step in range(9)], frame_rate=4))
    assert searches(recording, portrait) == [True, False, False, False] * 2 + [True]


def test_without_a_face_every_frame_is_searched(recording, portrait):
    grey = np.full_like(portrait, 128)
    frames = list(recording.stream([grey, grey, portrait]))
    assert searches(recording, portrait) == [True, True, True]
    assert [len(frame.faces) for frame in frames] == [0, 0, 1]


def test_a_lost_face_causes_a_search_and_keeps_its_id(recording, portrait):
    grey = np.full_like(portrait, 128)
    frames = list(recording.stream([portrait, portrait, grey, portrait]))
    # In the third frame, first near the face, then everywhere.
    assert searches(recording, portrait) == [True, False, False, True, True]
    assert [[face.track_id for face in frame.faces] for frame in frames] == [[1], [1], [], [1]]


def test_a_face_that_jumps_is_found_in_the_same_frame(recording, portrait):
    frames = list(recording.stream([portrait, shifted(portrait, 200, 200)]))
    assert [[face.track_id for face in frame.faces] for frame in frames] == [[1], [2]]


def test_the_frame_size_may_change(recognizer, portrait):
    both = load_image(ROOT / "examples" / "two_portraits.jpg")
    frames = list(recognizer.stream([both, portrait, both[:, 500:505].copy(), both]))
    assert [len(frame.faces) for frame in frames] == [2, 1, 0, 2]


def test_two_boxes_on_the_same_face_cause_a_search(recognizer):
    """If the detections near two boxes find the same face, the search of the whole image decides."""
    both = load_image(ROOT / "examples" / "two_portraits.jpg")
    (left,) = (box for box in recognizer.detector(both)[0] if box[0] < 512)
    shown = [[left, left + 20], [left], [left]]  # a search, two detections near the boxes, a search

    def detector(image):
        if image.shape == both.shape:
            return np.array(shown.pop(0)), np.ones(2 if len(shown) == 2 else 1)
        return recognizer.detector(image)

    first, second = EmotionRecognizer(recognizer.model, detector).stream([both, both])
    assert [len(first.faces), len(second.faces)] == [2, 1]


def test_another_face_nearby_is_not_taken_for_the_known_one(recognizer, portrait):
    corner = np.array([[0.0, 0, 30, 30]])  # in the crop around the known face
    known = np.array([[150.0, 150, 250, 250]])
    detector = RecordingDetector(lambda image: (known if image.shape == portrait.shape else corner, np.ones(1)))
    frames = list(EmotionRecognizer(recognizer.model, detector).stream([portrait] * 2))
    assert [shape == portrait.shape for shape in detector.shapes] == [True, False, True]
    assert [frame.faces[0].box for frame in frames] == [(150, 150, 250, 250)] * 2


def test_a_small_image_with_many_faces_is_searched_in_every_frame(recording):
    both = load_image(ROOT / "examples" / "two_portraits.jpg")[::4, ::4].copy()
    frames = list(EmotionRecognizer(recording.model, recording.detector, min_face_size=15).stream([both] * 3))
    assert searches(recording, both) == [True] * 3
    assert len(frames) == 3


def test_a_stream_of_face_crops_needs_no_detector(recognizer, portrait):
    crop = portrait[60:180, 165:285]
    alone = EmotionRecognizer(recognizer.model, detector=None)
    for frame in alone.stream([crop] * 3, smoothing_s=0):
        (face,) = frame.faces
        assert face == dataclasses.replace(alone(crop)[0], track_id=1)


def test_the_memory_is_small_and_can_be_copied_and_pickled(recognizer, portrait):
    memory = StreamMemory()
    (before,) = recognizer.track(portrait, 0.0, memory)
    assert len(pickle.dumps(memory)) < 5_000
    for other in (copy.deepcopy(memory), pickle.loads(pickle.dumps(memory))):
        (after,) = recognizer.track(portrait, STEP_S, other)
        assert after.track_id == before.track_id == 1


def test_streams_are_independent(recognizer, portrait):
    streams = [recognizer.stream([shifted(portrait, 5 * step) for step in range(3)]) for _ in range(2)]
    for one, other in zip(*streams, strict=True):
        assert one.faces == other.faces


def test_the_times_of_images_come_from_the_frame_rate(recognizer):
    grey = np.full((50, 50, 3), 128, np.uint8)
    assert [frame.time_s for frame in recognizer.stream([grey] * 3, frame_rate=25)] == [0, 0.04, 0.08]
    with pytest.raises(MiniXceptionError, match="frame_rate"):
        next(recognizer.stream([grey], frame_rate=0))


def test_a_stream_takes_any_image_source(recognizer):
    frames = list(recognizer.stream([PORTRAIT, PORTRAIT.read_bytes(), load_image(PORTRAIT)]))
    assert [[face.emotion for face in frame.faces] for frame in frames] == [["happy"]] * 3
    with pytest.raises(MiniXceptionError, match=r"absent\.jpg"):
        list(recognizer.stream(["absent.jpg"]))


def test_frames_are_not_kept_in_memory(recognizer):
    """Of a thousand frames, at most three exist at a time."""
    most = 0

    def images():
        nonlocal most
        alive = []
        for _ in range(1000):
            image = np.zeros((16, 16, 3), np.uint8)
            alive = [reference for reference in alive if reference() is not None] + [weakref.ref(image)]
            most = max(most, len(alive))
            yield image

    assert sum(1 for _ in recognizer.stream(images())) == 1000
    assert most <= 3
