"""Training on a few synthetic faces: it learns, logs and is measured."""

import csv
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mini_xception import MiniXception, MiniXceptionError
from mini_xception.cli import main
from mini_xception.evaluation.metrics import fit_temperature
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.training import RUNS, train
from tests.conftest import ROOT
from tests.training.runs import (
    CONFIG,
    RUN_FOLDER,
    TRAINING,
    VALIDATION,
    command,
    uncalibrated,
    without_speed,
)


@pytest.mark.parametrize("name", RUNS)
def test_every_named_run_trains(tmp_path, name):
    config = replace(RUNS[name], epochs=3, batch_size=16)
    answers = np.eye(7, dtype=np.float32)[TRAINING.labels]
    model = train(config, TRAINING, VALIDATION, tmp_path, votes=answers, teacher=answers)
    rows = without_speed(tmp_path / "log.csv")
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    assert not model.training
    assert {path.name for path in tmp_path.iterdir()} - {"tensorboard"} == RUN_FOLDER


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_run_learns(tmp_path, optimizer):
    config = replace(CONFIG, epochs=12, optimizer=optimizer, learning_rate=1e-2, ema_decay=0.0)
    model = train(config, TRAINING, VALIDATION, tmp_path)
    with torch.inference_mode():
        predicted = model(model.preprocess(VALIDATION.images)).argmax(1).numpy()
    assert (predicted == VALIDATION.labels).mean() > 0.9


def test_checkpoints_have_the_weights_of_the_run_state(tmp_path):
    train(replace(CONFIG, epochs=2), TRAINING, VALIDATION, tmp_path)
    state = torch.load(tmp_path / "run_state.pt", weights_only=True)
    saved = MiniXception.from_pretrained(tmp_path / "last").state_dict()
    assert all(torch.equal(saved[name], weights) for name, weights in state["average"].items())


def test_a_finished_run_is_calibrated_and_measured(tmp_path):
    """The temperature is fitted to the weights, not multiplied when the same run is finished again."""
    config = replace(CONFIG, epochs=6, learning_rate=1e-2, ema_decay=0.0)
    initial = MiniXception(temperature=3.0)
    provenance = {"recipe": "a command", "commit": "a commit"}
    model = train(config, TRAINING, VALIDATION, tmp_path, initial=initial, provenance=provenance)
    probabilities = uncalibrated(tmp_path / "best")
    assert model.temperature == fit_temperature(probabilities, VALIDATION.labels) != 1.0
    assert (model.metrics["dataset"], model.metrics["split"], model.metrics["n"]) == ("FER2013", "PublicTest", 64)
    assert model.metrics["accuracy"] == (probabilities.argmax(1) == VALIDATION.labels).mean()
    assert model.provenance == provenance

    files = [path for path in (tmp_path / "best").iterdir() if path.suffix in (".json", ".safetensors")]
    before = [path.read_bytes() for path in files]
    again = train(config, TRAINING, VALIDATION, tmp_path, initial=initial)
    assert again.provenance == provenance
    assert [path.read_bytes() for path in files] == before
    assert MiniXception.from_pretrained(tmp_path / "last").temperature == 1.0


