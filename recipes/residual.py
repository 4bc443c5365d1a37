"""Train a residual network of 1.2 million parameters on FER2013, to teach mini_Xception; see ``recipes/teacher.py``.

    python recipes/residual.py fer2013.csv --votes fer2013new.csv --run runs/residual

The run folder holds ``log.csv``, ``residual.safetensors``, which is the moving average of the weights, and
``run_state.pt``, from which a killed run goes on. Scores are PublicTest's, the validation set.
"""

from __future__ import annotations

import argparse
import copy
import csv
import time
from collections.abc import Sequence
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
from mini_xception.training.config import RUNS, TrainConfig, one_cycle, soft_targets
from mini_xception.training.data import LabelledFaces, load_fer2013, load_votes

WEIGHTS = "residual.safetensors"
#: Channels of the four blocks, at 48, 24, 12 and 6 pixels a side: 140 million multiply-adds a picture.
WIDTHS = (32, 64, 128, 256)
DROPOUT = 0.3
BATCH = 256


class Block(nn.Module):
    """Two 3×3 convolutions plus a 1×1 convolution as the shortcut (He et al. 2016)."""

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
    """Logits, (N, 7), of normalised grey faces, float, (N, 1, 48, 48)."""

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
        """Network input from uint8 faces of 48×48."""
        return torch.from_numpy(normalise(faces, 48, self.mean, self.std))

    @classmethod
    def from_file(cls, path: Path) -> Residual:
        network = cls()
        network.load_state_dict(load_file(path))
        return network.eval()


def train(
    config: TrainConfig, training: LabelledFaces, public_test: LabelledFaces, votes: np.ndarray, run: Path
) -> None:
    """One-cycle AdamW in bfloat16; weight decay holds for all weights."""
    torch.manual_seed(config.seed)
    network = Residual().to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=config.weight_decay)
    history: list[dict[str, float]] = []
    if (run / "run_state.pt").is_file():
        state = torch.load(run / "run_state.pt", weights_only=True)
        if state["config"] != repr(config):
            raise SystemExit(f"{run} holds a run with other settings; choose another folder or remove it")
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]

    faces = torch.from_numpy(training.images).unsqueeze(1)
    targets = torch.from_numpy(soft_targets(training.labels, votes, None, config, len(EMOTIONS)))
    augmentations = build(config.augmentations)
    steps = -(-len(faces) // config.batch_size)
    while len(history) < config.epochs:
        epoch, started = len(history), time.monotonic()
        torch.manual_seed(1000 * config.seed + epoch)  # for order, augmentation and dropout alike
        network.train()
        losses, hits = 0.0, 0
        for i, chosen in enumerate(tqdm(torch.randperm(len(faces)).tensor_split(steps), leave=False, disable=None)):
            step = epoch * steps + i
            for group in optimizer.param_groups:
                group["lr"] = one_cycle(step, config.epochs * steps, config.learning_rate)
            batch = augment(faces[chosen].float(), augmentations, torch.default_generator)
            batch = scale_pixels(batch, Residual.mean, Residual.std).to(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(batch)
            loss = functional.cross_entropy(logits.float(), targets[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                share = 1 - min(config.ema_decay, (1 + step) / (10 + step))
                for ours, theirs in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
                    ours.lerp_(theirs, share) if ours.is_floating_point() else ours.copy_(theirs)
            losses += loss.item() * len(chosen)
            hits += int((logits.argmax(1) == torch.from_numpy(training.labels)[chosen]).sum())
        history.append(
            {
                "epoch": epoch + 1,
                "train_loss": losses / len(faces),
                "train_accuracy": hits / len(faces),
                "public_test_accuracy": accuracy(average, public_test),
                "seconds": time.monotonic() - started,
            }
        )
        print("  ".join(f"{name} {value:.4g}" for name, value in history[-1].items()), flush=True)
        state = {
            "config": repr(config),
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
            "history": history,
        }
        with atomic_write(run / "run_state.pt") as partial:
            torch.save(state, partial)
        with atomic_write(run / "log.csv") as partial, open(partial, "w", newline="") as file:
            writer = csv.DictWriter(file, history[0])
            writer.writeheader()
            writer.writerows(history)
    save_file({name: value.contiguous() for name, value in average.state_dict().items()}, run / WEIGHTS)


@torch.inference_mode()
def accuracy(network: Residual, faces: LabelledFaces) -> float:
    """In one pass, in bfloat16."""
    hits = 0
    for start in range(0, len(faces), BATCH):
        batch = network.preprocess(faces.images[start : start + BATCH]).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            guesses = network(batch).argmax(1).numpy()
        hits += int((guesses == faces.labels[start : start + BATCH]).sum())
    return hits / len(faces)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013")
    parser.add_argument("--votes", type=Path, required=True, help="FER+'s fer2013new.csv")
    parser.add_argument("--run", type=Path, required=True, help="the run's folder")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training split (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
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
    args.run.mkdir(parents=True, exist_ok=True)
    training = load_fer2013(args.data, "Training")
    train(
        config,
        training,
        load_fer2013(args.data, "PublicTest"),
        load_votes(args.votes, "Training", training.rows),
        args.run,
    )


if __name__ == "__main__":
    main()
