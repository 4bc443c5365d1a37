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


def ids(tracked):
    return [one.track_id for one in tracked]


def test_a_face_keeps_its_id_where_it_moves_and_grows():
    tracker = Tracker()
    for step in range(60):
        (tracked,) = tracker.update([face(3 * step, side=80 + step)], step * STEP_S)
        assert tracked.track_id == 1
        assert tracked.box == face(3 * step, side=80 + step).box


def test_faces_come_back_in_the_order_in_which_they_were_given():
    tracker = Tracker()
    assert ids(tracker.update([face(0), face(300)], 0)) == [1, 2]
    assert ids(tracker.update([face(301), face(1)], STEP_S)) == [2, 1]
    assert ids(tracker.faces) == [2, 1]


@pytest.mark.parametrize("hidden", [range(0), range(35, 41)], ids=["both seen", "one hidden by the other"])
def test_two_faces_cross(hidden):
    """At the same height, so that at some moment their boxes are one."""
    tracker = Tracker()
    for step in range(76):
        to_the_right, to_the_left = face(6 * step), face(450 - 6 * step)
        seen = [to_the_left] if step in hidden else [to_the_left, to_the_right]
        tracked = tracker.update(seen, step * STEP_S)
        expected = {1: to_the_left.box, 2: to_the_right.box}
        assert {one.track_id: one.box for one in tracked} == {
            id: box for id, box in expected.items() if id == 1 or step not in hidden
        }


def test_lost_and_found():
    tracker = Tracker()
    tracker.update([face(0)], 0)
    assert tracker.update([], 0.5 * FORGET_S) == ()
    assert ids(tracker.update([face(5)], 0.9 * FORGET_S)) == [1]
    assert tracker.update([], FORGET_S) == ()
    assert ids(tracker.update([face(5)], 2.0 * FORGET_S)) == [2]


def test_a_new_face_is_another_one():
    tracker = Tracker()
    tracker.update([face(0)], 0)
    assert ids(tracker.update([face(0), face(300)], STEP_S)) == [1, 2]
    # Somewhere else at once: no face jumps like that.
    assert ids(tracker.update([face(600)], 2 * STEP_S)) == [3]


def test_two_boxes_are_never_one_face():
    tracker = Tracker()
    tracker.update([face(0)], 0)
    assert ids(tracker.update([face(20), face(2)], STEP_S)) == [2, 1]


def test_no_faces():
    tracker = Tracker()
    assert tracker.update([], 0) == ()
    assert tracker.update([], 1) == ()
    assert tracker.faces == ()


def test_a_step_back_in_time_forgets_everyone():
    tracker = Tracker()
    tracker.update([face(0)], 5)
    assert ids(tracker.update([face(0)], 0)) == [2]


def test_probabilities_go_63_percent_of_the_way_in_the_time_constant_at_any_frame_rate():
    for frames in (1, 3, 30):
        tracker = Tracker()
        tracker.update([face(0, happy=0.2)], 0)
        for step in range(1, frames + 1):
            (tracked,) = tracker.update([face(0, happy=0.9)], SMOOTHING_S * step / frames)
        assert tracked.probabilities["happy"] == pytest.approx(0.2 + 0.6321 * 0.7, abs=1e-4)
        assert sum(tracked.probabilities.values()) == pytest.approx(1)


def test_smoothing_can_be_turned_off_and_longer():
    seen = {}
    for smoothing_s in (0, 1, 10):
        tracker = Tracker(smoothing_s)
        tracker.update([face(0, happy=0.0)], 0)
        seen[smoothing_s] = tracker.update([face(0, happy=1.0)], 0.1)[0].probabilities["happy"]
    assert seen[0] == 1
    assert 1 > seen[1] > seen[10] > 0
    with pytest.raises(MiniXceptionError, match="-1"):
        Tracker(smoothing_s=-1)


def test_certainty_stays_certainty():
    """Probabilities of exactly 0 and 1 never leave [0, 1] by rounding."""
    tracker = Tracker()
    for step in range(200):
        (tracked,) = tracker.update([face(0, happy=float(step % 7 < 5))], step * 0.0137)
        assert 0 <= tracked.probabilities["happy"] <= 1


def test_a_copy_goes_its_own_way():
    tracker = Tracker()
    tracker.update([face(0)], 0)
    for other in (copy.deepcopy(tracker), pickle.loads(pickle.dumps(tracker))):
        assert ids(other.update([face(1), face(300)], STEP_S)) == [1, 2]
    assert ids(tracker.update([face(1)], STEP_S)) == [1]
    assert len(pickle.dumps(tracker)) < 5_000
