"""The state of a run between two epochs, and how it is saved. A killed run loses at most one epoch."""

from __future__ import annotations

import copy
import csv
import io
import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.media.atomic import atomic_write
from mini_xception.network.model import MiniXception
from mini_xception.training.augment import AUGMENTATIONS
from mini_xception.training.config import TrainConfig
from mini_xception.training.muon import Muon, is_matrix

#: Names in a run's folder: the run state, the log, the checkpoints of the best and the last epoch, and what was found
#: in the data.
RUN_STATE, LOG, BEST, LAST, FACTS = "run_state.pt", "log.csv", "best", "last", "data.json"
#: The plateau schedule divides the learning rate by ten after more than this number of epochs without a better
#: accuracy. The PyTorch reference uses the same number.
PLATEAU_PATIENCE = 12


@dataclass(frozen=True)
class Epoch:
    """One row of ``log.csv``. Accuracies are numbers from 0 to 1."""

    epoch: int
    learning_rate: float
    images_per_s: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass
class Run:
    """The state of a run between two epochs.

    Attributes:
        config: the settings.
        inputs: name → SHA-256 digest of everything else that affects the result, such as the data.
        model: the network that is trained.
        average: a copy of the network with the moving average of its weights. This copy is validated and saved.
        optimizer: the optimizer of ``model``.
        plateau: the plateau schedule. It remembers the best accuracy.
        history: the epochs so far.
        start_accuracy: validation accuracy of the network that the run starts from; None if its weights are random.
    """

    config: TrainConfig
    inputs: dict[str, str]
    model: MiniXception
    average: MiniXception
    optimizer: torch.optim.Optimizer
    plateau: torch.optim.lr_scheduler.ReduceLROnPlateau
    history: list[Epoch] = field(default_factory=list)
    start_accuracy: float | None = None

    @classmethod
    def create(
        cls,
        config: TrainConfig,
        inputs: dict[str, str],
        device: torch.device,
        labels: tuple[str, ...] = EMOTIONS,
        initial: MiniXception | None = None,
    ) -> Run:
        """Create a run that has not trained yet.

        Args:
            config: the settings.
            inputs: name → SHA-256 digest of everything else that affects the result.
            device: the device to train on.
            labels: names of the classes.
            initial: the network to start from, with these classes. None starts from random weights.
        """
        torch.manual_seed(config.seed)
        model = MiniXception(labels, config.image_size) if initial is None else copy.deepcopy(initial)
        # These attributes describe the initial weights, not the trained ones.
        model.metrics, model.provenance, model.temperature = None, {}, 1.0
        model = model.to(device).to(memory_format=torch.channels_last)
        optimizer = _make_optimizer(model, config)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode="max", factor=0.1, patience=PLATEAU_PATIENCE
        )
        return cls(config, inputs, model, copy.deepcopy(model).eval(), optimizer, plateau)

    @property
    def best_accuracy(self) -> float:
        """The highest validation accuracy so far."""
        return max(self._scores)[0]

    @property
    def epochs_since_best(self) -> int:
        """Number of epochs since the best validation accuracy; 0 if the last epoch is the best."""
        return len(self._scores) - 1 - self._scores.index(max(self._scores)) if self._scores else 0

    @property
    def _scores(self) -> list[tuple[float, float]]:
        """What decides between epochs: the accuracy. The first entry may be the network that the run starts from.

        In a run that starts from trained weights, the lower loss decides between epochs of equal accuracy. Such runs
        often have few validation images, of which many epochs classify the same number correctly.
        """
        if self.start_accuracy is None:
            return [(row.validation_accuracy, 0.0) for row in self.history]
        return [(self.start_accuracy, 0.0), *((row.validation_accuracy, -row.validation_loss) for row in self.history)]

    @property
    def finished(self) -> bool:
        """Whether the run has completed all epochs, or has had no better accuracy for ``config.patience`` epochs."""
        return len(self.history) >= self.config.epochs or self.epochs_since_best >= self.config.patience

    def add(self, epoch: Epoch) -> None:
        """Add an epoch. The plateau schedule uses its accuracy to set the next learning rate."""
        self.history.append(epoch)
        if self.config.schedule == "plateau":
            self.plateau.step(epoch.validation_accuracy)

    def resume(self, run_dir: Path) -> None:
        """Load the run state from a folder, if the folder has one with at least one epoch.

        Raises:
            MiniXceptionError: the run state is damaged, or belongs to another run. The message names the difference.
        """
        path = run_dir / RUN_STATE
        if not path.exists():
            return
        try:
            state = torch.load(path, map_location=self.model.device, weights_only=True)
            if not state["history"]:  # Nothing is lost if other settings start again.
                return
            difference = self._compare(json.loads(state["config"]), state["inputs"])
            if not difference:
                self._load(state)
        except Exception as error:  # A damaged file makes torch.load raise almost anything.
            reason = str(error).partition("\n")[0]
            raise MiniXceptionError(
                f"{path}: damaged, or written by another version of mini_xception ({reason}); remove {run_dir}, or "
                "choose another folder"
            ) from error
        if difference:
            raise MiniXceptionError(f"{run_dir}: {difference} or another folder")

    def save(self, run_dir: Path) -> None:
        """Write the checkpoints, the log and, last, the run state. Each file is written atomically.

        Raises:
            MiniXceptionError: the folder cannot be written.
        """
        if self.history:
            self.average.save_pretrained(run_dir / LAST)
        if self._scores and self.epochs_since_best == 0:
            self.average.save_pretrained(run_dir / BEST)
        with atomic_write(run_dir / LOG) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(Epoch.__dataclass_fields__)
            writer.writerows([f"{value:.6g}" for value in vars(row).values()] for row in self.history)
        buffer = io.BytesIO()  # With a file, torch.save would report a full disk as a RuntimeError, not as an OSError.
        torch.save(self._state(), buffer)
        with atomic_write(run_dir / RUN_STATE) as temporary:
            temporary.write_bytes(buffer.getbuffer())

    def _compare(self, config: dict[str, Any], inputs: dict[str, str]) -> str:
        """Describe how a saved run differs from this one. Return "" if they are the same."""
        others = [name for name in self.inputs if inputs.get(name) != self.inputs[name]]
        if others:  # Other images may change the settings, so report the images.
            names = " and ".join(others)
            return f"the run was started with other {names}; use the same {names}"
        there, here = (
            _flatten(config | {name: value for name, value in _DEFAULTS.items() if name not in config}),
            _flatten(asdict(self.config)),
        )
        changed = [name for name in {**there, **here} if there.get(name) != here.get(name)]
        values = "; ".join(f"{name} was {there.get(name)}, now it is {here.get(name)}" for name in changed)
        return f"{values}; use the same settings" if changed else ""

    def _state(self) -> dict[str, Any]:
        return {
            "config": json.dumps(asdict(self.config), default=float),  # JSON has no NumPy numbers.
            "inputs": self.inputs,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "plateau": self.plateau.state_dict(),
            "history": [vars(row) for row in self.history],
            "start_accuracy": self.start_accuracy,
        }

    def _load(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        rates = [group["rate"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["rate"] = rate  # Runs of earlier versions do not have it.
            group["capturable"] = self.model.device.type == "cuda"  # The run may have started on another device.
        self.plateau.load_state_dict(state["plateau"])
        self.history = [Epoch(**row) for row in state["history"]]
        self.start_accuracy = state.get("start_accuracy")


#: Settings that a run of an earlier version may not have, with the values that they had in effect.
_DEFAULTS: dict[str, Any] = {entry.name: entry.default for entry in fields(TrainConfig) if entry.default is not MISSING}


def _flatten(config: dict[str, Any]) -> dict[str, Any]:
    """Merge the strengths of all augmentations into the other settings. A missing strength is 0."""
    strengths = dict.fromkeys(AUGMENTATIONS, 0.0) | config["augmentations"]
    return {name: value for name, value in config.items() if name != "augmentations"} | strengths


def _make_optimizer(model: MiniXception, config: TrainConfig) -> torch.optim.Optimizer:
    """Create the optimizer. In each group, ``rate`` is the group's part of the learning rate; the last group's is 1."""
    on_cuda = next(model.parameters()).is_cuda  # On CUDA, the step is recorded.
    groups: dict[tuple[float, float], dict[str, Any]] = {}
    head = {id(parameter) for parameter in model.conv.parameters()}
    for parameter in model.parameters():
        # Weight decay applies to convolution weights, not to biases or to batch norm parameters, which set scales. With
        # Muon, it applies to 1×1 convolutions only.
        decayed = is_matrix(parameter) if config.optimizer == "muon" else parameter.ndim > 1
        decay = config.weight_decay if decayed else 0.0
        rate = 1.0 if id(parameter) in head else config.body_rate
        group = {"params": [], "weight_decay": decay, "rate": rate, "lr": rate * config.learning_rate}
        groups.setdefault((rate, -decay), group)["params"].append(parameter)
    ordered = [groups[key] for key in sorted(groups)]
    if config.optimizer == "muon":
        return Muon(ordered, config.learning_rate)
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(ordered, config.learning_rate, fused=True, capturable=on_cuda)
