"""Checkpoints of other trainers are unwrapped, or refused with a line that says what does not fit."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mini_xception import MiniXception, MiniXceptionError
from mini_xception.network.convert import convert_checkpoint

STATE = MiniXception().state_dict()
OPTIMIZER = {"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.zeros(8)}}, "param_groups": [{"lr": 1e-3}]}


def prefixed(prefix: str) -> dict:
    return {f"{prefix}{name}": tensor for name, tensor in STATE.items()}


FILES = {
    "DataParallel": prefixed("module."),
    "torch.compile": prefixed("_orig_mod."),
    "both": prefixed("module._orig_mod."),
    "parts compiled": {name.replace("base.", "base._orig_mod."): tensor for name, tensor in STATE.items()},
    "net": {"net": STATE, "acc": 66.1, "epoch": 99},
    "state_dict": {"state_dict": prefixed("module."), "optimizer": OPTIMIZER, "best_acc1": torch.tensor(0.66)},
    "model": {"model": STATE, "optimizer": OPTIMIZER, "lr_scheduler": {"last_epoch": 3}},
    "Lightning": {
        "epoch": 3,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": {**prefixed("model."), "criterion.weight": torch.ones(7), "accuracy.confmat": torch.zeros(7, 7)},
        "hyper_parameters": {"lr": 1e-3},
    },
    "timm": {"arch": "mini_xception", "state_dict": STATE, "args": argparse.Namespace(lr=0.1, out=Path("runs"))},
    "NumPy numbers": {"state_dict": STATE, "accuracy": np.float64(0.66), "losses": np.zeros(3, np.float32)},
    "averaged": {**prefixed("module."), "n_averaged": torch.tensor(3)},
    "FSDP": {name.replace("module1.", "_fsdp_wrapped_module.module1."): tensor for name, tensor in STATE.items()},
    "a list": [STATE, OPTIMIZER],
    "numbers as keys": {0: {"weights": STATE}},
    "equal copies": {"model": STATE, "model_ema": {name: tensor.clone() for name, tensor in STATE.items()}},
    "float16": {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in STATE.items()},
    "without num_batches_tracked": {n: tensor for n, tensor in STATE.items() if not n.endswith("num_batches_tracked")},
    "parameters": {name: torch.nn.Parameter(tensor, False) for name, tensor in STATE.items()},
}


@pytest.mark.parametrize("trainer", FILES)
def test_checkpoints_of_other_trainers_are_converted(tmp_path, trainer):
    torch.save(FILES[trainer], tmp_path / "other.pth")
    convert_checkpoint(tmp_path / "other.pth", tmp_path / "folder")
    converted = MiniXception.from_pretrained(tmp_path / "folder").state_dict()
    for name, tensor in STATE.items():
        expected = tensor.half().float() if trainer == "float16" else tensor
        assert torch.equal(converted[name], expected), name


@pytest.mark.parametrize("options", [{"_use_new_zipfile_serialization": False}, None])
def test_old_files_of_pytorch_and_safetensors(tmp_path, options):
    if options is None:
        save_file(prefixed("module."), tmp_path / "other")
    else:
        torch.save(prefixed("module."), tmp_path / "other", **options)
    convert_checkpoint(tmp_path / "other", tmp_path / "folder")
    converted = MiniXception.from_pretrained(tmp_path / "folder").state_dict()
    assert all(torch.equal(converted[name], tensor) for name, tensor in STATE.items())


WITHOUT_BIAS = {name: tensor for name, tensor in STATE.items() if name != "conv.bias"}
BROKEN = STATE["base.0.weight"].clone()
BROKEN[0, 0, 0, 0] = torch.nan
REFUSED = {
    "a missing tensor": ({"net": WITHOUT_BIAS}, "missing: conv.bias)"),
    "a tensor too many": ({**STATE, "fc.weight": torch.zeros(1)}, "unknown: fc.weight)"),
    "other classes": (
        {**STATE, "conv.weight": torch.zeros(6, 128, 3, 3), "conv.bias": torch.zeros(6)},
        "other shapes: conv.weight (6, 128, 3, 3) instead of (7, 128, 3, 3), conv.bias (6,) instead of (7,))",
    ),
    "many differences": (
        {name: tensor for name, tensor in STATE.items() if not name.startswith("module")},
        "missing: module1.left.0.depth_conv.bias, module1.left.0.depth_conv.weight, "
        "module1.left.0.point_conv.bias and ",
    ),
    "two networks": (
        {"model": STATE, "ema": {**STATE, "conv.bias": torch.ones(7)}},
        "contains several networks (model, ema); save one of them alone",
    ),
    "a network without values": (
        {"model": STATE, "ema": {name: tensor.to("meta") for name, tensor in STATE.items()}},
        "contains several networks (model, ema)",
    ),
    "a student and a teacher": (
        {**prefixed("student."), **{name: tensor + 1 for name, tensor in prefixed("teacher.").items()}},
        "contains several networks (student, teacher); save one of them alone",
    ),
    "another network": ({"fc.weight": torch.zeros(2)}, "no tensor's name ends in base.0.weight); save the network's"),
    "NaN": ({**STATE, "base.0.weight": BROKEN}, "some values are not finite in base.0.weight"),
    "infinity": ({**STATE, "conv.bias": torch.full((7,), torch.inf)}, "some values are not finite in conv.bias"),
    "sparse tensors": ({**STATE, "conv.bias": torch.ones(7).to_sparse()}, "conv.bias"),
    "tensors without values": ({**STATE, "conv.bias": torch.ones(7, device="meta")}, "its tensors cannot be copied"),
    "texts in place of tensors": ({**STATE, "conv.bias": "ones"}, "missing: conv.bias)"),
    "a whole model": (MiniXception(), "loading it would run code (mini_xception.network.model.MiniXception)"),
    "complex numbers": ({**STATE, "conv.bias": torch.ones(7, dtype=torch.complex64)}, "complex numbers: conv.bias)"),
    "a variance below 0": (
        {**STATE, "base.1.running_var": -torch.ones(8)},
        "the network's output is not finite; use another checkpoint",
    ),
    "numbers beyond float32": (
        {**STATE, "conv.bias": torch.full((7,), 1e300, dtype=torch.float64)},
        "not finite in conv.bias",
    ),
    "a list of texts": (["conv.weight"], "no tensor's name ends in base.0.weight"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_named_and_nothing_is_written(tmp_path, case):
    contents, reason = REFUSED[case]
    torch.save(contents, tmp_path / "other.pth")
    with pytest.raises(MiniXceptionError) as caught:
        convert_checkpoint(tmp_path / "other.pth", tmp_path / "folder")
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'other.pth'}: ")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["other.pth"]


def test_code_in_a_file_is_never_run(tmp_path):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "attacked"),)

    torch.save({"state_dict": STATE, "args": Attack()}, tmp_path / "other.pth")
    with pytest.raises(MiniXceptionError, match="loading it would run code"):
        convert_checkpoint(tmp_path / "other.pth", tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["other.pth"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of file sizes")
@pytest.mark.parametrize("exists", [False, True])
def test_a_conversion_that_fails_while_it_writes_leaves_nothing(tmp_path, exists):
    """The process may write only small files, as on a full disk: config.json fits, but the weights do not."""
    import resource

    torch.save(STATE, tmp_path / "other.pth")
    if exists:
        MiniXception(labels=("no", "yes")).save_pretrained(tmp_path / "folder")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    result = subprocess.run(
        [sys.executable, "-m", "mini_xception", "convert", tmp_path / "other.pth", tmp_path / "folder"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "cannot be written (File too large)" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert (tmp_path / "folder").exists() == exists
