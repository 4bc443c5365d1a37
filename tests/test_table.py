"""The one CSV schema of photos and videos."""

import csv
from dataclasses import replace

import pytest

from mini_xception import EMOTIONS, Face, MiniXceptionError
from mini_xception.table import COLUMNS, LANDMARK_COLUMNS, open_table, to_row

PROBABILITIES = dict(zip(EMOTIONS, (0.1, 0.0, 0.1, 0.6, 0.1, 0.05, 0.05), strict=True))
FACE = Face(box=(10, 20, 90, 110), score=1 / 3, probabilities=PROBABILITIES)
LANDMARKS = ((30.0, 40.0), (70.0, 40.0), (50.0, 60.0), (35.0, 85.0), (65.0, 85.0))
HEADER = (
    "path,time_s,track_id,x1,y1,x2,y2,score,emotion,confidence,roll_degrees,left_eye_x,left_eye_y,right_eye_x,"
    "right_eye_y,nose_x,nose_y,left_mouth_corner_x,left_mouth_corner_y,right_mouth_corner_x,right_mouth_corner_y,"
    "angry,disgust,fear,happy,sad,surprise,neutral"
)


def test_photos_and_videos_have_the_same_header(tmp_path):
    for name, face, time_s in (("photo", FACE, None), ("video", replace(FACE, track_id=7), 1.5), ("empty", None, None)):
        with open_table(tmp_path / f"{name}.csv", EMOTIONS) as write:
            if face:
                write(name, face, time_s)
    headers = {(tmp_path / f"{name}.csv").read_text().splitlines()[0] for name in ("photo", "video", "empty")}
    assert headers == {HEADER}
    assert [*COLUMNS, *EMOTIONS] == HEADER.split(",")


def test_a_photos_time_and_track_id_are_empty_and_floats_have_six_decimals(tmp_path):
    with open_table(tmp_path / "faces.csv", EMOTIONS) as write:
        write(tmp_path / "photo.jpg", FACE, None)
        write("video.mp4", replace(FACE, track_id=7, landmarks=LANDMARKS), 1 / 30)
    _, photo, video = (tmp_path / "faces.csv").read_text().splitlines()
    face, labels = (
        "10,20,90,110,0.333333,happy,0.600000",
        "0.100000,0.000000,0.100000,0.600000,0.100000,0.050000,0.050000",
    )
    landmarks = ",".join(f"{value:.6f}" for point in LANDMARKS for value in point)
    assert photo == f"{tmp_path / 'photo.jpg'},,,{face}{',' * 12}{labels}"
    assert video == f"video.mp4,0.033333,7,{face},0.000000,{landmarks},{labels}"


def test_a_row_is_the_columns_and_the_labels_of_the_checkpoint():
    other = Face(box=(1, 2, 3, 4), score=0.5, probabilities={"calm": 0.25, "excited": 0.75})
    row = to_row("a.jpg", other)
    assert list(row) == [*COLUMNS, "calm", "excited"]
    assert row == {
        **{"path": "a.jpg", "time_s": None, "track_id": None, "x1": 1, "y1": 2, "x2": 3, "y2": 4, "score": 0.5},
        **dict.fromkeys(LANDMARK_COLUMNS),
        **{"emotion": "excited", "confidence": 0.75, "calm": 0.25, "excited": 0.75},
    }


@pytest.mark.parametrize("name", ["bad\udcff\udce4.jpg", 'a,"b"\n.jpg', "表情.jpg"])
def test_any_path_survives(tmp_path, name):
    with open_table(tmp_path / "faces.csv", EMOTIONS) as write:
        write(name, FACE, None)
    data = (tmp_path / "faces.csv").read_bytes()
    assert name.replace('"', '""').encode(errors="surrogateescape") in data  # the original bytes
    with (tmp_path / "faces.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        assert [row["path"] for row in csv.DictReader(file)] == [name]


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "faces.csv"
    path.write_text("old")

    def write_and_fail():
        with open_table(path, EMOTIONS) as write:
            write("a.jpg", FACE, None)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        write_and_fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(MiniXceptionError, match=r"faces\.csv: cannot be written"),
        open_table(tmp_path / "file" / "faces.csv", EMOTIONS),
    ):
        pass
