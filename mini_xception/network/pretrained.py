"""Strict loading, saving and publishing for a network whose constructor arguments are its ``config.json``."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from huggingface_hub import PyTorchModelHubMixin

from mini_xception.checkpoint.download import locate_checkpoint
from mini_xception.checkpoint.folder import Checkpoint, read_checkpoint, write_checkpoint
from mini_xception.checkpoint.push import push_folder
from mini_xception.errors import MiniXceptionError
from mini_xception.network.devices import resolve_device

if TYPE_CHECKING:
    from torch import Tensor


class Pretrained(PyTorchModelHubMixin):
    """huggingface_hub's mixin, made strict.

    The mixin's methods keep their names and arguments. They are overridden because the mixin loads a network whose
    ``config.json`` is missing, falls back to pickled weights, deletes ``config.json`` before it writes a new one, and
    replaces model cards that others have edited.

    A subclass is a ``torch.nn.Module`` with the attributes ``labels`` and ``provenance``, a property ``config``, and a
    last layer ``conv``.
    """

    #: Entries that ``config.json`` must have. Without them the input's scaling would be a guess.
    REQUIRED: ClassVar[frozenset[str]] = frozenset({"labels", "image_size", "mean", "std", "framing"})

    if TYPE_CHECKING:
        labels: tuple[str, ...]
        provenance: dict[str, str]
        conv: torch.nn.Conv2d

        @property
        def config(self) -> dict[str, Any]: ...
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
            device: a torch device; "auto" is CUDA, else MPS, else the CPU; None is torch's default device.
            dtype: data type of the weights and the input.
            labels: classes for further training; None keeps the checkpoint's.
            num_classes: the same, if only their number is known; the classes are named "0", "1", ….
            ignore_mismatched_head: give the network a new last layer with random weights if its classes differ from
                the checkpoint's. Otherwise different classes are an error.
            download: revision, cache_dir, token, local_files_only and force_download of
                :func:`~mini_xception.checkpoint.locate_checkpoint`.

        Raises:
            MiniXceptionError: a file or tensor is missing, damaged, or belongs to another network.
        """
        target = resolve_device(device)
        checkpoint = read_checkpoint(locate_checkpoint(name, **download))
        try:
            with torch.device("cpu"):
                model = cls._build(checkpoint.config)
                if labels is None and num_classes not in (None, len(model.labels)):
                    labels = [str(i) for i in range(num_classes)]
                if labels is not None and tuple(labels) != model.labels:
                    if not ignore_mismatched_head:
                        raise MiniXceptionError(
                            f"the checkpoint's classes are {', '.join(model.labels)}, not {', '.join(labels)}; "
                            "ignore_mismatched_head=True replaces the last layer by an untrained one"
                        )
                    model, checkpoint = cls._with_new_head(model, checkpoint, labels)
                model._load_tensors(checkpoint.tensors)
        except MiniXceptionError as error:
            raise MiniXceptionError(f"{name or 'the bundled weights'}: {error}") from error
        model.provenance = checkpoint.provenance
        return model.to(target, dtype).eval()

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:  # type: ignore[override]
        """Write a checkpoint folder: ``config.json`` and ``model.safetensors``. Equal models give equal files.

        Raises:
            MiniXceptionError: the folder cannot be written.
        """
        write_checkpoint(Path(save_directory), Checkpoint(self.config, self.state_dict(), self.provenance))

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

    @classmethod
    def _build(cls, config: dict[str, Any]) -> Self:
        """Make the network of a ``config.json``, with random weights."""
        arguments = set(inspect.signature(cls).parameters)
        unknown, missing = sorted(set(config) - arguments), sorted(cls.REQUIRED - set(config))
        if unknown or missing:
            what = f"unknown: {', '.join(unknown) or 'nothing'}; missing: {', '.join(missing) or 'nothing'}"
            raise MiniXceptionError(f"config.json is another model's, or a newer mini_xception's ({what})")
        try:
            return cls(**config)
        except (TypeError, MiniXceptionError) as error:
            raise MiniXceptionError(f"config.json is damaged or another model's ({error})") from error

    @classmethod
    def _with_new_head(cls, model: Self, checkpoint: Checkpoint, labels: Sequence[str]) -> tuple[Self, Checkpoint]:
        """Replace the last layer by an untrained one for other labels. Metrics and provenance no longer apply."""
        renewed = cls(**model.config | {"labels": labels, "temperature": 1.0, "metrics": None})
        head = {f"conv.{name}": tensor for name, tensor in renewed.conv.state_dict().items()}
        return renewed, replace(checkpoint, tensors=checkpoint.tensors | head, provenance={})

    def _load_tensors(self, tensors: dict[str, Tensor]) -> None:
        try:
            self.load_state_dict(tensors, strict=True)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise MiniXceptionError(f"model.safetensors does not fit config.json: {reason}") from error
