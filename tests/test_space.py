"""What a Space needs is laid out and starts."""

import os
import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT


@pytest.mark.slow
def test_the_laid_out_files_are_enough(tmp_path):
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
    assert "exists; remove it" in again.stderr
    assert (tmp_path / "space" / "app.py").exists()


def test_a_static_space_is_the_page_and_its_settings(tmp_path):
    if not (ROOT / "mini_xception" / "web").is_dir():
        pytest.skip("the page is not built: make web")
    command = [sys.executable, ROOT / "scripts" / "space.py", "static", "--out", tmp_path / "space"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    _, front_matter, _ = (tmp_path / "space" / "README.md").read_text().split("---\n", 2)
    settings = yaml.safe_load(front_matter)
    assert settings["sdk"] == "static"
    assert settings["license"] == "mit"
    assert (tmp_path / "space" / settings["app_file"]).is_file()
    assert not any(path.suffix == ".py" for path in (tmp_path / "space").rglob("*"))


def test_the_servers_checkpoint_comes_from_the_environment(monkeypatch, capsys):
    from mini_xception.cli import main

    monkeypatch.setenv("MINI_XCEPTION_CHECKPOINT", "/no/such/checkpoint")
    assert main(["demo"]) != 0
    assert "/no/such/checkpoint" in capsys.readouterr().err
