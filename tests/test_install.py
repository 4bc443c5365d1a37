"""Lean environments: recognition without PyTorch, and the choice of PyTorch's build."""

import json
import shutil
import subprocess
import sys
import venv
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import PORTRAIT, ROOT

pytestmark = pytest.mark.slow

#: Largest size of the lean environment in MB (10⁶ bytes), with everything that pip installs.
LARGEST_MB = 410


def size_mb(folder: Path) -> float:
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_symlink() and file.is_file()) / 1e6


def new_environment(folder: Path) -> Path:
    """Make an environment without pip, and return its Python."""
    venv.create(folder, with_pip=False)
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the files that a wheel is built from."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements-lean.txt"):
        shutil.copy(ROOT / name, folder)
    ignored = shutil.ignore_patterns("__pycache__", "web")
    shutil.copytree(ROOT / "mini_xception", folder / "mini_xception", ignore=ignored)
    return folder


def test_the_lean_environment_recognises_a_photo_and_a_video(checkout, tmp_path, capsys):
    python = new_environment(tmp_path / "lean")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    done = subprocess.run([*pip, ".", "-r", "requirements-lean.txt"], cwd=checkout, capture_output=True, text=True)
    if "No matching distribution" in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr

    def mini_xception(*arguments: object) -> str:
        command = [python, "-m", "mini_xception", *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    faces = json.loads(mini_xception("predict", PORTRAIT, "--json"))["faces"]
    assert [face["emotion"] for face in faces] == ["happy"]
    video = mini_xception("video", ROOT / "examples" / "two_portraits.mp4", tmp_path / "annotated.mp4")
    assert "2 faces" in video

    train = [python, "-m", "mini_xception", "train", "--data", "fer2013.csv", "--run", "run"]
    refused = subprocess.run(train, capture_output=True, text=True, cwd=tmp_path, check=False)
    (line,) = refused.stderr.splitlines()
    assert refused.returncode == 1
    assert "pip install" in line

    from_the_hub = [python, "-m", "mini_xception", "predict", PORTRAIT, "--checkpoint", "user/repo"]
    refused = subprocess.run(from_the_hub, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert refused.stderr.endswith("pip install huggingface-hub\n")
    assert len(refused.stderr.splitlines()) == 1

    size = size_mb(tmp_path / "lean")
    with capsys.disabled():
        print(f"\nlean environment: {size:.0f} MB")
    assert size <= LARGEST_MB


@pytest.fixture
def index(tmp_path):
    """A package index that has one build of torch, an empty wheel: a function from its version to the index's URL."""
    servers = []

    def serve(version: str) -> str:
        page = tmp_path / "index" / "torch"
        page.mkdir(parents=True)
        name = f"torch-{version}-py3-none-any.whl"
        with zipfile.ZipFile(page / name, "w") as wheel:
            info = f"torch-{version}.dist-info"
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr("torch.py", "")
            wheel.writestr(f"{info}/RECORD", "")
        (page / "index.html").write_text(f'<a href="{name.replace("+", "%2B")}">{name}</a>')
        handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "index"))
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield serve
    for server in servers:
        server.shutdown()


@pytest.mark.skipif(
    sys.platform != "linux" or Path("/dev/nvidiactl").exists(), reason="the default build suits this machine"
)
@pytest.mark.parametrize("version", ["9.9.0+cpu", "9.9.0"])
def test_the_cpu_build_is_installed_where_the_index_has_it(index, tmp_path, version):
    venv.create(tmp_path / "new", with_pip=True)
    python = tmp_path / "new" / "bin" / "python"
    done = subprocess.run(
        [python, ROOT / "scripts" / "install_torch.py", tmp_path / "constraints.txt"],
        env={"PATH": "", "PIP_INDEX_URL": index(version), "PIP_CONFIG_FILE": "/dev/null", "PIP_NO_CACHE_DIR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    installed = subprocess.run([python, "-c", "import torch"], check=False, capture_output=True).returncode == 0
    assert installed == (version == "9.9.0+cpu")
    assert ("3 GB" in done.stderr) == (version == "9.9.0")
    expected = "torch==9.9.0+cpu\n" if version == "9.9.0+cpu" else ""
    assert (tmp_path / "constraints.txt").read_text() == expected
