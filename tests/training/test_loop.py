"""Training on a few made-up faces: it learns, it logs, it goes on where it was killed."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from mini_xception import MiniXception, MiniXceptionError
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


@pytest.fixture(scope="module")
def fer2013_csv(tmp_path_factory):
    """The made-up faces in Kaggle's format."""
    path = tmp_path_factory.mktemp("data") / "fer2013.csv"
    with path.open("w") as file:
        file.write("emotion,pixels,Usage\n")
        for split, faces in (("Training", TRAINING), ("PublicTest", PUBLIC_TEST)):
            for label, image in zip(faces.labels, faces.images, strict=True):
                file.write(f"{label},{' '.join(map(str, image.ravel()))},{split}\n")
    return path


def command(fer2013_csv, run_dir, *options):
    return [sys.executable, "-m", "mini_xception", "train", "--data", str(fer2013_csv), "--run", str(run_dir),
            "--preset", "reference", "--epochs", "4", "--batch-size", "16", *options]  # fmt: skip


def same_weights(a, b) -> bool:
    ours, theirs = (MiniXception.from_pretrained(folder).state_dict() for folder in (a, b))
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def without_speed(log) -> list[dict[str, str]]:
    with log.open() as file:
        return [{**row, "images_per_s": ""} for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", RUNS)
def test_every_named_run_trains(tmp_path, name):
    config = replace(RUNS[name], epochs=3, batch_size=16)
    answers = np.eye(7, dtype=np.float32)[TRAINING.labels]
    model = train(config, TRAINING, PUBLIC_TEST, tmp_path, votes=answers, teacher=answers)
    rows = without_speed(tmp_path / "log.csv")
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    assert not model.training
    assert {path.name for path in tmp_path.iterdir()} - {"tensorboard"} == {"best", "last", "log.csv", "run_state.pt"}


def test_it_learns_what_can_be_learnt(tmp_path):
    config = replace(CONFIG, epochs=12, learning_rate=1e-2, ema_decay=0.0)
    model = train(config, TRAINING, PUBLIC_TEST, tmp_path)
    with torch.inference_mode():
        predicted = model(model.preprocess(PUBLIC_TEST.images)).argmax(1).numpy()
    assert (predicted == PUBLIC_TEST.labels).mean() > 0.9


def test_the_command_and_what_it_leaves(fer2013_csv, tmp_path):
    result = subprocess.run(command(fer2013_csv, tmp_path / "run"), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert f"--checkpoint {tmp_path / 'run' / 'best'}" in result.stdout
    assert result.stderr.count("PublicTest (validation)") == 4
    left = {path.name for path in (tmp_path / "run").iterdir()} - {"tensorboard"}
    assert left == {"best", "last", "log.csv", "run_state.pt", "curves.png", "confusion_matrix.png"}
    assert {"config.json", "model.safetensors"} <= {path.name for path in (tmp_path / "run" / "best").iterdir()}


@pytest.mark.slow
def test_killed_in_mid_epoch_it_ends_with_the_same_weights(fer2013_csv, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(fer2013_csv, whole), env=environment, check=True, capture_output=True)
    log = killed / "log.csv"
    for epoch in (1, 2):
        process = subprocess.Popen(command(fer2013_csv, killed), env=environment, stderr=subprocess.DEVNULL)
        while not log.exists() or len(log.read_text().splitlines()) <= epoch:
            assert process.poll() is None, "it ended before it could be killed"
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
def test_two_processes_share_the_pictures_and_write_once(fer2013_csv, tmp_path):
    """The launch on CPUs that the training page gives."""
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if line.startswith("torchrun "))
    launch = [sys.executable, "-m", "torch.distributed.run", *line.partition("--data")[0].split()[1:]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}

    def in_two_processes(*options: str) -> subprocess.CompletedProcess[str]:
        words = [*launch, *command(fer2013_csv, tmp_path / "two", "--preset", "best", *options)[4:]]
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    assert (
        "each of 2 processes needs a picture in every step; raise batch_size"
        in in_two_processes("--batch-size", "1").stderr
    )
    shutil.rmtree(tmp_path / "two")
    result = in_two_processes()
    assert result.returncode == 0, result.stderr
    # One process alone speaks and writes: four epochs, four lines, four rows.
    assert result.stderr.count("PublicTest (validation)") == 4
    assert result.stderr.count("without --votes") == 1
    two = without_speed(tmp_path / "two" / "log.csv")
    assert len(two) == 4
    alone = command(fer2013_csv, tmp_path / "one", "--preset", "best")
    subprocess.run(alone, env=environment, check=True, capture_output=True)
    one = without_speed(tmp_path / "one" / "log.csv")
    # The same model from the same order: its loss differs by augmentation and batch norm's smaller batches alone. One
    # process repeats it bit for bit: equal losses mean that no second one trained.
    for ours, theirs in zip(one, two, strict=True):
        assert float(ours["train_loss"]) == pytest.approx(float(theirs["train_loss"]), abs=0.25)
        assert ours["train_loss"] != theirs["train_loss"]


def test_each_picture_once_an_epoch_whatever_the_processes():
    from types import SimpleNamespace

    from mini_xception.training.loop import _steps

    for n, steps, processes in ((160, 10, 1), (160, 10, 2), (157, 10, 3), (5, 2, 2)):
        seen = []
        for rank in range(processes):
            process = SimpleNamespace(
                process_index=rank, num_processes=processes, is_main_process=False, device=torch.device("cpu")
            )
            shares = list(_steps(n, steps, 1, CONFIG, process))
            assert [step for step, _ in shares] == list(range(steps))
            seen += torch.cat([share for _, share in shares]).tolist()
        assert sorted(seen) == list(range(n))


def test_another_run_needs_another_folder(tmp_path):
    train(replace(CONFIG, epochs=1), TRAINING, PUBLIC_TEST, tmp_path)
    with pytest.raises(MiniXceptionError, match="other settings"):
        train(replace(CONFIG, epochs=2), TRAINING, PUBLIC_TEST, tmp_path)


def test_a_run_on_other_data_needs_another_folder(tmp_path):
    config = replace(CONFIG, epochs=1)
    model = train(config, TRAINING, PUBLIC_TEST, tmp_path)
    train(config, TRAINING, PUBLIC_TEST, tmp_path)  # The same again is a run that has ended.
    votes = np.eye(7, dtype=np.float32)[TRAINING.labels]
    for other in ({"training": PUBLIC_TEST}, {"votes": votes}, {"initial": model}):
        inputs = {"training": TRAINING, "public_test": PUBLIC_TEST, **other}
        with pytest.raises(MiniXceptionError, match="other settings, data or initial weights"):
            train(config, run_dir=tmp_path, **inputs)


def test_a_run_that_began_on_a_gpu_goes_on_here(tmp_path):
    config = replace(CONFIG, epochs=2)
    train(config, TRAINING, PUBLIC_TEST, tmp_path)
    state = torch.load(tmp_path / "run_state.pt", weights_only=True)
    state["history"].pop()
    for group in state["optimizer"]["param_groups"]:
        group["capturable"] = True  # as the optimizer of a recorded step has it
    torch.save(state, tmp_path / "run_state.pt")
    train(config, TRAINING, PUBLIC_TEST, tmp_path)
    assert [row["epoch"] for row in without_speed(tmp_path / "log.csv")] == ["1", "2"]


def test_a_new_run_is_not_calibrated_like_its_initial_weights(tmp_path):
    initial = MiniXception(temperature=3.0)
    assert train(replace(CONFIG, epochs=1), TRAINING, PUBLIC_TEST, tmp_path, initial=initial).temperature == 1.0


def test_a_damaged_run_state_is_named(tmp_path):
    (tmp_path / "run_state.pt").write_bytes(b"damaged")
    with pytest.raises(MiniXceptionError, match=r"run_state\.pt: damaged"):
        train(CONFIG, TRAINING, PUBLIC_TEST, tmp_path)


def test_a_foreign_run_state_is_named(tmp_path):
    torch.save({"a": 1}, tmp_path / "run_state.pt")
    with pytest.raises(MiniXceptionError, match=r"run_state\.pt: damaged"):
        train(CONFIG, TRAINING, PUBLIC_TEST, tmp_path)


def test_an_unwritable_folder_is_an_error_before_the_first_epoch(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MiniXceptionError, match="cannot be saved here"):
        train(CONFIG, TRAINING, PUBLIC_TEST, tmp_path / "file" / "run")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full, a disk that is always full")
def test_a_full_disk_is_an_error_before_the_first_epoch(tmp_path):
    (tmp_path / ".log.csv").symlink_to("/dev/full")
    with pytest.raises(MiniXceptionError, match="No space left"):
        train(CONFIG, TRAINING, PUBLIC_TEST, tmp_path)


def test_tensorboard_shows_every_epoch_once(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(replace(CONFIG, epochs=3), TRAINING, PUBLIC_TEST, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("public_test_accuracy")] == [1, 2, 3]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_two_epochs_on_a_gpu(tmp_path, precision):
    model = train(replace(CONFIG, epochs=2, mixed_precision=precision), TRAINING, PUBLIC_TEST, tmp_path)
    last = list(csv.DictReader((tmp_path / "log.csv").open()))[-1]
    assert int(last["epoch"]) == 2
    assert float(last["train_loss"]) < np.log(7)
    assert model.device.type == "cpu"  # what comes back is the checkpoint, wherever it was trained


@pytest.mark.parametrize(("weight", "reason"), [("vote_weight", r"fer2013new\.csv"), ("teacher_weight", "a teacher's")])
def test_votes_and_teacher_have_to_be_there(tmp_path, weight, reason):
    with pytest.raises(MiniXceptionError, match=reason):
        train(replace(CONFIG, **{weight: 0.5}), TRAINING, PUBLIC_TEST, tmp_path)


def test_a_teacher_teaches(tmp_path):
    """Labels that say nothing, and a teacher who knows: the student learns the teacher's answers."""
    confused = replace(TRAINING, labels=np.zeros_like(TRAINING.labels))
    config = replace(CONFIG, epochs=8, teacher_weight=1.0, label_smoothing=0.0, augmentations={})
    answers = np.eye(7, dtype=np.float32)[TRAINING.labels]
    model = train(config, confused, PUBLIC_TEST, tmp_path, teacher=answers)
    probabilities = EmotionRecognizer(model, detector=None).classify(PUBLIC_TEST.images)
    assert (probabilities.argmax(1) == PUBLIC_TEST.labels).mean() > 0.5


def test_a_run_goes_on_with_a_checkpoint(fer2013_csv, tmp_path):
    """The command begins where the checkpoint is, and says in the weights file which folder it began with."""
    learnt = train(replace(CONFIG, epochs=12, learning_rate=1e-2, ema_decay=0.0), TRAINING, PUBLIC_TEST, tmp_path / "a")
    learnt.save_pretrained(tmp_path / "learnt")
    options = ("--initial", str(tmp_path / "learnt"), "--epochs", "1", "--learning-rate", "1e-9")
    subprocess.run(command(fer2013_csv, tmp_path / "b", *options), check=True)
    before, after = (float(without_speed(tmp_path / run / "log.csv")[-1]["public_test_accuracy"]) for run in ("a", "b"))
    assert before > 0.8
    assert after == pytest.approx(before, abs=0.1)
    assert "--initial learnt" in MiniXception.from_pretrained(tmp_path / "b" / "best").provenance["recipe"]


@pytest.mark.parametrize("other", [{"labels": ("calm", "tense")}, {"image_size": 64}])
def test_the_initial_network_has_to_fit(tmp_path, other):
    with pytest.raises(MiniXceptionError, match=r"the run needs angry, disgust, .*, neutral at 48×48"):
        train(CONFIG, TRAINING, PUBLIC_TEST, tmp_path, initial=MiniXception(**other))


def test_runs_end_when_nothing_is_gained(tmp_path):
    config = replace(CONFIG, epochs=30, patience=2, learning_rate=1e-12, ema_decay=0.0)
    train(config, TRAINING, PUBLIC_TEST, tmp_path)
    assert len(without_speed(tmp_path / "log.csv")) < 30
