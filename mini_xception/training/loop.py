"""The loop: one core, one GPU, bf16 and many processes are the same code, by Accelerate."""

from __future__ import annotations

import hashlib
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

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.network.devices import computes_bfloat16
from mini_xception.network.model import MiniXception
from mini_xception.network.preprocess import scale_pixels, to_grey
from mini_xception.training.augment import augment, build
from mini_xception.training.config import TrainConfig, one_cycle, soft_targets
from mini_xception.training.data import LabelledFaces
from mini_xception.training.recorded import RecordedStep
from mini_xception.training.state import Epoch, Run

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
            folder belongs to another run or cannot be written, or a step has fewer pictures than there are processes.
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
    run = Run.start(config, _digest(training, public_test, votes, teacher, initial), accelerator.device, initial)
    run.resume(run_dir)
    if accelerator.is_main_process and not run.history:
        run.save(run_dir)  # A full disk or an unwritable folder shows now, not after the first epoch.
    network, optimizer = accelerator.prepare(run.model, run.optimizer)
    board = _open_tensorboard(run_dir, len(run.history) + 1) if accelerator.is_main_process else None

    # All pictures live on the device, where they are augmented: 66 MB, and PublicTest's as network input, 33 MB.
    resized = np.stack([to_grey(face, config.image_size) for face in training.images])
    faces = torch.from_numpy(resized).unsqueeze(1).to(accelerator.device)
    labels = torch.from_numpy(training.labels).to(accelerator.device)
    targets = soft_targets(training.labels, votes, teacher, config, len(run.model.labels))
    soft = torch.from_numpy(targets).to(accelerator.device)
    validation = run.average.preprocess(public_test.images)
    truth = torch.from_numpy(public_test.labels).to(accelerator.device)
    augmentations = build(config.augmentations)
    drawing = torch.Generator(accelerator.device)
    steps = -(-len(faces) // config.batch_size)
    if len(faces) // steps < accelerator.num_processes:
        raise MiniXceptionError(
            f"each of {accelerator.num_processes} processes needs a picture in every step; raise batch_size"
        )
    # Tensors, since a recorded step reads no others.
    rate = torch.tensor(float(optimizer.param_groups[0]["lr"]), device=accelerator.device)
    decay = torch.tensor(config.ema_decay, device=accelerator.device)
    sums = torch.zeros(2, device=accelerator.device)  # loss and hits, times the pictures

    def learn(chosen: Tensor) -> None:
        batch = augment(faces[chosen].float(), augmentations, drawing)
        batch = scale_pixels(batch, run.model.mean, run.model.std).to(memory_format=torch.channels_last)
        logits = network(batch)
        loss = functional.cross_entropy(logits, soft[chosen])
        optimizer.zero_grad(set_to_none=True)
        accelerator.backward(loss)
        optimizer.step()
        _update_average(run.average, run.model, decay)
        hits = (logits.argmax(1) == labels[chosen]).sum()
        sums.add_(torch.stack([loss.detach() * len(chosen), hits.float()]))

    recordable = accelerator.device.type == "cuda" and accelerator.num_processes == 1
    take_step = RecordedStep(learn, drawing) if recordable else learn

    while not run.finished:
        epoch = len(run.history) + 1
        started = time.monotonic()
        sums.zero_()
        drawing.manual_seed(_seed(config.seed, epoch, 1 + accelerator.process_index))
        for group in optimizer.param_groups:
            group["lr"] = rate
        network.train()
        for step, chosen in _steps(len(faces), steps, epoch, config, accelerator):
            if config.schedule == "one_cycle":
                rate.fill_(one_cycle(step, config.epochs * steps, config.learning_rate))
            decay.fill_(min(config.ema_decay, (1 + step) / (10 + step)))
            take_step(chosen)

        loss, hits = (accelerator.reduce(sums, "sum") / len(faces)).tolist()
        validation_loss, accuracy = _validate(run.average, validation, truth, accelerator)
        speed = len(faces) / (time.monotonic() - started)
        run.history.append(Epoch(epoch, rate.item(), speed, loss, hits, validation_loss, accuracy))
        for group in optimizer.param_groups:
            group["lr"] = rate.item()  # A number again: the plateau schedule divides it, the run state keeps it.
        if config.schedule == "plateau":
            run.plateau.step(accuracy)
            rate.fill_(optimizer.param_groups[0]["lr"])
        if accelerator.is_main_process:
            run.save(run_dir)
            print(_describe(run), file=sys.stderr)
        if board:
            for name, value in vars(run.history[-1]).items():
                board.add_scalar(name, value, epoch)
            board.flush()
        accelerator.wait_for_everyone()
    return MiniXception.from_pretrained(run_dir / "best")


def _digest(
    training: LabelledFaces,
    public_test: LabelledFaces,
    votes: np.ndarray | None,
    teacher: np.ndarray | None,
    initial: MiniXception | None,
) -> str:
    """A digest of everything but the settings that decides what a run becomes."""
    arrays = [training.images, training.labels, public_test.images, public_test.labels]
    arrays += [np.empty(0) if array is None else array for array in (votes, teacher)]
    arrays += [weight.cpu().numpy() for weight in initial.state_dict().values()] if initial else []
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


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
    order = order.to(accelerator.device)
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
        yield step, batch[accelerator.process_index :: accelerator.num_processes]


def _seed(seed: int, epoch: int, purpose: int) -> int:
    """A seed for one purpose in one epoch, so that a resumed run needs no generator's state."""
    return int(np.random.SeedSequence((seed, epoch, purpose)).generate_state(1)[0])


@torch.no_grad()
def _update_average(average: nn.Module, model: nn.Module, decay: Tensor) -> None:
    """Move the average a step towards the model, batch norm's statistics included."""
    ours, theirs = average.state_dict(), model.state_dict()
    floats = [name for name, value in ours.items() if value.is_floating_point()]
    averages = [ours[name] for name in floats]
    torch._foreach_mul_(averages, decay)
    torch._foreach_add_(averages, torch._foreach_mul([theirs[name] for name in floats], 1 - decay))


@torch.inference_mode()
def _validate(model: MiniXception, faces: Tensor, truth: Tensor, accelerator: Accelerator) -> tuple[float, float]:
    """Loss and accuracy in float32, one pass; the first process's answer for all."""
    from accelerate.utils import broadcast

    logits = torch.cat([model(batch) for batch in faces.split(VALIDATION_BATCH)])
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
