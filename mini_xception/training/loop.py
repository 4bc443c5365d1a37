"""The training loop. With Accelerate, the same code runs on one CPU, on one GPU and in several processes."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from mini_xception.errors import MiniXceptionError
from mini_xception.network.devices import computes_bfloat16
from mini_xception.network.model import MiniXception
from mini_xception.training.config import TrainConfig
from mini_xception.training.finish import finish
from mini_xception.training.head import adapt
from mini_xception.training.inputs import Inputs
from mini_xception.training.labelled import LabelledFaces, validation_name
from mini_xception.training.schedule import epoch_seed
from mini_xception.training.state import BEST, Epoch, Run
from mini_xception.training.step import StagedData, TrainingStep

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch.utils.tensorboard import SummaryWriter

#: Images per forward pass in validation.
VALIDATION_BATCH = 256


def train(
    config: TrainConfig,
    training: LabelledFaces,
    validation: LabelledFaces,
    run_dir: str | os.PathLike[str],
    votes: np.ndarray | None = None,
    teacher: np.ndarray | None = None,
    initial: MiniXception | None = None,
    *,
    provenance: dict[str, str] | None = None,
    quiet: bool = False,
) -> MiniXception:
    """Train a network, and return the network of the best epoch. If the folder holds a run, resume it.

    The run's folder holds ``log.csv``, the checkpoints ``best`` and ``last``, ``run_state.pt``, ``report.json`` and
    ``report.html``. It also holds plots if matplotlib is installed, and a TensorBoard log if TensorBoard is installed.

    On one CPU, a run that was killed and resumed ends with the same weights, bit for bit, as an uninterrupted run.

    Args:
        config: the settings. A run can only be resumed with the same settings.
        training: the training set. The network gets its classes.
        validation: the validation set. It is used to choose the best epoch and to calibrate that epoch's network.
        run_dir: the run's folder.
        votes: float32, (len(training), labels), FER+ votes. Required if config.vote_weight > 0.
        teacher: float32, (len(training), labels), a teacher's probabilities. Required if config.teacher_weight > 0.
        initial: the network to start from. If its classes differ, it gets a new last layer, computed from the old one.
            It is also the best network if no epoch is better. None starts from random weights.
        provenance: stored with the weights: the command as ``recipe``, the version of the code as ``commit``.
        quiet: hide the progress bar and the line per epoch.

    Raises:
        MiniXceptionError: the sets have no images or different classes, votes or teacher probabilities are missing, the
            initial network has another image size, a batch has fewer images than the launch has processes, the loss is
            not finite, or the folder belongs to another run or cannot be written.
    """
    run_dir = Path(run_dir)
    inputs = Inputs(training, validation, votes, teacher, initial)
    inputs.check(config)
    accelerator = _make_accelerator(config, len(training))
    first = adapt(initial, training, config.class_balance) if initial else None
    run = Run.create(config, inputs.digest(), accelerator.device, training.classes, first)
    run.resume(run_dir)
    data = inputs.stage(run)
    if initial and not run.history:
        run.start_accuracy = _validate(run.average, data, accelerator)[1]
    if accelerator.is_main_process and not run.history:
        run.save(run_dir)  # Report a full disk or a read-only folder now, not after the first epoch.
        _report_start(run, validation.split, quiet)
    step = TrainingStep(run, data, accelerator)
    board = _open_tensorboard(run_dir, len(run.history) + 1) if accelerator.is_main_process else None

    try:
        while not run.finished:
            run.add(_train_epoch(run, step, data, accelerator, quiet))
            if accelerator.is_main_process:
                run.save(run_dir)
                _report(run, validation.split, board, quiet)
            accelerator.wait_for_everyone()
    finally:
        if board:
            board.close()

    if accelerator.is_main_process:
        finish(run_dir, validation, provenance)
    accelerator.wait_for_everyone()
    return MiniXception.from_pretrained(run_dir / BEST)


def _make_accelerator(config: TrainConfig, images: int) -> Accelerator:
    """Create an Accelerator for all processes of a launch, with bfloat16 only if the device has instructions for it."""
    from accelerate import Accelerator, PartialState
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state()  # An earlier run in this process may have used another precision.
    # On CPUs, Accelerate joins the processes of a launch only with cpu=True. Otherwise each process trains alone.
    device = PartialState(cpu=not torch.accelerator.is_available()).device
    bf16 = config.mixed_precision == "bf16" and computes_bfloat16(device)
    accelerator = Accelerator(mixed_precision="bf16" if bf16 else "no")
    processes = accelerator.num_processes
    if images // config.steps_per_epoch(images) < processes:
        raise MiniXceptionError(
            f"batch_size is {config.batch_size}, but each of {processes} processes needs an image in every step; "
            "increase batch_size"
        )
    return accelerator


def _train_epoch(run: Run, step: TrainingStep, data: StagedData, accelerator: Accelerator, quiet: bool) -> Epoch:
    """Train on every image once, then validate the moving average."""
    epoch, started = len(run.history) + 1, time.monotonic()
    step.start_epoch(epoch)
    for number, chosen in _batches(run.config, len(data.faces), epoch, accelerator, quiet):
        step(number, chosen)
        if not step.is_finite():
            raise step.diverged(epoch)
    rate = step.end_epoch()
    loss, accuracy = (accelerator.reduce(step.sums, "sum") / len(data.faces)).tolist()
    validation_loss, validation_accuracy = _validate(run.average, data, accelerator)
    if not math.isfinite(loss + validation_loss):
        raise step.diverged(epoch)
    images_per_s = len(data.faces) / (time.monotonic() - started)
    return Epoch(epoch, rate, images_per_s, loss, accuracy, validation_loss, validation_accuracy)


def _batches(
    config: TrainConfig, n: int, epoch: int, accelerator: Accelerator, quiet: bool
) -> Iterator[tuple[int, Tensor]]:
    """Yield each step's number in the run, and the indices of this process's images in that step.

    In one epoch, the processes together use each image once.
    """
    steps = config.steps_per_epoch(n)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(epoch_seed(config.seed, epoch, 0)))
    batches = enumerate(order.to(accelerator.device).tensor_split(steps), start=(epoch - 1) * steps)
    hidden = True if quiet or not accelerator.is_main_process else None  # None shows the bar on terminals only.
    title = f"epoch {epoch}/{config.epochs}"
    for number, batch in tqdm(batches, desc=title, total=steps, unit="step", leave=False, disable=hidden):
        yield number, batch[accelerator.process_index :: accelerator.num_processes]


@torch.inference_mode()
def _validate(model: MiniXception, data: StagedData, accelerator: Accelerator) -> tuple[float, float]:
    """Compute loss and accuracy in float32, with one forward pass per image.

    All processes return the first process's result.
    """
    from accelerate.utils import broadcast

    truth = data.validation_labels
    logits = torch.cat([model(batch) for batch in data.validation_faces.split(VALIDATION_BATCH)])
    result = torch.stack([functional.cross_entropy(logits, truth), (logits.argmax(1) == truth).float().mean()])
    loss, accuracy = broadcast(result).tolist() if accelerator.num_processes > 1 else result.tolist()
    return loss, accuracy


def _open_tensorboard(run_dir: Path, epoch: int) -> SummaryWriter | None:
    """Open TensorBoard's log for writing from the given epoch on. Return None if TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(run_dir / "tensorboard", purge_step=epoch)


def _report_start(run: Run, split: str, quiet: bool) -> None:
    """Print the accuracy of the network that a run starts from."""
    if run.start_accuracy is not None and not quiet:
        print(f"before training: accuracy {validation_name(split)} {run.start_accuracy:.2%}", file=sys.stderr)


def _report(run: Run, split: str, board: SummaryWriter | None, quiet: bool) -> None:
    """Print the last epoch, and add it to TensorBoard's log."""
    last = run.history[-1]
    if not quiet:
        print(
            f"epoch {last.epoch}/{run.config.epochs}: training loss {last.train_loss:.3f}; "
            f"accuracy: training {last.train_accuracy:.2%}, {validation_name(split)} {last.validation_accuracy:.2%}, "
            f"best {run.best_accuracy:.2%}, {last.images_per_s:.0f} images/s",
            file=sys.stderr,
        )
    if board:
        for name, value in vars(last).items():
            board.add_scalar(name, value, last.epoch)
        board.flush()
