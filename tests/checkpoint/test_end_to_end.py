"""From training to a model that others load: the commands of docs/hub.md, and an environment with only the wheel."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard

from mini_xception import EMOTIONS, MiniXception
from mini_xception.checkpoint import push_folder
from mini_xception.export import export
from tests.checkpoint.conftest import OWNER_TOKEN, REPO
from tests.checkpoint.hub_state import Fault
from tests.conftest import PORTRAIT, ROOT

LOGITS = """
import sys, torch, mini_xception
torch.set_num_threads(1)
model = mini_xception.MiniXception.from_pretrained(sys.argv[1], revision="v1.0", device="cpu")
faces = torch.linspace(0, 1, 3 * 48 * 48).reshape(3, 1, 48, 48)
with torch.inference_mode():
    print(mini_xception.__file__, model(faces).numpy().tobytes().hex())
"""


@pytest.fixture
def fer2013_csv(tmp_path):
    """A file in FER2013's format with synthetic faces: the label is the position of a bright band."""
    path = tmp_path / "fer2013.csv"
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write("emotion,pixels,Usage\n")
        for split in ["Training"] * 48 + ["PublicTest"] * 24:
            label = rng.integers(7)
            image = rng.integers(0, 60, (48, 48), np.uint8)
            image[6 * label : 6 * label + 8] += 180
            file.write(f"{label},{' '.join(map(str, image.ravel()))},{split}\n")
    return path


@pytest.mark.slow
def test_trained_model_is_pushed_and_a_failed_push_names_the_command(hub, run, fer2013_csv, tmp_path):
    options = ("--data", fer2013_csv, "--run", tmp_path / "mine", "--epochs", "2", "--image-size", "32")
    hub.faults.append(Fault("POST .*/commit/", status=500))
    result = run("train", *options, "--push-to-hub", REPO)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert "the Hub answered with status 500" in last
    (again,) = re.findall(r"mini-xception (push .*)$", last)
    assert run(*again.split()).returncode == 0
    model = MiniXception.from_pretrained(REPO)
    assert model.image_size == 32
    assert model.metrics["split"] == "PublicTest"
    assert 0 <= model.metrics["accuracy"] <= 1
    assert model.provenance["recipe"].startswith("mini-xception train --data fer2013.csv --run mine")
    assert model.provenance["commit"]
    assert {"confusion_matrix.png", "curves.png"} <= set(hub.model(REPO).files)
    card = hub.model(REPO).files["README.md"].decode()
    assert f"{model.metrics['accuracy']:.4f}" in card
    assert "--epochs 2" in card
    assert str(tmp_path) not in card


@pytest.mark.slow
def test_push_errors_are_reported_before_the_training(run, fer2013_csv, tmp_path):
    options = ("--data", fer2013_csv, "--run", tmp_path / "mine", "--push-to-hub")
    for name, reason in ((REPO, "hf auth login"), ("a b/c", "not a valid repository name"), ("c", "user/repo")):
        result = run("train", *options, name, **({"HF_TOKEN": ""} if name == REPO else {}))
        assert result.returncode == 1
        (line,) = result.stderr.splitlines()
        assert reason in line
    assert not (tmp_path / "mine").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("hub")
def test_wheel_alone_gives_the_same_logits(environment, tmp_path):
    """A new virtual environment with the built wheel loads a pushed model and computes the same logits, bit for bit."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist"]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    (site_packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    # The dependencies come from this environment. Python ignores .pth files in a folder that is added like this, so the
    # editable installation of this package is not found there.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", "--quiet", wheel]
    subprocess.run(install, check=True, capture_output=True)

    model = MiniXception().eval()
    model.push_to_hub(REPO, token=OWNER_TOKEN, tag="v1.0", private=True)
    del environment["PYTHONPATH"]
    command = [python, "-c", LOGITS, REPO]
    output = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    file, logits = output.split()
    assert Path(file).is_relative_to(tmp_path / "venv")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.inference_mode():
        expected = model(torch.linspace(0, 1, 3 * 48 * 48).reshape(3, 1, 48, 48)).numpy()
    torch.set_num_threads(threads)
    assert np.array_equal(np.frombuffer(bytes.fromhex(logits), np.float32).reshape(3, len(EMOTIONS)), expected)


@pytest.fixture
def checkout(tmp_path, fer2013_csv):
    """A copy of the repository, with the data in its root."""
    folder = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "runs", "build", "dist", "shared", "node_modules")
    shutil.copytree(ROOT, folder, ignore=ignored)
    fer2013_csv.rename(folder / "fer2013.csv")
    return folder


def blocks(language: str) -> list[str]:
    text = (ROOT / "docs" / "hub.md").read_text().replace("OWNER", "owner")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.slow
def test_commands_of_the_guide_run(hub, environment, checkout):
    """Every command of docs/hub.md runs, except those that need the official weights or a data set.

    The guide loads a model before it publishes one; here, the model is published first.
    """
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["PYTHONPATH"] = str(checkout)

    def bash(command):
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command], cwd=checkout, env=environment, capture_output=True, text=True
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    use, train, push, train_on_hub, publish, space, keras = blocks("bash")
    using, other_classes = blocks("python")
    bash(train)
    bash(push)
    assert hub.model("owner/faces").tags["v1.0"] == hub.model("owner/faces").branches["main"]
    assert ModelCard(hub.model("owner/faces").files["README.md"].decode()).data.eval_results

    assert "eileen_collins.jpg" in bash(use)
    assert "fer2013.csv" in bash(f"python - <<'END'\n{using}\nEND")
    bash(f"python - <<'END'\n{other_classes}\nEND")
    assert MiniXception.from_pretrained("owner/yes-no").labels == ("no", "yes")

    bash(publish)
    bundled = hub.model("owner/mini_xception")
    assert "v1.0" in bundled.tags
    assert bundled.files["model.safetensors"] == (ROOT / "mini_xception/weights/model.safetensors").read_bytes()
    files = hub.repos["spaces", "owner/mini_xception-demo"].files
    expected = {"app.py", "requirements.txt", "packages.txt", "README.md", "mini_xception/network/model.py"}
    assert expected <= set(files)
    assert not any("__pycache__" in path or path.startswith(("tests", "docs", "fer2013")) for path in files)

    bash(space)
    assert b'checkpoint="owner/faces"' in hub.repos["spaces", "owner/faces-demo"].files["app.py"]
    assert keras.splitlines()[1].startswith("mini-xception convert")
    assert train_on_hub.startswith("mini-xception train")  # tests/training/test_hub_data.py runs such a command


@pytest.mark.usefixtures("hub")
def test_a_published_graph_is_used_without_pytorch(environment, folder, tmp_path):
    export(MiniXception.from_pretrained(folder), folder)
    push_folder(folder, REPO, token=OWNER_TOKEN)
    code = "import sys; sys.modules['torch'] = None; from mini_xception.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "predict", PORTRAIT, "--checkpoint", REPO]
    result = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "eileen_collins.jpg: " in result.stdout


@pytest.mark.usefixtures("hub")
def test_a_checkpoint_without_a_graph_says_how_to_get_one(run, folder):
    push_folder(folder, REPO, token=OWNER_TOKEN)
    result = run("predict", PORTRAIT, PORTRAIT, "--checkpoint", REPO)
    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert "mini-xception export" in line
