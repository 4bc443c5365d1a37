"""The example scripts run, and print what they promise."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

PRINTED = {
    "read_a_photo.py": "happy",
    "read_a_video.py": "face 1 happy, face 2 happy",
    "resize_trap.py": "cv2.resize: looks 100% like the face, read as happy",
}
SCRIPTS = {path.name for path in (ROOT / "examples").glob("*.py")} - {"score_with_ray.py"}  # See test_ray.py.


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_example(script, tmp_path):
    command = [sys.executable, ROOT / "examples" / script]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert PRINTED[script] in printed


def test_every_photo_and_clip_has_its_licence():
    table = (ROOT / "examples" / "README.md").read_text()
    for file in (ROOT / "examples").iterdir():
        assert file.suffix in (".py", ".md") or f"`{file.name}`" in table
