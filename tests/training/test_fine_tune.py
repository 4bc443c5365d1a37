"""Runs that adapt trained weights to other faces and classes."""

import csv
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from mini_xception import EMOTIONS, EmotionRecognizer, MiniXception, MiniXceptionError
from mini_xception.training import RUNS, fine_tuning, load_faces, train
from mini_xception.training.head import adapt
from mini_xception.training.targets import class_weights
from tests.training.faces import BANDS, write_folder, write_rows
from tests.training.runs import CONFIG, TRAINING, VALIDATION, without_speed

FAST = replace(RUNS["fine_tune"], epochs=2, mixed_precision="no", augmentations={})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A network that knows the seven synthetic classes of tests/training/runs.py."""
    config = replace(CONFIG, epochs=12, learning_rate=1e-2, ema_decay=0.0)
    return train(config, TRAINING, VALIDATION, tmp_path_factory.mktemp("trained"), quiet=True)


@pytest.fixture(scope="module")
def data():
    return load_faces(write_rows_as_pairs(20), classes=tuple(BANDS))


def write_rows_as_pairs(per_class: int):
    return [(image, list(BANDS).index(label)) for label, image in write_rows(per_class)]


def accuracy(model, faces) -> float:
    probabilities = EmotionRecognizer(model, detector=None, engine="torch").classify(faces.images)
    return float((probabilities.argmax(1) == faces.labels).mean())


def test_new_classes_begin_with_what_the_network_knows(trained):
    """Two new classes, each the union of old ones: the new last layer is right before any training."""
    halves = [replace(faces, labels=(faces.labels > 3).astype(np.int64), classes=("high", "low"))
              for faces in (TRAINING, VALIDATION)]  # fmt: skip
    adapted = adapt(trained, halves[0])
    assert adapted.labels == ("high", "low")
    assert accuracy(adapted, halves[1]) > 0.9
    body = [name for name in trained.state_dict() if not name.startswith("conv.")]
    assert all(torch.equal(adapted.state_dict()[name], trained.state_dict()[name]) for name in body)


def test_the_same_classes_in_another_order_keep_their_weights(trained):
    order = [3, 1, 0, 2, 6, 5, 4]
    moved = replace(VALIDATION, classes=tuple(EMOTIONS[i] for i in order),
                    labels=np.argsort(order)[VALIDATION.labels])  # fmt: skip
    adapted = adapt(trained, moved)
    assert adapted.labels == moved.classes
    assert torch.equal(adapted.conv.weight, trained.conv.weight[order])
    assert accuracy(adapted, moved) == accuracy(trained, VALIDATION)


def test_a_run_does_not_end_below_its_start(trained, tmp_path):
    """A learning rate that destroys the weights leaves the initial network as the best one."""
    before = accuracy(trained, VALIDATION)
    config = replace(FAST, learning_rate=0.5, ema_decay=0.0)
    model = train(config, TRAINING, VALIDATION, tmp_path, initial=trained)
    last = MiniXception.from_pretrained(tmp_path / "last")
    assert accuracy(last, VALIDATION) < before
    assert accuracy(model, VALIDATION) == before == pytest.approx(model.metrics["accuracy"])


def test_other_classes_train_and_are_stored(trained, data, tmp_path, capfd):
    model = train(FAST, data.training, data.validation, tmp_path, initial=trained)
    assert model.labels == tuple(BANDS)
    assert accuracy(model, data.validation) > 0.9
    assert (model.metrics["dataset"], model.metrics["split"], model.metrics["n"]) == ("own data", "validation", 12)
    assert MiniXception.from_pretrained(tmp_path / "best").labels == tuple(BANDS)
    assert (tmp_path / "report.html").is_file()
    assert "before training: accuracy validation " in capfd.readouterr().err


def test_other_classes_train_from_random_weights(data, tmp_path):
    config = replace(CONFIG, epochs=10, batch_size=4, learning_rate=1e-2, ema_decay=0.0)
    assert accuracy(train(config, data.training, data.validation, tmp_path), data.validation) > 0.6


def test_a_resumed_run_ends_with_the_same_weights(trained, data, tmp_path, monkeypatch):
    from mini_xception.training.state import Run

    config = replace(FAST, epochs=3, augmentations=RUNS["fine_tune"].augmentations, body_rate=0.3)
    train(config, data.training, data.validation, tmp_path / "whole", initial=trained)
    add, epochs = Run.add, []

    def stop_in_the_second_epoch(run, epoch):
        epochs.append(epoch)
        if len(epochs) == 2:
            raise KeyboardInterrupt
        add(run, epoch)

    with monkeypatch.context() as patched:
        patched.setattr(Run, "add", stop_in_the_second_epoch)
        with pytest.raises(KeyboardInterrupt):
            train(config, data.training, data.validation, tmp_path / "killed", initial=trained)
    train(config, data.training, data.validation, tmp_path / "killed", initial=trained)
    for name in ("best", "last"):
        whole, killed = ((tmp_path / run / name / "model.safetensors").read_bytes() for run in ("whole", "killed"))
        assert whole == killed
    assert without_speed(tmp_path / "whole" / "log.csv") == without_speed(tmp_path / "killed" / "log.csv")


def test_only_the_last_layer_learns_if_the_rate_of_the_others_is_zero(trained, data, tmp_path):
    train(replace(FAST, body_rate=0.0, ema_decay=0.0), data.training, data.validation, tmp_path, initial=trained)
    last = MiniXception.from_pretrained(tmp_path / "last")
    before, after = trained.state_dict(), last.state_dict()
    learned = {name for name, _ in last.named_parameters()
               if before[name].shape != after[name].shape or not torch.equal(before[name], after[name])}  # fmt: skip
    assert learned == {"conv.weight", "conv.bias"}


def test_rare_classes_count_more():
    labels = np.array([0] * 90 + [1] * 10)
    assert class_weights(labels, 2, 0.0).tolist() == [1.0, 1.0]
    full = class_weights(labels, 2, 1.0)
    assert full[1] / full[0] == pytest.approx(9)
    assert full[labels].mean() == pytest.approx(1)
    assert class_weights(labels, 3, 0.5)[1] / class_weights(labels, 3, 0.5)[0] == pytest.approx(3)


def test_few_images_get_more_epochs():
    assert [fine_tuning(n).epochs for n in (20, 600, 1800, 30_000)] == [60, 30, 10, 10]


@pytest.mark.parametrize("epochs", [0, 1])
def test_a_loss_that_is_not_finite_stops_the_run_and_overwrites_nothing(tmp_path, epochs):
    """The run stops in its first epoch, or when it is continued."""
    if epochs:
        train(replace(CONFIG, epochs=1), TRAINING, VALIDATION, tmp_path)
        state = torch.load(tmp_path / "run_state.pt", weights_only=True)
        state["config"] = state["config"].replace('"learning_rate": 0.004', '"learning_rate": 1e+18')
        state["config"] = state["config"].replace('"epochs": 1', '"epochs": 3')
        torch.save(state, tmp_path / "run_state.pt")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(MiniXceptionError) as caught:
        train(replace(CONFIG, epochs=3, learning_rate=1e18), TRAINING, VALIDATION, tmp_path)
    step, epoch = (12, 2) if epochs else (2, 1)
    assert str(caught.value).startswith(f"the loss is not finite at step {step}, in epoch {epoch}, with learning rate ")
    assert str(caught.value).endswith("; the run stopped and overwrote nothing; try --learning-rate 1e+17 or less")
    assert epochs == 0 or {"best", "last"} <= {path.name for path in tmp_path.iterdir()}
    assert all(path.read_bytes() == content for path, content in before.items())
    if not epochs:  # Another learning rate may start in the same folder.
        train(replace(CONFIG, epochs=1), TRAINING, VALIDATION, tmp_path)
        assert not np.isnan(MiniXception.from_pretrained(tmp_path / "best").conv.weight.detach().numpy()).any()


def test_sets_without_images_or_with_other_classes_are_errors(tmp_path):
    empty = replace(VALIDATION, images=VALIDATION.images[:0], labels=VALIDATION.labels[:0])
    with pytest.raises(MiniXceptionError, match="FER2013: PublicTest has no images"):
        train(CONFIG, TRAINING, empty, tmp_path)
    with pytest.raises(MiniXceptionError, match="but the validation set has a, b; use the same classes"):
        train(CONFIG, TRAINING, replace(VALIDATION, classes=("a", "b")), tmp_path)


@pytest.mark.slow
def test_the_commands(tmp_path):
    """Train on a folder of images with other classes, look first, then evaluate and read the files."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    folder = write_folder(tmp_path / "photos", 12, ("train", "test"))

    def run(*words, status=0) -> tuple[str, str]:
        command = [sys.executable, "-m", "mini_xception", *map(str, words)]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == status, result.stderr
        return result.stdout, result.stderr

    train_command = ("train", "--data", folder, "--run", tmp_path / "run")
    printed, _ = run(*train_command, "--dry-run")
    assert printed.startswith("photos: 72 images, 3 classes; faces: the whole images (--faces crop)\n")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "data.json", "data.png", "left_out.csv", "splits.csv"}  # fmt: skip
    printed, said = run(*train_command, "--epochs", 2)
    assert "72 images, 3 classes" in said
    assert "before training: accuracy validation " in said
    assert f"--checkpoint {tmp_path / 'run' / 'best'}" in printed
    best = MiniXception.from_pretrained(tmp_path / "run" / "best")
    assert best.labels == tuple(BANDS)
    assert best.provenance["recipe"] == "mini-xception train --data photos --run run --epochs 2"
    assert "train" in (tmp_path / "run" / "report.html").read_text()
    splits = (tmp_path / "run" / "splits.csv").read_text()
    said = run(*train_command, "--dry-run", "--validation", 0.4, status=1)[1]
    assert said.endswith("run: contains a run already; choose another --run to look at the data\n")
    assert (tmp_path / "run" / "splits.csv").read_text() == splits
    evaluate = ("evaluate", "--data", folder, "--checkpoint", tmp_path / "run" / "best", "--split")
    assert run(*evaluate, "test", "--report", tmp_path / "report")[0].startswith("test: 36 images")
    assert (tmp_path / "report" / "report.html").is_file()
    with (tmp_path / "run" / "splits.csv").open() as file:
        members = sum(row["split"] == "validation" for row in csv.DictReader(file))
    assert run(*evaluate, "validation")[0].startswith(f"validation: {members} images")
    # The run has no "test" of other data.
    flat = write_folder(tmp_path / "flat")
    run("train", "--data", flat, "--run", tmp_path / "flat_run", "--epochs", 1)
    evaluate = ("evaluate", "--checkpoint", tmp_path / "flat_run" / "best", "--split", "test", "--data")
    assert run(*evaluate, folder)[0].startswith("test: 36 images")
    said = run(*evaluate, flat, status=1)[1]
    assert said.endswith("flat: has no test images, because it is not divided into splits; use --split all\n")
    bundled = run("evaluate", "--data", folder, "--split", "test", status=1)[1]
    assert bundled.startswith("mini-xception: photos: the class 'away' is not one of angry, disgust")
