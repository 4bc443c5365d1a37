"""Train a larger network on FER2013, as a teacher for mini_Xception.

    python -m recipes.residual fer2013.csv --votes fer2013new.csv --run runs/residual

The network is a residual network with 1.2 million parameters. The run's folder holds ``log.csv``, ``run_state.pt`` and
``residual.safetensors``, the moving average of the weights. Pass ``residual.safetensors`` to ``recipes/teacher.py``.

To resume a run that was stopped, repeat its command. Scores are measured on PublicTest, the validation set.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from mini_xception.faces import EMOTIONS
from mini_xception.media.atomic import atomic_write
from mini_xception.network.preprocess import normalise, scale_pixels
from mini_xception.training.augment import PRESETS, augment, build
from mini_xception.training.config import RUNS, TrainConfig
from mini_xception.training.fer2013 import load_fer2013
from mini_xception.training.labelled import LabelledFaces
from mini_xception.training.schedule import average_decay, one_cycle
from mini_xception.training.targets import load_votes, soft_targets

WEIGHTS, STATE, LOG = "residual.safetensors", "run_state.pt", "log.csv"
#: Channels of the four blocks, at 48, 24, 12 and 6 pixels per side: 121 million multiply-adds per image.
WIDTHS = (32, 64, 128, 256)
DROPOUT = 0.3
#: Images per forward pass in validation.
BATCH = 256


class Block(nn.Module):
    """Two 3×3 convolutions, plus a 1×1 convolution as the shortcut (He et al. 2016)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.right = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.left(x) + self.right(x))


class Residual(nn.Module):
    """The residual network: logits, (N, 7), from normalised grey faces, float, (N, 1, 48, 48)."""

    labels = EMOTIONS
    mean, std = 0.5, 0.25

    def __init__(self) -> None:
        super().__init__()
        channels = (1, *WIDTHS)
        self.blocks = nn.Sequential(
            *(Block(channels[i], channels[i + 1], stride=1 if i == 0 else 2) for i in range(len(WIDTHS)))
        )
        self.head = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(WIDTHS[-1], len(EMOTIONS)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(x).mean(dim=(-2, -1)))

    def preprocess(self, faces: Sequence[np.ndarray] | np.ndarray) -> Tensor:
        """Convert uint8 faces of 48×48 pixels to network input."""
        return torch.from_numpy(normalise(faces, 48, self.mean, self.std))

    @classmethod
    def from_file(cls, path: Path) -> Residual:
        """Load a network with the weights of a run, ready for inference."""
        network = cls()
        network.load_state_dict(load_file(path))
        return network.eval()


@dataclass
class State:
    """The state of a run between two epochs."""

    network: Residual
    average: Residual
    optimizer: torch.optim.Optimizer
    history: list[dict[str, float]] = field(default_factory=list)


def start(config: TrainConfig, run: Path) -> State:
    """Create a run, or resume the run in a folder."""
    torch.manual_seed(config.seed)
    network = Residual().to(memory_format=torch.channels_last)
    # Unlike in `mini-xception train`, weight decay applies to all weights.
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=config.weight_decay)
    state = State(network, copy.deepcopy(network).eval(), optimizer)
    if (run / STATE).is_file():
        saved = torch.load(run / STATE, weights_only=True)
        if saved["config"] != json.dumps(asdict(config)):
            raise SystemExit(f"{run}: contains a run with other settings; use the same settings or another folder")
        state.network.load_state_dict(saved["network"])
        state.average.load_state_dict(saved["average"])
        state.optimizer.load_state_dict(saved["optimizer"])
        state.history = saved["history"]
    return state


def save(state: State, config: TrainConfig, run: Path) -> None:
    """Write the run state and the log. Each file is written atomically."""
    saved = {
        "config": json.dumps(asdict(config)),
        "network": state.network.state_dict(),
        "average": state.average.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "history": state.history,
    }
    with atomic_write(run / STATE) as temporary:
        torch.save(saved, temporary)
    with atomic_write(run / LOG) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, state.history[0])
        writer.writeheader()
        writer.writerows(state.history)


