"""Training on a few synthetic faces: it learns, logs and resumes."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mini_xception import MiniXception, MiniXceptionError
from mini_xception.evaluation.metrics import fit_temperature
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.training import RUNS, train
from mini_xception.training.data import LabelledFaces
from tests.conftest import ROOT

CONFIG = replace(
    RUNS["best"],
    epochs=4,
    batch_size=16,
    augmentations={"shift": 0.02, "flip": 0.5},
    mixed_precision="no",
    vote_weight=0.0,
    teacher_weight=0.0,
)
RUN_FOLDER = {"best", "last", "log.csv", "run_state.pt", "curves.png", "confusion_matrix.png"}


def synthetic_faces(n: int, seed: int, split: str) -> LabelledFaces:
    """Make images whose label is the position of a bright band."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, n)
    images = rng.integers(0, 60, (n, 48, 48), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[6 * label : 6 * label + 8] += 180
    return LabelledFaces(images, labels, np.arange(n), split)


TRAINING, VALIDATION = synthetic_faces(160, 0, "Training"), synthetic_faces(64, 1, "PublicTest")


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def fer2013_csv(tmp_path_factory):
    """The synthetic faces in Kaggle's format."""
    path = tmp_path_factory.mktemp("data") / "fer2013.csv"
    with path.open("w") as file:
        file.write("emotion,pixels,Usage\n")
        for faces in (TRAINING, VALIDATION):
            for label, image in zip(faces.labels, faces.images, strict=True):
                file.write(f"{label},{' '.join(map(str, image.ravel()))},{faces.split}\n")
    return path


def command(fer2013_csv, run_dir, *options):
    return [sys.executable, "-m", "mini_xception", "train", "--data", str(fer2013_csv), "--run", str(run_dir),
            "--preset", "reference", "--epochs", "4", "--batch-size", "16", *options]  # fmt: skip


def same_weights(a, b) -> bool:
    ours, theirs = (MiniXception.from_pretrained(folder).state_dict() for folder in (a, b))
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def uncalibrated(folder) -> np.ndarray:
    """Return a checkpoint's probabilities for the validation set at temperature 1."""
    model = MiniXception.from_pretrained(folder)
    model.temperature = 1.0
    return EmotionRecognizer(model, detector=None, engine="torch").classify(VALIDATION.images)


def without_speed(log) -> list[dict[str, str]]:
    with log.open() as file:
        return [{**row, "images_per_s": ""} for row in csv.DictReader(file)]


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


def test_a_run_learns(tmp_path):
    config = replace(CONFIG, epochs=12, learning_rate=1e-2, ema_decay=0.0)
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
def test_a_run_killed_within_an_epoch_ends_with_the_same_weights(fer2013_csv, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(fer2013_csv, whole), env=environment, check=True, capture_output=True)
    log = killed / "log.csv"
    for epoch in (1, 2):
        process = subprocess.Popen(command(fer2013_csv, killed), env=environment, stderr=subprocess.DEVNULL)
        while not log.exists() or len(log.read_text().splitlines()) <= epoch:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert len(log.read_text().splitlines()) < 5
    subprocess.run(command(fer2013_csv, killed), env=environment, check=True, capture_output=True)
    assert same_weights(whole / "last", killed / "last")
    assert same_weights(whole / "best", killed / "best")
    assert without_speed(whole / "log.csv") == without_speed(log)


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


def test_a_run_that_started_on_a_gpu_resumes_on_a_cpu(tmp_path):
    config = replace(CONFIG, epochs=2)
    train(config, TRAINING, VALIDATION, tmp_path)
    state = torch.load(tmp_path / "run_state.pt", weights_only=True)
    state["history"].pop()
    for group in state["optimizer"]["param_groups"]:
        group["capturable"] = True  # as in the optimizer of a recorded step
    torch.save(state, tmp_path / "run_state.pt")
    train(config, TRAINING, VALIDATION, tmp_path)
    assert [row["epoch"] for row in without_speed(tmp_path / "log.csv")] == ["1", "2"]


def test_a_new_run_is_not_calibrated_like_its_initial_weights(tmp_path):
    initial = MiniXception(temperature=3.0)
    model = train(replace(CONFIG, epochs=1), TRAINING, VALIDATION, tmp_path, initial=initial)
    assert MiniXception.from_pretrained(tmp_path / "last").temperature == 1.0
    assert model.temperature == fit_temperature(uncalibrated(tmp_path / "best"), VALIDATION.labels)


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


def test_tensorboards_log_has_every_epoch_once(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(replace(CONFIG, epochs=3), TRAINING, VALIDATION, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("validation_accuracy")] == [1, 2, 3]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_two_epochs_on_a_gpu(tmp_path, precision):
    model = train(replace(CONFIG, epochs=2, mixed_precision=precision), TRAINING, VALIDATION, tmp_path)
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


@pytest.mark.parametrize("other", [{"labels": ("calm", "tense")}, {"image_size": 64}])
def test_an_initial_network_that_does_not_fit_is_an_error(tmp_path, other):
    with pytest.raises(MiniXceptionError, match=r"the run needs angry, disgust, .*, neutral at 48×48"):
        train(CONFIG, TRAINING, VALIDATION, tmp_path, initial=MiniXception(**other))


def test_a_run_ends_when_its_patience_does(tmp_path):
    config = replace(CONFIG, epochs=30, patience=2, learning_rate=1e-12, ema_decay=0.0)
    train(config, TRAINING, VALIDATION, tmp_path)
    assert len(without_speed(tmp_path / "log.csv")) < 30
