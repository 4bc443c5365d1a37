"""Stretches of one expression, without flicker."""

import pytest

from mini_xception.summary.stretches import Stretch, emotion_of, without_flicker


def stretch(emotion, start_s, end_s, probability=0.8):
    """A stretch of one of two labels; None has the same probability for both of many labels."""
    values = {"happy": 0.1, "sad": 0.1, "other": 0.1}
    if emotion is None:
        values = {"happy": 0.34, "sad": 0.33, "other": 0.33}
    else:
        values[emotion] = probability
    total = sum(values.values())
    return Stretch(emotion, start_s, end_s, {label: v / total * (end_s - start_s) for label, v in values.items()})


def told(stretches):
    return [(part.emotion, part.start_s, part.end_s) for part in without_flicker(stretches)]


def test_a_short_stretch_does_not_split_another():
    parts = [stretch("happy", 0, 3), stretch("sad", 3, 3.3), stretch("happy", 3.3, 6)]
    assert told(parts) == [("happy", 0, 6)]
    parts[1:] = [stretch("sad", 3, 3.5), stretch("happy", 3.5, 6)]
    assert told(parts) == [("happy", 0, 3), ("sad", 3, 3.5), ("happy", 3.5, 6)]


def test_short_stretches_between_two_expressions_go_to_the_first():
    parts = [stretch("happy", 0, 3), stretch("other", 3, 3.2), stretch("happy", 3.2, 3.3), stretch("sad", 3.3, 6)]
    assert told(parts) == [("happy", 0, 3.3), ("sad", 3.3, 6)]


def test_a_short_beginning_goes_to_what_follows():
    assert told([stretch("sad", 0, 0.2), stretch("happy", 0.2, 3)]) == [("happy", 0, 3)]


def test_a_short_absence_does_not_end_a_stretch_and_a_long_one_does():
    assert told([stretch("happy", 0, 1), stretch("happy", 1.3, 2)]) == [("happy", 0, 2)]
    assert told([stretch("happy", 0, 1), stretch("happy", 1.5, 2)]) == [("happy", 0, 1), ("happy", 1.5, 2)]


def test_a_short_stretch_alone_is_kept():
    assert told([stretch("happy", 0, 3), stretch("sad", 4, 4.1)]) == [("happy", 0, 3), ("sad", 4, 4.1)]


def test_a_face_that_changes_all_the_time_is_one_stretch():
    """It is unsure if no label has the upper hand."""
    labels = ["happy", "sad", "other"] * 20
    parts = [stretch(label, i / 10, (i + 1) / 10, 0.4) for i, label in enumerate(labels)]
    ((emotion, start_s, end_s),) = told(parts)
    assert (emotion, start_s, end_s) == (None, 0, 6)


@pytest.mark.parametrize(("probability", "emotion"), [(0.39, None), (0.4, "happy")])
def test_a_low_probability_is_unsure(probability, emotion):
    rest = (1 - probability) / 3
    assert emotion_of({"happy": probability, "sad": rest, "fear": rest, "angry": rest}) == emotion


def test_unsure_time_is_a_stretch_of_its_own():
    assert told([stretch("happy", 0, 2), stretch(None, 2, 4)]) == [("happy", 0, 2), (None, 2, 4)]
    (merged,) = without_flicker([stretch("happy", 0, 2), stretch(None, 2, 2.2)])
    assert 0.7 < merged.probability < stretch("happy", 0, 2).probability
