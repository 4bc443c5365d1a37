"""The network as an ONNX graph, for ONNX Runtime, OpenVINO and other programs.

The graph maps normalised faces, ``input``, float32 (N, 1, S, S) with any N, to two outputs: ``logits``, float32
(N, labels), and ``evidence``, float32 (N, labels, rows, columns). A logit is the mean of its class's evidence. The
file's metadata contains the entries of ``config.json`` except the metrics, as JSON under the same names:
format_version, labels, image_size, mean, std, framing, temperature and others.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mini_xception.checkpoint.folder import FORMAT_VERSION
from mini_xception.errors import MiniXceptionError
from mini_xception.media.atomic import atomic_write
from mini_xception.network.devices import initial_torch_defaults
from mini_xception.network.fingerprint import FINGERPRINT, cached_graph_path, has_fingerprint, metadata
from mini_xception.network.model import MiniXception, SeparableConv2d
from mini_xception.network.onnx_session import EVIDENCE, INPUT, LOGITS, open_session

#: Maximum difference between the graph's logits and PyTorch's. Logits reach about 10.
TOLERANCE = 1e-3


@initial_torch_defaults()
def make_graph(model: MiniXception) -> bytes:
    """Export a model to ONNX, and check the graph's logits against PyTorch's.

    Returns:
        The contents of an ONNX file.

    Raises:
        MiniXceptionError: onnx is not installed, or the logits differ by more than TOLERANCE.
    """
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise MiniXceptionError("exporting model.onnx needs the onnx package; pip install onnx") from error

    network = copy.deepcopy(model).to("cpu", torch.float32).eval()
    side = network.image_size
    faces = torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(0))
    faces = (faces - network.mean) / network.std
    proto = onnx.load_from_string(
        to_onnx(_Explained(fold_batch_norms(network), faces), faces, outputs=(LOGITS, EVIDENCE))
    )
    version = {"format_version": json.dumps(FORMAT_VERSION)}
    onnx.helper.set_model_props(proto, {**version, **metadata(network.settings), FINGERPRINT: model.fingerprint()})
    graph = proto.SerializeToString()

    with torch.inference_mode():
        expected = network(faces).numpy()
    (logits,) = open_session(graph).run([LOGITS], {INPUT: faces.numpy()})
    difference = float(np.abs(logits - expected).max())
    if not difference <= TOLERANCE:
        raise MiniXceptionError(
            f"model.onnx: its logits differ from PyTorch's by {difference:.2g}; update torch or onnxruntime"
        )
    return graph


def stored_graph(model: MiniXception) -> Path | bytes:
    """Return a model's graph from the user's cache. If the cache does not contain it, export and cache it."""
    expected = model.fingerprint()
    cached = cached_graph_path(expected)
    if has_fingerprint(cached, expected):
        return cached
    graph = make_graph(model)
    with contextlib.suppress(MiniXceptionError), atomic_write(cached) as temporary:  # The cache may be read-only.
        temporary.write_bytes(graph)
    return graph


def fold_batch_norms(model: MiniXception) -> MiniXception:
    """Copy a model for inference, with each batch norm folded into the convolution before it."""
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


class _Explained(nn.Module):
    """A network that returns its evidence with its logits. The shares, a constant, replace the last convolution."""

    def __init__(self, network: MiniXception, faces: torch.Tensor) -> None:
        super().__init__()
        self.network = network
        self.shares = nn.Buffer(network.shares(network.features(faces)).detach())

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.network.features(x).unsqueeze(1)
        evidence = (features * self.shares).sum(dim=2) + self.network.conv.bias[:, None, None]
        return evidence.mean(dim=(-2, -1)), evidence


def to_onnx(
    module: nn.Module, example: torch.Tensor, *, free_sides: bool = False, outputs: Sequence[str] = ()
) -> bytes:
    """Export a module to ONNX. Needs the onnx package.

    Args:
        module: a module in inference mode, on the CPU.
        example: an input, (N, C, H, W). N is variable in the graph.
        free_sides: whether H and W are variable too.
        outputs: names of the graph's outputs; without them, the exporter numbers the outputs.

    Returns:
        The contents of an ONNX file.
    """
    axes = {0: "n", 2: "height", 3: "width"} if free_sides else {0: "n"}
    file = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        # PyTorch recommends its newer exporter, which needs two more packages and gives the same graph here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (example,),
            file,  # type: ignore[arg-type]
            dynamo=False,
            input_names=[INPUT],
            output_names=list(outputs) or None,
            dynamic_axes={INPUT: axes},
            opset_version=17,
        )
    return file.getvalue()
