"""Which ``model.onnx`` belongs to which weights, decided without PyTorch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mini_xception.checkpoint.folder import GRAPH
from mini_xception.network.config import ModelConfig

#: The entry of an ONNX file's metadata that identifies the weights.
FINGERPRINT = "fingerprint"


def compute_fingerprint(config: ModelConfig, tensors: Mapping[str, np.ndarray]) -> str:
    """Compute the SHA-256 digest of a configuration, without its metrics, and of a state dict."""
    digest = hashlib.sha256(json.dumps(metadata(config), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode() + tensor.astype(np.float64).tobytes())
    return digest.hexdigest()


def find_graph(folder: Path, config: ModelConfig, tensors: Mapping[str, np.ndarray]) -> Path | None:
    """Find the graph of a checkpoint's weights: its own ``model.onnx``, or one in the user's cache."""
    expected = compute_fingerprint(config, tensors)
    if has_fingerprint(folder / GRAPH, expected):
        return folder / GRAPH
    cached = cached_graph_path(expected)
    return cached if has_fingerprint(cached, expected) else None


def has_fingerprint(path: Path, fingerprint: str) -> bool:
    """Whether an ONNX file exists and carries this fingerprint.

    Its metadata is plain text at the end of the file. Searching for the digest needs neither onnx nor a session.
    """
    return path.is_file() and fingerprint.encode() in path.read_bytes()


def cached_graph_path(fingerprint: str) -> Path:
    """Return where the graph of these weights is stored in the user's cache."""
    from platformdirs import user_cache_path

    return user_cache_path("mini_xception") / "graphs" / f"{fingerprint}.onnx"


def metadata(config: ModelConfig) -> dict[str, str]:
    """Return each entry of a configuration as JSON, without the metrics; an ONNX file stores them."""
    return {name: json.dumps(value) for name, value in config.to_json().items() if name != "metrics"}
