"""``mini-xception video`` as a user runs it."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from mini_xception.cli import main
from tests.cli.test_cli import EXAMPLES, run

VIDEO = EXAMPLES / "two_portraits.mp4"


def test_a_video_becomes_an_annotated_video_and_a_table(tmp_path):
    result = run("video", VIDEO, "drawn/out.mp4", "--csv", "faces.csv", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{VIDEO}: 100 frames, 2 faces\n"
    rows = read_rows(tmp_path / "faces.csv")
    assert {row["emotion"] for row in rows} == {"happy"}
    assert list(rows[0])[:4] == ["path", "time_s", "track_id", "x1"]
    assert {row["track_id"] for row in rows} == {"1", "2"}
    assert {row["path"] for row in rows} == {str(VIDEO)}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["drawn", "faces.csv", "out.mp4"]


def test_options_of_the_recogniser_and_of_the_smoothing(tmp_path, capsys):
    options = {
        "default": [],
        "unsmoothed": ["--smoothing", "0"],
        "torch": ["--engine", "torch"],
        "whole": ["--detector", "none"],
        "none": ["--min-face-size", "500"],
    }
    tables = {}
    for name, extra in options.items():
        table = tmp_path / f"{name}.csv"
        assert main(["video", str(VIDEO), "--csv", str(table), "--quiet", *extra]) == 0
        assert capsys.readouterr() == ("", "")
        tables[name] = read_rows(table)

    happy = {name: [float(row["happy"]) for row in rows] for name, rows in tables.items()}
    # The first frame of a face is never smoothed; later frames are.
    assert happy["unsmoothed"][0] == pytest.approx(happy["default"][0], abs=1e-4)
    assert happy["unsmoothed"] != pytest.approx(happy["default"], abs=1e-4)
    assert happy["torch"] == pytest.approx(happy["default"], abs=1e-4)
    assert tables["none"] == []
    whole = tables["whole"]
    assert len(whole) == 100
    assert {(row["x1"], row["y1"], row["x2"], row["y2"]) for row in whole} == {("0", "0", "640", "480")}


def read_rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def write_repeated(video: Path, times: int, path: Path) -> None:
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        frames = source.streams.video[0]
        stream = target.add_stream_from_template(frames)
        for repetition in range(times):
            source.seek(0)
            for packet in source.demux(frames):
                if packet.dts is not None:
                    packet.pts += repetition * frames.duration
                    packet.dts += repetition * frames.duration
                    packet.stream = stream
                    target.mux(packet)


@pytest.mark.parametrize(("kill", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_video_leaves_nothing(tmp_path, tmp_path_factory, kill, status):
    video = tmp_path_factory.mktemp("video") / "long.mp4"  # A short video could end before the signal.
    write_repeated(VIDEO, 20, video)
    command = [sys.executable, "-m", "mini_xception", "video", str(video), "out.mp4"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list(tmp_path.iterdir()):
            time.sleep(0.01)
        process.send_signal(kill)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (status, "")
    assert list(tmp_path.iterdir()) == []
