"""The example scripts run, and print the expected output."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

PRINTED = {
    "recognise_photo.py": "happy",
    "recognise_video.py": "face 1 happy, face 2 neutral",
    "train_own_faces.py": "a new drawing: smile",
    "explain_figure.py": "2 faces, happy, neutral",
    "resize_trap.py": "cv2.resize: 100% similar to the face, classified as happy",
}
SCRIPTS = {path.name for path in (ROOT / "examples").glob("*.py")} - {"score_with_ray.py"}  # See test_ray.py.


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_example(script, tmp_path):
    if script == "explain_figure.py":
        pytest.importorskip("captum")
    command = [sys.executable, ROOT / "examples" / script]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert PRINTED[script] in printed


def test_the_readme_lists_every_script_and_the_licence_of_every_photo():
    readme = (ROOT / "examples" / "README.md").read_text()
    for file in (ROOT / "examples").iterdir():
        assert file.suffix == ".md" or f"`{file.name}`" in readme
