"""The contents of a checkpoint's ``config.json``: the network's arguments and preprocessing. Needs no PyTorch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.network.preprocess import MTCNN_TO_FER2013, Framing

#: Side of the smallest input, in pixels. The network's first two convolutions, 3×3 each, reduce it to one pixel.
SMALLEST_SIDE = 5
PADDINGS = ("symmetric", "tensorflow")
#: Entries that ``config.json`` must contain. Without them, the preprocessing would be a guess.
REQUIRED: frozenset[str] = frozenset({"labels", "image_size", "mean", "std", "framing"})


@dataclass(frozen=True)
class ModelConfig:
    """Constructor arguments of :class:`~mini_xception.MiniXception`, which documents them.

    Raises:
        MiniXceptionError: an argument is invalid.
    """

    labels: Sequence[str] = EMOTIONS
    image_size: int = 48
    mean: float = 0.0
    std: float = 1.0
    framing: Framing = MTCNN_TO_FER2013
    padding: str = "symmetric"
    bias: bool = True
    norm_epsilon: float = 1e-5
    temperature: float = 1.0
    metrics: dict[str, Any] | None = None
    upsample_to: int | None = None

    def __post_init__(self) -> None:
        labels, mean, std = self.labels, self.mean, self.std
        named = not isinstance(labels, str | dict) and all(isinstance(label, str) for label in labels)
        if not named or not 0 < len(labels) == len(set(labels)):
            raise MiniXceptionError(f"labels must be one or more distinct names, not {labels!r}")
        if not isinstance(self.image_size, int) or self.image_size < SMALLEST_SIDE:
            raise MiniXceptionError(
                f"image_size must be an integer of at least {SMALLEST_SIDE}, not {self.image_size!r}"
            )
        if not (isinstance(mean, float | int) and isinstance(std, float | int) and abs(mean) < math.inf > std > 0):
            raise MiniXceptionError(f"mean and std must be finite numbers, std above 0, not {mean!r} and {std!r}")
        if self.padding not in PADDINGS or not isinstance(self.bias, bool):
            raise MiniXceptionError(
                f"padding must be one of {PADDINGS} and bias true or false, not {self.padding!r} and {self.bias!r}"
            )
        for number in (self.norm_epsilon, self.temperature):
            if not isinstance(number, float | int) or not 0 < number < math.inf:
                raise MiniXceptionError(f"norm_epsilon and temperature must be finite numbers above 0, not {number!r}")
        if not isinstance(self.metrics, dict | None):
            raise MiniXceptionError(f"metrics must be a dictionary, not {self.metrics!r}")
        side = self.upsample_to
        if side is not None and (not isinstance(side, int) or side < self.image_size):
            raise MiniXceptionError(
                f"upsample_to must be null or an integer of at least image_size, {self.image_size}, not {side!r}"
            )

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ModelConfig:
        """Create a configuration from the contents of a ``config.json``.

        Raises:
            MiniXceptionError: an entry is missing, unknown or invalid.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        unknown, missing = sorted(set(values) - known), sorted(REQUIRED - set(values))
        if unknown or missing:
            what = f"unknown entries: {', '.join(unknown) or 'none'}; missing entries: {', '.join(missing) or 'none'}"
            raise MiniXceptionError(
                f"config.json belongs to another model or to a newer mini_xception ({what}); choose another checkpoint"
            )
        try:
            return cls(**values | {"framing": Framing(**values["framing"])})
        except (TypeError, MiniXceptionError) as error:
            raise MiniXceptionError(
                f"config.json is damaged, or belongs to another model ({error}); choose another checkpoint"
            ) from error

    def to_json(self) -> dict[str, Any]:
        """Return the contents of a ``config.json``."""
        values = dataclasses.asdict(self) | {"labels": list(self.labels)}
        if self.upsample_to is None:
            del values["upsample_to"]  # mini_xception 0.1.0 does not know this entry.
        return values
