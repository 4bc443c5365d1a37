"""Explanations: the evidence adds up to the logits, and the overlays show where it lies."""

import io
import json
import logging

import numpy as np
import pytest
import torch
from PIL import Image

from mini_xception import EmotionRecognizer, Explanation, Face, MiniXception, MiniXceptionError
from mini_xception.checkpoint.folder import BUNDLED, GRAPH
from mini_xception.draw import draw_evidence
from mini_xception.explain import AGAINST, FOR, SIDE, upsample
from tests.conftest import PORTRAIT, ROOT

TWO = ROOT / "examples" / "two_portraits.jpg"
#: How far the mean of a class's cells may differ from its logit.
LOGIT = 1e-4


@pytest.mark.parametrize("engine", ["torch", "onnx", "openvino"])
def test_the_mean_of_a_classes_cells_is_its_logit(engine, recognizer):
    found = EmotionRecognizer.from_pretrained(device="cpu", engine=engine).explain(TWO)
    assert [explanation.face.emotion for explanation in found] == ["neutral", "happy"]
    model = recognizer.model
    with torch.inference_mode():
        logits = model(model.preprocess([explanation.crop for explanation in found])).numpy()
    for explanation, expected in zip(found, logits, strict=True):
        assert explanation.evidence.shape == (7, 4, 4)
        assert explanation.evidence.dtype == np.float32
        assert np.abs(explanation.evidence.mean(axis=(1, 2)) - expected).max() < LOGIT
        assert np.abs(list(explanation.logits.values()) - expected).max() < LOGIT
        probabilities = np.exp(expected / model.temperature)
        assert np.allclose(
            list(explanation.face.probabilities.values()), probabilities / probabilities.sum(), atol=1e-5
        )


@pytest.mark.parametrize(
    "config", [{}, {"image_size": 64, "padding": "tensorflow"}, {"image_size": 40, "upsample_to": 72}]
)
def test_other_networks(config):
    """Random weights; another size of the input gives other numbers of cells."""
    torch.manual_seed(0)
    model = MiniXception(("up", "down"), bias=False, **config).eval()
    crops = np.random.default_rng(0).integers(0, 256, (20, 50, 50), np.uint8)
    with torch.inference_mode():
        logits = model(model.preprocess(crops)).numpy()
        cells = model.evidence(model.preprocess(crops)).numpy()
    assert np.abs(cells.mean(axis=(2, 3)) - logits).max() < LOGIT
    _, evidence = EmotionRecognizer(model, detector=None).classifier.explain(crops)
    assert np.abs(evidence - cells).max() < LOGIT


def test_a_cell_depends_on_its_features_only():
    """A change of the features at one place changes one cell."""
    model = MiniXception.from_pretrained(device="cpu")
    features = torch.rand(1, 128, 3, 3)
    model.features = lambda _: features
    with torch.inference_mode():
        before = model.evidence(torch.empty(0))
        features[:, :, 0, 2] += 1
        changed = (model.evidence(torch.empty(0)) - before).abs().amax(dim=(0, 1)) > 1e-6
    assert changed.nonzero().tolist() == [[0, 2]]


def test_the_same_faces_as_without_explanations(recognizer):
    found = recognizer.explain(TWO)
    assert [explanation.face for explanation in found] == recognizer(TWO)
    for explanation, crop in zip(found, recognizer.crop(TWO), strict=True):
        assert np.array_equal(explanation.crop, crop)
    assert recognizer.explain(ROOT / "examples" / "chelsea_the_cat.jpg") == []


def test_a_turned_face_is_explained_upright(recognizer):
    """The overlay of a photo on its side is the overlay of the upright photo, but for the resampling."""
    (upright,) = recognizer.explain(PORTRAIT)
    (turned,) = recognizer.explain(Image.open(PORTRAIT).transpose(Image.Transpose.ROTATE_90))
    assert abs(turned.face.roll_degrees) > 60
    difference = np.abs(turned.overlay().astype(int) - upright.overlay())
    sideways = np.abs(np.rot90(turned.overlay()).astype(int) - upright.overlay())
    assert difference.mean() < 0.6 * sideways.mean()


def explanation(evidence) -> Explanation:
    labels = ("up", "down", "left")[: len(evidence)]
    face = Face((0, 0, 9, 9), 1.0, dict.fromkeys(labels, 1 / len(labels)))
    return Explanation(face, np.array(evidence, np.float32), np.full((30, 30, 3), 128, np.uint8))


