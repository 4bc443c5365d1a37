"""Export of networks to ONNX files, for other programs and for the browser page."""

from __future__ import annotations

import os
from pathlib import Path

from mini_xception.checkpoint.folder import GRAPH
from mini_xception.detection.networks import SIDES
from mini_xception.detection.torch_networks import web_graph
from mini_xception.media.atomic import atomic_write
from mini_xception.network.graph import make_graph
from mini_xception.network.model import MiniXception


def export(model: MiniXception, folder: str | os.PathLike[str]) -> Path:
    """Export a model to ``model.onnx`` in a folder, and check its logits against PyTorch's.

    Returns:
        The file's path.

    Raises:
        MiniXceptionError: onnx is not installed, the logits differ, or the folder cannot be written.
    """
    path = Path(folder) / GRAPH
    graph = make_graph(model)
    with atomic_write(path) as temporary:
        temporary.write_bytes(graph)
    return path


def export_web(model: MiniXception, folder: str | os.PathLike[str]) -> Path:
    """Export the four networks of the browser page: ``model.onnx``, ``pnet.onnx``, ``rnet.onnx`` and ``onet.onnx``.

    Returns:
        The folder.

    Raises:
        MiniXceptionError: as for :func:`export`, or facenet-pytorch's weights are missing.
    """
    folder = Path(folder)
    export(model, folder)
    for name in SIDES:
        graph = web_graph(name)
        with atomic_write(folder / f"{name}.onnx") as temporary:
            temporary.write_bytes(graph)
    return folder
