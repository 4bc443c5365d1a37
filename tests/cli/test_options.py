"""The options that commands share: each one has its effect, and a bad value gives a one-line error."""

import contextlib
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from mini_xception import EmotionRecognizer
from mini_xception.cli import COMMANDS, main, options
from mini_xception.detection import cascade
from mini_xception.detection.detector import DETECTORS
from mini_xception.network.engines import ENGINE_NAMES, ENGINES, is_installed
from mini_xception.tracking.tracker import SMOOTHING_S
from tests.cli.test_cli import EXAMPLES, run
from tests.conftest import PORTRAIT


def predict(capsys: pytest.CaptureFixture[str], *arguments: str | Path | int) -> list[dict]:
    """Run ``mini-xception predict --json`` on one photo in this process; return the faces."""
    assert main(["predict", "--json", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)["faces"]


def run_in_terminal(*arguments: str | Path) -> tuple[str, str]:
    """Run a command whose standard error is a terminal; return its standard output and what the terminal shows."""
    import termios

    terminal, stderr = os.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    command = [sys.executable, "-m", "mini_xception", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process:
        os.close(stderr)
        shown = b""
        with contextlib.suppress(OSError), open(terminal, "rb", buffering=0) as screen:  # Linux ends with an error.
            while part := screen.read(4096):
                shown += part
        assert process.stdout is not None
        out = process.stdout.read()
    assert process.returncode == 0
    return out, shown.decode()


def test_names_and_defaults_are_those_of_the_api():
    defaults = inspect.signature(EmotionRecognizer.from_pretrained).parameters
    assert options.ENGINES == ENGINE_NAMES
    assert options.ENGINES[0] == defaults["engine"].default
    assert (*DETECTORS, "none") == options.DETECTORS
    assert options.DETECTORS[0] == defaults["detector"].default
    assert options.SMALLEST_FACE_SIZE == cascade.WINDOW
    assert options.SMOOTHING_S == SMOOTHING_S


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["predict", "x", "--device", "toaster"], "--device: must be auto, cpu, cuda, cuda:N or mps, not 'toaster'"),
        (["predict", "x", "--device", "cuda:"], "--device: must be auto, cpu, cuda, cuda:N or mps, not 'cuda:'"),
        (["predict", "x", "--engine", "steam"], "--engine: invalid choice: 'steam' (choose from "),
        (["predict", "x", "--detector", "eyes"], "--detector: invalid choice: 'eyes' (choose from "),
        (["predict", "x", "--min-face-size", "11"], "--min-face-size: must be a whole number, 12 or more, not '11'"),
        (["predict", "x", "--min-face-size", "40.5"], "must be a whole number, 12 or more, not '40.5'"),
        (["predict", "x", "--workers=-1"], "--workers: must be a whole number, 0 or more, not '-1'"),
        (["video", "x", "y.mp4", "--smoothing=-1"], "--smoothing: must be a number, 0 or more, not '-1'"),
        (["video", "x", "y.mp4", "--smoothing", "nan"], "--smoothing: must be a number, 0 or more, not 'nan'"),
        (["video", "x", "y.mp4", "--smoothing", "inf"], "--smoothing: must be a number, 0 or more, not 'inf'"),
        (["webcam", "--camera=-1"], "--camera: must be a whole number, 0 or more, not '-1'"),
        (["webcam", "--camera", "front"], "--camera: must be a whole number, 0 or more, not 'front'"),
    ],
)
def test_a_bad_value_is_one_line(arguments, reason, capsys):
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    assert line.startswith(f"mini-xception {arguments[0]}: ")
    assert reason in line
    assert line.endswith(f" (see mini-xception {arguments[0]} --help)")


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "train"])  # train lists PyTorch modules.
def test_parsing_imports_no_pytorch(command):
    code = f"import sys; from mini_xception.cli import _parser; _parser([{command!r}]); print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