def train_epoch(
    state: State, config: TrainConfig, faces: Tensor, labels: Tensor, targets: Tensor
) -> tuple[float, float]:
    """Train on every image once, in bfloat16.

    Args:
        state: the run. Its network, average and optimizer are updated.
        config: the settings.
        faces: uint8, (N, 1, 48, 48).
        labels: int64, (N,).
        targets: float32, (N, 7), probabilities.

    Returns:
        Mean loss and accuracy.
    """
    steps, epoch = config.steps_per_epoch(len(faces)), len(state.history)
    augmentations = build(config.augmentations)
    torch.manual_seed(1000 * config.seed + epoch)  # for order, augmentation and dropout
    state.network.train()
    losses, hits = 0.0, 0
    for i, chosen in enumerate(tqdm(torch.randperm(len(faces)).tensor_split(steps), leave=False, disable=None)):
        step = epoch * steps + i
        for group in state.optimizer.param_groups:
            group["lr"] = one_cycle(step, config.epochs * steps, config.learning_rate)
        batch = augment(faces[chosen].float(), augmentations, torch.default_generator)
        batch = scale_pixels(batch, Residual.mean, Residual.std).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            logits = state.network(batch)
        loss = functional.cross_entropy(logits.float(), targets[chosen])
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        state.optimizer.step()
        update_average(state, 1 - average_decay(step, config.ema_decay))
        losses += loss.item() * len(chosen)
        hits += int((logits.argmax(1) == labels[chosen]).sum())
    return losses / len(faces), hits / len(faces)


@torch.no_grad()
def update_average(state: State, fraction: float) -> None:
    """Move the average towards the network by a fraction of the distance. Batch norm's statistics are averaged, too."""
    for ours, theirs in zip(state.average.state_dict().values(), state.network.state_dict().values(), strict=True):
        ours.lerp_(theirs, fraction) if ours.is_floating_point() else ours.copy_(theirs)


@torch.inference_mode()
def accuracy(network: Residual, faces: LabelledFaces) -> float:
    """Compute the accuracy in bfloat16, with one forward pass per image."""
    hits = 0
    for first in range(0, len(faces), BATCH):
        batch = network.preprocess(faces.images[first : first + BATCH]).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            guesses = network(batch).argmax(1).numpy()
        hits += int((guesses == faces.labels[first : first + BATCH]).sum())
    return hits / len(faces)


def train(
    config: TrainConfig, training: LabelledFaces, validation: LabelledFaces, votes: np.ndarray, run: Path
) -> None:
    """Train, or resume the run in a folder, and write the moving average of the weights."""
    state = start(config, run)
    faces, labels = torch.from_numpy(training.images).unsqueeze(1), torch.from_numpy(training.labels)
    targets = torch.from_numpy(soft_targets(training.labels, votes, None, config, len(EMOTIONS)))
    while len(state.history) < config.epochs:
        started = time.monotonic()
        train_loss, train_accuracy = train_epoch(state, config, faces, labels, targets)
        epoch = {
            "epoch": len(state.history) + 1,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "validation_accuracy": accuracy(state.average, validation),
            "seconds": time.monotonic() - started,
        }
        state.history.append(epoch)
        print("  ".join(f"{name} {value:.4g}" for name, value in epoch.items()), flush=True)
        save(state, config, run)
    with atomic_write(run / WEIGHTS) as temporary:
        save_file({name: value.contiguous() for name, value in state.average.state_dict().items()}, temporary)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013, in any form that mini-xception train accepts")
    parser.add_argument("--votes", type=Path, required=True, help="FER+'s fer2013new.csv")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run; an existing run is resumed")
    parser.add_argument(
        "--epochs",
        type=int,
        default=24,
        help="number of passes over the training split, 1 or more (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="random seed of the weights, the image order and the augmentation, 0 or more (default: %(default)s)",
    )
    args = parser.parse_args()

    config = TrainConfig(
        epochs=args.epochs,
        batch_size=64,
        optimizer="adamw",
        learning_rate=2e-3,
        weight_decay=0.05,
        schedule="one_cycle",
        vote_weight=RUNS["best"].vote_weight,
        ema_decay=RUNS["best"].ema_decay,
        augmentations=PRESETS["best"],
        seed=args.seed,
    )
    training, validation = (load_fer2013(args.data, split) for split in ("Training", "PublicTest"))
    train(config, training, validation, load_votes(args.votes, "Training", training.rows), args.run)


if __name__ == "__main__":
    main()
