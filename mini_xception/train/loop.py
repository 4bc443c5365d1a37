"""The loop: one core, one GPU, bf16 and many processes are the same code, by Accelerate."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from mini_xception.augment import augment, build
from mini_xception.data import LabelledFaces
from mini_xception.devices import computes_bfloat16
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.model import MiniXception
from mini_xception.preprocess import scale_pixels, to_grey
from mini_xception.train.config import TrainConfig, one_cycle, soft_targets
from mini_xception.train.state import Epoch, Run

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch.utils.tensorboard import SummaryWriter

#: Pictures a pass when validating.
VALIDATION_BATCH = 256


def train(
    config: TrainConfig,
    training: LabelledFaces,
    public_test: LabelledFaces,
    run_dir: str | os.PathLike[str],
    votes: np.ndarray | None = None,
    teacher: np.ndarray | None = None,
    initial: MiniXception | None = None,
) -> MiniXception:
    """Train on one split, watch the other, and keep the best epoch's weights.

    The run folder holds ``log.csv``, the checkpoint folders ``best`` and ``last``, and ``run_state.pt``, from which a
    killed run goes on: on one CPU it ends with the same weights, bit for bit, as one that was never killed. Where
    TensorBoard is installed, its log is in ``tensorboard``.

    Args:
        config: the run's settings; a resumed run must have the same.
        training: what the weights are fitted to.
        public_test: FER2013's PublicTest, the validation set: ``best`` is chosen on it.
        run_dir: the run's folder.
        votes: float32, (len(training), labels), FER+ votes for the training pictures; needed if config.vote_weight > 0.
        teacher: float32, (len(training), labels), a teacher's probabilities for the training pictures; needed if
            config.teacher_weight > 0.
        initial: the network to go on with; None is one with random weights.

    Returns:
        The best checkpoint.

    Raises:
        MiniXceptionError: votes or a teacher are asked for and missing, the initial network does not fit, or the run
            folder belongs to another run or cannot be written.
    """
    from accelerate import Accelerator, PartialState
    from accelerate.state import AcceleratorState

    if config.vote_weight > 0 and votes is None:
        raise MiniXceptionError("vote_weight > 0 needs FER+'s votes (fer2013new.csv)")
    if config.teacher_weight > 0 and teacher is None:
        raise MiniXceptionError("teacher_weight > 0 needs a teacher's probabilities")
    if initial is not None and (initial.labels, initial.image_size) != (EMOTIONS, config.image_size):
        raise MiniXceptionError(
            f"the initial network reads {', '.join(initial.labels)} at {initial.image_size}×{initial.image_size}; the "
            f"run needs {', '.join(EMOTIONS)} at {config.image_size}×{config.image_size}"
        )
    run_dir = Path(run_dir)
    AcceleratorState._reset_state()  # An earlier run in this process may have had another precision.
    # On CPUs Accelerate joins a launch's processes only if it is told so; else each takes itself for the only one.
    device = PartialState(cpu=not torch.accelerator.is_available()).device
    bf16 = config.mixed_precision == "bf16" and computes_bfloat16(device)
    accelerator = Accelerator(mixed_precision="bf16" if bf16 else "no")
    run = Run.start(config, accelerator.device, initial)
    run.resume(run_dir)
    if accelerator.is_main_process and not run.history:
        run.save(run_dir)  # A full disk or an unwritable folder shows now, not after the first epoch.
    network, optimizer = accelerator.prepare(run.model, run.optimizer)
    board = _open_tensorboard(run_dir, len(run.history) + 1) if accelerator.is_main_process else None

    # All pictures live on the device, where they are augmented: 66 MB.
    resized = np.stack([to_grey(face, config.image_size) for face in training.images])
    faces = torch.from_numpy(resized).unsqueeze(1).to(accelerator.device)
    labels = torch.from_numpy(training.labels).to(accelerator.device)
    targets = soft_targets(training.labels, votes, teacher, config, len(run.model.labels))
    soft = torch.from_numpy(targets).to(accelerator.device)
    augmentations = build(config.augmentations)
    steps = -(-len(faces) // config.batch_size)

    while not run.finished:
        epoch = len(run.history) + 1
        started = time.monotonic()
        sums = torch.zeros(3, device=accelerator.device)  # loss, hits, pictures
        drawing = torch.Generator(accelerator.device).manual_seed(
            _seed(config.seed, epoch, 1 + accelerator.process_index)
        )
        network.train()
        for step, chosen in _steps(len(faces), steps, epoch, config, accelerator):
            if config.schedule == "one_cycle":
                for group in optimizer.param_groups:
                    group["lr"] = one_cycle(step, config.epochs * steps, config.learning_rate)
            batch = augment(faces[chosen].float(), augmentations, drawing)
            batch = scale_pixels(batch, run.model.mean, run.model.std).to(memory_format=torch.channels_last)
            logits = network(batch)
            loss = functional.cross_entropy(logits, soft[chosen])
            optimizer.zero_grad(set_to_none=True)
            accelerator.backward(loss)
            optimizer.step()
            _update_average(run.average, run.model, min(config.ema_decay, (1 + step) / (10 + step)))
            hits = (logits.argmax(1) == labels[chosen]).sum()
            sums += torch.stack([loss.detach() * len(chosen), hits.float(), sums.new_tensor(len(chosen))])

        loss_sum, hits_sum, seen = accelerator.reduce(sums, "sum").tolist()
        validation_loss, accuracy = _validate(run.average, public_test, accelerator)
        rate = optimizer.param_groups[0]["lr"]
        speed = seen / (time.monotonic() - started)
        run.history.append(Epoch(epoch, rate, speed, loss_sum / seen, hits_sum / seen, validation_loss, accuracy))
        if config.schedule == "plateau":
            run.plateau.step(accuracy)
        if accelerator.is_main_process:
            run.save(run_dir)
            print(_describe(run), file=sys.stderr)
        if board:
            for name, value in vars(run.history[-1]).items():
                board.add_scalar(name, value, epoch)
            board.flush()
        accelerator.wait_for_everyone()
    return MiniXception.from_pretrained(run_dir / "best")


def _open_tensorboard(run_dir: Path, epoch: int) -> SummaryWriter | None:
    """What writes the log for TensorBoard from an epoch on; None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(run_dir / "tensorboard", purge_step=epoch)


