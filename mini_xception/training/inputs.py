"""The inputs of a run: their checks, their digests, and their copies on the device."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from mini_xception.errors import MiniXceptionError
from mini_xception.network.model import MiniXception
from mini_xception.network.preprocess import to_grey
from mini_xception.training.config import TrainConfig
from mini_xception.training.labelled import LabelledFaces
from mini_xception.training.state import Run
from mini_xception.training.step import StagedData
from mini_xception.training.targets import class_weights, soft_targets


@dataclass(frozen=True)
class Inputs:
    """Everything except the settings that affects a run's result.

    Attributes:
        training: the training set.
        validation: the validation set.
        votes: float32, (len(training), labels), FER+ votes, or None.
        teacher: float32, (len(training), labels), a teacher's probabilities, or None.
        initial: the network to start from, or None for random weights.
    """

    training: LabelledFaces
    validation: LabelledFaces
    votes: np.ndarray | None = None
    teacher: np.ndarray | None = None
    initial: MiniXception | None = None

    def check(self, config: TrainConfig) -> None:
        """Raise a MiniXceptionError if the inputs and the settings do not match."""
        if config.vote_weight > 0 and self.votes is None:
            raise MiniXceptionError(
                f"vote_weight is {config.vote_weight}, but no votes are given; use those in FER+'s fer2013new.csv"
            )
        if config.teacher_weight > 0 and self.teacher is None:
            raise MiniXceptionError(
                f"teacher_weight is {config.teacher_weight}, but no teacher probabilities are given; create them with "
                "recipes/teacher.py"
            )
        if self.initial is not None and self.initial.image_size != config.image_size:
            there, here = self.initial.image_size, config.image_size
            raise MiniXceptionError(
                f"the initial network has an input of {there}×{there} pixels, but the run needs {here}×{here} pixels; "
                f"set image_size to {there}, or choose another initial network"
            )
        if self.training.classes != self.validation.classes:
            ours, theirs = (", ".join(faces.classes) for faces in (self.training, self.validation))
            raise MiniXceptionError(
                f"the training set has the classes {ours}, but the validation set has {theirs}; use the same classes"
            )
        for faces in (self.training, self.validation):
            if len(faces) == 0:
                raise MiniXceptionError(f"{faces.dataset}: {faces.split} has no images; choose other data")

    def digest(self) -> dict[str, str]:
        """Return the SHA-256 digest of each input."""
        initial = self.initial
        inputs = {
            "training data": [self.training.images, self.training.labels],
            "validation data": [self.validation.images, self.validation.labels],
            "votes": [] if self.votes is None else [self.votes],
            "teacher probabilities": [] if self.teacher is None else [self.teacher],
            "initial weights": [weight.cpu().numpy() for weight in initial.state_dict().values()] if initial else [],
        }
        return {name: _digest_arrays(arrays) for name, arrays in inputs.items()}

    def stage(self, run: Run) -> StagedData:
        """Copy both splits to the device, where augmentation also runs.

        At 48×48 pixels, FER2013's training split takes 66 MB as uint8. Its validation split takes 33 MB as float32.
        """
        config, device, labels = run.config, run.model.device, self.training.labels
        classes = len(run.model.labels)
        resized = np.stack([to_grey(face, config.image_size) for face in self.training.images])
        targets = soft_targets(labels, self.votes, self.teacher, config, classes)
        if config.class_balance:  # Cross-entropy is linear in the targets, so a scaled target is a weighted loss.
            targets *= class_weights(labels, classes, config.class_balance)[labels, np.newaxis]
        return StagedData(
            faces=torch.from_numpy(resized).unsqueeze(1).to(device),
            labels=torch.from_numpy(labels).to(device),
            targets=torch.from_numpy(targets).to(device),
            validation_faces=run.average.preprocess(self.validation.images),
            validation_labels=torch.from_numpy(self.validation.labels).to(device),
        )


def _digest_arrays(arrays: list[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
