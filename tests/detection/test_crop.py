"""Square face crops, in the framing of the network."""

import cv2
import numpy as np
import pytest

from mini_xception import EmotionRecognizer, MiniXceptionError
from mini_xception.detection.crop import clip_box, crop_face
from mini_xception.detection.pose import turn
from mini_xception.network.preprocess import Framing

IMAGE = np.arange(20 * 30, dtype=np.int64).reshape(20, 30) % 251
IMAGE = np.repeat(IMAGE.astype(np.uint8)[:, :, np.newaxis], 3, axis=2)


def test_a_crop_is_a_square_of_the_longer_side_around_the_centre():
    crop = crop_face(IMAGE, (10, 4, 16, 14), Framing())
    assert np.array_equal(crop, IMAGE[4:14, 8:18])


def test_scale_and_offset_are_fractions_of_the_longer_side():
    crop = crop_face(IMAGE, (10, 5, 20, 15), Framing(scale=0.8, offset_x=0.2, offset_y=-0.1))
    assert np.array_equal(crop, IMAGE[5:13, 13:21])


def test_pixels_outside_the_image_are_black():
    crop = crop_face(IMAGE, (-5, -5, 5, 5), Framing())
    assert crop.shape == (10, 10, 3)
    assert np.array_equal(crop[5:, 5:], IMAGE[:5, :5])
    assert crop[:5].max() == 0
    assert crop[:, :5].max() == 0


def test_grey_images_are_cropped():
    assert crop_face(IMAGE[:, :, 0], (25, 15, 35, 25), Framing()).shape == (10, 10)


@pytest.mark.parametrize("box", [(40, 5, 50, 15), (-20, 5, -10, 15), (5, 30, 15, 40), (5, -20, 15, -10)])
def test_a_box_outside_the_image_is_an_error(box):
    with pytest.raises(MiniXceptionError, match="30×20"):
        crop_face(IMAGE, box, Framing())


@pytest.mark.parametrize("box", [(-100, 5, 1, 8), (29, 5, 130, 8), (5, -100, 8, 1), (5, 19, 8, 120)])
def test_a_crop_that_the_framing_moves_outside_the_image_is_black(box):
    crop = crop_face(IMAGE, box, Framing(scale=0.5))
    assert crop.shape == (50, 50, 3)
    assert crop.max() == 0


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ((-3.4, 2.6, 8.2, 40.0), (0, 3, 8, 20)),
        ((5, 5, 5.2, 5.2), (5, 5, 6, 6)),
        ((29.9, 19.9, 90, 90), (29, 19, 30, 20)),
    ],
)
def test_boxes_are_clipped_and_never_empty(box, clipped):
    assert clip_box(box, width=30, height=20) == clipped


@pytest.mark.parametrize("degrees", [-150, -40, 90, 180])
def test_a_tilted_face_is_cut_out_upright(recognizer, portrait, degrees):
    upright = recognizer.crop(portrait)[0]
    (tilted,) = recognizer.crop(turn(portrait, degrees)[0])
    same_size = [cv2.resize(crop, (48, 48), interpolation=cv2.INTER_AREA).astype(float) for crop in (upright, tilted)]
    correlation = np.corrcoef(same_size[0].reshape(-1), same_size[1].reshape(-1))[0, 1]
    assert correlation > 0.8


def test_a_dark_face_gets_the_expression_of_the_well_lit_one(recognizer, portrait):
    (lit,), (dark,) = recognizer(portrait), recognizer(portrait // 10)
    assert dark.emotion == lit.emotion
    assert abs(dark.confidence - lit.confidence) < 0.2


def test_a_detector_without_landmarks_gives_upright_crops(recognizer, portrait):
    ours = EmotionRecognizer(recognizer.classifier, lambda image: tuple(recognizer.detector(image))[:2])
    (face,) = ours(portrait)
    assert face.landmarks is None
    assert face.roll_degrees is None
    assert face.box == recognizer(portrait)[0].box


def test_one_pass_if_it_is_asked(recognizer, portrait):
    lying = np.ascontiguousarray(np.rot90(portrait))
    assert len(recognizer(lying)) == 1
    assert EmotionRecognizer(recognizer.classifier, recognizer.detector, thorough=False)(lying) == []
