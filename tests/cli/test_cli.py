"""The command line as a user runs it: errors, help, and commands without a separate test file."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mini_xception import EMOTIONS
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples"


def run(*arguments: str | Path | int | float, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mini_xception", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["predict", "."], "no photo in this folder"),
        (["predict", "x.jpg", "--checkpoint", "nowhere"], "nowhere: folder not found"),
        (["predict", "x.jpg", "--revision", "v1"], "the bundled checkpoint: a local folder has no revision 'v1'"),
        (["predict", "x.jpg", "--save", "file/folder"], "file/folder: folder cannot be created"),
        (["predict", "x.jpg", "--csv", "file/faces.csv"], "file: folder cannot be created"),
        (["predict", "x.jpg", "--csv", "."], ".: not a regular file; choose another name"),
        (["video", "file"], "nothing to write; add OUT.mp4 for an annotated copy, or --csv FILE for a table"),
        (["video", "file", "out.mp4"], "file: not a supported video"),
        (["video", "absent.mp4", "--csv", "out.csv"], "absent.mp4: cannot be read"),
        (["video", "file", "file"], "choose a name that ends in .mp4"),
        (["video", "file", "--csv", "file"], "file: this is the source video; choose another name"),
        (["video", "file", "file/out.mp4"], "file: folder cannot be created"),
        (["evaluate", "--data", "absent.csv", "--split", "PublicTest"], "absent.csv: no such file"),
        (["convert", "absent.pth", "out"], "absent.pth: cannot be read"),
        (["convert", "file", "out"], "file: neither a PyTorch file that contains only tensors nor"),
        (["export", "absent/folder"], "absent/folder: folder not found; give the path of a checkpoint folder"),
        (["demo", "--checkpoint", "nowhere"], "nowhere: folder not found"),
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


def test_a_missing_command_is_one_line():
    result = run()
    assert result.returncode == 2
    assert result.stderr == (
        "mini-xception: the following arguments are required: COMMAND (see mini-xception --help)\n"
    )


@pytest.mark.slow
def test_the_reference_checkpoint_reaches_its_published_accuracy(shared, fer2013, tmp_path):
    folder = tmp_path / "e135"
    assert run("convert", shared / "anchors" / "E135_0.6466.pth", folder).returncode == 0
    result = run("evaluate", "--data", fer2013, "--split", "PublicTest", "--checkpoint", folder, "--json")
    metrics = json.loads(result.stdout)
    assert metrics["n"] == 3589
    assert metrics["accuracy"] == pytest.approx(0.6450, abs=0.0005)
    assert sum(map(sum, metrics["confusion_matrix"])) == 3589


@pytest.mark.slow
def test_the_bundled_weights_reach_the_accuracy_of_the_reference(fer2013, tmp_path):
    result = run("evaluate", "--data", fer2013, "--split", "PublicTest", "--json")
    metrics = json.loads(result.stdout)
    assert metrics["accuracy"] >= 0.645
    assert {"accuracy", "macro_f1", "recall", "ece", "confusion_matrix", "n"} <= set(metrics)
    assert tuple(metrics["recall"]) == EMOTIONS
    options = ("--data", fer2013, "--split", "PublicTest", "--tta", "--report", tmp_path)
    report = run("evaluate", *options).stdout
    assert f"accuracy {metrics['accuracy']:.2%}" in report
    assert "validation set" in report
    # Test-time augmentation is reported separately.
    assert "with test-time augmentation" in report
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.json"}
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["metrics"]["accuracy"] == metrics["accuracy"]
    assert len(written["errors"]) == 24


@pytest.fixture
def six_emotions(tmp_path) -> Path:
    """FER2013 made of noise, without an image of disgust."""
    rng = np.random.default_rng(0)
    rows = [
        f"{emotion},{' '.join(map(str, rng.integers(0, 256, 48 * 48)))},PublicTest" for emotion in (0, 2, 3, 4, 5, 6)
    ]
    path = tmp_path / "fer2013.csv"
    path.write_text("\n".join(["emotion,pixels,Usage", *rows, ""]))
    return path


def test_evaluate_writes_a_report(six_emotions, tmp_path):
    options = ("--data", six_emotions, "--split", "PublicTest", "--report", tmp_path / "report")
    result = run("evaluate", *options)
    assert result.returncode == 0, result.stderr
    assert f"{tmp_path / 'report' / 'report.html'}: the report" in result.stdout
    assert "without images, and left out of the averages: disgust" in result.stdout
    written = json.loads((tmp_path / "report" / "report.json").read_text())
    assert written["metrics"]["recall"]["disgust"] is None
    assert written["metrics"]["support"] == {**dict.fromkeys(EMOTIONS, 1), "disgust": 0}
    recall = [value for value in written["metrics"]["recall"].values() if value is not None]
    assert written["metrics"]["balanced_accuracy"] == pytest.approx(sum(recall) / 6)
    assert written["title"] == "bundled weights on PublicTest (the validation set)"
    assert written["errors"][0]["name"].startswith("row ")


def test_evaluate_checks_the_reports_folder_first(six_emotions):
    result = run("evaluate", "--data", six_emotions, "--split", "PublicTest", "--report", six_emotions)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "folder cannot be created" in result.stderr


def test_evaluate_needs_the_split_it_was_asked_for(fer2013):
    result = run("evaluate", "--data", fer2013, "--split", "PrivateTest")
    assert result.returncode == 1
    assert "contains no PrivateTest images, only Training, PublicTest; use the complete data" in result.stderr


MISSING = [
    ("demo", "gradio", "mini-xception[app]"),
    ("train", "accelerate", "mini-xception[train]"),
    ("video", "av", "mini-xception[video]"),
    ("convert", "torch", "torch"),
    ("evaluate", "torch", "torch"),
    ("export", "torch", "torch"),
    ("train", "torch", "torch"),
]


@pytest.mark.parametrize(("command", "package", "requirement"), MISSING)
def test_a_missing_package_is_named(command, package, requirement):
    code = (
        f"import sys; sys.modules[{package!r}] = None; from mini_xception.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    options = {
        "train": ["--data", "x.csv", "--run", "y"],
        "video": ["x.mp4", "y.mp4"],
        "convert": ["x.pth", "y"],
        "evaluate": ["--data", "x.csv", "--split", "PublicTest"],
        "export": [str(ROOT)],
    }
    result = subprocess.run(
        [sys.executable, "-c", code, command, *options.get(command, [])], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr == f"mini-xception: this command needs {package}; pip install '{requirement}'\n"
