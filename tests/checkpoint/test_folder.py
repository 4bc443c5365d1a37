"""Checkpoint folders: loading is strict. An error is one line that names the file and what to do."""

import json
import os

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mini_xception import MiniXception, MiniXceptionError


@pytest.fixture
def folder(tmp_path):
    MiniXception().save_pretrained(tmp_path)
    return tmp_path


def refusal(folder, **options) -> str:
    with pytest.raises(MiniXceptionError) as caught:
        MiniXception.from_pretrained(folder, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_missing_files_are_named(folder):
    (folder / "config.json").unlink()
    assert "config.json" in refusal(folder)
    MiniXception().save_pretrained(folder)
    (folder / "model.safetensors").unlink()
    assert "model.safetensors" in refusal(folder)


def test_truncated_file(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "model.safetensors" in refusal(folder)
    assert "truncated" in refusal(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"'])
def test_config_that_is_not_an_object(folder, text):
    (folder / "config.json").write_text(text)
    assert "config.json" in refusal(folder)


def test_config_of_another_model(folder):
    (folder / "config.json").write_text(json.dumps({"hidden_size": 768}))
    assert "hidden_size" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_size", "48"),
        ("image_size", 0),
        ("mean", "a"),
        ("mean", float("nan")),
        ("std", 0),
        ("std", float("inf")),
        ("framing", {"scale": -1}),
        ("framing", {"scale": "x"}),
        ("framing", {"scale": 1, "offset_x": float("nan")}),
        ("framing", {"zoom": 1}),
        ("labels", ["happy"] * 7),
        ("labels", "abcdefg"),
        ("labels", dict.fromkeys("abcdefg", 1)),
        ("temperature", 0),
        ("temperature", "warm"),
        ("labels", []),
    ],
)
def test_config_with_an_invalid_value(folder, name, value):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, name: value}))
    assert "config.json" in refusal(folder)


@pytest.mark.parametrize("metadata", ["[]", '"x"', "3", "null"])
def test_provenance_that_is_not_an_object(folder, metadata):
    weights = folder / "model.safetensors"
    save_file(load_file(weights), weights, {"mini_xception": metadata})
    assert "model.safetensors" in refusal(folder)


def test_weights_that_are_not_finite(folder):
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    tensors["conv.weight"][0, 0, 0, 0] = float("nan")
    save_file(tensors, weights)
    assert "some values are not finite in conv.weight" in refusal(folder)


def test_graph_of_other_weights_is_deleted(folder):
    graph = folder / "model.onnx"
    graph.write_bytes(b"of these weights")
    MiniXception.from_pretrained(folder).save_pretrained(folder)
    assert graph.exists()
    MiniXception(labels=["a", "b"]).save_pretrained(folder)
    assert not graph.exists()


def test_metrics_can_be_numpy_numbers(folder):
    MiniXception(metrics={"accuracy": np.float32(0.5)}).save_pretrained(folder)
    assert MiniXception.from_pretrained(folder).metrics == {"accuracy": 0.5}


def test_missing_unknown_and_misshapen_tensors(folder):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    bias = tensors.pop("conv.bias")
    save_file(tensors, path)
    assert "conv.bias" in refusal(folder)
    save_file({**tensors, "conv.bias": bias, "head.weight": bias.clone()}, path)
    assert "head.weight" in refusal(folder)
    save_file({**tensors, "conv.bias": torch.zeros(3)}, path)
    assert "conv.bias" in refusal(folder)


def test_folder_that_does_not_exist(tmp_path):
    assert "folder not found" in refusal(tmp_path / "absent")
    assert "folder not found" in refusal("just-a-word")


def test_file_instead_of_a_folder(tmp_path):
    file = tmp_path / "E135.pth"
    file.write_bytes(b"x")
    assert "convert" in refusal(file)


def test_unreachable_hub_points_to_the_bundled_weights(tmp_path):
    assert "bundled weights" in refusal("user/repo", cache_dir=tmp_path)


def test_folder_has_no_revision(folder):
    assert "v1.0" in refusal(folder, revision="v1.0")
    assert "v1.0" in refusal(None, revision="v1.0")


@pytest.mark.parametrize("place", ["file", "file/checkpoint", "read_only/checkpoint"])
def test_unwritable_folder_is_one_line(tmp_path, place):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "read_only").mkdir(mode=0o500)
    if os.access(tmp_path / "read_only", os.W_OK) and place.startswith("read_only"):
        pytest.skip("this user can write to all folders")
    with pytest.raises(MiniXceptionError, match="cannot be written") as caught:
        MiniXception().save_pretrained(tmp_path / place)
    assert str(caught.value).startswith(str(tmp_path / place))
    assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_bytes() == b"x"
    assert not list((tmp_path / "read_only").iterdir())


def test_equal_models_give_equal_files(folder, tmp_path):
    MiniXception.from_pretrained(folder).save_pretrained(tmp_path / "again")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_bfloat16_weights_are_refused(folder):
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors | {"conv.bias": tensors["conv.bias"].bfloat16()}, folder / "model.safetensors")
    assert "save the weights in float32" in refusal(folder)
