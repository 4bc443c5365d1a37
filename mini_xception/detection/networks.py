"""MTCNN's three networks, ready to run: ONNX files of the package on a CPU, PyTorch on CUDA."""

from __future__ import annotations

from pathlib import Path

from mini_xception.network.engines import Engine, OnnxEngine

#: Network → side in pixels of its input; pnet is fully convolutional and also takes larger images.
SIDES: dict[str, int] = {"pnet": 12, "rnet": 24, "onet": 48}
#: ``pnet.onnx``, ``rnet.onnx`` and ``onet.onnx``, made by ``recipes/export_mtcnn.py`` from facenet-pytorch's weights.
GRAPHS = Path(__file__).parents[1] / "weights" / "mtcnn"


def load_network(name: str, device: str) -> Engine:
    """Load a network.

    Args:
        name: "pnet", "rnet" or "onet".
        device: "cpu", or a CUDA device, where PyTorch runs it.

    Raises:
        MiniXceptionError: its weights are missing.
    """
    if device == "cpu":
        return OnnxEngine(GRAPHS / f"{name}.onnx")
    from mini_xception.detection.torch_networks import torch_network
    from mini_xception.network.torch_engine import TorchEngine

    return TorchEngine(torch_network(name).to(device))