@pytest.mark.parametrize("text", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:12"])
def test_devices(text):
    assert options.device(text) == text


def test_the_device_is_passed_on(capsys):
    assert main(["predict", str(PORTRAIT), "--device", "cuda:99"]) == 1
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    assert "cuda:99" in line
    assert predict(capsys, PORTRAIT, "--device", "cpu")[0]["emotion"] == "happy"


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_every_engine_gives_the_same_label(engine, capsys):
    if engine in ENGINES and not is_installed(ENGINES[engine].package):
        pytest.skip(f"{engine} is not installed")
    (face,) = predict(capsys, PORTRAIT, "--engine", engine)
    (expected,) = predict(capsys, PORTRAIT)
    tolerance = 0.02 if engine == "openvino-bf16" else 1e-3
    assert face["emotion"] == expected["emotion"] == "happy"
    assert face["probabilities"] == pytest.approx(expected["probabilities"], abs=tolerance)


def test_no_detector_takes_each_image_as_one_face(tmp_path, capsys, recognizer):
    (crop,) = recognizer.crop(PORTRAIT)
    Image.fromarray(crop).save(tmp_path / "face.png")
    (expected,) = recognizer.classify([crop])
    (face,) = predict(capsys, tmp_path / "face.png", "--detector", "none")
    assert face["box"] == [0, 0, crop.shape[1], crop.shape[0]]
    assert face["emotion"] == "happy"
    assert list(face["probabilities"].values()) == pytest.approx(expected.tolist(), abs=1e-6)


def test_no_detector_with_worker_processes(capsys):
    (alone,) = predict(capsys, PORTRAIT, "--detector", "none")
    (face,) = predict(capsys, PORTRAIT, "--detector", "none", "--workers", "1")
    assert face["box"] == alone["box"]
    assert face["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-3)


def test_small_faces_are_not_found(capsys):
    """MTCNN finds faces down to about half of the minimum."""
    photo = EXAMPLES / "two_portraits.jpg"
    sizes = [max(x2 - x1, y2 - y1) for x1, y1, x2, y2 in (face["box"] for face in predict(capsys, photo))]
    assert len(sizes) == 2
    (face,) = predict(capsys, photo, "--min-face-size", round(2.2 * sizes[1]))
    assert face["box"][0] > 512  # the larger one is on the right
    assert predict(capsys, photo, "--min-face-size", round(2.2 * sizes[0])) == []


def test_a_checkpoint_folder_has_no_revision(tmp_path, capsys):
    assert main(["predict", str(PORTRAIT), "--checkpoint", str(tmp_path), "--revision", "v1.0"]) == 1
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        f"mini-xception: {tmp_path}: a local folder has no revision 'v1.0'; omit the revision\n",
    )


def test_the_revision_of_a_repository_is_passed_on(capsys):
    """Without a network, the error names the revision that is missing from the cache."""
    assert main(["predict", str(PORTRAIT), "--checkpoint", "user/repo", "--revision", "v1.0"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "user/repo: config.json of v1.0 is not in the cache" in line


def test_quiet_prints_errors_only(tmp_path):
    result = run("predict", EXAMPLES, "--quiet", "--csv", "faces.csv", cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert len((tmp_path / "faces.csv").read_text().splitlines()) > 1
    result = run("predict", "absent.jpg", PORTRAIT, "--quiet", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("mini-xception: absent.jpg: ")


def test_quiet_keeps_the_json_that_was_asked_for():
    result = run("predict", PORTRAIT, "--quiet", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["path"] == str(PORTRAIT)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("command", ["predict", "video"])
def test_quiet_hides_the_progress_bar_of_a_terminal(command, tmp_path):
    source = EXAMPLES if command == "predict" else EXAMPLES / "two_portraits.mp4"
    for quiet in (False, True):
        arguments = [command, source, "--csv", tmp_path / "faces.csv", *(["--quiet"] if quiet else [])]
        out, shown = run_in_terminal(*arguments)
        assert (out == "", shown == "") == (quiet, quiet)
        assert ("100%|" in shown) is not quiet
