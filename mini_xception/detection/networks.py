"""MTCNN's three networks as the ONNX files of the package, which run on a CPU without PyTorch."""

from __future__ import annotations

from pathlib import Path

from mini_xception.network.engines import Engine, OnnxEngine

#: Network → side in pixels of its input; pnet is fully convolutional and also takes larger images.
SIDES: dict[str, int] = {"pnet": 12, "rnet": 24, "onet": 48}
#: ``pnet.onnx``, ``rnet.onnx`` and ``onet.onnx``, made by ``recipes/export_mtcnn.py`` from facenet-pytorch's weights.
GRAPHS = Path(__file__).parents[1] / "weights" / "mtcnn"


def load_network(name: str) -> Engine:
    """Load "pnet", "rnet" or "onet" for the CPU.

    Raises:
        MiniXceptionError: the file is missing or damaged.
    """
    return OnnxEngine(GRAPHS / f"{name}.onnx")
