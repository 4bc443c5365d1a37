"""What a run is at the end of an epoch, and how it is written so that a kill at any moment loses at most one epoch."""

from __future__ import annotations

import copy
import csv
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mini_xception.checkpoint.folder import GRAPH
from mini_xception.errors import MiniXceptionError
from mini_xception.network.model import MiniXception
from mini_xception.training.config import TrainConfig

RUN_STATE = "run_state.pt"
LOG = "log.csv"
#: After more epochs than this without a better accuracy the plateau schedule divides the learning rate by ten, as in
#: the reference.
PLATEAU_PATIENCE = 12


@dataclass(frozen=True)
class Epoch:
    """One row of ``log.csv``; accuracies are fractions of 1, PublicTest is the validation set."""

    epoch: int
    learning_rate: float
    images_per_s: float
    train_loss: float
    train_accuracy: float
    public_test_loss: float
    public_test_accuracy: float


@dataclass
class Run:
    """A run between two epochs.

    Attributes:
        config: its settings.
        inputs: a digest of its data, votes, teacher and initial weights.
        model: the weights that are trained.
        average: their moving average, which is validated and kept.
        optimizer: of the model.
        plateau: the schedule's memory.
        history: every epoch so far.
    """

    config: TrainConfig
    inputs: str
    model: MiniXception
    average: MiniXception
    optimizer: torch.optim.Optimizer
    plateau: torch.optim.lr_scheduler.ReduceLROnPlateau
    history: list[Epoch] = field(default_factory=list)

    @classmethod
    def start(cls, config: TrainConfig, inputs: str, device: torch.device, initial: MiniXception | None = None) -> Run:
        """A run before its first epoch, with a checkpoint's weights or random ones."""
        torch.manual_seed(config.seed)
        model = MiniXception(image_size=config.image_size) if initial is None else copy.deepcopy(initial)
        # What was said of the initial weights holds no more.
        model.metrics, model.provenance, model.temperature = None, {}, 1.0
        model = model.to(device).to(memory_format=torch.channels_last)
        optimizer = _optimizer(model, config)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode="max", factor=0.1, patience=PLATEAU_PATIENCE
        )
        return cls(config, inputs, model, copy.deepcopy(model).eval(), optimizer, plateau)

    @property
    def epochs_since_best(self) -> int:
        """Epochs since the best PublicTest accuracy; 0 if the last one was better than all before."""
        accuracies = [row.public_test_accuracy for row in self.history]
        return len(accuracies) - 1 - accuracies.index(max(accuracies)) if accuracies else 0

    @property
    def finished(self) -> bool:
        return len(self.history) >= self.config.epochs or self.epochs_since_best >= self.config.patience

    def resume(self, run_dir: Path) -> None:
        """Go on from the run state in a folder, if there is one.

        Raises:
            MiniXceptionError: the run state is damaged, or another run's.
        """
        path = run_dir / RUN_STATE
        if not path.exists():
            return
        try:
            state = torch.load(path, map_location=self.model.device, weights_only=True)
            same = (state["config"], state["inputs"]) == (repr(self.config), self.inputs)
            if same:
                self._load(state)
        except Exception as error:  # A damaged file makes torch's reader raise almost anything.
            raise MiniXceptionError(f"{path}: damaged ({error}); remove {run_dir} to start anew") from error
        if not same:
            raise MiniXceptionError(
                f"{run_dir} holds a run with other settings, data or initial weights; "
                "choose another folder or remove it"
            )

    def save(self, run_dir: Path) -> None:
        """Write checkpoints, log and run state, each beside its place and then moved into it.

        Raises:
            MiniXceptionError: the folder cannot be written.
        """
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            if self.history:
                self._save_checkpoint(run_dir / "last")
                if self.epochs_since_best == 0:
                    self._save_checkpoint(run_dir / "best")
            _replace(run_dir / LOG, self._write_log)
            _replace(run_dir / RUN_STATE, self._write_state)
        except (OSError, RuntimeError) as error:
            raise MiniXceptionError(f"{run_dir}: the run cannot be saved here ({error})") from error

    def _load(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        for group in self.optimizer.param_groups:
            group["capturable"] = self.model.device.type == "cuda"  # It may have begun on another device.
        self.plateau.load_state_dict(state["plateau"])
        self.history = [Epoch(**row) for row in state["history"]]

    def _save_checkpoint(self, folder: Path) -> None:
        beside = folder.with_name(f".{folder.name}")
        self.average.save_pretrained(beside)
        folder.mkdir(exist_ok=True)
        for file in beside.iterdir():
            os.replace(file, folder / file.name)
        beside.rmdir()
        (folder / GRAPH).unlink(missing_ok=True)  # It is an earlier epoch's.

    def _write_log(self, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(Epoch.__dataclass_fields__)
            for row in self.history:
                writer.writerow([f"{value:.6g}" for value in vars(row).values()])

    def _write_state(self, path: Path) -> None:
        state = {
            "config": repr(self.config),
            "inputs": self.inputs,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "plateau": self.plateau.state_dict(),
            "history": [vars(row) for row in self.history],
        }
        torch.save(state, path)


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    beside = path.with_name(f".{path.name}")
    write(beside)
    os.replace(beside, path)


def _optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    on_cuda = next(model.parameters()).is_cuda  # There the step is recorded.
    if config.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), config.learning_rate, fused=True, capturable=on_cuda)
    # Decay convolution weights; leave biases and batch norm, which set scales, alone.
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, config.learning_rate, fused=True, capturable=on_cuda)
