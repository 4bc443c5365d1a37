"""Faces that keep their identity, and smoothed probabilities."""

import copy
import pickle

import pytest

from mini_xception import EMOTIONS, Face, MiniXceptionError
from mini_xception.tracking.tracker import FORGET_S, SMOOTHING_S, Tracker

STEP_S = 1 / 30


def face(x: float, y: float = 100, side: float = 80, happy: float = 1.0) -> Face:
    rest = (1 - happy) / (len(EMOTIONS) - 1)
    probabilities = {label: happy if label == "happy" else rest for label in EMOTIONS}
    return Face(box=tuple(map(round, (x, y, x + side, y + side))), score=0.9, probabilities=probabilities)


def ids(faces):
    return [face.track_id for face in faces]


def test_a_face_that_moves_and_grows_keeps_its_id():
    tracker = Tracker()
    for step in range(60):
        (tracked,) = tracker.update([face(3 * step, side=80 + step)], step * STEP_S)
        assert tracked.track_id == 1
        assert tracked.box == face(3 * step, side=80 + step).box


def test_faces_are_returned_in_the_given_order():
    tracker = Tracker()
    assert ids(tracker.update([face(0), face(300)], 0)) == [1, 2]
    assert ids(tracker.update([face(301), face(1)], STEP_S)) == [2, 1]
    assert ids(tracker.faces) == [2, 1]


@pytest.mark.parametrize("hidden", [range(0), range(35, 41)], ids=["both visible", "one hidden by the other"])
def test_two_faces_that_cross_keep_their_ids(hidden):
    """They are at the same height, so their boxes coincide for a moment."""
    tracker = Tracker()
    for step in range(76):
        rightward, leftward = face(6 * step), face(450 - 6 * step)
        visible = [leftward] if step in hidden else [leftward, rightward]
        tracked = tracker.update(visible, step * STEP_S)
        expected = {1: leftward.box, 2: rightward.box}
        assert {one.track_id: one.box for one in tracked} == {
            id: box for id, box in expected.items() if id == 1 or step not in hidden
        }


def test_a_lost_face_keeps_its_id_for_one_second():
    tracker = Tracker()
    tracker.update([face(0)], 0)
    assert tracker.update([], 0.5 * FORGET_S) == ()
    assert ids(tracker.update([face(5)], 0.9 * FORGET_S)) == [1]
    assert tracker.update([], FORGET_S) == ()
    assert ids(tracker.update([face(5)], 2.0 * FORGET_S)) == [2]


@pytest.mark.parametrize("step_s", [1.5, 10, 3600])
def test_faces_of_consecutive_frames_keep_their_ids_at_any_frame_rate(step_s):
    """Slow security cameras and slide shows have less than one frame per second."""
    tracker = Tracker()
    for step in range(8):
        assert ids(tracker.update([face(2 * step), face(300 - 2 * step)], step * step_s)) == [1, 2]


def test_a_face_is_not_expected_far_away_after_a_pause():
    """A detector's boxes shake by some pixels, which is no velocity that a pause of seconds could be bridged with."""
    tracker = Tracker()
    for step in range(30):
        tracker.update([face(100 + 3 * (step % 2))], step * STEP_S)
    tracker.update([face(106)], 30 * STEP_S)
    assert ids(tracker.update([face(106)], 30 * STEP_S + 5)) == [1]
    assert ids(tracker.update([face(100)], 30 * STEP_S + 60)) == [1]


def test_a_face_that_was_missed_in_a_slow_video_gets_a_new_id():
    tracker = Tracker()
    tracker.update([face(0)], 0)
    tracker.update([], 1.5)
    assert ids(tracker.update([face(0)], 3)) == [2]


def test_a_new_face_gets_a_new_id():
    tracker = Tracker()
    tracker.update([face(0)], 0)
    assert ids(tracker.update([face(0), face(300)], STEP_S)) == [1, 2]
    # A face cannot move this far in one frame.
    assert ids(tracker.update([face(600)], 2 * STEP_S)) == [3]


def test_two_boxes_never_get_the_same_id():
    tracker = Tracker()
    tracker.update([face(0)], 0)
    assert ids(tracker.update([face(20), face(2)], STEP_S)) == [2, 1]


def test_frames_without_faces():
    tracker = Tracker()
    assert tracker.update([], 0) == ()
    assert tracker.update([], 1) == ()
    assert tracker.faces == ()


def test_a_step_back_in_time_forgets_all_faces():
    tracker = Tracker()
    tracker.update([face(0)], 5)
    assert ids(tracker.update([face(0)], 0)) == [2]


def test_probabilities_change_by_63_percent_in_the_time_constant_at_any_frame_rate():
    for frames in (1, 3, 30):
        tracker = Tracker()
        tracker.update([face(0, happy=0.2)], 0)
        for step in range(1, frames + 1):
            (tracked,) = tracker.update([face(0, happy=0.9)], SMOOTHING_S * step / frames)
        assert tracked.probabilities["happy"] == pytest.approx(0.2 + 0.6321 * 0.7, abs=1e-4)
        assert sum(tracked.probabilities.values()) == pytest.approx(1)


def test_the_time_constant_can_be_set():
    happy = {}
    for smoothing_s in (0, 1, 10):
        tracker = Tracker(smoothing_s)
        tracker.update([face(0, happy=0.0)], 0)
        happy[smoothing_s] = tracker.update([face(0, happy=1.0)], 0.1)[0].probabilities["happy"]
    assert happy[0] == 1
    assert 1 > happy[1] > happy[10] > 0
    with pytest.raises(MiniXceptionError, match="-1"):
        Tracker(smoothing_s=-1)


def test_rounding_keeps_probabilities_valid():
    """Averages of 0 and 1 stay in [0, 1]."""
    tracker = Tracker()
    for step in range(200):
        (tracked,) = tracker.update([face(0, happy=float(step % 7 < 5))], step * 0.0137)
        assert 0 <= tracked.probabilities["happy"] <= 1


def test_copies_are_independent():
    tracker = Tracker()
    tracker.update([face(0)], 0)
    for other in (copy.deepcopy(tracker), pickle.loads(pickle.dumps(tracker))):
        assert ids(other.update([face(1), face(300)], STEP_S)) == [1, 2]
    assert ids(tracker.update([face(1)], STEP_S)) == [1]
    assert len(pickle.dumps(tracker)) < 5_000
