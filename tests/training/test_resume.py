"""A run resumes where it was stopped, and only with the same settings and data."""

import os
import re
import signal
import subprocess
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mini_xception import MiniXceptionError
from mini_xception.training import train
from tests.training.runs import CONFIG, TRAINING, VALIDATION, command, same_weights, without_speed


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_a_run_killed_within_an_epoch_ends_with_the_same_weights(fer2013_csv, tmp_path, optimizer):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(
        command(fer2013_csv, whole, "--optimizer", optimizer), env=environment, check=True, capture_output=True
    )
    log = killed / "log.csv"
    for epoch in (1, 2):
        process = subprocess.Popen(
            command(fer2013_csv, killed, "--optimizer", optimizer), env=environment, stderr=subprocess.DEVNULL
        )
        while not log.exists() or len(log.read_text().splitlines()) <= epoch:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert len(log.read_text().splitlines()) < 5
    subprocess.run(
        command(fer2013_csv, killed, "--optimizer", optimizer), env=environment, check=True, capture_output=True
    )
    assert same_weights(whole / "last", killed / "last")
    assert same_weights(whole / "best", killed / "best")
    assert without_speed(whole / "log.csv") == without_speed(log)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"learning_rate": 0.001}, "learning_rate was 0.004, now it is 0.001"),
        ({"epochs": 2, "seed": 3}, "epochs was 1, now it is 2; seed was 1, now it is 3"),
        (
            {"augmentations": {"shift": 0.02, "rotation": 5.0}},
            "rotation was 0.0, now it is 5.0; flip was 0.5, now it is 0.0",
        ),
    ],
)
def test_other_settings_need_another_folder(tmp_path, change, difference):
    config = replace(CONFIG, epochs=1)
    train(config, TRAINING, VALIDATION, tmp_path)
    train(
        replace(config, augmentations={**config.augmentations, "blur": 0}), TRAINING, VALIDATION, tmp_path
    )  # the same
    with pytest.raises(MiniXceptionError) as caught:
        train(replace(config, **change), TRAINING, VALIDATION, tmp_path)
    assert str(caught.value) == f"{tmp_path}: {difference}; use the same settings or another folder"


def test_other_data_needs_another_folder(tmp_path):
    config = replace(CONFIG, epochs=1)
    model = train(config, TRAINING, VALIDATION, tmp_path)
    train(config, TRAINING, VALIDATION, tmp_path)  # The same run again, which has ended.
    answers = np.eye(7, dtype=np.float32)[TRAINING.labels]
    for name, other in (
        ("training data", {"training": VALIDATION}),
        ("validation data", {"validation": TRAINING}),
        ("votes", {"votes": answers}),
        ("teacher probabilities", {"teacher": answers}),
        ("initial weights", {"initial": model}),
    ):
        inputs = {"training": TRAINING, "validation": VALIDATION, **other}
        with pytest.raises(MiniXceptionError) as caught:
            train(config, run_dir=tmp_path, **inputs)
        difference = f"the run was started with other {name}"
        assert str(caught.value) == f"{tmp_path}: {difference}; use the same {name} or another folder"


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_run_that_started_on_a_gpu_resumes_on_a_cpu(tmp_path, optimizer):
    config = replace(CONFIG, epochs=2, optimizer=optimizer)
    train(config, TRAINING, VALIDATION, tmp_path)
    state = torch.load(tmp_path / "run_state.pt", weights_only=True)
    state["history"].pop()
    for group in state["optimizer"]["param_groups"]:
        group["capturable"] = True  # as in the optimizer of a recorded step
    torch.save(state, tmp_path / "run_state.pt")
    train(config, TRAINING, VALIDATION, tmp_path)
    assert [row["epoch"] for row in without_speed(tmp_path / "log.csv")] == ["1", "2"]


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b"damaged"),
        lambda path: torch.save({"a": 1}, path),
        lambda path: torch.save({"config": repr(CONFIG), "inputs": "0" * 64}, path),  # settings that are not JSON
    ],
)
def test_a_run_state_that_cannot_be_loaded_is_named(tmp_path, write):
    write(tmp_path / "run_state.pt")
    with pytest.raises(MiniXceptionError, match=r"run_state\.pt: damaged, or written by another version") as caught:
        train(CONFIG, TRAINING, VALIDATION, tmp_path)
    assert str(caught.value).endswith(f"; remove {tmp_path}, or choose another folder")
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_an_error_before_the_first_epoch(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MiniXceptionError, match=r"log\.csv: cannot be written \(Not a directory\)"):
        train(CONFIG, TRAINING, VALIDATION, tmp_path / "file" / "run")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full, a disk that is always full")
@pytest.mark.parametrize("file", ["log.csv", "run_state.pt"])
def test_a_full_disk_is_an_error_before_the_first_epoch(tmp_path, monkeypatch, file):
    known_name = SimpleNamespace(**{**vars(os), "urandom": bytes})  # of the temporary file: zeros
    monkeypatch.setattr("mini_xception.media.atomic.os", known_name)
    (tmp_path / f".{'00' * 8}{os.path.splitext(file)[1]}").symlink_to("/dev/full")
    with pytest.raises(MiniXceptionError, match=rf"{re.escape(file)}: cannot be written \(No space left"):
        train(CONFIG, TRAINING, VALIDATION, tmp_path)
