"""examples/score_with_ray.py on a local Ray, one of whose actors is killed while it works."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import PORTRAIT, ROOT

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'ray[data]'")
parquet = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.slow

CAT = ROOT / "examples" / "chelsea_the_cat.jpg"


def start(photos: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, ROOT / "examples" / "score_with_ray.py", photos, out, "--actors", "2"]
    # By the variable, the processes that Ray starts are found.
    environment = {**os.environ, "MINI_XCEPTION_TEST": str(out)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def actors(out: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            mine = f"MINI_XCEPTION_TEST={out}\0".encode() in (process / "environ").read_bytes()
            if mine and b"MapBatches(Scorer)" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:  # It has ended, or is another user's.
            continue
    return found


def rows(out: Path) -> list[dict]:
    return [row for file in out.glob("*.parquet") for row in parquet.read_table(file).to_pylist()]


@pytest.mark.skipif(not Path("/proc/self/environ").is_file(), reason="actors are found by Linux's /proc")
def test_every_photo_is_scored_once_though_an_actor_is_killed(tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for number in range(600):
        (photos / f"{number}.jpg").symlink_to(CAT if number % 10 == 0 else PORTRAIT)
    (photos / "text.jpg").write_text("text")
    process = start(photos, out)
    while not list(out.glob("*.parquet")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    victim, *_ = actors(out)
    os.kill(victim, signal.SIGKILL)
    done = len(rows(out))
    printed, errors = process.communicate()
    assert process.returncode == 0, errors
    assert f"{out}: 601 photos" in printed.splitlines()
    # It was killed in the middle: Ray says so, and photos were left to do.
    assert str(victim) in printed
    assert 0 < done < 601

    scored = {Path(row["path"]).name: row for row in rows(out)}
    assert len(rows(out)) == 601
    assert set(scored) == {path.name for path in photos.iterdir()}
    for name, row in scored.items():
        if name == "text.jpg":
            assert row["faces"] is None
            assert "not a picture" in row["error"]
        else:
            expected = [] if int(Path(name).stem) % 10 == 0 else ["happy"]
            assert [face["emotion"] for face in row["faces"]] == expected
            assert row["error"] is None


def test_image_bytes_in_parquet(tmp_path):
    import pyarrow

    data = [PORTRAIT.read_bytes(), CAT.read_bytes(), None]
    table = pyarrow.table({"id": [7, 8, 9], "bytes": pyarrow.array(data, pyarrow.binary())})
    parquet.write_table(table, tmp_path / "photos.parquet")
    process = start(tmp_path / "photos.parquet", tmp_path / "out")
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    portrait, cat, absent = sorted(rows(tmp_path / "out"), key=lambda row: row["id"])
    (face,) = portrait["faces"]
    assert face["emotion"] == "happy"
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert cat == {"id": 8, "faces": [], "error": None}
    assert absent["faces"] is None
    assert "NoneType" in absent["error"]
