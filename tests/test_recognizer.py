"""Faces and expressions of images, with the bundled weights."""

import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.framing import detect_on_canvas
from mini_xception import EmotionRecognizer, MiniXception, MiniXceptionError
from mini_xception.detection.crop import crop_face
from tests.conftest import PORTRAIT, ROOT


def test_the_portrait_is_happy(recognizer):
    (face,) = recognizer(PORTRAIT)
    assert face.emotion == "happy"
    assert face.box[0] < 224 < face.box[2]
    assert face.box[1] < 115 < face.box[3]
    assert tuple(face.probabilities) == recognizer.labels


def test_two_faces_and_a_cat(recognizer):
    faces = recognizer(ROOT / "examples" / "two_portraits.jpg")
    assert [face.emotion for face in faces] == ["neutral", "happy"]
    assert recognizer(ROOT / "examples" / "chelsea_the_cat.jpg") == []


def test_all_sources_give_the_same_faces(recognizer, portrait):
    (expected,) = recognizer(PORTRAIT)
    data = PORTRAIT.read_bytes()
    for source in (str(PORTRAIT), data, io.BytesIO(data), Image.open(PORTRAIT), portrait):
        assert recognizer(source) == [expected]


def test_all_colour_modes_give_the_same_face(recognizer, portrait):
    (expected,) = recognizer(portrait)
    for mode in ("RGBA", "LA", "L", "CMYK", "P"):
        (face,) = recognizer(Image.fromarray(portrait).convert(mode))
        assert face.emotion == expected.emotion, mode
        assert np.abs(np.subtract(face.box, expected.box)).max() < 12, mode


def test_boxes_are_inside_the_image(recognizer, portrait):
    tight = portrait[70:170, 185:265]  # the face fills the image, and the detector's box is larger
    for face in EmotionRecognizer(recognizer.model, min_face_size=30)(tight):
        x1, y1, x2, y2 = face.box
        assert 0 <= x1 < x2 <= 80
        assert 0 <= y1 < y2 <= 100


def test_a_cropped_face_needs_no_detector(recognizer, portrait):
    crop = portrait[60:180, 165:285]
    (face,) = EmotionRecognizer(recognizer.model, detector=None)(crop)
    assert face.box == (0, 0, 120, 120)
    assert face.emotion == "happy"
    assert np.allclose(list(face.probabilities.values()), recognizer.classify([crop])[0], atol=1e-6)


def test_any_callable_is_a_detector(recognizer, portrait):
    def two_boxes(image):
        assert image.shape == portrait.shape
        return np.array([[165, 60, 285, 180], [-20, -20, 60, 60]], np.float32), np.array([0.99, 0.5], np.float32)

    faces = EmotionRecognizer(recognizer.model, detector=two_boxes)(portrait)
    assert [face.box for face in faces] == [(165, 60, 285, 180), (0, 0, 60, 60)]
    assert [round(face.score, 3) for face in faces] == [0.99, 0.5]


def test_invalid_boxes_are_dropped(recognizer, portrait):
    def sloppy(_):
        boxes = [[600, 600, 700, 700], [165, 60, 285, 180], [300, 300, 100, 100], [0, 0, np.nan, 9], [5, 5, 5, 9]]
        return boxes, [0.9] * 5

    faces = EmotionRecognizer(recognizer.model, detector=sloppy)(portrait)
    assert [face.box for face in faces] == [(165, 60, 285, 180)]


def test_a_model_in_training_is_put_into_inference_mode():
    model = MiniXception().train()
    crop = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    recognizer = EmotionRecognizer(model, detector=None)
    assert np.allclose(recognizer.classify([crop])[0], recognizer.classify([crop, crop.T])[0], atol=1e-6)


def test_classify_takes_crops_of_any_size(recognizer, portrait):
    crops = [portrait[60:180, 165:285], portrait[60:180, 165:285, 0], portrait[60:172, 170:282].copy()]
    probabilities = recognizer.classify(crops)
    assert probabilities.shape == (3, 7)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert recognizer.classify([]).shape == (0, 7)


def test_the_batch_size_does_not_change_the_probabilities(recognizer):
    crops = np.random.default_rng(0).integers(0, 256, (70, 48, 48), np.uint8)
    together = recognizer.classify(crops)
    alone = np.concatenate([recognizer.classify([crop]) for crop in crops])
    assert np.abs(together - alone).max() < 1e-4


def test_unknown_names_are_errors():
    with pytest.raises(MiniXceptionError, match="detector 'haar' not found; choose one of mtcnn"):
        EmotionRecognizer(MiniXception(), detector="haar")
    with pytest.raises(MiniXceptionError, match="engine 'tflite' not found; choose one of auto, torch, onnx"):
        EmotionRecognizer.from_pretrained(engine="tflite")


def test_six_faces_are_found_once_each(recognizer, shared):
    faces = recognizer(shared / "media" / "multiface.jpg")
    assert len(faces) == 6
    centres = sorted((face.box[0] + face.box[2]) / 2 for face in faces)
    assert min(np.diff(centres)) > 20


@pytest.mark.slow
def test_detected_crops_are_classified_as_well_as_fer2013s_own(recognizer, fer2013):
    """Validation faces are placed on a canvas, detected and cropped. The accuracy falls by less than 3 points."""
    from mini_xception.training.fer2013 import load_fer2013

    public_test = load_fer2013(fer2013, "PublicTest")
    found = list(detect_on_canvas(public_test.images[:1200], recognizer.detector, side=144))
    indices = [index for index, _, _ in found]
    truth = public_test.labels[indices]
    direct = (recognizer.classify(public_test.images[indices]).argmax(axis=1) == truth).mean()
    crops = [crop_face(canvas, box, recognizer.model.framing) for _, canvas, box in found]
    again = (recognizer.classify(crops).argmax(axis=1) == truth).mean()
    assert len(found) > 800
    assert direct - again < 0.03
