"""Converted checkpoints give the same probabilities as in their own frameworks."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from mini_xception import EmotionRecognizer, MiniXception, MiniXceptionError
from mini_xception.network.convert import convert_checkpoint
from mini_xception.network.keras_file import HDF5
from tests.cli.test_cli import run

KERAS = "fer2013_mini_XCEPTION.107-0.66.hdf5"


@pytest.fixture(scope="module")
def keras_file(shared):
    pytest.importorskip("h5py", reason="needs the extra 'convert'")
    return shared / "anchors" / KERAS


@pytest.fixture(scope="module")
def converted(keras_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keras")
    convert_checkpoint(keras_file, folder)
    return folder


def test_probabilities_equal_those_of_keras(keras_file, converted, portrait):
    """Compare with NumPy, which runs the graph in the file layer by layer, as TensorFlow defines the layers."""
    recognizer = EmotionRecognizer.from_pretrained(converted, detector=None, device="cpu", engine="torch")
    noise = np.random.default_rng(0).integers(0, 256, (4, 64, 64), np.uint8)
    crops = [*noise, portrait[60:180, 165:285]]
    inputs = recognizer.model.preprocess(crops).numpy()
    assert -1 <= inputs.min() < -0.9
    assert 0.9 < inputs.max() <= 1
    expected = run_keras_graph(keras_file, inputs.transpose(0, 2, 3, 1).astype(np.float64))
    assert np.abs(recognizer.classify(crops) - expected).max() < 1e-4


def test_differences_are_in_the_config(converted, keras_file):
    model = MiniXception.from_pretrained(converted)
    assert (model.image_size, model.mean, model.std) == (64, 0.5, 0.5)
    assert (model.padding, model.bias, model.norm_epsilon) == ("tensorflow", False, 1e-3)
    trainable = sum(parameter.numel() for parameter in model.parameters())
    statistics = sum(buffer.numel() for name, buffer in model.named_buffers() if "running" in name)
    assert trainable + statistics == 58_423  # Keras's count
    assert KERAS in model.provenance["recipe"]
    assert str(keras_file.parent) not in (converted / "model.safetensors").read_bytes().decode("latin-1")


@pytest.mark.slow
def test_accuracy_equals_that_of_keras(converted, fer2013):
    result = run("evaluate", "--data", fer2013, "--split", "PublicTest", "--checkpoint", converted, "--json")
    assert json.loads(result.stdout)["accuracy"] == pytest.approx(0.6503, abs=0.001)


def test_other_hdf5_files_are_rejected(tmp_path):
    h5py = pytest.importorskip("h5py", reason="needs the extra 'convert'")
    path = tmp_path / "other.hdf5"
    with h5py.File(path, "w") as file:
        file.create_group("model_weights").attrs["layer_names"] = []
    for cut in (None, 100):
        path.write_bytes(path.read_bytes()[:cut])
        with pytest.raises(
            MiniXceptionError, match=r"other.hdf5: not a mini_XCEPTION model with 7 classes from the official"
        ):
            convert_checkpoint(path, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_missing_extra_is_named(tmp_path):
    (tmp_path / "keras.hdf5").write_bytes(HDF5)
    code = "import sys; sys.modules['h5py'] = None; from mini_xception.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "convert", tmp_path / "keras.hdf5", tmp_path / "folder"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == "mini-xception: this command needs h5py; pip install 'mini-xception[convert]'\n"


def test_other_pytorch_files_are_rejected(tmp_path):
    path = tmp_path / "other.pth"
    path.write_bytes(b"text")
    with pytest.raises(
        MiniXceptionError, match=r"other.pth: neither a PyTorch file that contains only tensors nor a Keras file"
    ):
        convert_checkpoint(path, tmp_path / "folder")
    for state in ({"conv.weight": torch.zeros(1)}, torch.zeros(1), [1]):
        torch.save(state, path)
        with pytest.raises(
            MiniXceptionError, match=r"other.pth: not a state dict of the PyTorch reference \(no tensor's name ends in"
        ):
            convert_checkpoint(path, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_reference_checkpoint_gives_a_folder(tmp_path):
    model = MiniXception().eval()
    torch.save(model.state_dict(), tmp_path / "reference.pth")
    convert_checkpoint(tmp_path / "reference.pth", tmp_path / "folder")
    converted = MiniXception.from_pretrained(tmp_path / "folder")
    assert converted.provenance == {"recipe": "mini-xception convert reference.pth"}
    faces = torch.rand(3, 1, 48, 48)
    with torch.inference_mode():
        assert torch.equal(converted(faces), model(faces))
    (tmp_path / "file").touch()
    with pytest.raises(MiniXceptionError, match="cannot be written"):
        convert_checkpoint(tmp_path / "reference.pth", tmp_path / "file" / "folder")


def run_keras_graph(path, x):
    """Run the model of a Keras file on an input (N, height, width, channels)."""
    import h5py

    with h5py.File(path) as file:
        layers = json.loads(file.attrs["model_config"])["config"]["layers"]
        groups = file["model_weights"]
        weights = {name: [groups[name][weight][()] for weight in groups[name].attrs["weight_names"]] for name in groups}
    values = {}
    for layer in layers:
        config, name = layer["config"], layer["name"]
        inputs = [values[source[0]] for node in layer["inbound_nodes"] for source in node]
        match layer["class_name"]:
            case "InputLayer":
                values[name] = x
            case "Conv2D":
                kernel, *bias = weights[name]
                values[name] = convolve(*inputs, kernel, config) + (bias[0] if bias else 0)
            case "SeparableConv2D":
                depthwise, pointwise = weights[name]
                diagonal = depthwise * np.eye(depthwise.shape[2])
                values[name] = convolve(*inputs, diagonal, config) @ pointwise[0, 0]
            case "BatchNormalization":
                gamma, beta, mean, variance = weights[name]
                values[name] = (inputs[0] - mean) / np.sqrt(variance + config["epsilon"]) * gamma + beta
            case "Activation" if config["activation"] == "relu":
                values[name] = np.maximum(inputs[0], 0)
            case "MaxPooling2D":
                windows = same_windows(*inputs, config["pool_size"][0], config, -np.inf)
                values[name] = windows.max(axis=(-2, -1))
            case "Add":
                values[name] = sum(inputs)
            case "GlobalAveragePooling2D":
                values[name] = inputs[0].mean(axis=(1, 2))
            case "Activation" if config["activation"] == "softmax":
                powers = np.exp(inputs[0] - inputs[0].max(axis=1, keepdims=True))
                values[name] = powers / powers.sum(axis=1, keepdims=True)
            case unknown:
                raise AssertionError(f"{unknown} {config}")
    return values[name]


def convolve(x, kernel, config):
    return np.einsum("nhwcij,ijco->nhwo", same_windows(x, kernel.shape[0], config, 0.0), kernel, optimize=True)


def same_windows(x, size, config, filler):
    """Return sliding windows, padded as in TensorFlow: https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2"""
    stride = config["strides"][0]
    if config["padding"] == "same":
        for axis in (1, 2):
            side = x.shape[axis]
            total = max((-(-side // stride) - 1) * stride + size - side, 0)
            padding = [(0, 0)] * 4
            padding[axis] = (total // 2, total - total // 2)
            x = np.pad(x, padding, constant_values=filler)
    return np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
