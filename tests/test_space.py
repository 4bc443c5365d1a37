"""The folders that scripts/space.py creates are complete and start."""

import os
import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT


@pytest.mark.slow
def test_the_gradio_space_is_complete(tmp_path):
    command = [sys.executable, ROOT / "scripts" / "space.py", "--out", tmp_path / "space"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stderr
    listed = {line.split()[-1] for line in result.stdout.splitlines()[:-1]}
    found = {str(path.relative_to(tmp_path / "space")) for path in (tmp_path / "space").rglob("*") if path.is_file()}
    assert listed == found
    assert {"app.py", "requirements.txt", "mini_xception/weights/model.safetensors"} <= found
    assert not any(name.endswith(".pyc") or name.startswith("tests") for name in found)
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert again.stderr == f"{tmp_path / 'space'}: already exists; remove it, or choose another folder\n"
    assert (tmp_path / "space" / "app.py").exists()


def test_the_static_space_is_the_page_and_its_settings(tmp_path):
    if not (ROOT / "mini_xception" / "web").is_dir():
        pytest.skip("the browser page is not built; run: make web")
    command = [sys.executable, ROOT / "scripts" / "space.py", "static", "--out", tmp_path / "space"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    _, front_matter, _ = (tmp_path / "space" / "README.md").read_text().split("---\n", 2)
    settings = yaml.safe_load(front_matter)
    assert settings["sdk"] == "static"
    assert settings["license"] == "mit"
    assert (tmp_path / "space" / settings["app_file"]).is_file()
    assert not any(path.suffix == ".py" for path in (tmp_path / "space").rglob("*"))


def test_the_checkpoint_comes_from_the_environment(monkeypatch, capsys):
    from mini_xception.cli import main

    monkeypatch.setenv("MINI_XCEPTION_CHECKPOINT", "/no/such/checkpoint")
    assert main(["demo"]) != 0
    assert "/no/such/checkpoint" in capsys.readouterr().err
