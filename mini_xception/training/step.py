"""The training step: augmentation, forward and backward pass, and update of the weights and their moving average."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from mini_xception.errors import MiniXceptionError
from mini_xception.network.preprocess import scale_pixels
from mini_xception.training.augment import augment, build
from mini_xception.training.recorded import RecordedStep
from mini_xception.training.schedule import average_decay, epoch_seed, one_cycle
from mini_xception.training.state import Run

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class StagedData:
    """The training set and the validation set on the device.

    Attributes:
        faces: uint8, (N, 1, S, S), the training images.
        labels: int64, (N,), the labels of the training images.
        targets: float32, (N, labels), the target probabilities of the training images.
        validation_faces: float32, (M, 1, S, S), the validation images as network input.
        validation_labels: int64, (M,), the labels of the validation images.
    """

    faces: Tensor
    labels: Tensor
    targets: Tensor
    validation_faces: Tensor
    validation_labels: Tensor


#: On a GPU, the loss is checked after this number of steps, because each check waits for the GPU.
CHECK_STEPS = 100


class TrainingStep:
    """The training step of a run. On a single CUDA device, it is recorded and replayed.

    A recorded step reads and writes tensors that stay at the same addresses. The learning rate, the decay of the moving
    average, and the sums are therefore tensors.

    Attributes:
        sums: float32, (2,), totals since the start of the epoch: the loss summed over all images, and the number of
            correct predictions.
    """

    def __init__(self, run: Run, data: StagedData, accelerator: Accelerator) -> None:
        self._run, self._data, self._accelerator = run, data, accelerator
        self._network, self._optimizer = accelerator.prepare(run.model, run.optimizer)
        self._steps = run.config.epochs * run.config.steps_per_epoch(len(data.faces))
        self._augmentations = build(run.config.augmentations)
        self._generator = torch.Generator(accelerator.device)
        self._rates = [torch.zeros((), device=accelerator.device) for _ in self._optimizer.param_groups]
        self._decay = torch.zeros((), device=accelerator.device)
        self._number = 0
        self.sums = torch.zeros(2, device=accelerator.device)
        recordable = accelerator.device.type == "cuda" and accelerator.num_processes == 1
        self._learn = RecordedStep(self._learn_from, self._generator) if recordable else self._learn_from

    def start_epoch(self, epoch: int) -> None:
        """Reset the sums, seed the augmentation, and replace the optimizer's learning rate with a tensor."""
        self.sums.zero_()
        self._generator.manual_seed(epoch_seed(self._run.config.seed, epoch, 1 + self._accelerator.process_index))
        for rate, group in zip(self._rates, self._optimizer.param_groups, strict=True):
            rate.fill_(group["lr"])
            group["lr"] = rate
        self._network.train()

    def end_epoch(self) -> float:
        """Make the optimizer's learning rate a number again, for the plateau schedule and the run state. Return it."""
        for rate, group in zip(self._rates, self._optimizer.param_groups, strict=True):
            group["lr"] = rate.item()
        return self._rates[-1].item()

    def __call__(self, number: int, chosen: Tensor) -> None:
        """Train on one batch.

        Args:
            number: number of the step, counted from 0 over the whole run.
            chosen: int64, (B,), indices of the batch's images.
        """
        config = self._run.config
        if config.schedule == "one_cycle":
            highest = one_cycle(number, self._steps, config.learning_rate)
            for rate, group in zip(self._rates, self._optimizer.param_groups, strict=True):
                rate.fill_(highest * group["rate"])
        self._decay.fill_(average_decay(number, config.ema_decay))
        self._number = number
        self._learn(chosen)

    def is_finite(self) -> bool:
        """Whether the loss has been finite since the start of the epoch.

        Several processes must stop together, so they compare their losses only at the end of the epoch.
        """
        skipped = self._accelerator.device.type != "cpu" and (self._number + 1) % CHECK_STEPS
        return bool(skipped) or self._accelerator.num_processes > 1 or math.isfinite(self.sums[0].item())

    def diverged(self, epoch: int) -> MiniXceptionError:
        """Return the error for a loss that is not finite."""
        rate = self._rates[-1].item()
        return MiniXceptionError(
            f"the loss is not finite at step {self._number + 1}, in epoch {epoch}, with learning rate {rate:.3g}; the "
            f"run stopped and overwrote nothing; try --learning-rate {self._run.config.learning_rate / 10:.3g} or less"
        )

    def _learn_from(self, chosen: Tensor) -> None:
        model, data = self._run.model, self._data
        batch = augment(data.faces[chosen].float(), self._augmentations, self._generator)
        batch = scale_pixels(batch, model.mean, model.std).to(memory_format=torch.channels_last)
        logits = self._network(batch)
        loss = functional.cross_entropy(logits, data.targets[chosen])
        self._optimizer.zero_grad(set_to_none=True)
        self._accelerator.backward(loss)
        self._optimizer.step()
        _update_average(self._run.average, model, self._decay)
        hits = (logits.argmax(1) == data.labels[chosen]).sum()
        self.sums.add_(torch.stack([loss.detach() * len(chosen), hits.float()]))


@torch.no_grad()
def _update_average(average: nn.Module, model: nn.Module, decay: Tensor) -> None:
    """Move the average towards the model. Batch norm's statistics are averaged, too."""
    ours, theirs = average.state_dict(), model.state_dict()
    floats = [name for name, value in ours.items() if value.is_floating_point()]
    averages = [ours[name] for name in floats]
    torch._foreach_mul_(averages, decay)
    torch._foreach_add_(averages, torch._foreach_mul([theirs[name] for name in floats], 1 - decay))