def test_an_overlay_is_orange_for_the_class_and_blue_against_it():
    evidence = np.zeros((3, 3, 3))
    evidence[0, 0, 0], evidence[0, 2, 2] = 9, -9
    one = explanation(evidence)
    overlay = one.overlay("up").astype(int)
    assert (overlay.shape, one.overlay().dtype) == ((SIDE, SIDE, 3), np.uint8)

    def likeness(pixel, colour):
        return np.dot(pixel - 128, np.subtract(colour, 128))

    for pixel, colour, other in ((overlay[10, 10], FOR, AGAINST), (overlay[170, 170], AGAINST, FOR)):
        assert likeness(pixel, colour) > 0 > likeness(pixel, other)
    assert np.array_equal(overlay[SIDE // 10, -SIDE // 20], [128, 128, 128]), "no evidence, no colour"
    # Another class has the opposite contrast, and half of it, because there are two other classes.
    assert np.allclose(one.contrast("down"), -one.contrast("up") / 2)
    assert likeness(one.overlay("down").astype(int)[10, 10], AGAINST) > 0


def test_evidence_that_all_classes_share_shows_nothing():
    shared = explanation(np.broadcast_to(np.arange(9).reshape(3, 3), (3, 3, 3)))
    assert shared.scale < 1e-5
    assert explanation(np.zeros((3, 3, 3))).overlay().min() == 128
    alone = explanation([[[1.0]]])
    assert alone.contrast().tolist() == [[1.0]]


@pytest.mark.parametrize("shape", [(3, 3), (4, 4), (1, 1), (2, 5)])
def test_spread_cells_keep_their_mean(shape):
    cells = np.random.default_rng(0).normal(size=shape)
    assert upsample(cells, 96).mean() == pytest.approx(cells.mean(), abs=1e-5)


def test_json_and_drawing(recognizer):
    (one,) = recognizer.explain(PORTRAIT)
    values = json.loads(json.dumps(one.to_dict()))
    assert values["emotion"] == "happy"
    assert np.allclose(values["evidence"]["happy"], one.evidence[one.labels.index("happy")])
    drawn = draw_evidence(one)
    assert np.array_equal(drawn[:SIDE, SIDE:], one.overlay("happy"))
    assert not np.array_equal(drawn, draw_evidence(one, "sad"))
    for draw in (one.overlay, one.contrast, lambda label: draw_evidence(one, label)):
        with pytest.raises(MiniXceptionError, match="label 'joy' not found; choose one of angry, "):
            draw("joy")


@pytest.fixture
def old_folder(tmp_path, monkeypatch):
    """The bundled checkpoint with a graph as mini_xception 0.1.0 exported it: one output, which has no name."""
    onnx = pytest.importorskip("onnx")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    MiniXception.from_pretrained(device="cpu").save_pretrained(tmp_path / "old")
    graph = onnx.load_from_string((BUNDLED / GRAPH).read_bytes())
    del graph.graph.output[1]
    graph.graph.output[0].name = "88"
    for node in graph.graph.node:
        node.output[:] = ["88" if name == "logits" else name for name in node.output]
    onnx.save(graph, tmp_path / "old" / GRAPH)
    return tmp_path / "old"


def test_a_graph_without_evidence_still_classifies_and_is_renewed_to_explain(old_folder, recognizer, caplog):
    for engine in ("onnx", "openvino"):
        old = EmotionRecognizer.from_pretrained(old_folder, device="cpu", engine=engine)
        assert not old.engine.has_evidence
        (face,) = old(PORTRAIT)
        assert face.confidence == pytest.approx(recognizer(PORTRAIT)[0].confidence, abs=1e-4)
        with caplog.at_level(logging.WARNING):
            (found,) = old.explain(PORTRAIT)
        (expected,) = recognizer.explain(PORTRAIT)
        assert np.abs(found.evidence - expected.evidence).max() < LOGIT
    (warning,) = caplog.messages
    assert f"run `mini-xception export {old_folder}`" in warning


def test_an_engine_without_evidence_is_one_clear_line():
    def engine(inputs):
        return np.zeros((len(inputs), 7), np.float32)

    recognizer = EmotionRecognizer(MiniXception(), detector=None, engine=engine)
    with pytest.raises(MiniXceptionError, match="function: this engine gives no evidence; use 'onnx'"):
        recognizer.explain(io.BytesIO(PORTRAIT.read_bytes()))
