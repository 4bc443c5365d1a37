"""The network as an ONNX file, for ONNX Runtime, OpenVINO and other programs.

It maps normalised faces, ``input``, float32 (N, 1, S, S) with any N, to logits, float32 (N, labels). What else such a
program must know stands in the file's metadata, as JSON under the names that ``config.json`` has: format_version,
labels, image_size, mean, std, framing, temperature and the rest.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from platformdirs import user_cache_path
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mini_xception.engines import Engine, OnnxEngine, OpenVinoEngine, TorchEngine, choose_engine, to_onnx
from mini_xception.errors import MiniXceptionError
from mini_xception.files import replacing
from mini_xception.hub import FORMAT_VERSION, GRAPH
from mini_xception.model import MiniXception, SeparableConv2d
from mini_xception.mtcnn_networks import SIDES, web_graph

#: How far the graph's logits may be from PyTorch's; the largest are about 10.
TOLERANCE = 1e-3
#: The metadata that tells which weights a file has.
FINGERPRINT = "fingerprint"


def export(model: MiniXception, folder: str | os.PathLike[str]) -> Path:
    """Write ``model.onnx`` into a folder, checked against PyTorch; needs the extra "onnx".

    Returns:
        The file's path.

    Raises:
        MiniXceptionError: a package is missing, the graph's logits are not PyTorch's, or the folder cannot be written.
    """
    choose_engine("onnx", torch.device("cpu"))
    path = Path(folder) / GRAPH
    graph = _graph(model)
    with replacing(path) as partial:
        partial.write_bytes(graph)
    return path


def export_web(model: MiniXception, folder: str | os.PathLike[str]) -> Path:
    """Write what the browser page reads into a folder, which is made: ``model.onnx`` and the face detector's ``pnet``,
    ``rnet`` and ``onet``; needs the extra "onnx".

    Returns:
        The folder.

    Raises:
        MiniXceptionError: as :func:`export`, or facenet-pytorch's weights are not there.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MiniXceptionError(f"{folder}: cannot be made ({error.strerror})") from error
    export(model, folder)
    for name in SIDES:
        graph = web_graph(name)
        with replacing(folder / f"{name}.onnx") as partial:
            partial.write_bytes(graph)
    return folder


def load_engine(name: str, model: MiniXception, folder: str | os.PathLike[str] | None = None) -> Engine:
    """What gives a model's logits, with the weights that it has now.

    Args:
        name: "openvino", "onnx", "torch", or "auto", which on a CPU is the first of these that is installed.
        model: the network.
        folder: the checkpoint's. Its ``model.onnx`` is taken if it has the model's weights; else the graph is kept in
            the user's cache. Without a folder the graph is made anew.

    Raises:
        MiniXceptionError: no engine has this name, it is not installed, or it cannot run on the model's device.
    """
    name = choose_engine(name, model.device)
    if name == "torch":
        return TorchEngine(fold_batch_norms(model))
    graph = _graph(model) if folder is None else _kept_graph(model, Path(folder))
    return OpenVinoEngine(graph) if name == "openvino" else OnnxEngine(graph)


def fold_batch_norms(model: MiniXception) -> MiniXception:
    """A copy for inference, whose convolutions do the work of the batch norms behind them."""
    folded = copy.deepcopy(model).eval()
    for block in [module for module in folded.modules() if isinstance(module, nn.Sequential)]:
        for i, (layer, norm) in enumerate(pairwise(list(block))):
            if not isinstance(norm, nn.BatchNorm2d):
                continue
            if isinstance(layer, SeparableConv2d):
                layer.point_conv = fuse_conv_bn_eval(layer.point_conv, norm)
            elif isinstance(layer, nn.Conv2d):
                block[i] = fuse_conv_bn_eval(layer, norm)
            block[i + 1] = nn.Identity()
    return folded


def fingerprint(model: MiniXception) -> str:
    """SHA-256 of the metadata and the weights."""
    digest = hashlib.sha256(json.dumps(_metadata(model), sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().double().numpy().tobytes())
    return digest.hexdigest()


def read_fingerprint(path: Path) -> str | None:
    """The fingerprint of a file's weights; of a damaged or foreign one, none."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        properties = onnx.load(path).metadata_props
    except (OSError, DecodeError):
        return None
    return {entry.key: entry.value for entry in properties}.get(FINGERPRINT)


def _graph(model: MiniXception) -> bytes:
    """The ONNX file's bytes, checked."""
    import onnx

    network = copy.deepcopy(model).to("cpu", torch.float32).eval()
    side = network.image_size
    faces = torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(0), device="cpu")
    faces = (faces - network.mean) / network.std
    proto = onnx.load_from_string(to_onnx(fold_batch_norms(network), faces))
    version = {"format_version": json.dumps(FORMAT_VERSION)}
    onnx.helper.set_model_props(proto, {**version, **_metadata(network), FINGERPRINT: fingerprint(model)})
    graph = proto.SerializeToString()

    with torch.inference_mode():
        expected = network(faces).numpy()
    error = float(np.abs(OnnxEngine(graph)(faces.numpy()) - expected).max())
    if not error <= TOLERANCE:
        raise MiniXceptionError(
            f"the exported graph's logits are {error:.2g} off PyTorch's; update torch or onnxruntime"
        )
    return graph


def _kept_graph(model: MiniXception, folder: Path) -> Path | bytes:
    expected = fingerprint(model)
    cached = user_cache_path("mini_xception") / "graphs" / f"{expected}.onnx"
    for path in (folder / GRAPH, cached):
        if path.is_file() and read_fingerprint(path) == expected:
            return path
    graph = _graph(model)
    with contextlib.suppress(OSError, MiniXceptionError):  # Without a cache it is made at every start.
        cached.parent.mkdir(parents=True, exist_ok=True)
        with replacing(cached) as partial:
            partial.write_bytes(graph)
    return graph


def _metadata(model: MiniXception) -> dict[str, str]:
    """Each value of the configuration as JSON, without what was measured with it."""
    return {name: json.dumps(value) for name, value in model.config.items() if name != "metrics"}
