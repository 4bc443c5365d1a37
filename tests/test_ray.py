"""examples/score_with_ray.py on a local Ray with two cores; one of its actors is killed while it runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import PORTRAIT, ROOT

pytest.importorskip("ray", reason="Ray is not installed: pip install 'ray[data]'")
pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.slow

CAT = ROOT / "examples" / "chelsea_the_cat.jpg"
#: What Ray may use on any machine: cores, and bytes of shared memory.
RESOURCES = {"CPU": 2, "object_store_memory": 100_000_000}
#: A run takes half a minute. After this time, it counts as hung.
TIMEOUT_S = 300


@pytest.fixture
def start() -> Iterator[Callable[[Path, Path], subprocess.Popen[str]]]:
    """Starts the example with photos and a folder for results, and ends it after the test."""
    started = []

    def start(photos: Path, out: Path) -> subprocess.Popen[str]:
        command = [sys.executable, ROOT / "examples" / "score_with_ray.py", photos, out, "--actors", "2"]
        environment = {
            **os.environ,
            "MINI_XCEPTION_TEST": str(out),  # Marks the processes that Ray starts.
            "RAY_OVERRIDE_RESOURCES": json.dumps(RESOURCES),
            "RAY_TMPDIR": folder,
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        environment.pop("RAY_ADDRESS", None)  # The test does not use the developer's cluster.
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    # Not tmp_path: the paths of Ray's sockets would be too long.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        yield start
        for process in started:
            process.terminate()
            process.communicate()


def finish(process: subprocess.Popen[str]) -> str:
    """Wait until the example has ended with status 0, and return its output."""
    printed, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, errors
    return printed


def actors(out: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            mine = f"MINI_XCEPTION_TEST={out}\0".encode() in (process / "environ").read_bytes()
            if mine and b"MapBatches(Scorer)" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:  # It has ended, or belongs to another user.
            continue
    return found


def written(out: Path) -> list[Path]:
    """Return the result files that are complete."""
    complete = []
    for file in out.glob("*.parquet"):
        with suppress(pyarrow.ArrowInvalid):  # It is being written.
            parquet.read_metadata(file)
            complete.append(file)
    return complete


def rows(files: list[Path]) -> list[dict]:
    return [row for file in files for row in parquet.read_table(file).to_pylist()]


@pytest.mark.skipif(not Path("/proc/self/environ").is_file(), reason="actors are found by Linux's /proc")
def test_every_photo_is_scored_once_when_an_actor_is_killed(tmp_path, start):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for number in range(600):
        (photos / f"{number}.jpg").symlink_to(CAT if number % 10 == 0 else PORTRAIT)
    (photos / "text.jpg").write_text("text")
    process = start(photos, out)
    deadline_s = time.monotonic() + TIMEOUT_S
    while not written(out):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s, "no photo was scored in time"
        time.sleep(0.02)
    victim, *_ = actors(out)
    os.kill(victim, signal.SIGKILL)
    done = len(rows(written(out)))
    printed = finish(process)
    assert f"{out}: 601 photos" in printed.splitlines()
    # The actor was killed during the run: Ray reports it, and some photos were not yet scored.
    assert str(victim) in printed
    assert 0 < done < 601

    found = rows(list(out.glob("*.parquet")))
    scored = {Path(row["path"]).name: row for row in found}
    assert len(found) == 601
    assert set(scored) == {path.name for path in photos.iterdir()}
    for name, row in scored.items():
        if name == "text.jpg":
            assert row["faces"] is None
            assert "not a supported image; use JPEG" in row["error"]
        else:
            expected = [] if int(Path(name).stem) % 10 == 0 else ["happy"]
            assert [face["emotion"] for face in row["faces"]] == expected
            assert row["error"] is None


def test_image_bytes_in_parquet(tmp_path, start):
    data = [PORTRAIT.read_bytes(), CAT.read_bytes(), None]
    table = pyarrow.table({"id": [7, 8, 9], "bytes": pyarrow.array(data, pyarrow.binary())})
    parquet.write_table(table, tmp_path / "photos.parquet")
    finish(start(tmp_path / "photos.parquet", tmp_path / "out"))
    portrait, cat, absent = sorted(rows(list((tmp_path / "out").glob("*.parquet"))), key=lambda row: row["id"])
    (face,) = portrait["faces"]
    assert face["emotion"] == "happy"
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert cat == {"id": 8, "faces": [], "error": None}
    assert absent["faces"] is None
    assert "NoneType" in absent["error"]
