"""Engines run a network: ONNX Runtime, OpenVINO or PyTorch behind one call, an array in and an array out.

To add one, write a class and a row in ENGINES. On a CPU, ONNX Runtime and PyTorch use one thread per call, which suits
networks this small; callers may use several threads. With more threads, OpenMP's waiting threads spin: if another
process keeps a core busy, two PyTorch threads classify 2 faces per second instead of hundreds.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.network.onnx_session import INPUT, open_session, unreadable

if TYPE_CHECKING:
    from mini_xception.network.model import MiniXception

#: Images per forward pass and core. Larger batches leave the processor's cache.
ONNX_CHUNK, OPENVINO_CHUNK = 8, 32


class Engine(Protocol):
    """A network in inference: float32 (N, C, H, W) in, float32 (N, …) out. Thread-safe."""

    def __call__(self, inputs: np.ndarray) -> np.ndarray: ...


class OnnxEngine:
    """A graph in ONNX Runtime, on the CPU, in float32.

    Args:
        graph: an ONNX file's path, or its contents.

    Raises:
        MiniXceptionError: the graph cannot be read.
    """

    def __init__(self, graph: Path | bytes) -> None:
        self._session = open_session(graph)

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        if len(inputs) <= ONNX_CHUNK:
            return self._session.run(None, {INPUT: inputs})[0]
        return np.concatenate([self(inputs[i : i + ONNX_CHUNK]) for i in range(0, len(inputs), ONNX_CHUNK)])


class OpenVinoEngine:
    """A graph in OpenVINO, on the CPU.

    Args:
        graph: an ONNX file's path, or its contents.
        precision: "f32", or "bf16", which is faster on CPUs with bfloat16 instructions and changes probabilities in the
            third decimal.

    Raises:
        MiniXceptionError: the graph cannot be read.
    """

    def __init__(self, graph: Path | bytes, precision: str = "f32") -> None:
        import openvino

        try:
            core = openvino.Core()
            model = core.read_model(io.BytesIO(graph) if isinstance(graph, bytes) else graph)
            self._network = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})
        except RuntimeError as error:
            raise unreadable(graph, error) from error
        self._chunk = OPENVINO_CHUNK * self._network.get_property("INFERENCE_NUM_THREADS")
        self._local = threading.local()  # An inference request holds one thread's input and output.

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        if len(inputs) > self._chunk:
            chunks = (inputs[i : i + self._chunk] for i in range(0, len(inputs), self._chunk))
            return np.concatenate([self(chunk) for chunk in chunks])
        if not hasattr(self._local, "request"):
            self._local.request = self._network.create_infer_request()
        self._local.request.infer([inputs], share_inputs=True)
        return self._local.request.get_output_tensor(0).data.copy()


class Entry(NamedTuple):
    """A registry row: the package an engine needs, and how to run a graph, an ONNX file's path or its contents."""

    package: str
    run_graph: Callable[[Path | bytes], Engine]


#: name → how a graph runs on the CPU. "torch" is not in the list: it runs the network itself, on any device.
ENGINES: dict[str, Entry] = {
    "onnx": Entry("onnxruntime", OnnxEngine),
    "openvino": Entry("openvino", OpenVinoEngine),
    "openvino-bf16": Entry("openvino", lambda graph: OpenVinoEngine(graph, precision="bf16")),
}
#: All names that :func:`choose_engine` accepts.
ENGINE_NAMES: tuple[str, ...] = ("auto", "torch", *ENGINES)


def is_installed(package: str) -> bool:
    """Whether a package can be imported."""
    return find_spec(package) is not None


def choose_engine(name: str, device: str) -> str:
    """Check that an engine can run on a device, and resolve "auto".

    Args:
        name: one of ENGINE_NAMES. "auto" is "onnx" on a CPU, else "torch".
        device: "cpu", "cuda", "cuda:1", "mps", …

    Raises:
        MiniXceptionError: no engine has this name, it is not installed, or it cannot run on the device.
    """
    if name == "auto":
        return "onnx" if device == "cpu" else "torch"
    if name not in ENGINE_NAMES:
        raise MiniXceptionError(f"engine {name!r} not found; choose one of {', '.join(ENGINE_NAMES)}")
    if name != "torch":
        package = ENGINES[name].package
        if not is_installed(package):
            raise MiniXceptionError(f"engine {name!r} needs {package}; pip install {package}")
        if device != "cpu":
            raise MiniXceptionError(f"engine {name!r} runs on the CPU, not on {device}; use engine 'torch'")
    return name


def load_engine(name: str, model: MiniXception) -> Engine:
    """Make an engine that computes the logits of a network in memory, with the weights that it has now.

    Args:
        name: as in :func:`choose_engine`. All engines compute in float32 except "openvino-bf16". "auto" is "torch" if
            onnx, which exports the network, is not installed.
        model: the network.

    Raises:
        MiniXceptionError: no engine has this name, a package is missing, or it cannot run on the model's device.
    """
    from mini_xception.network.graph import fold_batch_norms, stored_graph
    from mini_xception.network.torch_engine import TorchEngine

    chosen = choose_engine(name, str(model.device))
    if chosen == "torch" or (name == "auto" and not is_installed("onnx")):
        return TorchEngine(fold_batch_norms(model))
    return ENGINES[chosen].run_graph(stored_graph(model))
