"""``mini-xception predict`` as a user runs it: real processes, their output and exit status."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mini_xception import EMOTIONS, MiniXception
from tests.cli.test_cli import EXAMPLES, run
from tests.conftest import PORTRAIT
from tests.media.test_metadata import DAMAGED_METADATA


def test_json_of_the_portrait():
    result = run("predict", "--json", PORTRAIT)
    assert (result.returncode, result.stderr) == (0, "")
    (line,) = result.stdout.splitlines()
    answer = json.loads(line)
    assert answer["path"] == str(PORTRAIT)
    (face,) = answer["faces"]
    keys = {"box", "score", "emotion", "confidence", "probabilities", "track_id", "landmarks", "roll_degrees"}
    assert set(face) == keys
    assert face["emotion"] == "happy"
    assert face["track_id"] is None
    assert tuple(face["probabilities"]) == EMOTIONS
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_bad_files_are_named_and_the_others_processed(tmp_path):
    bad = {"text.jpg": b"text", "empty.png": b"", "cut.jpg": PORTRAIT.read_bytes()[:5000]}
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    order = ["text.jpg", PORTRAIT, "empty.png", EXAMPLES / "chelsea_the_cat.jpg", "cut.jpg", "absent.gif"]
    result = run("predict", "--json", *order, cwd=tmp_path)
    assert result.returncode == 1
    assert [json.loads(line)["path"] for line in result.stdout.splitlines()] == [str(order[1]), str(order[3])]
    errors = result.stderr.splitlines()
    assert len(errors) == 4
    for line, name in zip(errors, ["text.jpg", "empty.png", "cut.jpg", "absent.gif"], strict=True):
        assert line.startswith(f"mini-xception: {name}: ")


@pytest.mark.parametrize("workers", [0, 2])
def test_folder_with_csv_and_annotated_copies(tmp_path, workers):
    photos = tmp_path / "photos"
    (photos / "deeper").mkdir(parents=True)
    shutil.copy(PORTRAIT, photos / "a.jpg")
    shutil.copy(PORTRAIT, photos / "deeper" / "a.jpg")
    shutil.copy(EXAMPLES / "chelsea_the_cat.jpg", photos / "cat.JPG")
    (photos / "notes.txt").write_text("not a photo")
    result = run(
        "predict", photos, "--csv", tmp_path / "out" / "faces.csv", "--save", tmp_path / "drawn", "--workers", workers
    )
    assert result.returncode == 0
    assert result.stderr == f"mini-xception: {photos}: skipped 1 file that is not a photo\n"
    assert "cat.JPG: no face found" in result.stdout
    with (tmp_path / "out" / "faces.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:4] == ["path", "time_s", "track_id", "x1"]
    assert {(row["time_s"], row["track_id"]) for row in rows} == {("", "")}
    assert [Path(row["path"]).relative_to(photos).as_posix() for row in rows] == ["a.jpg", "deeper/a.jpg"]
    assert {row["emotion"] for row in rows} == {"happy"}
    assert sum(float(rows[0][label]) for label in EMOTIONS) == pytest.approx(1, abs=1e-4)
    drawn = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert drawn == ["a-faces-2.jpg", "a-faces.jpg", "cat-faces.jpg"]
    with Image.open(tmp_path / "drawn" / "a-faces.jpg") as image:
        assert image.size == (512, 512)
        assert np.abs(np.asarray(image, int) - np.asarray(Image.open(PORTRAIT), int)).max() > 100


def test_a_photo_from_a_pipe(tmp_path):
    command = f"cat {PORTRAIT} | {sys.executable} -m mini_xception predict /dev/stdin --save {tmp_path}"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert "/dev/stdin: happy" in result.stdout
    assert (tmp_path / "stdin-faces.jpg").is_file()


def test_existing_files_are_not_destroyed(tmp_path):
    for name in ("a.jpg", "a-faces.jpg"):
        shutil.copy(PORTRAIT, tmp_path / name)
    assert run("predict", tmp_path, "--save", tmp_path).returncode == 0
    assert (tmp_path / "a-faces.jpg").read_bytes() == PORTRAIT.read_bytes()
    assert (tmp_path / "a-faces-2.jpg").is_file()
    (tmp_path / "pipe").symlink_to("/dev/null")
    for target, reason in (("a.jpg", "this is one of the photos"), ("pipe", "not a regular file")):
        result = run("predict", tmp_path / "a.jpg", "--csv", tmp_path / target)
        assert result.returncode == 1
        assert reason in result.stderr
    assert (tmp_path / "a.jpg").read_bytes() == PORTRAIT.read_bytes()


def test_file_names_that_cannot_be_printed(tmp_path):
    name = os.fsdecode(b"bad\xff\n\xe4.jpg")
    shutil.copy(PORTRAIT, tmp_path / name)
    result = run("predict", tmp_path, "--csv", tmp_path / "faces.csv")
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 1
    assert len(list(csv.DictReader((tmp_path / "faces.csv").open(errors="surrogateescape", newline="")))) == 1


def test_copies_beside_the_photos_overwrite_nothing(tmp_path):
    shutil.copy(PORTRAIT, tmp_path / "a.jpg")
    assert run("predict", tmp_path / "a.jpg", "--save", tmp_path).returncode == 0
    assert (tmp_path / "a.jpg").read_bytes() == PORTRAIT.read_bytes()
    assert (tmp_path / "a-faces.jpg").is_file()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full, a disk that is always full")
def test_a_full_standard_output_is_not_reported_as_an_error_of_the_table(tmp_path):
    command = [sys.executable, "-m", "mini_xception", "predict", "--json", *[str(PORTRAIT)] * 40]
    for options in ([], ["--csv", "faces.csv"]):
        with open("/dev/full", "w") as full:
            result = subprocess.run(
                [*command, *options], stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path
            )
        assert result.returncode == 1
        assert result.stderr == "mini-xception: standard output: cannot be written (No space left on device)\n"


def test_one_failing_photo_does_not_stop_the_others(tmp_path):
    """A broken link, a link to itself and a damaged photo each give an error. The rest is processed."""
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "empty.jpg").touch()
    shutil.copy(PORTRAIT, photos / "x.jpg")
    shutil.copy(PORTRAIT, photos / "y.jpg")
    (photos / "nowhere.jpg").symlink_to("absent.jpg")
    (photos / "loop.jpg").symlink_to("loop.jpg")
    result = run("predict", "photos", "--save", "copies", "--csv", "faces.csv", cwd=tmp_path)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 3
    assert all(name in result.stderr for name in ("nowhere.jpg", "loop.jpg", "empty.jpg"))
    assert sorted(path.name for path in (tmp_path / "copies").iterdir()) == ["x-faces.jpg", "y-faces.jpg"]
    assert len((tmp_path / "faces.csv").read_text().splitlines()) == 3


def test_names_of_copies_fit_and_do_not_collide(tmp_path):
    """Long names are cut. Names that a file system may treat as equal get a number."""
    photos = [
        f"1/{'x' * 251}.jpg",
        f"2/{'x' * 251}.jpg",
        f"1/{'é' * 125}.jpg",
        "1/Anna.jpg",
        "2/anna.jpg",
        "2/loop.jpg",
    ]
    for photo in photos:
        (tmp_path / photo).parent.mkdir(exist_ok=True)
        shutil.copy(PORTRAIT, tmp_path / photo)
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / "loop-faces.jpg").symlink_to("loop-faces.jpg")
    result = run("predict", "1", "2", "--save", "copies", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    names = {path.name for path in (tmp_path / "copies").iterdir()}
    assert names == {
        *(f"{'x' * 245}-faces.jpg", f"{'x' * 243}-faces-2.jpg", f"{'é' * 122}-faces.jpg"),
        *("Anna-faces.jpg", "anna-faces-2.jpg", "loop-faces.jpg"),
    }


def test_explained_faces(tmp_path):
    """Two photos with the same name, one that is damaged, and a name that is taken by one of the photos."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(PORTRAIT, tmp_path / folder / "photo.jpg")
    shutil.copy(PORTRAIT, tmp_path / "photo-face-1-happy.png")
    (tmp_path / "cut.jpg").write_bytes(PORTRAIT.read_bytes()[:5000])
    before = {path.name for path in tmp_path.iterdir()}
    result = run("predict", "--quiet", "--explain", tmp_path, tmp_path, "--csv", tmp_path / "faces.csv")
    assert result.returncode == 1
    (error,) = result.stderr.splitlines()
    assert error.startswith(f"mini-xception: {tmp_path / 'cut.jpg'}: ")
    written = {path.name for path in tmp_path.iterdir()} - before - {"faces.csv"}
    assert written == {
        "photo-face-1-happy-2.png",
        "photo-face-1-happy-3.png",
        "photo-face-1-happy-face-1-happy.png",
    }
    assert (tmp_path / "photo-face-1-happy.png").read_bytes() == PORTRAIT.read_bytes()
    with Image.open(tmp_path / "photo-face-1-happy-2.png") as overlay:
        assert overlay.mode == "RGB"
        assert overlay.width > overlay.height
    assert len((tmp_path / "faces.csv").read_text().splitlines()) == 4


