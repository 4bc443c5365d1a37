"""Training on a few made-up faces: it learns, it logs, it goes on where it was killed."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from mini_xception import MiniXception, MiniXceptionError
from mini_xception.augment import RandomAffine, RandomBrightnessContrast
from mini_xception.data import LabelledFaces
from mini_xception.train import TrainConfig, one_cycle, soft_targets, train

CONFIG = TrainConfig(epochs=4, batch_size=16, augmentations=(RandomAffine(shift=0.02),))


def made_up_faces(n: int, seed: int) -> LabelledFaces:
    """Pictures whose label is the place of a bright band."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, n)
    images = rng.integers(0, 60, (n, 48, 48), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[6 * label : 6 * label + 8] += 180
    return LabelledFaces(images, labels, np.arange(n))


TRAINING, PUBLIC_TEST = made_up_faces(160, 0), made_up_faces(64, 1)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_run_folder_and_log(tmp_path):
    model = train(CONFIG, TRAINING, PUBLIC_TEST, tmp_path)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    assert not model.training
    assert {path.name for path in tmp_path.iterdir()} == {"best", "last", "log.csv", "run_state.pt"}
    MiniXception.from_pretrained(tmp_path / "last")


def test_a_stopped_run_ends_with_the_same_weights(tmp_path):
    class Stop(Exception):
        pass

    class StopInTheThirdEpoch(RandomAffine):
        calls = 0

        def __call__(self, faces, generator):
            type(self).calls += 1
            if type(self).calls == 25:
                raise Stop
            return super().__call__(faces, generator)

        def __repr__(self):
            return repr(RandomAffine(shift=self.shift))

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(CONFIG, TRAINING, PUBLIC_TEST, whole)
    with pytest.raises(Stop):
        train(replace(CONFIG, augmentations=(StopInTheThirdEpoch(shift=0.02),)), TRAINING, PUBLIC_TEST, stopped)
    train(CONFIG, TRAINING, PUBLIC_TEST, stopped)
    expected = MiniXception.from_pretrained(whole / "last").state_dict()
    resumed = MiniXception.from_pretrained(stopped / "last").state_dict()
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)
    assert (whole / "log.csv").read_text() == (stopped / "log.csv").read_text()


def test_another_configuration_needs_another_folder(tmp_path):
    train(replace(CONFIG, epochs=1), TRAINING, PUBLIC_TEST, tmp_path)
    with pytest.raises(MiniXceptionError, match="another configuration"):
        train(replace(CONFIG, epochs=2), TRAINING, PUBLIC_TEST, tmp_path)


def test_votes_have_to_be_there(tmp_path):
    with pytest.raises(MiniXceptionError, match=r"fer2013new\.csv"):
        train(replace(CONFIG, vote_weight=0.5), TRAINING, PUBLIC_TEST, tmp_path)


def test_learning_rate_rises_and_falls():
    rates = [one_cycle(step, 100, 1.0, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == 1.0 == rates[9]
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 1e-3


def test_targets_mix_label_votes_and_smoothing():
    labels = np.array([3, 3])
    votes = np.array([[0, 0, 0, 0.5, 0, 0, 0.5], [0] * 7], np.float32)
    mixed = soft_targets(labels, votes, replace(CONFIG, vote_weight=0.4, label_smoothing=0.0))
    assert mixed[0].tolist() == pytest.approx([0, 0, 0, 0.8, 0, 0, 0.2])
    assert mixed[1].tolist() == pytest.approx([0, 0, 0, 1, 0, 0, 0])  # nobody voted: the label alone
    smooth = soft_targets(labels, None, replace(CONFIG, label_smoothing=0.07))
    assert smooth[0].tolist() == pytest.approx([0.01, 0.01, 0.01, 0.94, 0.01, 0.01, 0.01])


@pytest.mark.parametrize("augmentation", [RandomAffine(), RandomBrightnessContrast()])
def test_augmentations_repeat_with_their_seed_and_stay_in_range(augmentation):
    faces = torch.from_numpy(made_up_faces(8, 2).images).unsqueeze(1).float()
    first, again, other = (augmentation(faces, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == faces.shape
    assert first.min() >= 0
    assert first.max() <= 255
    assert len({face.sum().item() for face in first}) == 8  # drawn per picture


def test_affine_mirrors_half_and_shifts_within_its_bounds():
    faces = torch.zeros(2000, 1, 48, 48)
    faces[:, :, 20:28, 10:14] = 255
    generator = torch.Generator().manual_seed(0)
    mirrored = RandomAffine(flip=0.5, degrees=0, scale=0, shift=0)(faces, generator)
    assert 0.45 < (mirrored[:, 0, 24, 36] > 200).float().mean() < 0.55
    shifted = RandomAffine(flip=0, degrees=0, scale=0, shift=0.1)(faces, generator)
    columns = (shifted.sum(dim=(1, 2)) * torch.arange(48)).sum(1) / shifted.sum(dim=(1, 2, 3))
    moved = columns - 11.5
    assert 4.0 < moved.abs().max() <= 4.81
    assert abs(moved.mean()) < 0.25
