"""What decides what a run becomes, and the named runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.network.model import SMALLEST_SIDE
from mini_xception.training.augment import PRESETS


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides what a run becomes.

    Attributes:
        epochs: passes over the training split, at most.
        patience: epochs without a better PublicTest accuracy after which the run ends.
        batch_size: pictures a step, over all processes together.
        optimizer: "adam" or "adamw".
        learning_rate: the first one of the plateau schedule, the highest of the one-cycle schedule.
        weight_decay: AdamW's, on convolution weights alone.
        schedule: "plateau" divides the learning rate by ten after more than 12 epochs without a better PublicTest
            accuracy; "one_cycle" is a function of the step, see :func:`one_cycle`.
        label_smoothing: share of what people say that is given to all labels alike.
        vote_weight: share of FER+'s votes in what people say about a picture; the rest is FER2013's label.
        teacher_weight: share of the teacher's probabilities in a picture's target; the rest is what people say.
        ema_decay: of the exponential moving average of the weights, per step; the average is what is validated and
            kept. 0 keeps the weights themselves.
        mixed_precision: "no", or "bf16", which on a device without instructions for it is "no", too.
        augmentations: name → strength, names of ``augment.AUGMENTATIONS``.
        image_size: side of the network's input in pixels; FER2013's 48 are resized to it.
        seed: of initial weights, order and augmentation.
    """

    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: str
    augmentations: dict[str, float]
    patience: int = 50
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    vote_weight: float = 0.0
    teacher_weight: float = 0.0
    ema_decay: float = 0.0
    mixed_precision: str = "no"
    image_size: int = 48
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise MiniXceptionError(f"{name} is {getattr(self, name)!r}, it must be one of {', '.join(allowed)}")
        for name, least in _LEAST.items():
            if not least <= getattr(self, name) < 2**63:
                raise MiniXceptionError(f"{name} is {getattr(self, name)}, it must be at least {least} and below 2^63")
        if not 0 < self.learning_rate < math.inf:
            raise MiniXceptionError(f"learning_rate is {self.learning_rate}, it must be above 0")
        if self.optimizer == "adam" and self.weight_decay:
            raise MiniXceptionError("weight_decay is for adamw; adam has none here")
        for name in ("label_smoothing", "vote_weight", "teacher_weight", "ema_decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise MiniXceptionError(f"{name} is {getattr(self, name)}, it must lie in [0, 1]")


_CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": ("adam", "adamw"),
    "schedule": ("plateau", "one_cycle"),
    "mixed_precision": ("no", "bf16"),
}

_LEAST: dict[str, float] = {
    "epochs": 1,
    "batch_size": 1,
    "patience": 1,
    "image_size": SMALLEST_SIDE,
    "weight_decay": 0,
    "seed": 0,
}

_BEST = TrainConfig(
    epochs=130,
    patience=130,
    batch_size=64,
    optimizer="adamw",
    learning_rate=4e-3,
    weight_decay=0.02,
    schedule="one_cycle",
    vote_weight=0.3,
    teacher_weight=0.8,
    ema_decay=0.999,
    mixed_precision="bf16",
    augmentations=PRESETS["best"],
    seed=1,
)

#: Named runs. ``reference`` is the PyTorch reference's ``train.py`` with its second augmentation. ``finish`` goes on
#: from the last weights of ``best``, on pictures that are nearly as they are.
RUNS: dict[str, TrainConfig] = {
    "reference": TrainConfig(
        epochs=200,
        batch_size=32,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="plateau",
        augmentations=PRESETS["full"],
    ),
    "best": _BEST,
    "finish": replace(_BEST, epochs=8, patience=8, learning_rate=5e-4, augmentations=PRESETS["mild"]),
}

#: The part of a one-cycle run in which the learning rate rises.
WARMUP = 0.1


def one_cycle(step: int, steps: int, peak: float) -> float:
    """The learning rate at a step: a linear rise to the peak, then half a cosine down to zero (Smith 2018)."""
    rise = WARMUP * steps
    if step < rise:
        return peak * min(1.0, (step + 1) / rise)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise)))


def soft_targets(
    labels: np.ndarray, votes: np.ndarray | None, teacher: np.ndarray | None, config: TrainConfig, classes: int
) -> np.ndarray:
    """What each picture's probabilities should be: its label mixed with the votes, smoothed, mixed with the teacher's.

    Cross-entropy with such a mixture is the sum of cross-entropies with its parts, so a teacher's share is Hinton's
    distillation (2015) at temperature 1.

    Args:
        labels: int64, (N,).
        votes: float32, (N, classes), fractions that sum to 1, or to 0 where nobody voted for any of the classes.
        teacher: float32, (N, classes), probabilities.
        config: label_smoothing, vote_weight and teacher_weight; without votes or a teacher their weight counts as 0.
        classes: how many labels there are.

    Returns:
        float32, (N, classes), rows sum to 1.
    """
    targets = np.eye(classes, dtype=np.float32)[labels]
    if votes is not None:
        weight = config.vote_weight * votes.sum(axis=1, keepdims=True)
        targets = (1 - weight) * targets + config.vote_weight * votes
    targets = (1 - config.label_smoothing) * targets + np.float32(config.label_smoothing / classes)
    if teacher is not None:
        targets = (1 - config.teacher_weight) * targets + config.teacher_weight * teacher
    return targets
