"""ONNX Runtime sessions: their options and error messages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mini_xception.errors import MiniXceptionError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

#: Name of the input in every graph.
INPUT = "input"
#: Names of the outputs of ``model.onnx``. Graphs that mini_xception 0.1.0 exported have only the logits, unnamed.
LOGITS, EVIDENCE = "logits", "evidence"


def open_session(graph: Path | bytes) -> InferenceSession:
    """Open an ONNX graph on the CPU, with one thread.

    Args:
        graph: an ONNX file's path, or its contents.

    Raises:
        MiniXceptionError: the graph cannot be read.
    """
    # ONNX Runtime 1.29 and newer send usage reports unless this variable is set before the import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    try:
        # Without a fallback, because it prints to standard output.
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # ONNX Runtime's exceptions have no common base class.
        raise unreadable(graph, error) from error


def unreadable(graph: Path | bytes, error: Exception) -> MiniXceptionError:
    """Return the one-line error for a graph that cannot be read."""
    name = "the graph" if isinstance(graph, bytes) else graph
    return MiniXceptionError(f"{name}: damaged, or not an ONNX file ({' '.join(str(error).split())})")
