"""Train mini_Xception: a frozen configuration and one visible loop that goes on where it was killed."""

from __future__ import annotations

import copy
import csv
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from mini_xception.augment import Augmentation, RandomAffine, RandomBrightnessContrast, augment
from mini_xception.data import LabelledFaces
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.model import MiniXception

#: Logged at each epoch, in this order.
LOG_COLUMNS = ("epoch", "learning_rate", "train_loss", "train_accuracy", "public_test_accuracy")


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides what a run becomes.

    Attributes:
        epochs: passes over the training split.
        batch_size: pictures a step.
        learning_rate: AdamW's peak; see :func:`one_cycle`.
        weight_decay: AdamW's, on convolution weights alone.
        warmup: fraction of all steps in which the learning rate rises.
        label_smoothing: probability given to all seven labels alike.
        vote_weight: share of FER+'s votes in a picture's target; the rest is FER2013's label.
        ema_decay: of the exponential moving average of the weights, per step; the average is what is kept.
        augmentations: applied to every batch, in this order.
        seed: of initial weights, order and augmentation.
    """

    epochs: int = 150
    batch_size: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 0.02
    warmup: float = 0.1
    label_smoothing: float = 0.05
    vote_weight: float = 0.0
    ema_decay: float = 0.999
    augmentations: tuple[Augmentation, ...] = (RandomAffine(), RandomBrightnessContrast())
    seed: int = 0


def one_cycle(step: int, steps: int, peak: float, warmup: float) -> float:
    """The learning rate at a step: a linear rise to the peak, then half a cosine down to zero (Smith 2018)."""
    rise = warmup * steps
    if step < rise:
        return peak * (step + 1) / rise
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise)))


def soft_targets(labels: np.ndarray, votes: np.ndarray | None, config: TrainConfig) -> Tensor:
    """What each picture's probabilities should be: its label, smoothed, mixed with the annotators' votes.

    Args:
        labels: int64, (N,).
        votes: float32, (N, 7), fractions that sum to 1, or to 0 where nobody voted for any of the seven.
        config: label_smoothing and vote_weight.

    Returns:
        float32, (N, 7), rows sum to 1.
    """
    targets = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
    if votes is not None:
        weight = config.vote_weight * votes.sum(axis=1, keepdims=True)
        targets = (1 - weight) * targets + config.vote_weight * votes
    return torch.from_numpy((1 - config.label_smoothing) * targets + config.label_smoothing / len(EMOTIONS))


def train(
    config: TrainConfig,
    training: LabelledFaces,
    public_test: LabelledFaces,
    run_dir: str | os.PathLike[str],
    votes: np.ndarray | None = None,
) -> MiniXception:
    """Train on one split, watch the other, and keep the best epoch's averaged weights.

    The run folder holds ``log.csv``, the checkpoint folders ``best`` and ``last``, and ``run_state.pt``, from which a
    killed run goes on at the epoch where it was.

    Args:
        config: the run's settings; a resumed run must have the same.
        training: what the weights are fitted to.
        public_test: FER2013's PublicTest, the validation set: ``best`` is chosen on it.
        run_dir: the run's folder.
        votes: float32, (len(training), 7), FER+ votes for the training pictures; needed if config.vote_weight > 0.

    Returns:
        The best checkpoint.

    Raises:
        MiniXceptionError: votes are asked for and missing, or the run folder belongs to another configuration.
    """
    if config.vote_weight > 0 and votes is None:
        raise MiniXceptionError("vote_weight > 0 needs FER+'s votes (fer2013new.csv)")
    run_dir = Path(run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(config.seed)
    generator = torch.Generator().manual_seed(config.seed)
    model = MiniXception().to(memory_format=torch.channels_last)
    average = copy.deepcopy(model).eval()
    optimizer = torch.optim.AdamW(parameter_groups(model, config.weight_decay), fused=True)
    faces = torch.from_numpy(training.images)
    targets = soft_targets(training.labels, votes if config.vote_weight > 0 else None, config)
    labels = torch.from_numpy(training.labels)

    first_epoch, best_accuracy = 1, 0.0
    state_path = run_dir / "run_state.pt"
    if state_path.exists():
        state = torch.load(state_path, weights_only=True)
        if state["config"] != repr(config):
            raise MiniXceptionError(
                f"{run_dir} belongs to another configuration: {state['config']}; choose a new folder"
            )
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        first_epoch, best_accuracy = state["epoch"] + 1, state["best_accuracy"]

    steps_per_epoch = len(faces) // config.batch_size
    for epoch in range(first_epoch, config.epochs + 1):
        loss_sum = torch.zeros(())
        correct = torch.zeros((), dtype=torch.int64)
        model.train()
        for i, chosen in enumerate(shuffled_batches(len(faces), config.batch_size, generator, f"epoch {epoch}")):
            step = (epoch - 1) * steps_per_epoch + i
            learning_rate = one_cycle(step, config.epochs * steps_per_epoch, config.learning_rate, config.warmup)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            batch = augment(faces[chosen].unsqueeze(1).float(), config.augmentations, generator)
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(((batch / 255 - model.mean) / model.std).to(memory_format=torch.channels_last)).float()
            loss = functional.cross_entropy(logits, targets[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            update_average(average, model, min(config.ema_decay, (1 + step) / (10 + step)))
            loss_sum += loss.detach()
            correct += (logits.argmax(1) == labels[chosen]).sum()

        accuracy = validate(average, public_test)
        seen = steps_per_epoch * config.batch_size
        append_log(run_dir / "log.csv", epoch, learning_rate, loss_sum / steps_per_epoch, correct / seen, accuracy)
        average.save_pretrained(run_dir / "last")
        if accuracy > best_accuracy:
            best_accuracy = accuracy
            average.save_pretrained(run_dir / "best")
        state = {
            "config": repr(config),
            "epoch": epoch,
            "best_accuracy": best_accuracy,
            "model": model.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
            "generator": generator.get_state(),
        }
        # Written beside and moved into place: a kill leaves the old state or the new one, whole.
        torch.save(state, temporary := state_path.with_suffix(".tmp"))
        os.replace(temporary, state_path)
    return MiniXception.from_pretrained(run_dir / "best")


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Decay convolution weights; leave biases and batch norm, which set scales, alone."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def shuffled_batches(n: int, batch_size: int, generator: torch.Generator, label: str) -> Iterator[Tensor]:
    """Indices of whole batches in random order; the pictures that fill no batch wait for another epoch."""
    order = torch.randperm(n, generator=generator)
    for i in tqdm(range(n // batch_size), desc=label, mininterval=5, leave=False):
        yield order[i * batch_size : (i + 1) * batch_size]


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the average's parameters a step towards the model's, and copy batch norm's statistics."""
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
    for ours, theirs in zip(average.buffers(), model.buffers(), strict=True):
        ours.copy_(theirs)


@torch.inference_mode()
def validate(model: MiniXception, faces: LabelledFaces) -> float:
    """Accuracy in float32, one pass, in [0, 1]."""
    correct = 0
    for start in range(0, len(faces), 256):
        logits = model(model.preprocess(faces.images[start : start + 256]))
        correct += int((logits.argmax(1).numpy() == faces.labels[start : start + 256]).sum())
    return correct / len(faces)


def append_log(path: Path, *values: float | Tensor) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(LOG_COLUMNS)
        writer.writerow([f"{float(value):.6g}" for value in values])
