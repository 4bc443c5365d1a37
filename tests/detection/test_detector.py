"""All detectors, and MTCNN on unusual images."""

import numpy as np
import pytest

from mini_xception.detection.detector import DETECTORS, MTCNN

GREY = 128


@pytest.fixture(scope="module")
def mtcnn():
    return MTCNN()


def on_canvas(face: np.ndarray, height: int, width: int, x: int, y: int) -> np.ndarray:
    canvas = np.full((height, width, 3), GREY, np.uint8)
    canvas[y : y + face.shape[0], x : x + face.shape[1]] = face
    return canvas


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_finds_the_portrait(name, portrait):
    boxes, scores, _ = DETECTORS[name](min_face_size=40, device="cpu")(portrait)
    assert boxes.shape == (1, 4)
    assert scores.shape == (1,)
    x1, y1, x2, y2 = boxes[0]
    assert x1 < 224 < x2
    assert y1 < 115 < y2
    assert 60 < y2 - y1 < 160


@pytest.mark.parametrize(
    "shape", [(480, 640), (1, 300), (300, 1), (1, 1), (39, 39), (40, 40), (41, 3000), (1, 20_000), (20_000, 1)]
)
def test_without_a_face_there_are_no_boxes(mtcnn, shape):
    for image in (np.full((*shape, 3), GREY, np.uint8), np.zeros((*shape, 3), np.uint8)):
        for boxes, scores, landmarks in (mtcnn(image), mtcnn.search(image)):
            assert (boxes.shape, scores.shape, landmarks.shape) == ((0, 4), (0,), (0, 5, 2))


def test_noise_does_not_raise(mtcnn):
    rng = np.random.default_rng(0)
    for _ in range(10):
        height, width = rng.integers(40, 200, 2)
        boxes, scores, _ = mtcnn.search(rng.integers(0, 256, (height, width, 3), np.uint8))
        assert boxes.shape == (len(scores), 4)


def test_the_largest_face_comes_first(mtcnn, portrait):
    small_and_large = on_canvas(portrait, 512, 1024, 512, 0)
    small_and_large[:256, :256] = portrait[::2, ::2]
    boxes = mtcnn(small_and_large).boxes
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    assert len(boxes) == 2
    assert areas[0] > areas[1]
    assert boxes[0, 0] > 512


def test_min_face_size_is_in_pixels_of_the_photo(portrait):
    height = 110  # of the face in the portrait
    assert len(MTCNN(min_face_size=height // 2)(portrait).boxes) == 1
    assert len(MTCNN(min_face_size=4 * height)(portrait).boxes) == 0


@pytest.mark.slow
def test_boxes_in_a_huge_photo_are_in_its_pixels(portrait):
    face = portrait.repeat(2, 0).repeat(2, 1)
    photo = on_canvas(face, 6000, 8200, 5000, 3000)
    boxes = MTCNN(min_face_size=100)(photo).boxes
    assert len(boxes) == 1
    x1, y1, x2, y2 = boxes[0]
    assert x1 < 5000 + 448 < x2
    assert y1 < 3000 + 230 < y2
    assert 120 < y2 - y1 < 320


def test_faces_below_min_score_are_dropped(portrait):
    assert len(MTCNN(min_score=0.9)(portrait)[1]) == 1
    assert len(MTCNN(min_score=1.01)(portrait)[1]) == 0
