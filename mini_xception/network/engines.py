"""Engines run a network: PyTorch, ONNX Runtime or OpenVINO behind one call, an array in and an array out.

To add one, write a class and a row in ENGINES. On a CPU, PyTorch and ONNX Runtime use one thread a call, which suits
networks this small; callers may use several threads. With more threads, OpenMP's waiting threads spin: if another
process keeps a core busy, two PyTorch threads classify 2 faces a second instead of hundreds.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import nn

from mini_xception.errors import MiniXceptionError
from mini_xception.network.graph import cached_graph, fold_batch_norms, make_graph
from mini_xception.network.model import MiniXception
from mini_xception.network.onnx_session import INPUT, open_session, unreadable

#: Images per forward pass and core on a CPU. Larger batches are slower: PyTorch allocates more memory, and the others
#: leave the processor's cache.
TORCH_CHUNK, ONNX_CHUNK, OPENVINO_CHUNK = 16, 8, 32


class Engine(Protocol):
    """A network in inference: float32 (N, C, H, W) in, float32 (N, …) out. Thread-safe."""

    def __call__(self, inputs: np.ndarray) -> np.ndarray: ...


class TorchEngine:
    """A module on its device. The module is put into inference mode and channels-last layout."""

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
    """A registry row: the packages an engine needs, the extra that installs them, and how to run a graph."""

    packages: tuple[str, ...]
    extra: str
    run_graph: Callable[[Path | bytes], Engine]


#: name → how a graph runs on the CPU. ``torch`` is not in the list: it runs the network itself, on any device.
ENGINES: dict[str, Entry] = {
    "onnx": Entry(("onnxruntime", "onnx"), "onnx", OnnxEngine),
    "openvino": Entry(("openvino", "onnxruntime", "onnx"), "openvino", OpenVinoEngine),
    "openvino-bf16": Entry(
        ("openvino", "onnxruntime", "onnx"), "openvino", lambda graph: OpenVinoEngine(graph, precision="bf16")
    ),
}
#: All names that :func:`load_engine` accepts.
ENGINE_NAMES: tuple[str, ...] = ("auto", "torch", *ENGINES)


def is_installed(engine: str) -> bool:
    """Whether the packages that an engine needs are installed."""
    return engine == "torch" or not _missing(engine)


def choose_engine(name: str, device: torch.device) -> str:
    """Check that an engine can run on a device, and resolve "auto".

    Args:
        name: one of ENGINE_NAMES. "auto" is "onnx" on a CPU if it is installed, else "torch".
        device: where the network is.

    Raises:
        MiniXceptionError: no engine has this name, it is not installed, or it cannot run on the device.
    """
    if name == "auto":
        return "onnx" if device.type == "cpu" and is_installed("onnx") else "torch"
    if name not in ENGINE_NAMES:
        raise MiniXceptionError(f"engine {name!r} not found; choose one of {', '.join(ENGINE_NAMES)}")
    if name != "torch":
        if missing := _missing(name):
            raise MiniXceptionError(
                f"engine {name!r} needs {' and '.join(missing)}; pip install 'mini-xception[{ENGINES[name].extra}]'"
            )
        if device.type != "cpu":
            raise MiniXceptionError(f"engine {name!r} runs on the CPU, not on {device}; use engine 'torch'")
    return name


def load_engine(name: str, model: MiniXception, folder: str | os.PathLike[str] | None = None) -> Engine:
    """Make an engine that computes a model's logits, with the weights that the model has now.

    Args:
        name: as in :func:`choose_engine`. All engines compute in float32 except "openvino-bf16".
        model: the network.
        folder: the model's checkpoint folder. Its ``model.onnx`` is used if it has the same weights; else the graph is
            stored in the user's cache. Without a folder the graph is made each time.

    Raises:
        MiniXceptionError: no engine has this name, it is not installed, or it cannot run on the model's device.
    """
    name = choose_engine(name, model.device)
    if name == "torch":
        return TorchEngine(fold_batch_norms(model))
    return ENGINES[name].run_graph(make_graph(model) if folder is None else cached_graph(model, Path(folder)))


def _missing(engine: str) -> list[str]:
    return [package for package in ENGINES[engine].packages if find_spec(package) is None]


class _OneThread:
    """Limits PyTorch to one thread during a call, and restores the number afterwards.

    The number belongs to each thread, but a thread that is new to PyTorch takes the number that was last set anywhere.
    Of several calls at the same time, only the first knows which number to restore.
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
