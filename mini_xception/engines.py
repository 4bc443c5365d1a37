"""What runs a network: PyTorch, ONNX Runtime or OpenVINO behind one call, an array in and an array out.

On a CPU every engine is made to share it: waiting OpenMP threads spin, so that where a neighbour keeps a core busy two
PyTorch threads read 2 faces a second instead of hundreds. PyTorch and ONNX Runtime get one thread a call, which suits
networks this small, and callers may use several threads; OpenVINO's own threads sleep while they wait.
"""

from __future__ import annotations

import io
import os
import threading
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn

from mini_xception.errors import MiniXceptionError

#: name → the packages it needs, the fastest for many faces first. The extra of that name brings them.
PACKAGES: dict[str, tuple[str, ...]] = {
    "openvino": ("openvino", "onnxruntime", "onnx"),
    "onnx": ("onnxruntime", "onnx"),
    "torch": ("torch",),
}
#: Pictures a forward pass and core on a CPU. In PyTorch larger batches lose more to memory allocation than they win, in
#: the others they leave the processor's cache.
TORCH_CHUNK, ONNX_CHUNK, OPENVINO_CHUNK = 16, 8, 32
#: Name of a graph's input.
INPUT = "input"


class Engine(Protocol):
    """A network in inference: float32 (N, C, H, W) in, float32 (N, …) out. Threads may share one."""

    def __call__(self, inputs: np.ndarray) -> np.ndarray: ...


class TorchEngine:
    """A module on its device; it is put into inference mode and channels-last layout."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module.eval().to(memory_format=torch.channels_last)
        weight = next(module.parameters())
        self._device, self._dtype = weight.device, weight.dtype

    @torch.inference_mode()
    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(inputs).to(self._device, self._dtype, memory_format=torch.channels_last)
        if self._device.type != "cpu":
            return self._module(batch).float().cpu().numpy()
        with _one_thread:
            return torch.cat([self._module(chunk) for chunk in batch.split(TORCH_CHUNK)]).float().numpy()


class OnnxEngine:
    """A graph in ONNX Runtime, on the CPU.

    Args:
        graph: an ONNX file's path, or its bytes.

    Raises:
        MiniXceptionError: the graph cannot be read.
    """

    def __init__(self, graph: Path | bytes) -> None:
        # Since 1.29 it reports its use over the network unless this is set before its import; photos are private.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # errors only: what can be done about its warnings is done
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # Its exceptions have no common base.
            raise _unreadable(graph, error) from error

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        if len(inputs) <= ONNX_CHUNK:
            return self._session.run(None, {INPUT: inputs})[0]
        return np.concatenate([self(inputs[i : i + ONNX_CHUNK]) for i in range(0, len(inputs), ONNX_CHUNK)])


class OpenVinoEngine:
    """A graph in OpenVINO, on the CPU, in the precision it finds fastest there: bf16 where the CPU has it.

    Args:
        graph: an ONNX file's path, or its bytes.

    Raises:
        MiniXceptionError: the graph cannot be read.
    """

    def __init__(self, graph: Path | bytes) -> None:
        import openvino

        try:
            core = openvino.Core()
            model = core.read_model(io.BytesIO(graph) if isinstance(graph, bytes) else graph)
            self._network = core.compile_model(model, "CPU")
        except RuntimeError as error:
            raise _unreadable(graph, error) from error
        self._chunk = OPENVINO_CHUNK * self._network.get_property("INFERENCE_NUM_THREADS")
        self._local = threading.local()  # A request holds one thread's input and output.

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        if len(inputs) > self._chunk:
            chunks = (inputs[i : i + self._chunk] for i in range(0, len(inputs), self._chunk))
            return np.concatenate([self(chunk) for chunk in chunks])
        if not hasattr(self._local, "request"):
            self._local.request = self._network.create_infer_request()
        self._local.request.infer([inputs], share_inputs=True)
        return self._local.request.get_output_tensor(0).data.copy()


def is_installed(engine: str) -> bool:
    """Whether the packages that an engine needs are there."""
    return not _missing(engine)


def choose_engine(name: str, device: torch.device) -> str:
    """An engine's name; "auto" is the first in PACKAGES that is installed, or off the CPU always "torch".

    Raises:
        MiniXceptionError: no engine has this name, it is not installed, or it has no use for the device.
    """
    if name == "auto":
        return next(engine for engine in PACKAGES if is_installed(engine)) if device.type == "cpu" else "torch"
    if name not in PACKAGES:
        raise MiniXceptionError(f"no engine is called {name!r}; there are auto, {', '.join(PACKAGES)}")
    if missing := _missing(name):
        raise MiniXceptionError(f"engine {name!r} needs {' and '.join(missing)}: pip install 'mini-xception[{name}]'")
    if name != "torch" and device.type != "cpu":
        raise MiniXceptionError(f"engine {name!r} runs on the CPU, not on {device}; take engine 'torch' there")
    return name


def to_onnx(module: nn.Module, example: torch.Tensor, *, free_sides: bool = False) -> bytes:
    """A module's graph as an ONNX file's bytes; needs onnx.

    Args:
        module: in inference mode, on the CPU.
        example: an input; its N is free, with ``free_sides`` its H and W too.
    """
    axes = {0: "n", 2: "height", 3: "width"} if free_sides else {0: "n"}
    file = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        # PyTorch announces its other exporter, which needs two more packages and gives these networks the same graph.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (example,),
            file,  # type: ignore[arg-type]
            dynamo=False,
            input_names=[INPUT],
            dynamic_axes={INPUT: axes},
            opset_version=17,
        )
    return file.getvalue()


def _missing(engine: str) -> list[str]:
    return [package for package in PACKAGES[engine] if find_spec(package) is None]


class _OneThread:
    """One PyTorch thread for each call, and afterwards as many as before.

    The number is each thread's own, but a thread that is new to PyTorch takes over the one that was last set anywhere:
    of calls at the same time only the first knows what to restore.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._before = 1

    def __enter__(self) -> None:
        with self._lock:
            if self._calls == 0:
                self._before = torch.get_num_threads()
            self._calls += 1
            torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._calls -= 1
            torch.set_num_threads(self._before)


_one_thread = _OneThread()


def _unreadable(graph: Path | bytes, error: Exception) -> MiniXceptionError:
    name = "the graph" if isinstance(graph, bytes) else graph
    return MiniXceptionError(f"{name}: damaged or no ONNX file ({' '.join(str(error).split())})")
