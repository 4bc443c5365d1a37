"""What decides a run: its settings, the options that change them, the learning rate and the targets."""

from dataclasses import replace

import numpy as np
import pytest

from mini_xception import EMOTIONS, MiniXceptionError
from mini_xception.training import RUNS, TrainConfig
from mini_xception.training.config import one_cycle, soft_targets
from tests.training.test_loop import CONFIG


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimizer": "sgd"},
        {"schedule": "cosine"},
        {"epochs": 0},
        {"label_smoothing": 1.5},
        {"batch_size": -1},
        {"learning_rate": -1.0},
        {"learning_rate": float("nan")},
        {"weight_decay": -1.0},
        {"seed": -1},
        {"image_size": 4},
    ],
)
def test_settings_are_checked(wrong):
    (name,) = wrong
    with pytest.raises(MiniXceptionError, match=name):
        replace(CONFIG, **wrong)


def test_options_change_the_preset():
    from mini_xception.cli import _parser
    from mini_xception.cli.train import config_from

    def config(*options) -> TrainConfig:
        argv = ["train", "--data", "x", "--run", "y", *options]
        return config_from(_parser(argv).parse_args(argv))

    assert config("--preset", "reference") == RUNS["reference"]
    assert config("--votes", "fer2013new.csv", "--teacher", "teacher.npy") == RUNS["best"]
    assert config() == replace(RUNS["best"], vote_weight=0.0, teacher_weight=0.0)  # neither: the labels alone
    changed = config("--preset", "reference", "--augment", "basic", "--flip", "0", "--learning-rate", "0.01")
    assert changed.augmentations == {"brightness": 0.2, "rotation": 10.0, "flip": 0.0}
    assert changed.learning_rate == 0.01
    assert changed.batch_size == 32
    with pytest.raises(MiniXceptionError, match="--rotation"):
        config("--rotation", "360")
    with pytest.raises(MiniXceptionError, match="--votes has no effect while --vote-weight is 0"):
        config("--preset", "reference", "--votes", "fer2013new.csv")
    with pytest.raises(MiniXceptionError, match="--teacher has no effect"):
        config("--teacher", "teacher.npy", "--teacher-weight", "0")


def test_learning_rate_rises_and_falls():
    rates = [one_cycle(step, 100, 1.0) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == 1.0 == rates[9]
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 1e-3


@pytest.mark.parametrize("steps", [1, 5, 11, 24])
def test_the_learning_rate_given_is_the_highest_in_short_runs_too(steps):
    assert max(one_cycle(step, steps, 1.0) for step in range(steps)) <= 1.0


def test_targets_mix_label_votes_teacher_and_smoothing():
    labels = np.array([3, 3])
    votes = np.array([[0, 0, 0, 0.5, 0, 0, 0.5], [0] * 7], np.float32)
    mixed = soft_targets(labels, votes, None, replace(CONFIG, vote_weight=0.4, label_smoothing=0.0), len(EMOTIONS))
    assert mixed[0].tolist() == pytest.approx([0, 0, 0, 0.8, 0, 0, 0.2])
    assert mixed[1].tolist() == pytest.approx([0, 0, 0, 1, 0, 0, 0])  # nobody voted: the label alone
    smooth = soft_targets(labels, None, None, replace(CONFIG, label_smoothing=0.07), len(EMOTIONS))
    assert smooth[0].tolist() == pytest.approx([0.01, 0.01, 0.01, 0.94, 0.01, 0.01, 0.01])
    teacher = np.full((2, 7), 1 / 7, np.float32)
    taught = soft_targets(
        labels, votes, teacher, replace(CONFIG, vote_weight=0.4, label_smoothing=0.0, teacher_weight=0.7), 7
    )
    assert taught[0].tolist() == pytest.approx([0.1, 0.1, 0.1, 0.34, 0.1, 0.1, 0.16])
