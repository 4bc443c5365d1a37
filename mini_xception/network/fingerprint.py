"""Fingerprints, which tell whether a ``model.onnx`` belongs to a checkpoint's weights. PyTorch is not needed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mini_xception.checkpoint.folder import GRAPH
from mini_xception.media.cache import cache_folder
from mini_xception.network.config import ModelConfig

#: Name of the metadata entry that identifies the weights of an ONNX file.
FINGERPRINT = "fingerprint"


def compute_fingerprint(config: ModelConfig, tensors: Mapping[str, np.ndarray]) -> str:
    """Compute the SHA-256 digest of a configuration (without its metrics) and a state dict."""
    digest = hashlib.sha256(json.dumps(metadata(config), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode() + tensor.astype(np.float64).tobytes())
    return digest.hexdigest()


def find_graph(folder: Path, fingerprint: str) -> Path | None:
    """Find the ONNX file with this fingerprint in the checkpoint folder or in the user's cache, or return None."""
    if has_fingerprint(folder / GRAPH, fingerprint):
        return folder / GRAPH
    cached = cached_graph_path(fingerprint)
    return cached if has_fingerprint(cached, fingerprint) else None


def has_fingerprint(path: Path, fingerprint: str) -> bool:
    """Check whether an ONNX file exists, can be read, and contains a fingerprint.

    The metadata is plain text at the end of the file, so searching for the digest needs neither onnx nor a session.
    """
    try:
        return fingerprint.encode() in path.read_bytes()
    except OSError:  # In a container, the cache may belong to another user.
        return False


def cached_graph_path(fingerprint: str) -> Path:
    """Return the path of the ONNX file with this fingerprint in the user's cache.

    The suffix tells the file from one that mini_xception 0.1.0 cached, which has no second output.
    """
    return cache_folder() / "graphs" / f"{fingerprint}.evidence.onnx"


def metadata(config: ModelConfig) -> dict[str, str]:
    """Return the metadata of an ONNX file: each entry of the configuration except the metrics, as JSON."""
    return {name: json.dumps(value) for name, value in config.to_json().items() if name != "metrics"}