def test_plots_need_matplotlib_but_runs_do_not(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert train(replace(CONFIG, epochs=1), TRAINING, VALIDATION, tmp_path).metrics
    assert not list(tmp_path.glob("*.png"))


def test_quiet_prints_nothing(tmp_path, capfd):
    config = replace(CONFIG, epochs=1)
    train(config, TRAINING, VALIDATION, tmp_path / "a", quiet=True)
    assert capfd.readouterr() == ("", "")
    train(config, TRAINING, VALIDATION, tmp_path / "b")
    assert "epoch 1/1: " in capfd.readouterr().err


def test_the_command_and_its_files(fer2013_csv, tmp_path):
    result = subprocess.run(command(fer2013_csv, tmp_path / "run"), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert f"--checkpoint {tmp_path / 'run' / 'best'}" in result.stdout
    assert result.stderr.count("PublicTest (validation)") == 4
    assert {path.name for path in (tmp_path / "run").iterdir()} - {"tensorboard"} == RUN_FOLDER
    assert {"config.json", "model.safetensors"} <= {path.name for path in (tmp_path / "run" / "best").iterdir()}
    recipe = MiniXception.from_pretrained(tmp_path / "run" / "best").provenance["recipe"]
    options = "--preset reference --epochs 4 --batch-size 16"
    assert recipe == f"mini-xception train --data fer2013.csv --run run {options}"
    quiet = subprocess.run(
        command(fer2013_csv, tmp_path / "run", "--quiet"), capture_output=True, text=True, check=True
    )
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert MiniXception.from_pretrained(tmp_path / "run" / "best").provenance["recipe"] == recipe


@pytest.mark.slow
@pytest.mark.skipif(torch.backends.mps.is_available(), reason="Accelerate does not join processes on Apple's GPUs")
def test_two_processes_share_the_images_and_write_once(fer2013_csv, tmp_path):
    """The command is the one for CPUs in docs/training.md."""
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if line.startswith("torchrun "))
    launch = [sys.executable, "-m", "torch.distributed.run", *line.partition("--data")[0].split()[1:]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}

    def in_two_processes(*options: str) -> subprocess.CompletedProcess[str]:
        words = [*launch, *command(fer2013_csv, tmp_path / "two", "--preset", "best", *options)[4:]]
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    reason = "batch_size is 1, but each of 2 processes needs an image in every step; increase batch_size"
    assert reason in in_two_processes("--batch-size", "1").stderr
    assert not (tmp_path / "two").exists()
    result = in_two_processes()
    assert result.returncode == 0, result.stderr
    # Only one process prints and writes: four epochs, four lines, four rows.
    assert result.stderr.count("PublicTest (validation)") == 4
    assert result.stderr.count("--votes is not given: training with --vote-weight 0") == 1
    two = without_speed(tmp_path / "two" / "log.csv")
    assert len(two) == 4
    alone = command(fer2013_csv, tmp_path / "one", "--preset", "best")
    subprocess.run(alone, env=environment, check=True, capture_output=True)
    one = without_speed(tmp_path / "one" / "log.csv")
    # Both runs have the same weights and order of images. Their losses differ only by the augmentation and by batch
    # norm's smaller batches. Equal losses would mean that only one process trained.
    for ours, theirs in zip(one, two, strict=True):
        assert float(ours["train_loss"]) == pytest.approx(float(theirs["train_loss"]), abs=0.25)
        assert ours["train_loss"] != theirs["train_loss"]


def test_an_epoch_has_each_image_once_with_any_number_of_processes():
    from mini_xception.training.loop import _batches

    for n, batch_size, steps, processes in ((160, 16, 10, 1), (160, 16, 10, 2), (157, 16, 10, 3), (5, 3, 2, 2)):
        seen = []
        for rank in range(processes):
            process = SimpleNamespace(
                process_index=rank, num_processes=processes, is_main_process=False, device=torch.device("cpu")
            )
            shares = list(_batches(replace(CONFIG, batch_size=batch_size), n, 1, process, quiet=True))
            assert [step for step, _ in shares] == list(range(steps))
            seen += torch.cat([share for _, share in shares]).tolist()
        assert sorted(seen) == list(range(n))


def test_a_new_run_is_not_calibrated_like_its_initial_weights(tmp_path):
    initial = MiniXception(temperature=3.0)
    model = train(replace(CONFIG, epochs=1), TRAINING, VALIDATION, tmp_path, initial=initial)
    assert MiniXception.from_pretrained(tmp_path / "last").temperature == 1.0
    assert model.temperature == fit_temperature(uncalibrated(tmp_path / "best"), VALIDATION.labels)


def test_tensorboards_log_has_every_epoch_once(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(replace(CONFIG, epochs=3), TRAINING, VALIDATION, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("validation_accuracy")] == [1, 2, 3]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_two_epochs_on_a_gpu(tmp_path, precision, optimizer):
    config = replace(CONFIG, epochs=2, mixed_precision=precision, optimizer=optimizer)
    model = train(config, TRAINING, VALIDATION, tmp_path)
    last = list(csv.DictReader((tmp_path / "log.csv").open()))[-1]
    assert int(last["epoch"]) == 2
    assert float(last["train_loss"]) < np.log(7)
    assert model.device.type == "cpu"  # The result is the checkpoint on the default device.


@pytest.mark.parametrize(
    ("weight", "reason"), [("vote_weight", r"fer2013new\.csv"), ("teacher_weight", "no teacher prob")]
)
def test_votes_and_teacher_are_required_by_their_weights(tmp_path, weight, reason):
    with pytest.raises(MiniXceptionError, match=reason):
        train(replace(CONFIG, **{weight: 0.5}), TRAINING, VALIDATION, tmp_path)


def test_a_student_learns_the_teachers_answers(tmp_path):
    """The labels are all the same; only the teacher has the right answers."""
    unlabelled = replace(TRAINING, labels=np.zeros_like(TRAINING.labels))
    config = replace(CONFIG, epochs=8, teacher_weight=1.0, label_smoothing=0.0, augmentations={})
    answers = np.eye(7, dtype=np.float32)[TRAINING.labels]
    model = train(config, unlabelled, VALIDATION, tmp_path, teacher=answers)
    probabilities = EmotionRecognizer(model, detector=None).classify(VALIDATION.images)
    assert (probabilities.argmax(1) == VALIDATION.labels).mean() > 0.5


def test_a_run_starts_from_a_checkpoint(fer2013_csv, tmp_path):
    """The recipe in the weights file names the checkpoint."""
    trained = train(replace(CONFIG, epochs=12, learning_rate=1e-2, ema_decay=0.0), TRAINING, VALIDATION, tmp_path / "a")
    trained.save_pretrained(tmp_path / "trained")
    options = ("--initial", str(tmp_path / "trained"), "--epochs", "1", "--learning-rate", "1e-9")
    subprocess.run(command(fer2013_csv, tmp_path / "b", *options), check=True)
    before, after = (float(without_speed(tmp_path / run / "log.csv")[-1]["validation_accuracy"]) for run in ("a", "b"))
    assert before > 0.8
    assert after == pytest.approx(before, abs=0.1)
    assert "--initial trained" in MiniXception.from_pretrained(tmp_path / "b" / "best").provenance["recipe"]


@pytest.mark.parametrize("preset", ["finish", "real_faces"])
def test_a_run_that_continues_another_needs_its_weights(fer2013_csv, tmp_path, preset, capsys):
    assert main(["train", "--data", str(fer2013_csv), "--run", str(tmp_path / "run"), "--preset", preset]) == 1
    message = f"--preset {preset} continues from trained weights; name them with --initial"
    assert capsys.readouterr().err == f"mini-xception: {message}\n"
    assert not (tmp_path / "run").exists()


def test_a_quiet_run_does_not_say_which_targets_it_lacks(fer2013_csv, tmp_path, capsys):
    words = ["train", "--data", str(fer2013_csv), "--run", str(tmp_path), "--preset", "best", "--dry-run"]
    assert main(words) == 0
    assert "--teacher is not given: training with --teacher-weight 0" in capsys.readouterr().err
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_a_run_keeps_the_image_size_of_the_weights_that_it_starts_from(fer2013_csv, tmp_path):
    MiniXception(image_size=64).save_pretrained(tmp_path / "initial")
    options = ("--initial", str(tmp_path / "initial"), "--epochs", "1")
    subprocess.run(command(fer2013_csv, tmp_path / "run", *options), check=True)
    assert MiniXception.from_pretrained(tmp_path / "run" / "best").image_size == 64


def test_an_initial_network_of_another_size_is_an_error(tmp_path):
    with pytest.raises(MiniXceptionError, match="has an input of 64×64 pixels, but the run needs 48×48 pixels"):
        train(CONFIG, TRAINING, VALIDATION, tmp_path, initial=MiniXception(image_size=64))


def test_a_run_ends_when_its_patience_does(tmp_path):
    config = replace(CONFIG, epochs=30, patience=2, learning_rate=1e-12, ema_decay=0.0)
    train(config, TRAINING, VALIDATION, tmp_path)
    assert len(without_speed(tmp_path / "log.csv")) < 30
