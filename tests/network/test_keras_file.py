"""Models that Keras 3 has saved again, as .h5 and as .keras. The files are written here as Keras writes them."""

import io
import json
import zipfile
from collections import Counter

import numpy as np
import pytest
import torch

from mini_xception import MiniXception, MiniXceptionError
from mini_xception.network.convert import KERAS_ORDER, convert_checkpoint

h5py = pytest.importorskip("h5py", reason="needs the extra 'convert'")

CLASSES = {"base.0": "Conv2D", "base.3": "Conv2D", "conv": "Conv2D", "right.0": "Conv2D"}
CLASSES |= {"left.0": "SeparableConv2D", "left.3": "SeparableConv2D"}
GROUPS = {"Conv2D": "conv2d", "SeparableConv2D": "separable_conv2d", "BatchNormalization": "batch_normalization"}


def class_of(place: str) -> str:
    return CLASSES.get(place) or CLASSES.get(place.partition(".")[2]) or "BatchNormalization"


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = MiniXception(image_size=64, mean=0.5, std=0.5, padding="tensorflow", bias=False, norm_epsilon=2e-3)
    for name, tensor in model.state_dict().items():
        if "running" in name:
            tensor.uniform_(0.5, 1)
    return model


def arrays_of(model, place: str) -> list[np.ndarray]:
    """Return a layer's weights in the order and layout of Keras."""
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    match class_of(place):
        case "BatchNormalization":
            return [state[f"{place}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")]
        case "SeparableConv2D":
            depthwise, pointwise = (state[f"{place}.{part}_conv.weight"] for part in ("depth", "point"))
            return [depthwise.transpose(2, 3, 0, 1), pointwise.transpose(2, 3, 1, 0)]
        case _:
            bias = [state[f"{place}.bias"]] if place == "conv" else []
            return [state[f"{place}.weight"].transpose(2, 3, 1, 0), *bias]


def layers_of(shape: str = "batch_shape") -> list[dict]:
    layers = [{"class_name": "InputLayer", "name": "input", "config": {shape: [None, 64, 64, 1]}}]
    for place in KERAS_ORDER:
        config = {"epsilon": 2e-3} if class_of(place) == "BatchNormalization" else {}
        layers.append({"class_name": class_of(place), "name": f"layer_{place}", "config": config})
        layers.append({"class_name": "Activation", "name": f"relu_{place}", "config": {}})
    return layers


def write_h5(path, model, shape="batch_shape") -> None:
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"config": {"layers": layers_of(shape)}})
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [layer["name"] for layer in layers_of()]
        for layer in layers_of():
            place = layer["name"].removeprefix("layer_")
            arrays = arrays_of(model, place) if place in KERAS_ORDER else []
            group = weights.create_group(layer["name"])
            group.attrs["weight_names"] = [f"{place}/{number}" for number in range(len(arrays))]
            for number, array in enumerate(arrays):
                group[f"{place}/{number}"] = array


def write_keras(path, model, arrays_of=arrays_of) -> None:
    contents, numbers = io.BytesIO(), Counter()
    with h5py.File(contents, "w") as file:
        for place in KERAS_ORDER:
            name = GROUPS[class_of(place)]
            group = file.create_group(f"layers/{name}{f'_{numbers[name]}' if numbers[name] else ''}/vars")
            numbers[name] += 1
            for number, array in enumerate(arrays_of(model, place)):
                group[str(number)] = array
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("config.json", json.dumps({"config": {"layers": layers_of()}}))
        archive.writestr("model.weights.h5", contents.getvalue())


@pytest.mark.parametrize("kind", ["old .hdf5", ".h5", ".keras"])
def test_every_form_gives_the_same_checkpoint(model, tmp_path, kind):
    path = tmp_path / f"model{kind.removeprefix('old ')}"
    if kind == ".keras":
        write_keras(path, model)
    else:
        write_h5(path, model, "batch_input_shape" if kind.startswith("old") else "batch_shape")
    convert_checkpoint(path, tmp_path / "folder")
    converted = MiniXception.from_pretrained(tmp_path / "folder")
    assert converted.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(converted.state_dict()[name], tensor), name


def refusal(path) -> str:
    with pytest.raises(MiniXceptionError) as caught:
        convert_checkpoint(path, path.parent / "folder")
    assert not (path.parent / "folder").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_weights_that_are_not_finite(model, tmp_path):
    def broken(model, place):
        arrays = arrays_of(model, place)
        return [array * np.nan for array in arrays] if place == "base.4" else arrays

    write_keras(tmp_path / "model.keras", model, broken)
    assert "some values are not finite in base.4.weight, base.4.bias, base.4.running_mean and 1 more" in refusal(
        tmp_path / "model.keras"
    )


def test_weights_alone_and_sizes_that_no_memory_holds(model, tmp_path):
    path = tmp_path / "model.h5"
    write_h5(path, model)
    with h5py.File(path, "a") as file:
        del file.attrs["model_config"]
    assert "use a file that contains the whole model, not only the weights" in refusal(path)
    write_h5(path, model)
    with h5py.File(path, "a") as file:
        del file["model_weights/layer_base.0/base.0/0"]
        # A few bytes in the file, and terabytes in memory.
        file["model_weights/layer_base.0"].create_dataset("base.0/0", (1_000_000, 1_000_000), "f4", chunks=True)
    assert "not a mini_XCEPTION model" in refusal(path)
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b"[" * 100_000_000)
        archive.writestr("model.weights.h5", b"")
    assert "not a mini_XCEPTION model" in refusal(tmp_path / "bomb.keras")


def test_the_official_file_saved_again(shared, tmp_path):
    official = shared / "anchors" / "fer2013_mini_XCEPTION.107-0.66.hdf5"
    convert_checkpoint(official, tmp_path / "official")
    model = MiniXception.from_pretrained(tmp_path / "official")
    model.norm_epsilon = 2e-3
    write_keras(tmp_path / "model.keras", model)
    convert_checkpoint(tmp_path / "model.keras", tmp_path / "again")
    again = MiniXception.from_pretrained(tmp_path / "again").state_dict()
    for name, tensor in model.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(again[name], tensor), name
