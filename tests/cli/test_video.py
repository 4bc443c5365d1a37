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
from tests.media.test_source import serve

VIDEO = EXAMPLES / "two_portraits.mp4"


def test_a_video_becomes_an_annotated_video_tables_and_subtitles(tmp_path):
    texts = ("--csv", "faces.csv", "--people", "people.csv", "--subtitles", "out.vtt")
    result = run("video", VIDEO, "drawn/out.mp4", *texts, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{VIDEO}: 100 frames, 2 faces\n"
    rows = read_rows(tmp_path / "faces.csv")
    assert {row["emotion"] for row in rows if row["track_id"] == "1"} == {"happy"}
    assert list(rows[0])[:4] == ["path", "time_s", "track_id", "x1"]
    assert {row["track_id"] for row in rows} == {"1", "2"}
    assert {row["path"] for row in rows} == {str(VIDEO)}
    people = read_rows(tmp_path / "people.csv")
    assert [(row["track_id"], row["emotion"]) for row in people] == [("1", "happy"), ("2", "neutral")]
    subtitles = (tmp_path / "out.vtt").read_text()
    assert subtitles.startswith("WEBVTT\n\n00:00:00.000 --> ")
    assert "\nface 1: happy 9" in subtitles
    names = ["drawn", "faces.csv", "out.mp4", "out.vtt", "people.csv"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == names


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


def test_a_download_that_stops_leaves_what_was_read(tmp_path, tmp_path_factory):
    """The example video as MKV, which can be read without its end."""
    video = tmp_path_factory.mktemp("video") / "a.mkv"
    write_repeated(VIDEO, 1, video)
    data = video.read_bytes()
    header = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n"
    with serve(header.encode() + data[: len(data) * 7 // 10]) as (port, _):
        url = f"http://127.0.0.1:{port}/a.mkv"
        result = run("video", url, "out.mp4", "--csv", "faces.csv", "--timeout", "1", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    rows = read_rows(tmp_path / "faces.csv")
    last_s = float(rows[-1]["time_s"])
    assert 1 < last_s < 3
    expected = f"read and kept up to {last_s:.1f} s, then no more frames for 1 s; check the source, or allow more time"
    assert line == f"mini-xception: {url}: {expected}"
    with av.open(tmp_path / "out.mp4") as container:
        assert container.streams.video[0].frames == len({row["time_s"] for row in rows})  # each shows a face


@pytest.mark.parametrize(
    ("share", "kill", "status"), [(0, signal.SIGINT, 130), (0, signal.SIGTERM, 143), (0.7, signal.SIGINT, 130)]
)
def test_a_source_that_stalls_can_be_interrupted(tmp_path, tmp_path_factory, share, kill, status):
    video = tmp_path_factory.mktemp("video") / "a.mkv"
    write_repeated(VIDEO, 1, video)
    data = video.read_bytes()
    header = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n"
    answer = header.encode() + data[: round(share * len(data))] if share else b""
    with serve(answer) as (port, sent):
        command = [sys.executable, "-m", "mini_xception", "video", f"http://127.0.0.1:{port}/a.mkv", "out.mp4"]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
            sent.wait()
            time.sleep(3 if share else 0)  # The process should have worked on what it received.
            process.send_signal(kill)
            _, errors = process.communicate()
    assert (process.returncode, errors) == (status, "")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_neither_copy_nor_table(tmp_path):
    """The end of the copy does not fit, the table would."""
    options = ["video", str(VIDEO), "out.mp4", "--csv", "faces.csv", "--detector", "none"]
    assert run(*options, cwd=tmp_path).returncode == 0
    limit = (tmp_path / "out.mp4").stat().st_size - 1000
    for path in tmp_path.iterdir():
        path.write_text("old")
    limited = f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
    command = [sys.executable, "-c", limited + "from mini_xception.cli import main; sys.exit(main())"]
    result = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, "mini-xception: out.mp4: cannot be written (File too large)\n")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"out.mp4": "old", "faces.csv": "old"}
