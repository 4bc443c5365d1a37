"""The browser's reader gives the same results as the Python package; Vitest compares them in Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.web.vectors import write_vectors

WEB = ROOT / "web"

pytest.importorskip("onnxruntime")
if not shutil.which("npx") or not (WEB / "node_modules").is_dir():
    pytest.skip("the browser page's packages are not installed; run npm ci --prefix web", allow_module_level=True)


def compare(folder: Path, *options: str) -> int:
    """Run Vitest on the vectors in a folder, and return how many tests passed; none may fail."""
    report = folder / "report.json"
    command = ["npx", "vitest", "run", "tests/reader/parity.test.ts", "--reporter=json", f"--outputFile={report}"]
    environment = os.environ | {"VECTORS": str(folder)}
    done = subprocess.run([*command, *options], cwd=WEB, env=environment, capture_output=True, text=True)
    results = json.loads(report.read_text()) if report.exists() else {"testResults": []}
    cases = [case for file in results["testResults"] for case in file["assertionResults"]]
    failures = [message for case in cases for message in case["failureMessages"]]
    assert done.returncode == 0, "\n".join(failures) or done.stderr
    return results["numPassedTests"]


def test_every_step(tmp_path):
    write_vectors(tmp_path)
    assert compare(tmp_path) == 18


@pytest.mark.slow
def test_faces_on_canvases(tmp_path, fer2013):
    write_vectors(tmp_path, fer2013)
    assert compare(tmp_path, "-t", "faces in images") == 1
