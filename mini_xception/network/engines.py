"""Engines, which run a network in ONNX Runtime, OpenVINO or PyTorch. Each one takes an array and returns an array.

To add an engine, write a class, and add a row to ENGINES below. Also add the name to ENGINES in ``cli/options.py``; a
test checks that both contain the same names.

On a CPU, ONNX Runtime and PyTorch use one thread within a call, which suits networks this small. Several threads may
call an engine at the same time. More threads within a call can be much slower, because OpenMP's waiting threads spin:
if another process keeps a core busy, PyTorch with two threads classifies 2 faces per second instead of hundreds.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.network.onnx_session import EVIDENCE, INPUT, LOGITS, open_session, unreadable

if TYPE_CHECKING:
    from openvino import InferRequest

    from mini_xception.network.model import MiniXception

#: Images per forward pass and core. Larger batches do not fit into the processor's cache.
ONNX_CHUNK, OPENVINO_CHUNK = 8, 32


class Engine(Protocol):
    """A network ready for inference. It takes float32 (N, C, H, W) and returns float32 (N, …). Thread-safe."""

    def __call__(self, inputs: np.ndarray) -> np.ndarray: ...


@runtime_checkable
class ExplainingEngine(Engine, Protocol):
    """An engine that can return the network's evidence. All engines in ENGINES and "torch" are such engines.

    ``has_evidence`` is False for a graph that mini_xception 0.1.0 exported. ``explain`` takes the input of
    ``__call__``, N ≥ 1, and returns logits, float32 (N, labels), and evidence, float32 (N, labels, rows, columns). It
    takes as long as ``__call__``.
    """

    has_evidence: bool

    def explain(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


class OnnxEngine:
    """An engine that runs an ONNX graph in ONNX Runtime, on the CPU, in float32.

    Args:
        graph: an ONNX file's path, or its contents.

    Raises:
        MiniXceptionError: the graph cannot be read.
    """

    def __init__(self, graph: Path | bytes) -> None:
        self._session = open_session(graph)
        outputs = [output.name for output in self._session.get_outputs()]
        self._first = outputs[:1]
        self.has_evidence = EVIDENCE in outputs

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        if len(inputs) <= ONNX_CHUNK:
            return self._session.run(self._first, {INPUT: inputs})[0]
        return np.concatenate([self(inputs[i : i + ONNX_CHUNK]) for i in range(0, len(inputs), ONNX_CHUNK)])

    def explain(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute logits and evidence; see :class:`ExplainingEngine`."""
        chunks = [inputs[i : i + ONNX_CHUNK] for i in range(0, len(inputs), ONNX_CHUNK)]
        return _join([self._session.run([LOGITS, EVIDENCE], {INPUT: chunk}) for chunk in chunks])


class OpenVinoEngine:
    """An engine that runs an ONNX graph in OpenVINO, on the CPU.

    Args:
        graph: an ONNX file's path, or its contents.
        precision: "f32" or "bf16". "bf16" is faster on CPUs with bfloat16 instructions, but it changes the labels of
            1.3 % of PublicTest's images.

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
        self.has_evidence = any(EVIDENCE in output.get_names() for output in self._network.outputs)

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        if len(inputs) > self._chunk:
            chunks = (inputs[i : i + self._chunk] for i in range(0, len(inputs), self._chunk))
            return np.concatenate([self(chunk) for chunk in chunks])
        return self._infer(inputs).get_output_tensor(0).data.copy()

    def explain(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute logits and evidence; see :class:`ExplainingEngine`."""
        outputs = []
        for i in range(0, len(inputs), self._chunk):
            request = self._infer(inputs[i : i + self._chunk])
            outputs.append([request.get_tensor(name).data.copy() for name in (LOGITS, EVIDENCE)])
        return _join(outputs)

    def _infer(self, inputs: np.ndarray) -> InferRequest:
        if not hasattr(self._local, "request"):
            self._local.request = self._network.create_infer_request()
        self._local.request.infer([inputs], share_inputs=True)
        return self._local.request


def _join(outputs: list[list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Join the logits and the evidence of several chunks."""
    logits, evidence = zip(*outputs, strict=True)
    return np.concatenate(logits), np.concatenate(evidence)


class Entry(NamedTuple):
    """A registry row: the package that the engine needs, and a function from an ONNX file to the engine.

    The function takes the file's path or its contents.
    """

    package: str
    run_graph: Callable[[Path | bytes], Engine]


#: Name → engine that runs an ONNX graph on the CPU. "torch" is not listed, because it needs no graph.
ENGINES: dict[str, Entry] = {
    "onnx": Entry("onnxruntime", OnnxEngine),
    "openvino": Entry("openvino", OpenVinoEngine),
    "openvino-bf16": Entry("openvino", lambda graph: OpenVinoEngine(graph, precision="bf16")),
}
#: All names that :func:`choose_engine` accepts.
ENGINE_NAMES: tuple[str, ...] = ("auto", "torch", *ENGINES)


def is_installed(package: str) -> bool:
    """Check whether a package can be imported."""
    return find_spec(package) is not None


def choose_engine(name: str, device: str) -> str:
    """Check that an engine can run on a device, and resolve "auto".

    Args:
        name: one of ENGINE_NAMES. "auto" selects "onnx" on a CPU, else "torch".
        device: "cpu", "cuda", "cuda:1", "mps", …

    Raises:
        MiniXceptionError: the engine is unknown, is not installed, or cannot run on the device.
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
            raise MiniXceptionError(f"engine {name!r} runs only on the CPU, not on {device}; use engine 'torch'")
    return name


def load_engine(name: str, model: MiniXception) -> Engine:
    """Create an engine for a network in memory. Later changes to the network's weights do not affect the engine.

    Args:
        name: as in :func:`choose_engine`. All engines compute in float32 except "openvino-bf16". If onnx is not
            installed, the network cannot be exported, and "auto" selects "torch".
        model: the network.

    Returns:
        An engine that computes the network's logits.

    Raises:
        MiniXceptionError: the engine is unknown, a package is missing, or the engine cannot run on the model's device.
    """
    from mini_xception.network.graph import fold_batch_norms, stored_graph
    from mini_xception.network.torch_engine import TorchEngine

    chosen = choose_engine(name, str(model.device))
    if chosen == "torch" or (name == "auto" and not is_installed("onnx")):
        return TorchEngine(fold_batch_norms(model))
    return ENGINES[chosen].run_graph(stored_graph(model))
