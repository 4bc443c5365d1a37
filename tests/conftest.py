"""Paths and fixtures that many tests share, such as the recogniser."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

# No test needs a network, so any download fails at once.
os.environ["HF_HUB_OFFLINE"] = "1"
# If a shell runs the tests in the background, they and their child processes would otherwise ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("MINI_XCEPTION_SHARED", ROOT.parent / "shared"))
PORTRAIT = ROOT / "examples" / "eileen_collins.jpg"


@pytest.fixture(scope="session")
def shared() -> Path:
    """A folder outside the repository with FER2013, the published checkpoints and more."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent: FER2013 and the published checkpoints are not part of the repository")
    return SHARED


@pytest.fixture(scope="session")
def fer2013(shared: Path) -> Path:
    return shared / "data" / "fer2013.csv.gz"


@pytest.fixture(scope="session")
def recognizer():
    from mini_xception import EmotionRecognizer

    return EmotionRecognizer.from_pretrained(device="cpu")


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    from mini_xception import load_image

    return load_image(PORTRAIT)