def _steps(
    n: int, steps: int, epoch: int, config: TrainConfig, accelerator: Accelerator
) -> Iterator[tuple[int, Tensor]]:
    """Every step of an epoch with this process's share of its pictures: together, each picture once."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(_seed(config.seed, epoch, 0)))
    first = (epoch - 1) * steps
    bar = tqdm(
        enumerate(order.tensor_split(steps), start=first),
        desc=f"epoch {epoch}/{config.epochs}",
        total=steps,
        unit="step",
        leave=False,
        disable=None if accelerator.is_main_process else True,
    )
    for step, batch in bar:
        yield step, batch[accelerator.process_index :: accelerator.num_processes].to(accelerator.device)


def _seed(seed: int, epoch: int, purpose: int) -> int:
    """A seed for one purpose in one epoch, so that a resumed run needs no generator's state."""
    return int(np.random.SeedSequence((seed, epoch, purpose)).generate_state(1)[0])


@torch.no_grad()
def _update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the average a step towards the model, batch norm's statistics included."""
    ours, theirs = average.state_dict(), model.state_dict()
    floats = [name for name, value in ours.items() if value.is_floating_point()]
    torch._foreach_lerp_([ours[name] for name in floats], [theirs[name] for name in floats], 1 - decay)


@torch.inference_mode()
def _validate(model: MiniXception, faces: LabelledFaces, accelerator: Accelerator) -> tuple[float, float]:
    """Loss and accuracy in float32, one pass; the first process's answer for all."""
    from accelerate.utils import broadcast

    truth = torch.from_numpy(faces.labels).to(model.device)
    logits = torch.cat(
        [
            model(model.preprocess(faces.images[start : start + VALIDATION_BATCH]))
            for start in range(0, len(faces), VALIDATION_BATCH)
        ]
    )
    answer = torch.stack([functional.cross_entropy(logits, truth), (logits.argmax(1) == truth).float().mean()])
    loss, accuracy = broadcast(answer).tolist() if accelerator.num_processes > 1 else answer.tolist()
    return loss, accuracy


def _describe(run: Run) -> str:
    last = run.history[-1]
    best = max(row.public_test_accuracy for row in run.history)
    return (
        f"epoch {last.epoch}/{run.config.epochs}: loss {last.train_loss:.3f}, training {last.train_accuracy:.2%}, "
        f"PublicTest (validation) {last.public_test_accuracy:.2%}, best {best:.2%}, {last.images_per_s:.0f} images/s"
    )
