"""MTCNN's three networks, which run on a CPU without PyTorch. The package contains them as ONNX files."""

from __future__ import annotations

from pathlib import Path

from mini_xception.network.engines import Engine, OnnxEngine

#: Network → side of its input in pixels. pnet is fully convolutional and also accepts larger images.
SIDES: dict[str, int] = {"pnet": 12, "rnet": 24, "onet": 48}
#: Folder of ``pnet.onnx``, ``rnet.onnx`` and ``onet.onnx``, which ``scripts/export_mtcnn.py`` exports from
#: facenet-pytorch's weights.
GRAPHS = Path(__file__).parents[1] / "weights" / "mtcnn"


def load_network(name: str) -> Engine:
    """Load "pnet", "rnet" or "onet" for the CPU.

    Raises:
        MiniXceptionError: the file is missing or damaged.
    """
    return OnnxEngine(GRAPHS / f"{name}.onnx")
