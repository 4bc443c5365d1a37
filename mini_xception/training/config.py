"""Settings of training runs, and named runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, get_args, get_type_hints

from mini_xception.errors import MiniXceptionError
from mini_xception.network.config import SMALLEST_SIDE
from mini_xception.training.augment import AUGMENTATIONS, PRESETS

#: The largest seed that PyTorch accepts. It is also the default upper limit of a setting.
LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Setting:
    """The meaning and the allowed values of a field of :class:`TrainConfig`.

    Attributes:
        help: the meaning, with the unit.
        low: the smallest number allowed.
        high: the largest number allowed.
        above: if true, ``low`` itself is not allowed.
        choices: the names allowed, if the setting is a name and not a number.
    """

    help: str
    low: float = 0
    high: float = LARGEST
    above: bool = False
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """The allowed values, as text."""
        if self.choices:
            return " or ".join(self.choices)
        if self.high < LARGEST:
            return f"{self.low:g} to {self.high:g}"
        return f"above {self.low:g}" if self.above else f"{self.low:g} or more"

    def check(self, name: str, value: float | str) -> None:
        """Raise a MiniXceptionError if a value is not allowed."""
        if isinstance(value, str) or self.choices:
            valid = value in self.choices
        else:
            valid = self.low <= value <= self.high and not (self.above and value == self.low)
        if not valid:
            limit = "" if self.choices or self.high < LARGEST else " and below 2^63"
            raise MiniXceptionError(f"{name} is {value!r}; it must be {self.allowed}{limit}")


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run.

    ``augmentations`` maps names from ``augment.AUGMENTATIONS`` to strengths. A missing name means strength 0.

    Raises:
        MiniXceptionError: a value is not allowed.
    """

    epochs: Annotated[int, Setting("maximum number of passes over the training split", low=1)]
    batch_size: Annotated[int, Setting("images per step, in total over all processes", low=1)]
    optimizer: Annotated[str, Setting("optimizer", choices=("adam", "adamw", "muon"))]
    learning_rate: Annotated[
        float, Setting("initial learning rate of plateau, or highest learning rate of one_cycle", above=True)
    ]
    schedule: Annotated[
        str,
        Setting(
            "learning rate schedule: plateau divides the rate by 10 after more than 12 epochs without a better "
            "validation accuracy; one_cycle raises the rate linearly over the first tenth of the steps, then lowers it "
            "to 0 along a cosine",
            choices=("plateau", "one_cycle"),
        ),
    ]
    augmentations: dict[str, float]
    patience: Annotated[
        int, Setting("number of epochs without a better validation accuracy, after which the run ends", low=1)
    ] = 50
    weight_decay: Annotated[float, Setting("weight decay of convolution weights; muon: of 1×1 convolutions only")] = 0.0
    label_smoothing: Annotated[
        float, Setting("fraction of the target's probability that is spread evenly over all labels", high=1)
    ] = 0.0
    vote_weight: Annotated[
        float, Setting("share of the FER+ votes in a target; the rest is the FER2013 label", high=1)
    ] = 0.0
    teacher_weight: Annotated[
        float, Setting("share of the teacher's probabilities in a target; the rest is the label and the votes", high=1)
    ] = 0.0
    ema_decay: Annotated[
        float,
        Setting(
            "decay per step of the exponential moving average of the weights; this average is validated and saved; 0 "
            "disables averaging",
            high=1,
        ),
    ] = 0.0
    body_rate: Annotated[
        float,
        Setting(
            "learning rate of all layers but the last, as a fraction of the learning rate; 0 trains only the last one",
            high=1,
        ),
    ] = 1.0
    class_balance: Annotated[
        float,
        Setting(
            "how much more the images of rare classes count; with 1, all classes count the same; with 0, all images do",
            high=1,
        ),
    ] = 0.0
    mixed_precision: Annotated[
        str, Setting("mixed precision; bf16 is used only on devices with bfloat16 instructions", choices=("no", "bf16"))
    ] = "no"
    image_size: Annotated[
        int, Setting("input side in pixels; images are resized to it; trained weights keep theirs", low=SMALLEST_SIDE)
    ] = 48
    seed: Annotated[
        int, Setting("random seed of the initial weights, the image order, the augmentation and a drawn validation set")
    ] = 0

    def __post_init__(self) -> None:
        for name, (_, setting) in SETTINGS.items():
            setting.check(name, getattr(self, name))
        for name, strength in self.augmentations.items():
            if name not in AUGMENTATIONS:
                raise MiniXceptionError(f"augmentation {name!r} not found; choose from {', '.join(AUGMENTATIONS)}")
            Setting("", high=AUGMENTATIONS[name].strongest).check(name, strength)
        if self.optimizer == "adam" and self.weight_decay:
            raise MiniXceptionError(
                f"weight_decay is {self.weight_decay}, but adam has no weight decay; set it to 0, or choose "
                "adamw or muon"
            )

    def steps_per_epoch(self, images: int) -> int:
        """Return the number of steps in one epoch over the given number of images."""
        return -(-images // self.batch_size)


#: name → type and :class:`Setting`, for every setting except the augmentations.
SETTINGS: dict[str, tuple[type, Setting]] = {
    name: get_args(hint)
    for name, hint in get_type_hints(TrainConfig, include_extras=True).items()
    if name != "augmentations"
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

#: Named runs. ``best`` is this project's. ``reference`` has the settings of the PyTorch reference's ``train.py``, with
#: its second set of augmentations. ``finish`` continues from the last weights of ``best``, with weak augmentation.
#: ``fine_tune`` adapts trained weights to other faces and classes; :func:`fine_tuning` fits it to the size of the data.
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
    "real_faces": replace(
        _BEST,
        epochs=6,
        patience=6,
        batch_size=128,
        learning_rate=1e-3,
        vote_weight=0.0,
        teacher_weight=1.0,
        augmentations=PRESETS["photos"],
    ),
    "fine_tune": TrainConfig(
        epochs=30,
        patience=20,
        batch_size=32,
        optimizer="adamw",
        learning_rate=1e-3,
        weight_decay=0.02,
        schedule="one_cycle",
        ema_decay=0.99,
        class_balance=0.5,
        mixed_precision="bf16",
        augmentations=PRESETS["mild"],
    ),
}

#: :func:`fine_tuning` shows this number of images to the network, within these limits of the number of epochs.
FINE_TUNING_IMAGES, FEWEST_EPOCHS, MOST_EPOCHS = 18_000, 10, 60


def fine_tuning(images: int) -> TrainConfig:
    """Return the settings of ``fine_tune`` for a number of training images: the fewer images, the more epochs.

    Args:
        images: number of training images.
    """
    epochs = min(max(round(FINE_TUNING_IMAGES / max(images, 1)), FEWEST_EPOCHS), MOST_EPOCHS)
    return replace(RUNS["fine_tune"], epochs=epochs, patience=max(2 * epochs // 3, FEWEST_EPOCHS))
