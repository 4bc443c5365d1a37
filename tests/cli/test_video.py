"""``mini-xception video`` as a user runs it."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from tests.cli.test_cli import EXAMPLES, run


def test_a_clip_becomes_an_annotated_clip_and_a_table(tmp_path):
    result = run("video", EXAMPLES / "two_portraits.mp4", "drawn/out.mp4", "--csv", "faces.csv", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{EXAMPLES / 'two_portraits.mp4'}: 100 frames, 2 faces\n"
    with (tmp_path / "faces.csv").open(newline="") as file:
        assert {row["emotion"] for row in csv.DictReader(file)} == {"happy"}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["drawn", "faces.csv", "out.mp4"]


def write_repeated(clip: Path, times: int, path: Path) -> None:
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        video = source.streams.video[0]
        stream = target.add_stream_from_template(video)
        for time_through in range(times):
            source.seek(0)
            for packet in source.demux(video):
                if packet.dts is not None:
                    packet.pts += time_through * video.duration
                    packet.dts += time_through * video.duration
                    packet.stream = stream
                    target.mux(packet)


@pytest.mark.parametrize(("kill", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_clip_that_is_interrupted_leaves_nothing(tmp_path, tmp_path_factory, kill, status):
    clip = tmp_path_factory.mktemp("clip") / "long.mp4"  # On a busy machine a short one ends before it is interrupted.
    write_repeated(EXAMPLES / "two_portraits.mp4", 20, clip)
    command = [sys.executable, "-m", "mini_xception", "video", str(clip), "out.mp4"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list(tmp_path.iterdir()):
            time.sleep(0.01)
        process.send_signal(kill)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (status, "")
    assert list(tmp_path.iterdir()) == []
