"""Faces at any roll, in the dark, small or uncertain; and no faces where there are none."""

import cv2
import numpy as np
import pytest

from mini_xception import load_image
from mini_xception.boxes import iou
from mini_xception.detection.mtcnn import MTCNN
from mini_xception.detection.pose import apply, turn
from mini_xception.landmarks import roll_degrees
from tests.conftest import ROOT

skimage_data = pytest.importorskip("skimage.data")
#: scikit-image's photos without human faces. Chelsea is a cat.
WITHOUT_FACES = (
    *("brick", "cell", "chelsea", "clock", "coffee", "coins", "colorwheel", "grass", "gravel", "horse"),
    *(
        "hubble_deep_field",
        "immunohistochemistry",
        "logo",
        "microaneurysms",
        "moon",
        "page",
        "retina",
        "rocket",
        "text",
    ),
)
#: What happens to each of them.
CHANGES = {
    "as it is": lambda image: image,
    "dark": lambda image: image // 7,
    "turned 30°": lambda image: turn(image, 30)[0],
    "turned 90°": lambda image: np.ascontiguousarray(np.rot90(image)),
    "upside down": lambda image: np.ascontiguousarray(image[::-1, ::-1]),
    "blurred": lambda image: cv2.GaussianBlur(image, (0, 0), 3),
    "half the size": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
}


@pytest.fixture(scope="module")
def mtcnn():
    return MTCNN()


@pytest.fixture(scope="module")
def two_portraits() -> np.ndarray:
    return load_image(ROOT / "examples" / "two_portraits.jpg")


@pytest.fixture(scope="module")
def crowd(shared) -> np.ndarray:
    return load_image(shared / "media" / "multiface.jpg")


def assert_same_faces_turned(found, expected, transform, degrees):
    """Check that the faces of a turned image lead back to those of the original, each once."""
    assert len(found.boxes) == len(expected.boxes)
    centres = apply(transform, (found.boxes[:, :2] + found.boxes[:, 2:]) / 2)
    for box, landmarks in zip(expected.boxes, expected.landmarks, strict=True):
        distances = np.abs(centres - (box[:2] + box[2:]) / 2).max(axis=1) / (box[3] - box[1])
        assert distances.min() < 0.2
        nearest = int(distances.argmin())
        turned_roll = roll_degrees(found.landmarks[nearest])
        assert abs((turned_roll + degrees - roll_degrees(landmarks) + 180) % 360 - 180) < 45
        ours = apply(transform, found.landmarks[nearest])
        assert np.abs(ours - landmarks).max() < 0.2 * (box[3] - box[1])


@pytest.mark.parametrize("degrees", range(-180, 180, 45))
def test_faces_at_any_roll_are_found_once(mtcnn, two_portraits, degrees):
    turned, transform = turn(two_portraits, degrees)
    assert_same_faces_turned(mtcnn.search(turned), mtcnn.search(two_portraits), transform, degrees)


@pytest.mark.slow
@pytest.mark.parametrize("degrees", range(-180, 180, 15))
def test_a_crowd_at_any_roll_is_found_once(mtcnn, crowd, degrees):
    expected = mtcnn.search(crowd)
    assert len(expected.boxes) == 6
    turned, transform = turn(crowd, degrees)
    found = mtcnn.search(turned)
    assert_same_faces_turned(found, expected, transform, degrees)
    assert np.triu(iou(found.boxes, found.boxes), k=1).max() < 0.3


@pytest.mark.slow
def test_a_crowd_in_the_dark_and_a_small_crowd_are_found(mtcnn, crowd):
    dark = np.rint(crowd * 0.15).astype(np.uint8)
    assert len(mtcnn.search(dark).boxes) == 6
    small = cv2.resize(crowd, None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA)
    assert len(mtcnn.search(small).boxes) == 6


@pytest.mark.parametrize("name", ["eileen_collins.jpg", "two_portraits.jpg"])
def test_upright_faces_keep_the_boxes_of_one_pass(mtcnn, name):
    image = load_image(ROOT / "examples" / name)
    once, twice = mtcnn(image), mtcnn.search(image)
    assert np.array_equal(once.boxes, twice.boxes)
    assert np.array_equal(once.scores, twice.scores)
    assert np.array_equal(once.landmarks, twice.landmarks)


def test_a_face_in_the_dark_is_found(mtcnn, portrait):
    (expected,) = mtcnn.search(portrait).boxes
    (found,) = mtcnn.search(portrait // 10).boxes
    assert iou(found[np.newaxis], expected[np.newaxis])[0, 0] > 0.8


def test_a_small_face_is_found_unless_a_size_is_asked(portrait):
    photo = np.full((480, 640, 3), 128, np.uint8)
    side = 130  # the face of the portrait is 110 of 512 pixels high
    photo[100 : 100 + side, 200 : 200 + side] = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
    (box,) = MTCNN().search(photo).boxes
    assert box[3] - box[1] < 32
    assert abs((box[0] + box[2]) / 2 - (200 + 0.437 * side)) < 8
    assert len(MTCNN(min_face_size=60).search(photo).boxes) == 0


def test_an_upright_and_a_sideways_photo_side_by_side_keep_their_upright_face(mtcnn, portrait):
    both = np.hstack([portrait, np.rot90(portrait)])
    assert any(abs(roll_degrees(landmarks)) < 15 for landmarks in mtcnn.search(both).landmarks)


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHOUT_FACES)
def test_no_face_where_there_is_none(mtcnn, name):
    image = getattr(skimage_data, name)()
    if image.dtype == bool:
        image = image.astype(np.uint8) * 255
    image = load_image(np.ascontiguousarray(image))
    for change, apply_change in CHANGES.items():
        found = mtcnn.search(apply_change(image))
        assert len(found.boxes) == 0, f"{name}, {change}: {found.boxes.round()} {found.scores}"
