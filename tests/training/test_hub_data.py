"""Data sets on the Hub, from the local Hub, with the package datasets."""

import io
import os
import subprocess
import sys

import pytest

from tests.checkpoint.hub_server import LocalHub
from tests.conftest import ROOT
from tests.training.faces import BANDS, write_rows
from tests.training.test_sources import png

pytest.importorskip("datasets")


@pytest.fixture
def hub():
    running = LocalHub({"hf_" + "OwnersSecret" * 3: "owner"})
    yield running
    running.close()


@pytest.fixture
def look(hub, tmp_path):
    """A function that runs ``mini-xception train --dry-run`` on a data set of the local Hub."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    environment = inherited | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf_home"),
        "HF_HUB_DISABLE_XET": "1",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }

    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mini_xception", "train", "--data", name, "--run", "run", "--dry-run"]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def parquet_of(rows) -> bytes:
    """Write a Parquet file as the package datasets does, with the names of the classes in its metadata."""
    import datasets

    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=list(BANDS))})
    columns = {"image": [{"bytes": png(image), "path": None} for _, image in rows], "label": [row[0] for row in rows]}
    buffer = io.BytesIO()
    datasets.Dataset.from_dict(columns, features=features).to_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.slow
def test_a_data_set_of_the_hub(hub, look, tmp_path):
    rows = {"train": write_rows(6), "test": write_rows(10)[-6:]}
    files = {f"data/{split}-00000-of-00001.parquet": parquet_of(part) for split, part in rows.items()}
    hub.create("owner/faces", "datasets").push(files)
    result = look("owner/faces")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("owner/faces: 24 images, 3 classes; faces: the whole images (--faces crop)\n")
    assert [line.split() for line in result.stdout.splitlines()[1:5]] == [
        ["train", "validation", "test"], ["away", "5", "1", "2"], ["bored", "5", "1", "2"], ["focused", "5", "1", "2"],
    ]  # fmt: skip
    assert "owner/faces test row 1,away,test" in (tmp_path / "run" / "splits.csv").read_text()


@pytest.mark.slow
def test_a_data_set_that_the_hub_does_not_have(look):
    result = look("owner/nothing")
    assert result.returncode == 1
    assert result.stderr.startswith(
        "mini-xception: owner/nothing: not a folder here, and the Hub's data set cannot be loaded ("
    )
    assert result.stderr.count("\n") == 1


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch):
    from mini_xception import MiniXceptionError
    from mini_xception.training import load_faces

    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MiniXceptionError, match=r"owner/faces: no such file or folder; .*'mini-xception\[data\]'"):
        load_faces("owner/faces")
