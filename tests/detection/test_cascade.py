"""With PyTorch and with ONNX Runtime, the cascade finds the same boxes as facenet-pytorch's own code."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch

from benchmarks.framing import put_on_canvas
from mini_xception import load_image
from mini_xception.detection import cascade as cascade_module
from mini_xception.detection.cascade import Cascade
from mini_xception.detection.networks import GRAPHS, SIDES, load_network
from mini_xception.detection.torch_networks import load_torch_network
from mini_xception.training.fer2013 import load_fer2013
from tests.conftest import ROOT

PHOTOS = sorted((ROOT / "examples").glob("*.jpg"))


@pytest.fixture(scope="module", params=["torch", "onnx"])
def cascade(request):
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "torch":
            patch.setattr(cascade_module, "load_network", lambda name: load_torch_network(name, "cpu"))
        cascade = Cascade()
    return lambda image, min_face_size: cascade.faces(cascade.propose(image, min_face_size))


@pytest.mark.parametrize("name", SIDES)
def test_the_graphs_have_the_weights_of_facenet_pytorch(name):
    shape = (1, 3, 37, 50) if name == "pnet" else (5, 3, SIDES[name], SIDES[name])
    pixels = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    found, expected = load_network(name)(pixels), load_torch_network(name, "cpu")(pixels)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4
    assert "Timothy Esler" in (GRAPHS / "LICENSE.md").read_text()


@pytest.fixture(scope="module")
def reference():
    """The detection of facenet-pytorch: (image, min_face_size) → rows of x1, y1, x2, y2, score."""
    from facenet_pytorch import MTCNN
    from facenet_pytorch.models.utils.detect_face import detect_face

    nets = MTCNN().eval()

    def detect(image: np.ndarray, min_face_size: int) -> np.ndarray:
        with torch.inference_mode():
            (found,), _ = detect_face(
                image, min_face_size, nets.pnet, nets.rnet, nets.onet, nets.thresholds, nets.factor, "cpu"
            )
        return np.asarray(found, np.float32).reshape(-1, 5)

    return detect


def assert_same_faces(found: np.ndarray, expected: np.ndarray) -> None:
    assert len(found) == len(expected)
    if len(expected) == 0:
        return
    near = np.maximum(found[:, np.newaxis, :2], expected[:, :2])
    far = np.minimum(found[:, np.newaxis, 2:4], expected[:, 2:4])
    shared = np.maximum(far - near, 0).prod(axis=2)
    areas = [(boxes[:, 2:4] - boxes[:, :2]).prod(axis=1) for boxes in (found, expected)]
    overlap = shared / (areas[0][:, np.newaxis] + areas[1] - shared)
    match = overlap.argmax(axis=1)
    assert sorted(match) == list(range(len(expected)))
    assert overlap.max(axis=1).min() >= 0.99
    assert np.abs(found[:, 4] - expected[match, 4]).max() <= 0.01


@pytest.mark.parametrize("min_face_size", [20, 40, 75])
@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.stem)
def test_example_photos(cascade, reference, photo, min_face_size):
    image = load_image(photo)
    assert_same_faces(cascade(image, min_face_size), reference(image, min_face_size))


def test_all_parities_of_the_sides(cascade, reference, portrait):
    """With odd sides, a window of the first network's pooling is cut off at the edge."""
    for bottom in range(200, 204):
        for right in range(300, 304):
            image = np.ascontiguousarray(portrait[:bottom, 100:right])
            assert_same_faces(cascade(image, 24), reference(image, 24))


def test_faces_at_the_edges(cascade, reference, portrait):
    for image in (portrait[100:], portrait[:150], portrait[:, 220:], portrait[:, :230], portrait[70:170, 185:265]):
        image = np.ascontiguousarray(image)
        assert_same_faces(cascade(image, 20), reference(image, 20))


def test_crowd_and_video(cascade, reference, shared):
    crowd = load_image(shared / "media" / "multiface.jpg")
    video = cv2.VideoCapture(str(shared / "media" / "video.mp4"))
    frames = []
    for index in (0, 50, 100):
        video.set(cv2.CAP_PROP_POS_FRAMES, index)
        frames.append(cv2.cvtColor(cv2.resize(video.read()[1], (960, 540)), cv2.COLOR_BGR2RGB))
    for image in (crowd, *frames):
        expected = reference(image, 40)
        assert len(expected) > 0
        assert_same_faces(cascade(image, 40), expected)


def test_faces_on_canvases(cascade, reference, fer2013):
    faces = load_fer2013(fer2013, "PublicTest").images[:24]
    for side in (48, 144):
        for face in faces:
            canvas = put_on_canvas(face, side)
            assert_same_faces(cascade(canvas, 40), reference(canvas, 40))


def test_a_photo_whose_integral_overflows(cascade, portrait):
    """The sum of its pixels exceeds the range of int32."""
    photo = np.full((3000, 3000, 3), 255, np.uint8)
    photo[-512:, -512:] = portrait
    (box,) = cascade(photo, 80)
    x1, y1, x2, y2 = box[:4] - (3000 - 512)
    assert x1 < 224 < x2
    assert y1 < 115 < y2


def test_threads_may_share_a_cascade(cascade, portrait):
    expected = cascade(portrait, 40)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: cascade(portrait, 40), range(12)):
            assert np.array_equal(found, expected)
