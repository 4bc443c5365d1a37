"""Faces drawn onto images."""

from dataclasses import replace

import numpy as np

from mini_xception import EMOTIONS, Face, draw_faces
from mini_xception.draw import COLOURS, colour_of


def face(box, emotion="happy"):
    return Face(box=box, score=1.0, probabilities={label: float(label == emotion) for label in EMOTIONS})


def rgb(emotion):
    return [int(colour_of(emotion)[i : i + 2], 16) for i in (1, 3, 5)]


def test_faces_are_drawn_on_a_copy():
    image = np.full((200, 300, 3), 90, np.uint8)
    drawn = draw_faces(image, [face((100, 60, 180, 140))])
    assert (image == 90).all()
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert drawn.flags.writeable
    # The box has the emotion's colour and surrounds the face; the pixels inside do not change.
    assert (drawn[60:140, 100:180] == 90).all()
    assert (drawn[60:140, 96:100] == rgb("happy")).all(axis=2).any()


def test_without_faces_the_copy_is_the_same():
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8)
    assert np.array_equal(draw_faces(image, []), image)


def test_the_label_is_visible_wherever_the_face_is():
    for box in [(0, 0, 60, 60), (240, 0, 300, 60), (0, 140, 60, 200), (240, 140, 300, 200), (0, 0, 300, 200)]:
        drawn = draw_faces(np.zeros((200, 300, 3), np.uint8), [face(box, "surprise")])
        filled = (drawn == rgb("surprise")).all(axis=2).sum(axis=1).max()
        assert filled > 30, box


def test_an_image_of_one_pixel():
    assert draw_faces(np.zeros((1, 1, 3), np.uint8), [face((0, 0, 1, 1))]).shape == (1, 1, 3)


def test_each_emotion_has_its_own_colour():
    assert len({colour_of(emotion) for emotion in EMOTIONS}) == len(EMOTIONS) == len(COLOURS)
    assert colour_of("a label of another checkpoint") not in COLOURS.values()


def test_the_label_shows_the_track_id():
    image = np.zeros((200, 300, 3), np.uint8)
    untracked = face((100, 60, 180, 140))
    drawn = [
        draw_faces(image, [one]) for one in (untracked, replace(untracked, track_id=1), replace(untracked, track_id=2))
    ]
    label = slice(0, 56)  # above the box
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (drawn[one][label] != drawn[other][label]).any()
    assert np.array_equal(drawn[0][60:], drawn[2][60:])
