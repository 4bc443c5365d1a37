"""The package works without a cache."""

import os
import subprocess
import sys

import numpy as np
import pytest

from mini_xception import EmotionRecognizer, MiniXception
from tests.conftest import PORTRAIT, ROOT


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint without a model.onnx, whose graph is stored in the cache."""
    folder = tmp_path_factory.mktemp("checkpoint") / "mine"
    MiniXception(labels=("no", "yes")).save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_without_a_home_and_an_entry_in_the_list_of_users(checkpoint, tmp_path):
    """As in a container with ``--user 12345``. The effective user stays root, because it must read this checkout."""
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME", "USER")}
    result = subprocess.run(
        [sys.executable, "-m", "mini_xception", "predict", PORTRAIT, "--checkpoint", checkpoint],
        preexec_fn=lambda: os.setreuid(12345, 0),
        env={**kept, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert str(PORTRAIT) in result.stdout
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []  # no folder named "~"


@pytest.mark.parametrize("place", ["/dev/null", "a file", "a folder in place of the graph"])
def test_a_cache_that_cannot_be_used(checkpoint, tmp_path, monkeypatch, place):
    if place == "a file":
        (tmp_path / place).touch()
    elif place.startswith("a folder"):
        fingerprint = MiniXception.from_pretrained(checkpoint).fingerprint()
        (tmp_path / place / "mini_xception" / "graphs" / f"{fingerprint}.onnx").mkdir(parents=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / place))
    recognizer = EmotionRecognizer.from_pretrained(checkpoint, device="cpu", detector=None)
    assert recognizer.classify([np.zeros((48, 48), np.uint8)]).shape == (1, 2)
