"""The command line as a user runs it: real processes, their output and exit status."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mini_xception import EMOTIONS
from tests.conftest import PORTRAIT, ROOT

EXAMPLES = ROOT / "examples"


def run(*arguments: str | Path | int, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mini_xception", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def test_json_of_the_portrait():
    result = run("predict", "--json", PORTRAIT)
    assert (result.returncode, result.stderr) == (0, "")
    (line,) = result.stdout.splitlines()
    answer = json.loads(line)
    assert answer["path"] == str(PORTRAIT)
    (face,) = answer["faces"]
    assert set(face) == {"box", "score", "emotion", "confidence", "probabilities"}
    assert face["emotion"] == "happy"
    assert tuple(face["probabilities"]) == EMOTIONS
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_bad_files_are_named_and_the_others_done(tmp_path):
    bad = {"text.jpg": b"text", "empty.png": b"", "cut.jpg": PORTRAIT.read_bytes()[:5000]}
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    order = ["text.jpg", PORTRAIT, "empty.png", EXAMPLES / "chelsea_the_cat.jpg", "cut.jpg", "absent.gif"]
    result = run("predict", "--json", *order, cwd=tmp_path)
    assert result.returncode == 1
    assert [json.loads(line)["path"] for line in result.stdout.splitlines()] == [str(order[1]), str(order[3])]
    errors = result.stderr.splitlines()
    assert len(errors) == 4
    for line, name in zip(errors, ["text.jpg", "empty.png", "cut.jpg", "absent.gif"], strict=True):
        assert line.startswith(f"mini-xception: {name}: ")


@pytest.mark.parametrize("workers", [0, 2])
def test_folder_with_csv_and_annotated_copies(tmp_path, workers):
    photos = tmp_path / "photos"
    (photos / "deeper").mkdir(parents=True)
    shutil.copy(PORTRAIT, photos / "a.jpg")
    shutil.copy(PORTRAIT, photos / "deeper" / "a.jpg")
    shutil.copy(EXAMPLES / "chelsea_the_cat.jpg", photos / "cat.JPG")
    (photos / "notes.txt").write_text("not a photo")
    result = run(
        "predict", photos, "--csv", tmp_path / "out" / "faces.csv", "--save", tmp_path / "drawn", "--workers", workers
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "cat.JPG: no face found" in result.stdout
    with (tmp_path / "out" / "faces.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["path"]).relative_to(photos).as_posix() for row in rows] == ["a.jpg", "deeper/a.jpg"]
    assert {row["emotion"] for row in rows} == {"happy"}
    assert sum(float(rows[0][label]) for label in EMOTIONS) == pytest.approx(1, abs=1e-4)
    drawn = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert drawn == ["a-faces-2.jpg", "a-faces.jpg", "cat-faces.jpg"]
    with Image.open(tmp_path / "drawn" / "a-faces.jpg") as picture:
        assert picture.size == (512, 512)
        assert np.abs(np.asarray(picture, int) - np.asarray(Image.open(PORTRAIT), int)).max() > 100


def test_a_photo_from_a_pipe(tmp_path):
    command = f"cat {PORTRAIT} | {sys.executable} -m mini_xception predict /dev/stdin --save {tmp_path}"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert "/dev/stdin: happy" in result.stdout
    assert (tmp_path / "stdin-faces.jpg").is_file()


def test_what_is_there_is_not_destroyed(tmp_path):
    for name in ("a.jpg", "a-faces.jpg"):
        shutil.copy(PORTRAIT, tmp_path / name)
    assert run("predict", tmp_path, "--save", tmp_path).returncode == 0
    assert (tmp_path / "a-faces.jpg").read_bytes() == PORTRAIT.read_bytes()
    assert (tmp_path / "a-faces-2.jpg").is_file()
    (tmp_path / "pipe").symlink_to("/dev/null")
    for target, reason in (("a.jpg", "is one of the photos"), ("pipe", "no regular file")):
        result = run("predict", tmp_path / "a.jpg", "--csv", tmp_path / target)
        assert result.returncode == 1
        assert reason in result.stderr
    assert (tmp_path / "a.jpg").read_bytes() == PORTRAIT.read_bytes()


def test_names_that_no_terminal_shows(tmp_path):
    name = os.fsdecode(b"bad\xff\n\xe4.jpg")
    shutil.copy(PORTRAIT, tmp_path / name)
    result = run("predict", tmp_path, "--csv", tmp_path / "faces.csv")
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 1
    assert len(list(csv.DictReader((tmp_path / "faces.csv").open(errors="surrogateescape", newline="")))) == 1


def test_saving_beside_the_photos_overwrites_none(tmp_path):
    shutil.copy(PORTRAIT, tmp_path / "a.jpg")
    assert run("predict", tmp_path / "a.jpg", "--save", tmp_path).returncode == 0
    assert (tmp_path / "a.jpg").read_bytes() == PORTRAIT.read_bytes()
    assert (tmp_path / "a-faces.jpg").is_file()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["predict", "."], "no photo in this folder"),
        (["predict", "x.jpg", "--checkpoint", "nowhere"], "nowhere: no such folder"),
        (["predict", "x.jpg", "--device", "toaster"], "toaster"),
        (["predict", "x.jpg", "--save", "file/folder"], "file/folder"),
        (["predict", "x.jpg", "--csv", "file/faces.csv"], "file"),
        (["predict", "x.jpg", "--csv", "."], "is no regular file"),
        (["video", "file"], "nothing to write"),
        (["video", "file", "out.mp4"], "file: no video"),
        (["video", "absent.mp4", "--csv", "out.csv"], "absent.mp4: cannot be read"),
        (["video", "file", "file"], "must end in .mp4"),
        (["video", "file", "--csv", "file"], "is the clip itself"),
        (["video", "file", "file/out.mp4"], "file"),
        (["evaluate", "--data", "absent.csv", "--split", "PublicTest"], "absent.csv: no such file"),
        (["convert", "absent.pth", "out"], "absent.pth: cannot be read"),
        (["convert", "file", "out"], "file: no PyTorch file"),
        (["demo", "--checkpoint", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_errors_are_one_line(tmp_path, arguments, reason):
    (tmp_path / "file").write_text("text")
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("mini-xception: ")
    assert reason in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_help_names_every_command():
    result = run("--help")
    assert result.returncode == 0
    for command in ("predict", "video", "webcam", "evaluate", "train", "convert", "export", "push", "demo"):
        assert command in result.stdout
    assert run().returncode == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full, a disk that is always full")
def test_a_standard_output_that_is_full_is_not_the_tables_fault(tmp_path):
    command = [sys.executable, "-m", "mini_xception", "predict", "--json", *[str(PORTRAIT)] * 40]
    for options in ([], ["--csv", "faces.csv"]):
        with open("/dev/full", "w") as full:
            result = subprocess.run(
                [*command, *options], stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path
            )
        assert result.returncode == 1
        assert result.stderr == "mini-xception: standard output: cannot be written (No space left on device)\n"


def test_what_one_photo_costs_is_not_the_others(tmp_path):
    """A name too long for a copy, a link to nothing and one to itself: each is named, the rest is done."""
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(PORTRAIT, photos / f"{'x' * 250}.jpg")
    shutil.copy(PORTRAIT, photos / "y.jpg")
    (photos / "nowhere.jpg").symlink_to("absent.jpg")
    (photos / "loop.jpg").symlink_to("loop.jpg")
    result = run("predict", "photos", "--save", "copies", "--csv", "faces.csv", cwd=tmp_path)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 3
    assert all(name in result.stderr for name in ("nowhere.jpg", "loop.jpg", "x" * 250))
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["y-faces.jpg"]
    assert len((tmp_path / "faces.csv").read_text().splitlines()) == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_table_is_as_private_as_the_one_before(tmp_path):
    table = tmp_path / "faces.csv"
    for mode in (0o600, 0o640):
        table.touch()
        table.chmod(mode)
        assert run("predict", PORTRAIT, "--csv", table).returncode == 0
        assert table.stat().st_mode & 0o777 == mode


def test_reader_that_stops_early():
    command = f"{sys.executable} -m mini_xception predict --json {EXAMPLES} | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert len(result.stdout.splitlines()) == 1
    assert "Traceback" not in result.stderr


def test_multiface_has_six_faces(shared):
    result = run("predict", "--json", shared / "media" / "multiface.jpg")
    assert len(json.loads(result.stdout)["faces"]) == 6


@pytest.mark.slow
def test_the_references_checkpoint_scores_what_it_scored(shared, fer2013, tmp_path):
    folder = tmp_path / "e135"
    assert run("convert", shared / "anchors" / "E135_0.6466.pth", folder).returncode == 0
    result = run("evaluate", "--data", fer2013, "--split", "PublicTest", "--checkpoint", folder, "--json")
    metrics = json.loads(result.stdout)
    assert metrics["n"] == 3589
    assert metrics["accuracy"] == pytest.approx(0.6450, abs=0.0005)
    assert sum(map(sum, metrics["confusion_matrix"])) == 3589


@pytest.mark.slow
def test_the_bundled_weights_reach_the_references_level(fer2013, tmp_path):
    result = run("evaluate", "--data", fer2013, "--split", "PublicTest", "--json")
    metrics = json.loads(result.stdout)
    assert metrics["accuracy"] >= 0.645
    assert {"accuracy", "macro_f1", "recall", "ece", "confusion_matrix", "n"} <= set(metrics)
    assert tuple(metrics["recall"]) == EMOTIONS
    options = ("--data", fer2013, "--split", "PublicTest", "--tta", "--plots", tmp_path)
    report = run("evaluate", *options).stdout
    assert f"accuracy {metrics['accuracy']:.2%}" in report
    assert "validation set" in report
    # The average with the mirror image stands beside the plain number.
    assert "averaged with the mirror image" in report
    assert {path.name for path in tmp_path.iterdir()} == {"confusion_matrix.png", "reliability.png"}


def test_evaluate_needs_the_split_it_was_asked_for(fer2013):
    result = run("evaluate", "--data", fer2013, "--split", "PrivateTest")
    assert result.returncode == 1
    assert "the data has Training, PublicTest" in result.stderr


def test_no_display_and_no_camera_are_one_line():
    without = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "mini_xception", "webcam", "--camera", "99"]
    for environment, reason in ((without, "no display"), ({**without, "DISPLAY": ":0"}, "camera 99")):
        result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert result.returncode == 1
        (line,) = result.stderr.splitlines()
        assert line.startswith("mini-xception: ")
        assert reason in line


MISSING = [("demo", "gradio", "app"), ("train", "accelerate", "train"), ("video", "av", "video")]


@pytest.mark.parametrize(("command", "package", "extra"), MISSING)
def test_a_missing_extra_is_named(command, package, extra):
    code = (
        f"import sys; sys.modules[{package!r}] = None; from mini_xception.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    options = {"train": ["--data", "x.csv", "--run", "y"], "video": ["x.mp4", "y.mp4"]}.get(command, [])
    result = subprocess.run(
        [sys.executable, "-c", code, command, *options], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr == f"mini-xception: this needs {package}: pip install 'mini-xception[{extra}]'\n"