def test_a_long_label_is_cut_in_file_names(tmp_path):
    labels = [f"{'很' * 100}{i}" for i in range(7)]
    MiniXception(labels=labels).save_pretrained(tmp_path / "checkpoint")
    result = run("predict", PORTRAIT, "--explain", tmp_path / "out", "--checkpoint", tmp_path / "checkpoint")
    assert result.returncode == 0, result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{PORTRAIT.stem}-face-1-{'很' * 40}.png"]


def test_explaining_uses_one_process(tmp_path):
    result = run("predict", PORTRAIT, "--explain", tmp_path / "out", "--workers", "2")
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "leave out --workers" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_photo_does_not_stop_the_others(tmp_path):
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    (tmp_path / "empty" / "notes.txt").write_text("notes")
    (tmp_path / "photos").mkdir()
    shutil.copy(PORTRAIT, tmp_path / "photos" / "portrait")
    result = run("predict", "empty", "photos", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout.startswith("photos/portrait: happy")
    assert result.stderr == (
        "mini-xception: empty: no photo in this folder (skipped 1 file that is not a photo and 1 hidden file or "
        "folder); use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF files\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="in Windows, other shells and other calls close streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-", "2</dev/null"])
def test_closed_streams_do_not_stop_the_work(tmp_path, closed):
    """Services and `pythonw` start programs like this. A photo that fails must not stop the others either."""
    command = f"{sys.executable} -m mini_xception predict absent.jpg {PORTRAIT} --csv faces.csv {closed}"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == (
        "" if "2" in closed else "mini-xception: absent.jpg: cannot be read (No such file or directory)\n"
    )
    assert len((tmp_path / "faces.csv").read_text().splitlines()) == 2


def test_damaged_metadata_prints_no_warnings(tmp_path):
    (tmp_path / "a.tiff").write_bytes(DAMAGED_METADATA["TIFF, EXIF"])
    (tmp_path / "b.jpg").write_bytes(DAMAGED_METADATA["JPEG, several pictures"])
    result = run("predict", tmp_path, "--detector", "none")
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_a_replaced_table_keeps_its_file_mode(tmp_path):
    table = tmp_path / "faces.csv"
    for mode in (0o600, 0o640):
        table.touch()
        table.chmod(mode)
        assert run("predict", PORTRAIT, "--csv", table).returncode == 0
        assert table.stat().st_mode & 0o777 == mode


def test_a_reader_that_stops_early():
    command = f"{sys.executable} -m mini_xception predict --json {EXAMPLES} | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert len(result.stdout.splitlines()) == 1
    assert "Traceback" not in result.stderr


def test_multiface_has_six_faces(shared):
    result = run("predict", "--json", shared / "media" / "multiface.jpg")
    assert len(json.loads(result.stdout)["faces"]) == 6
