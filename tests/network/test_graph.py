"""model.onnx: its metadata, its check against PyTorch, and which file is used."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from mini_xception import EmotionRecognizer, MiniXception, MiniXceptionError
from mini_xception.checkpoint.folder import GRAPH
from mini_xception.detection.networks import SIDES, load_network
from mini_xception.export import export, export_web
from mini_xception.network import engines, graph
from mini_xception.network.preprocess import Framing

pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")


@pytest.fixture
def model():
    torch.manual_seed(0)
    return MiniXception(("up", "down"), 64, 0.5, 0.25, Framing(1.1, 0.0, 0.1), temperature=1.5).eval()


@pytest.fixture
def folder(model, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model.save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def cached(folder) -> list:
    return sorted((folder.parent / "cache" / "mini_xception" / "graphs").glob("*"))


def classify(folder, engine: str = "onnx") -> np.ndarray:
    crops = np.random.default_rng(0).integers(0, 256, (3, 64, 64), np.uint8)
    return EmotionRecognizer.from_pretrained(folder, device="cpu", engine=engine, detector=None).classify(crops)


def test_metadata_hold_what_the_input_must_be(model, folder):
    proto = onnx.load(export(model, folder))
    onnx.checker.check_model(proto, full_check=True)
    metadata = {entry.key: json.loads(entry.value) for entry in proto.metadata_props if entry.key != "fingerprint"}
    config = json.loads((folder / "config.json").read_text())
    assert metadata == {name: config[name] for name in metadata}
    assert set(metadata) >= {
        "format_version",
        "labels",
        "image_size",
        "mean",
        "std",
        "framing",
        "temperature",
        "padding",
    }
    assert metadata["temperature"] == 1.5


def test_any_number_of_faces_in_another_program(model, folder):
    """ONNX Runtime runs the file without this package."""
    import onnxruntime

    session = onnxruntime.InferenceSession(export(model, folder))
    assert [(value.name, value.shape) for value in session.get_inputs()] == [("input", ["n", 1, 64, 64])]
    assert [value.name for value in session.get_outputs()] == ["logits", "evidence"]
    for count in (1, 5):
        faces = torch.randn(count, 1, 64, 64)
        logits, evidence = session.run(None, {"input": faces.numpy()})
        assert np.abs(evidence.mean(axis=(2, 3)) - logits).max() < 1e-4
        with torch.inference_mode():
            assert np.abs(logits - model(faces).numpy()).max() < 1e-4
            assert np.abs(evidence - model.evidence(faces).numpy()).max() < 1e-4


def test_no_batch_norm_is_left(model, folder):
    operators = {node.op_type for node in onnx.load(export(model, folder)).graph.node}
    evidence = {"Unsqueeze", "Mul", "ReduceSum"}
    assert operators - {"Constant"} == {"Conv", "Relu", "MaxPool", "Add", "ReduceMean"} | evidence


def test_the_folders_own_file_is_used(model, folder):
    export(model, folder)
    assert np.abs(classify(folder) - classify(folder, "torch")).max() < 1e-4
    assert cached(folder) == []


def test_exported_once_into_the_cache(folder):
    first = classify(folder)
    (path,) = cached(folder)
    written = path.stat().st_mtime_ns
    assert np.array_equal(classify(folder), first)
    assert path.stat().st_mtime_ns == written
    assert not (folder / GRAPH).exists()


@pytest.mark.parametrize("content", [b"", b"no graph at all", "cut"])
def test_a_damaged_file_is_not_used(model, folder, content):
    path = export(model, folder)
    path.write_bytes(path.read_bytes()[:1000] if content == "cut" else content)
    assert np.abs(classify(folder) - classify(folder, "torch")).max() < 1e-4
    assert len(cached(folder)) == 1


def test_a_damaged_cache_is_mended(folder):
    expected = classify(folder)
    (path,) = cached(folder)
    path.write_bytes(b"")
    assert np.array_equal(classify(folder), expected)
    assert path.stat().st_size > 0


def test_another_checkpoints_file_is_not_used(model, folder):
    other = MiniXception(model.labels, 64, 0.5, 0.25, model.framing, temperature=1.5)
    export(other, folder)
    assert np.abs(classify(folder) - classify(folder, "torch")).max() < 1e-4
    assert len(cached(folder)) == 1


def test_the_same_weights_in_another_network(model, folder):
    """Padding and batch norm's epsilon are not weights, but they change the logits."""
    export(model, folder)
    other = MiniXception(**model.config | {"padding": "tensorflow", "norm_epsilon": 0.1})
    other.load_state_dict(model.state_dict())
    other.save_pretrained(folder)
    assert np.abs(classify(folder) - classify(folder, "torch")).max() < 1e-4
    assert len(cached(folder)) == 1


def test_a_cache_that_cannot_be_written(folder):
    (folder.parent / "cache").write_text("a file where the folder would be")
    assert np.abs(classify(folder) - classify(folder, "torch")).max() < 1e-4


def test_a_graph_that_differs_is_refused(model, folder, monkeypatch):
    def fold_wrongly(network):
        folded = graph.fold_batch_norms(network)
        torch.nn.init.constant_(folded.network.conv.bias, 0.01)
        return folded

    exported = graph.to_onnx
    monkeypatch.setattr(
        graph, "to_onnx", lambda network, *rest, **options: exported(fold_wrongly(network), *rest, **options)
    )
    with pytest.raises(MiniXceptionError, match="differ from PyTorch's"):
        export(model, folder)
    assert not (folder / GRAPH).exists()


def test_a_graph_in_an_engine_that_is_none():
    for engine in (engines.OnnxEngine, engines.OpenVinoEngine):
        with pytest.raises(MiniXceptionError, match="damaged, or not an ONNX file") as caught:
            engine(b"no graph at all")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("network", SIDES)
def test_the_browsers_detector_is_the_detector(model, tmp_path, network):
    graph = export_web(model, tmp_path / "made" / "models") / f"{network}.onnx"
    # The first network accepts images of any size, the others any number of candidates.
    shape = (1, 3, 37, 50) if network == "pnet" else (5, 3, SIDES[network], SIDES[network])
    pixels = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    assert np.abs(engines.OnnxEngine(graph)(pixels) - load_network(network)(pixels)).max() < 1e-4


def test_a_folder_for_the_browser_that_cannot_be_made(model, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MiniXceptionError, match="cannot be written"):
        export_web(model, tmp_path / "file" / "models")


def test_command_for_the_browser(folder, tmp_path):
    before = set(os.listdir(folder))
    web = tmp_path / "web" / "models"
    command = [sys.executable, "-m", "mini_xception", "export", folder, "--web", web]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(web) in done.stdout
    assert sorted(os.listdir(web)) == ["model.onnx", "onet.onnx", "pnet.onnx", "rnet.onnx"]
    assert set(os.listdir(folder)) == before


def test_command(folder):
    before = set(os.listdir(folder))
    command = [sys.executable, "-m", "mini_xception", "export"]
    done = subprocess.run([*command, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(folder / GRAPH) in done.stdout
    assert set(os.listdir(folder)) == before | {GRAPH}
    missing = subprocess.run([*command, folder / "absent"], capture_output=True, text=True)
    assert missing.returncode == 1
    assert len(missing.stderr.splitlines()) == 1
