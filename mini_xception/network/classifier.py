"""Classification of face crops with a checkpoint's preprocessing, engine and temperature.

PyTorch is imported only if it is needed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mini_xception.checkpoint.download import fetch_graph, locate_checkpoint
from mini_xception.checkpoint.folder import read_checkpoint
from mini_xception.errors import MiniXceptionError
from mini_xception.network.config import ModelConfig
from mini_xception.network.devices import choose_device
from mini_xception.network.engines import ENGINES, Engine, ExplainingEngine, choose_engine, load_engine
from mini_xception.network.fingerprint import compute_fingerprint, find_graph
from mini_xception.network.preprocess import normalise

if TYPE_CHECKING:
    import torch

    from mini_xception.network.model import MiniXception

#: Number of faces that are preprocessed and classified together.
BATCH_SIZE = 256
#: Options that only the PyTorch network supports.
TORCH_OPTIONS = frozenset({"dtype", "labels", "num_classes", "ignore_mismatched_head"})

logger = logging.getLogger("mini_xception")


class Classifier:
    """Classifies face crops.

    Args:
        config: the checkpoint's configuration.
        engine: computes the logits.
        fingerprint: identifies weights and configuration; see :mod:`mini_xception.network.fingerprint`.
        folder: the checkpoint's folder, from which :attr:`model` is loaded on first use.

    Attributes:
        config: labels, preprocessing and temperature.
        engine: computes the logits.
        fingerprint: identifies weights and configuration.
        detection_device: where the face detector should run: "cpu", or the network's CUDA device.
    """

    def __init__(self, config: ModelConfig, engine: Engine, fingerprint: str, folder: Path) -> None:
        self.config = config
        self.engine = engine
        self.fingerprint = fingerprint
        self.detection_device = "cpu"
        self._folder = folder

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str] | None = None,
        *,
        device: str | torch.device | None = None,
        engine: str = "auto",
        **options: Any,
    ) -> Classifier:
        """Load a checkpoint; see :meth:`mini_xception.EmotionRecognizer.from_pretrained`."""
        device = choose_device(device)
        chosen = choose_engine(engine, device)
        if chosen == "torch" or options.keys() & TORCH_OPTIONS:
            model_class = _import_model(name)
            return cls.from_model(model_class.from_pretrained(name, device=device, **options), engine)

        folder = locate_checkpoint(name, **options)
        checkpoint = read_checkpoint(folder)
        try:
            config = ModelConfig.from_json(checkpoint.config)
        except MiniXceptionError as error:
            raise MiniXceptionError(f"{name or 'the bundled weights'}: {error}") from error
        fetch_graph(name, folder, **options)
        fingerprint = compute_fingerprint(config, checkpoint.tensors)
        if graph := find_graph(folder, fingerprint):
            return cls(config, ENGINES[chosen].run_graph(graph), fingerprint, folder)
        _suggest_export(str(name), folder)
        return cls.from_model(_import_model(name).from_pretrained(folder, device="cpu"), engine)

    @classmethod
    def from_model(cls, model: MiniXception, engine: Engine | str = "auto") -> Classifier:
        """Create a classifier from a network in memory, which is switched to inference mode."""
        model.eval()
        loaded = load_engine(engine, model) if isinstance(engine, str) else engine
        classifier = cls(model.settings, loaded, model.fingerprint(), Path())
        classifier.model = model  # instead of loading it from a folder
        if model.device.type == "cuda":  # MPS does not support MTCNN's pooling.
            classifier.detection_device = str(model.device)
        return classifier

    @cached_property
    def model(self) -> MiniXception:
        """The PyTorch network, loaded on first use."""
        return _import_model(self._folder).from_pretrained(self._folder, device="cpu")

    def __call__(self, crops: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Classify face crops.

        Args:
            crops: N uint8 images of any size, RGB (H, W, 3) or grey (H, W).

        Returns:
            Probabilities, float32, (N, number of labels).

        Raises:
            MiniXceptionError: a crop is not a uint8 image, or the network's output is not finite.
        """
        probabilities = np.empty((len(crops), len(self.config.labels)), np.float32)
        for batch, faces in self._batches(crops):
            probabilities[batch] = self._probabilities(self.engine(faces))
        return probabilities

    def explain(self, crops: Sequence[np.ndarray] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classify face crops, and return the evidence for each class, in one pass.

        Args:
            crops: as for :meth:`__call__`, N ≥ 1.

        Returns:
            Probabilities, float32, (N, number of labels), and evidence, float32, (N, number of labels, rows, columns).
            The mean of a class's evidence is its logit, before the division by the temperature.

        Raises:
            MiniXceptionError: as for :meth:`__call__`; or the engine gives no evidence; or ``model.onnx`` gives none,
                because mini_xception 0.1.0 exported it, and a new graph cannot be made.
        """
        probabilities = np.empty((len(crops), len(self.config.labels)), np.float32)
        evidence = []
        for batch, faces in self._batches(crops):
            logits, maps = self._explaining_engine.explain(faces)
            probabilities[batch] = self._probabilities(logits)
            evidence.append(maps)
        return probabilities, np.concatenate(evidence)

    @cached_property
    def _explaining_engine(self) -> ExplainingEngine:
        if not isinstance(self.engine, ExplainingEngine):
            raise MiniXceptionError(
                f"{type(self.engine).__name__}: this engine gives no evidence; use 'onnx', 'openvino' or 'torch', "
                "or add has_evidence and explain, as in mini_xception.network.engines.ExplainingEngine"
            )
        if self.engine.has_evidence:
            return self.engine
        _suggest_new_export(self._folder)
        engine = load_engine("auto", self.model)
        assert isinstance(engine, ExplainingEngine)
        return engine

    def _batches(self, crops: Sequence[np.ndarray] | np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        config = self.config
        for start in range(0, len(crops), BATCH_SIZE):
            batch = slice(start, start + BATCH_SIZE)
            yield batch, normalise(crops[batch], config.image_size, config.mean, config.std)

    def _probabilities(self, logits: np.ndarray) -> np.ndarray:
        if not np.isfinite(logits).all():
            raise MiniXceptionError("the network's output is not finite; its weights are damaged, use others")
        return _softmax(logits / self.config.temperature)


def _import_model(name: object) -> type[MiniXception]:
    try:
        from mini_xception.network.model import MiniXception
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MiniXceptionError(
            f"{name or 'the bundled weights'}: PyTorch is required but not installed; pip install torch, or add a "
            "model.onnx to the checkpoint with `mini-xception export` and use the CPU"
        ) from error
    return MiniXception


@lru_cache  # once per checkpoint
def _suggest_export(name: str, folder: Path) -> None:
    logger.warning(
        "%s: no model.onnx for these weights, so PyTorch is imported, which takes several seconds; "
        "run `mini-xception export %s` to create the file",
        name,
        folder,
    )


@lru_cache  # once per checkpoint
def _suggest_new_export(folder: Path) -> None:
    logger.warning(
        "%s: model.onnx has no evidence, because mini_xception 0.1.0 exported it, so PyTorch is imported; "
        "run `mini-xception export %s` to renew the file",
        folder,
        folder,
    )


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
