"""Face: one validated result."""

import dataclasses
import json

import pytest

from mini_xception import EMOTIONS, Face, MiniXceptionError

PROBABILITIES = dict(zip(EMOTIONS, (0.1, 0.0, 0.1, 0.6, 0.1, 0.05, 0.05), strict=True))


def test_the_emotion_is_the_most_probable_label():
    face = Face(box=(1, 2, 3, 4), score=0.9, probabilities=PROBABILITIES)
    assert (face.emotion, face.confidence) == ("happy", 0.6)


def test_to_dict_can_be_written_as_json():
    face = Face(box=(1, 2, 3, 4), score=0.9, probabilities=PROBABILITIES)
    assert json.loads(json.dumps(face.to_dict())) == {
        "box": [1, 2, 3, 4],
        "score": 0.9,
        "emotion": "happy",
        "confidence": 0.6,
        "probabilities": PROBABILITIES,
        "track_id": None,
        "landmarks": None,
        "roll_degrees": None,
    }


def test_landmarks_give_the_roll_and_are_written_as_json():
    lying = ((10.0, 40.0), (10.0, 20.0), (20.0, 30.0), (30.0, 38.0), (30.0, 22.0))  # the top of the head is at the left
    face = Face(box=(1, 2, 43, 54), score=0.9, probabilities=PROBABILITIES, landmarks=lying)
    assert face.roll_degrees == pytest.approx(-90)
    written = json.loads(json.dumps(face.to_dict()))
    assert written["landmarks"] == [list(point) for point in lying]
    assert written["roll_degrees"] == pytest.approx(-90)


def test_the_repr_is_short():
    face = Face(box=(1, 2, 3, 4), score=0.9, probabilities=PROBABILITIES)
    assert repr(face) == "Face(happy 60%, box=(1, 2, 3, 4), score=0.90)"
    assert repr(dataclasses.replace(face, track_id=7)).endswith(", track_id=7)")


@pytest.mark.parametrize(
    "wrong",
    [
        {"box": (3, 2, 3, 4)},
        {"box": (1, 5, 3, 4)},
        {"score": 1.5},
        {"score": float("nan")},
        {"probabilities": {"happy": 0.4}},
        {"probabilities": {"happy": 2.0, "sad": -1.0}},
        {"probabilities": {"happy": float("nan"), "sad": 1.0}},
        {"landmarks": ((1.0, 2.0),)},
    ],
)
def test_an_invalid_face_is_an_error(wrong):
    with pytest.raises(MiniXceptionError):
        Face(**{"box": (1, 2, 3, 4), "score": 0.9, "probabilities": PROBABILITIES, **wrong})
