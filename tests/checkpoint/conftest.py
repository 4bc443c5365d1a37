"""Fixtures: a local Hub, empty in each test, and ways to reach it from this and from another process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import close_session, disable_progress_bars

from mini_xception import MiniXception
from tests.checkpoint.hub_server import LocalHub
from tests.conftest import ROOT

OWNER_TOKEN = "hf_" + "OwnersSecret" * 3
READER_TOKEN = "hf_" + "ReadersSecret" * 3
REPO = "owner/faces"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A local Hub. huggingface_hub in this process uses it, without a token and with an empty cache."""
    running = LocalHub({OWNER_TOKEN: "owner", READER_TOKEN: "reader"})
    # huggingface_hub reads environment variables once, on import, into these constants.
    settings = {
        "ENDPOINT": running.url,
        "HUGGINGFACE_CO_URL_TEMPLATE": running.url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_TOKEN_PATH": str(tmp_path / "no_token"),
    }
    for name, value in settings.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    disable_progress_bars()
    yield running
    running.close()
    close_session()


@pytest.fixture
def environment(hub: LocalHub, tmp_path: Path) -> dict[str, str]:
    """Environment variables with which another process uses the local Hub, with the owner's token."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return inherited | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf_home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": OWNER_TOKEN,
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(tmp_path / "user_cache"),
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that runs ``mini-xception`` with the given arguments in another process."""

    def run_command(*arguments: str | Path, **changed: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mini_xception", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment | changed, check=False
        )

    return run_command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint folder with random weights."""
    MiniXception().save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"
