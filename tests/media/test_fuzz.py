"""Damaged videos of all formats: each is read or refused, in bounded time and memory, and nothing is left behind."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.media.fuzz_videos import KINDS

FILES_PER_FORMAT = 15


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")
def test_damaged_videos_are_read_or_refused(tmp_path):
    command = [sys.executable, "-m", "tests.media.fuzz_videos", str(tmp_path), str(FILES_PER_FORMAT)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, errors="replace")
    assert result.returncode == 0, result.stderr[-2000:]  # The last file that it names is the one that failed.
    answers = json.loads(result.stdout.splitlines()[-1])
    assert sum(answers.values()) == len(KINDS) * FILES_PER_FORMAT
    assert min(answers.values()) > 20
