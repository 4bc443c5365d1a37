"""Who teaches: probabilities, networks, and networks that see the votes, too."""

from pathlib import Path

import numpy as np
import pytest
import torch
from teacher import LabelRegression

from mini_xception import MiniXceptionError
from mini_xception.train import load_teacher


def guesses(labels: np.ndarray, wrong: float, rng: np.random.Generator) -> np.ndarray:
    """Somebody's probabilities: 0.7 for the label or, in a share of the rows, for any."""
    said = np.where(rng.random(len(labels)) < wrong, rng.integers(0, 7, len(labels)), labels)
    return np.full((len(labels), 7), 0.05, np.float32) + 0.65 * np.eye(7, dtype=np.float32)[said]


def test_networks_and_votes_know_more_together():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 4000)
    networks, votes = guesses(labels, 0.4, rng), guesses(labels, 0.4, rng)
    regression = LabelRegression(networks[:2000], votes[:2000], labels[:2000])
    together = regression(networks[2000:], votes[2000:])
    assert np.allclose(together.sum(axis=1), 1, atol=1e-5)
    known = {"networks": networks[2000:], "votes": votes[2000:], "together": together}
    loss = {who: -np.log(said[np.arange(2000), labels[2000:]]).mean() for who, said in known.items()}
    assert loss["together"] < 0.9 * min(loss["networks"], loss["votes"])


def test_a_better_informed_side_counts_more():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 7, 4000)
    networks, votes = guesses(labels, 0.8, rng), guesses(labels, 0.1, rng)
    together = LabelRegression(networks, votes, labels)(networks, votes)
    assert (together.argmax(1) == votes.argmax(1)).mean() > 0.99


def test_a_teachers_probabilities(tmp_path):
    answers = np.eye(7, dtype=np.float32)[[3, 6]]
    np.save(tmp_path / "teacher.npy", answers)
    teacher = load_teacher(tmp_path / "teacher.npy", 2, 48)
    assert np.array_equal(teacher(torch.zeros(1, 1, 48, 48), torch.tensor([1])).numpy(), answers[1:])


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (np.eye(7)[[3]], r"shape \(1, 7\), the data needs \(2, 7\)"),
        (np.eye(7)[[3, 6]] * 2, "no distribution"),
        (np.full((2, 7), np.nan), "no distribution"),
        (np.array([{}, {}]), "no file of a teacher's probabilities"),
        (None, "no file of a teacher's probabilities"),
    ],
)
def test_what_no_teacher_wrote(tmp_path, answers, reason):
    if answers is not None:
        np.save(tmp_path / "teacher.npy", answers)
    with pytest.raises(MiniXceptionError, match=reason):
        load_teacher(tmp_path / "teacher.npy", 2, 48)


class Brightness(torch.nn.Module):
    """Probabilities of grey faces: happy if bright."""

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        bright = faces.mean(dim=(1, 2, 3))
        return torch.stack([1 - bright, *[torch.zeros_like(bright)] * 2, bright, *[torch.zeros_like(bright)] * 3], 1)


def export(network: torch.nn.Module, path: Path) -> None:
    pictures = {0: torch.export.Dim("pictures", min=1)}
    torch.export.save(torch.export.export(network, (torch.rand(4, 1, 48, 48),), dynamic_shapes=(pictures,)), path)


def test_a_network_teaches(tmp_path):
    export(Brightness(), tmp_path / "teacher.pt2")
    teacher = load_teacher(tmp_path / "teacher.pt2", 2, 48)
    assert teacher(torch.ones(3, 1, 48, 48), torch.arange(3)).argmax(1).tolist() == [3, 3, 3]


def test_a_network_that_does_not_fit(tmp_path):
    export(Brightness(), tmp_path / "teacher.pt2")
    with pytest.raises(MiniXceptionError, match=r"teacher\.pt2: no network for 64×64 pictures"):
        load_teacher(tmp_path / "teacher.pt2", 2, 64)
    export(torch.nn.Flatten(), tmp_path / "flat.pt2")
    with pytest.raises(MiniXceptionError, match=r"flat\.pt2: it gives no probabilities of angry"):
        load_teacher(tmp_path / "flat.pt2", 2, 48)
    (tmp_path / "damaged.pt2").write_bytes(b"no archive")
    with pytest.raises(MiniXceptionError, match=r"damaged\.pt2: no network"):
        load_teacher(tmp_path / "damaged.pt2", 2, 48)
