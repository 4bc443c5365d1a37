"""A run's settings, the options that change them, the schedules and the targets."""

from dataclasses import replace

import numpy as np
import pytest

from mini_xception import EMOTIONS, MiniXceptionError
from mini_xception.training import RUNS, TrainConfig
from mini_xception.training.augment import AUGMENTATIONS
from mini_xception.training.config import SETTINGS
from mini_xception.training.schedule import average_decay, one_cycle
from mini_xception.training.targets import soft_targets
from tests.training.runs import CONFIG


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
        {"seed": 2**63},
        {"image_size": 4},
        {"batch_size": "16"},
    ],
)
def test_settings_are_checked(wrong):
    (name,) = wrong
    with pytest.raises(MiniXceptionError, match=name):
        replace(CONFIG, **wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"optimizer": "sgd"}, "optimizer is 'sgd'; it must be adam or adamw or muon"),
        ({"epochs": 0}, "epochs is 0; it must be 1 or more and below 2^63"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0 and below 2^63"),
        ({"ema_decay": 1.5}, "ema_decay is 1.5; it must be 0 to 1"),
        ({"augmentations": {"flip": -0.1}}, "flip is -0.1; it must be 0 to 1"),
        (
            {"augmentations": {"turn": 10.0}},
            "augmentation 'turn' not found; choose from salt_and_pepper, brightness, contrast, blur, overexposure, "
            "shadow, defocus, motion, resolution, noise, jpeg, zoom, shift, rotation, flip",
        ),
        (
            {"optimizer": "adam", "weight_decay": 0.1},
            "weight_decay is 0.1, but adam has no weight decay; set it to 0, or choose adamw or muon",
        ),
    ],
)
def test_an_error_names_setting_and_range(wrong, message):
    with pytest.raises(MiniXceptionError) as caught:
        replace(CONFIG, **wrong)
    assert str(caught.value) == message


def test_every_option_has_help_with_range_and_default():
    from mini_xception.cli import _parser

    for command in ("train", "evaluate"):
        root = _parser([command])
        (commands,) = (action for action in root._actions if action.dest == "command")
        options = {action.dest: action for action in commands.choices[command]._actions}
        assert all(option.help for option in options.values())
        if command == "train":
            for name, (_, setting) in SETTINGS.items():
                assert setting.help in options[name].help
                assert setting.choices or setting.allowed in options[name].help
                assert "(default: " in options[name].help
                assert tuple(options[name].choices or ()) == setting.choices
            for name, entry in AUGMENTATIONS.items():
                assert f"; 0 to {entry.strongest:g} (default: " in options[name].help
            rates = "reference: 0.001, finish: 0.0005, real_faces: 0.001, fine_tune: "
            assert f"; above 0 (default: 0.004; {rates}" in options["learning_rate"].help


def test_options_change_the_preset():
    from mini_xception.cli import _parser
    from mini_xception.cli.train import config_from

    def config(*options) -> TrainConfig:
        argv = ["train", "--data", "x", "--run", "y", *options]
        return config_from(_parser(argv).parse_args(argv))

    assert config("--preset", "reference") == RUNS["reference"]
    assert config("--votes", "fer2013new.csv", "--teacher", "teacher.npy") == RUNS["best"]
    assert config() == replace(RUNS["best"], vote_weight=0.0, teacher_weight=0.0)  # without both, only the labels
    changed = config("--preset", "reference", "--augment", "basic", "--flip", "0", "--learning-rate", "0.01")
    assert changed.augmentations == {"brightness": 0.2, "rotation": 10.0, "flip": 0.0}
    assert changed.learning_rate == 0.01
    assert changed.batch_size == 32
    with pytest.raises(MiniXceptionError, match=r"rotation is 360\.0; it must be 0 to 45"):
        config("--rotation", "360")
    with pytest.raises(MiniXceptionError, match="--votes has no effect while --vote-weight is 0"):
        config("--preset", "reference", "--votes", "fer2013new.csv")
    with pytest.raises(MiniXceptionError, match="--teacher has no effect"):
        config("--teacher", "teacher.npy", "--teacher-weight", "0")


def test_the_learning_rate_rises_and_falls():
    rates = [one_cycle(step, 100, 1.0) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == 1.0 == rates[9]
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 1e-3


@pytest.mark.parametrize("steps", [1, 5, 11, 24])
def test_the_peak_is_the_highest_learning_rate_of_short_runs_too(steps):
    assert max(one_cycle(step, steps, 1.0) for step in range(steps)) <= 1.0


def test_the_average_forgets_the_first_weights_faster():
    assert average_decay(0, 0.999) == 0.1
    assert average_decay(8, 0.999) == 0.5
    assert average_decay(10**6, 0.999) == 0.999
    assert average_decay(5, 0.0) == 0.0


def test_targets_mix_label_votes_teacher_and_smoothing():
    labels = np.array([3, 3])
    votes = np.array([[0, 0, 0, 0.5, 0, 0, 0.5], [0] * 7], np.float32)
    mixed = soft_targets(labels, votes, None, replace(CONFIG, vote_weight=0.4, label_smoothing=0.0), len(EMOTIONS))
    assert mixed[0].tolist() == pytest.approx([0, 0, 0, 0.8, 0, 0, 0.2])
    assert mixed[1].tolist() == pytest.approx([0, 0, 0, 1, 0, 0, 0])  # without votes, only the label
    smooth = soft_targets(labels, None, None, replace(CONFIG, label_smoothing=0.07), len(EMOTIONS))
    assert smooth[0].tolist() == pytest.approx([0.01, 0.01, 0.01, 0.94, 0.01, 0.01, 0.01])
    teacher = np.full((2, 7), 1 / 7, np.float32)
    taught = soft_targets(
        labels, votes, teacher, replace(CONFIG, vote_weight=0.4, label_smoothing=0.0, teacher_weight=0.7), 7
    )
    assert taught[0].tolist() == pytest.approx([0.1, 0.1, 0.1, 0.34, 0.1, 0.1, 0.16])
