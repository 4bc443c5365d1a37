"""Strict loading, saving and publishing of a network whose constructor arguments are stored in ``config.json``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin

from mini_xception.checkpoint.card import write_card
from mini_xception.checkpoint.download import locate_checkpoint
from mini_xception.checkpoint.folder import Checkpoint, read_checkpoint, write_checkpoint
from mini_xception.checkpoint.push import push_folder
from mini_xception.errors import MiniXceptionError
from mini_xception.network.config import ModelConfig
from mini_xception.network.devices import initial_torch_defaults, resolve_device
from mini_xception.network.fingerprint import compute_fingerprint

if TYPE_CHECKING:
    from huggingface_hub import ModelCard
    from torch import Tensor


class Pretrained(PyTorchModelHubMixin):
    """A strict version of huggingface_hub's mixin for PyTorch networks.

    The methods keep the mixin's names and keywords. They are overridden because, in the mixin,

    - ``from_pretrained`` accepts a missing ``config.json`` and missing tensors, and falls back to pickled weights,
    - ``save_pretrained`` deletes ``config.json`` before it writes a new one,
    - ``push_to_hub`` replaces a model card that others have edited,
    - ``generate_model_card`` knows neither the labels nor the scores.

    A subclass must be a ``torch.nn.Module`` with the attributes ``labels`` and ``provenance``, the properties
    ``config`` and ``settings``, and a last layer ``conv``.
    """

    if TYPE_CHECKING:
        labels: tuple[str, ...]
        provenance: dict[str, str]
        conv: torch.nn.Conv2d

        @property
        def config(self) -> dict[str, Any]: ...
        @property
        def settings(self) -> ModelConfig: ...
        def state_dict(self) -> dict[str, Tensor]: ...
        def load_state_dict(self, state_dict: dict[str, Tensor], strict: bool = True) -> Any: ...
        def to(self, *args: Any) -> Self: ...
        def eval(self) -> Self: ...

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        name: str | os.PathLike[str] | None = None,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype = torch.float32,
        labels: Sequence[str] | None = None,
        num_classes: int | None = None,
        ignore_mismatched_head: bool = False,
        **download: Any,
    ) -> Self:
        """Load a checkpoint, ready for inference.

        Args:
            name: a checkpoint folder, a Hub repository ``"user/repo"``, or None for the bundled weights.
            device: a torch device. "auto" uses CUDA if it is available, else MPS, else the CPU. None uses torch's
                default device.
            dtype: data type of the weights and the input.
            labels: new names of the classes, for fine-tuning. None keeps the checkpoint's labels.
            num_classes: number of classes, as an alternative to ``labels``. If it differs from the checkpoint's
                number of classes, the new classes are named "0", "1", ….
            ignore_mismatched_head: if the classes differ from the checkpoint's, replace the last layer with a new
                layer that has random weights. If this is False, different classes are an error.
            download: revision, cache_dir, token, local_files_only and force_download of
                :func:`~mini_xception.checkpoint.locate_checkpoint`.

        Raises:
            MiniXceptionError: a file or tensor is missing or damaged, or belongs to another network; the classes
                differ; or the device is not available.
        """
        target = resolve_device(device)
        checkpoint = read_checkpoint(locate_checkpoint(name, **download))
        try:
            with initial_torch_defaults():
                model = cls(**vars(ModelConfig.from_json(checkpoint.config)))
                model, checkpoint = model._with_classes(checkpoint, labels, num_classes, ignore_mismatched_head)
                model._load_arrays(checkpoint.tensors)
        except MiniXceptionError as error:
            raise MiniXceptionError(f"{name or 'the bundled weights'}: {error}") from error
        model.provenance = checkpoint.provenance
        return model.to(target, dtype).eval()

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:  # type: ignore[override]
        """Write a checkpoint folder: ``config.json`` and ``model.safetensors``. Identical models give identical files.

        Raises:
            MiniXceptionError: the folder cannot be written.
        """
        write_checkpoint(Path(save_directory), Checkpoint(self.config, self._arrays(), self.provenance))

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Publish the model and its model card on the Hub, in one commit.

        Args:
            repo_id: "user/repo".
            options: private, branch, tag, commit_message, create_pr and token of
                :func:`~mini_xception.checkpoint.push_folder`.

        Returns:
            The URL of the commit or of the pull request.

        Raises:
            MiniXceptionError: the Hub rejects the upload or cannot be reached.
        """
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return push_folder(folder, repo_id, **options)

    def generate_model_card(self, repo_id: str = "user/repo") -> ModelCard:
        """Create the model card that :meth:`push_to_hub` publishes in a new repository."""
        return write_card(repo_id, self.config, self.provenance)

    def fingerprint(self) -> str:
        """Compute the digest that links a ``model.onnx`` to this network's configuration and weights."""
        return compute_fingerprint(self.settings, self._arrays())

    def _with_classes(
        self,
        checkpoint: Checkpoint,
        labels: Sequence[str] | None,
        num_classes: int | None,
        ignore_mismatched_head: bool,
    ) -> tuple[Self, Checkpoint]:
        """Replace the last layer with an untrained one if the caller asks for different classes."""
        if labels is None:
            labels = self.labels if num_classes in (None, len(self.labels)) else [str(i) for i in range(num_classes)]
        if num_classes not in (None, len(labels)):
            raise MiniXceptionError(
                f"num_classes is {num_classes}, but there are {len(labels)} labels; omit num_classes"
            )
        if tuple(labels) == self.labels:
            return self, checkpoint
        if not ignore_mismatched_head:
            raise MiniXceptionError(
                f"the checkpoint's classes are {', '.join(self.labels)}, not {', '.join(labels)}; "
                "pass ignore_mismatched_head=True to replace the last layer with an untrained one"
            )
        # Temperature, metrics and provenance belong to the old last layer.
        renewed = type(self)(**self.config | {"labels": labels, "temperature": 1.0, "metrics": None})
        head = {f"conv.{name}": tensor.numpy() for name, tensor in renewed.conv.state_dict().items()}
        return renewed, replace(checkpoint, tensors=checkpoint.tensors | head, provenance={})

    def _arrays(self) -> dict[str, np.ndarray]:
        """Return the state dict as arrays; NumPy has no bfloat16, so floats become float32."""
        tensors = {name: tensor.detach().cpu() for name, tensor in self.state_dict().items()}
        return {name: (t.float() if t.is_floating_point() else t).numpy() for name, t in tensors.items()}

    def _load_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        try:
            self.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()}, strict=True)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise MiniXceptionError(
                f"model.safetensors does not fit config.json ({reason}); download the checkpoint again"
            ) from error
