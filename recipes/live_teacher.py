"""Train residual networks on FER2013 and export their average, the teacher of ``mini-xception train --teacher``.

    python recipes/live_teacher.py fer2013.csv --votes fer2013new.csv --out teacher.pt2

Meant for a GPU. Scores are PublicTest's, the validation set.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from mini_xception.augment import augment, build
from mini_xception.data import LabelledFaces, load_fer2013, load_votes
from mini_xception.devices import resolve_device
from mini_xception.faces import EMOTIONS
from mini_xception.files import replacing
from mini_xception.train.config import RUNS, one_cycle, soft_targets
from mini_xception.train.recorded import RecordedStep

#: Channels at 48, 24, 12 and 6 pixels a side: 2.6 million parameters, 435 million multiply-adds a picture.
STEM, WIDTHS = 32, (48, 96, 192, 256)
DROPOUT = 0.4
BATCH = 256
PEAK, WEIGHT_DECAY = 2e-3, 0.05
#: Share of FER+'s votes in the target.
VOTE_WEIGHT = 0.2
#: Two pictures are mixed by a share from Beta(MIXUP, MIXUP) (Zhang et al. 2018), until the last part of the run.
MIXUP, UNMIXED = 0.2, 0.15
EMA_DECAY = 0.998
STRENGTHS = {
    "brightness": 0.25,
    "contrast": 0.25,
    "blur": 0.7,
    "zoom": 0.12,
    "shift": 0.12,
    "rotation": 15.0,
    "flip": 0.5,
}


class Block(nn.Module):
    """Two 3×3 convolutions plus the input, or a 1×1 convolution of it (He et al. 2016)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.right: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.right = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.left(x) + self.right(x))


class Residual(nn.Module):
    """Logits, (N, 7), of grey faces in [0, 1], float, (N, 1, 48, 48)."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third, fourth = WIDTHS
        self.layers = nn.Sequential(
            nn.Conv2d(1, STEM, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(STEM),
            nn.ReLU(),
            nn.Conv2d(STEM, first, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.MaxPool2d(2),
            Block(first, first),
            Block(first, second),
            Block(second, second),
            Block(second, third, stride=2),
            Block(third, third),
            Block(third, fourth, stride=2),
        )
        self.head = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(fourth, len(EMOTIONS)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers((x - 0.5) / 0.25).mean(dim=(-2, -1)))


class Average(nn.Module):
    """The mean of what networks say: probabilities, (N, 7), of grey faces in [0, 1], float, (N, 1, 48, 48)."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([network(x).softmax(dim=1) for network in self.networks]).mean(dim=0)


def train(
    training: LabelledFaces, targets: Tensor, public_test: LabelledFaces, epochs: int, seed: int, device: torch.device
) -> Residual:
    """A network after a one-cycle run of AdamW in bfloat16, its weights averaged along the way."""
    torch.manual_seed(seed)
    network = Residual().to(device).to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    rate, mixing = (torch.zeros((), device=device) for _ in range(2))
    optimizer = torch.optim.AdamW(
        network.parameters(), rate, weight_decay=WEIGHT_DECAY, fused=True, capturable=device.type == "cuda"
    )
    faces = torch.from_numpy(training.images).unsqueeze(1).to(device)
    targets = targets.to(device)
    drawing = torch.Generator(device).manual_seed(seed)
    augmentations = build(STRENGTHS)
    share_of_pairs = torch.distributions.Beta(MIXUP, MIXUP)
    hits = torch.zeros((), device=device)

    def learn(chosen: Tensor) -> None:
        batch, target = augment(faces[chosen].float(), augmentations, drawing) / 255, targets[chosen]
        batch, target = batch.lerp(batch.flip(0), mixing), target.lerp(target.flip(0), mixing)
        with torch.autocast(device.type, torch.bfloat16):
            logits = network(batch.to(memory_format=torch.channels_last))
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(logits.float(), target).backward()
        optimizer.step()
        with torch.no_grad():
            pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
            ours, theirs = zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True)
            torch._foreach_lerp_(ours, theirs, 1 - EMA_DECAY)
            hits.add_((logits.argmax(1) == target.argmax(1)).sum())

    take_step = RecordedStep(learn, drawing) if device.type == "cuda" else learn
    steps = epochs * (len(faces) // BATCH)
    order = iter(())
    started = time.monotonic()
    network.train()
    for step in range(steps):
        epoch, place = divmod(step, steps // epochs)
        if place == 0:
            order = iter(
                torch.randperm(len(faces), generator=torch.Generator().manual_seed(1000 * seed + epoch)).split(BATCH)
            )
        rate.fill_(one_cycle(step, steps, PEAK))
        mixing.fill_(share_of_pairs.sample() if step < (1 - UNMIXED) * steps else 0.0)
        if step == steps // 10:
            average.load_state_dict(network.state_dict())  # What came before is too far away.
        take_step(next(order).to(device))
        if place == steps // epochs - 1 and (epoch % 10 == 9 or epoch == epochs - 1):
            fitted = hits.item() / (min(10, epoch % 10 + 1) * (steps // epochs) * BATCH)
            hits.zero_()
            known = accuracy(Average([average]), public_test, device)
            speed = BATCH * (step + 1) / (time.monotonic() - started)
            print(
                f"network {seed}, epoch {epoch + 1}/{epochs}: training {fitted:.2%}, "
                f"PublicTest (validation) {known:.2%}, {speed:.0f} images/s",
                flush=True,
            )
    return average


@torch.inference_mode()
def accuracy(teacher: Average, faces: LabelledFaces, device: torch.device, mirrored: bool = False) -> float:
    pictures = torch.from_numpy(faces.images).unsqueeze(1).to(device) / 255
    said = torch.cat([teacher(part) + (teacher(part.flip(-1)) if mirrored else 0) for part in pictures.split(512)])
    return float((said.argmax(1).cpu() == torch.from_numpy(faces.labels)).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="FER2013")
    parser.add_argument("--votes", type=Path, required=True, help="FER+'s fer2013new.csv")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--networks", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=65)
    args = parser.parse_args()

    device = resolve_device("auto")
    training, public_test = (load_fer2013(args.data, split) for split in ("Training", "PublicTest"))
    votes = load_votes(args.votes, "Training", training.rows)
    config = replace(RUNS["best"], vote_weight=VOTE_WEIGHT)
    targets = torch.from_numpy(soft_targets(training.labels, votes, config, len(EMOTIONS)))
    networks = [train(training, targets, public_test, args.epochs, seed, device) for seed in range(args.networks)]
    teacher = Average(networks).eval()
    scores = [accuracy(teacher, public_test, device, mirrored) for mirrored in (False, True)]
    example = torch.rand(4, 1, *training.images.shape[1:])
    exported = torch.export.export(
        teacher.cpu().to(memory_format=torch.contiguous_format),
        (example,),
        dynamic_shapes=({0: torch.export.Dim("pictures", min=1)},),
    )
    with replacing(args.out) as partial:
        torch.export.save(exported, partial)
    print(f"{args.out}: {scores[0]:.2%} of PublicTest (validation) in one pass, {scores[1]:.2%} with the mirror image")


if __name__ == "__main__":
    main()
