"""Faces as pandas tables and supervision detections, with the real packages."""

import sys
from dataclasses import replace

import numpy as np
import pandas
import pytest
import supervision

from mini_xception import EMOTIONS, Face, MiniXceptionError
from mini_xception.interop import faces_to_dataframe, faces_to_supervision
from mini_xception.table import COLUMNS, open_table
from tests.conftest import ROOT

HAPPY = Face((10, 20, 90, 110), 0.98, dict(zip(EMOTIONS, (0.1, 0.0, 0.1, 0.6, 0.1, 0.05, 0.05), strict=True)))
SAD = Face((120, 30, 180, 95), 0.75, dict(zip(EMOTIONS, (0.0, 0.0, 0.1, 0.1, 0.8, 0.0, 0.0), strict=True)))


def tracked(*faces):
    return [replace(face, track_id=number) for number, face in enumerate(faces, start=4)]


def test_dataframe_of_a_photo():
    table = faces_to_dataframe([HAPPY, SAD], "photo.jpg")
    assert list(table.columns) == [*COLUMNS, *EMOTIONS]
    assert table.path.tolist() == ["photo.jpg"] * 2
    assert table[["time_s", "track_id"]].isna().all(axis=None)
    assert table[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == [list(HAPPY.box), list(SAD.box)]
    assert table.score.tolist() == [0.98, 0.75]
    assert table.emotion.tolist() == ["happy", "sad"]
    assert table.confidence.tolist() == [0.6, 0.8]
    assert table[list(EMOTIONS)].to_numpy().tolist() == [list(face.probabilities.values()) for face in (HAPPY, SAD)]


def test_dataframe_of_a_video_frame():
    table = faces_to_dataframe(tracked(HAPPY, SAD), "video.mp4", time_s=1.25)
    assert table.time_s.tolist() == [1.25, 1.25]
    assert table.track_id.tolist() == [4, 5]


def test_dataframes_have_the_same_types_and_can_be_concatenated():
    frames = [faces_to_dataframe(tracked(*faces), "a.mp4", 0.5) for faces in ([], [HAPPY], [HAPPY, SAD], [])]
    table = pandas.concat(frames)
    assert len(table) == 3
    assert table.dtypes.equals(frames[1].dtypes)
    assert table.dtypes.equals(faces_to_dataframe([SAD]).dtypes)
    assert table.dtypes[list(COLUMNS)].equals(frames[0].dtypes)


def test_dataframe_of_a_file_name_that_is_not_utf8():
    name = "\udcff.jpg"
    assert faces_to_dataframe([HAPPY], name).path.tolist() == [name]


def test_dataframe_equals_the_csv_file(tmp_path):
    faces = tracked(HAPPY, SAD)
    with open_table(tmp_path / "faces.csv", EMOTIONS) as write:
        for face in faces:
            write("a.mp4", face, 0.04)
    expected = faces_to_dataframe(faces, "a.mp4", 0.04)
    pandas.testing.assert_frame_equal(pandas.read_csv(tmp_path / "faces.csv"), expected, check_dtype=False)


def test_detections():
    detections = faces_to_supervision([HAPPY, SAD])
    assert detections.xyxy.dtype == np.float32
    assert detections.xyxy.tolist() == [list(HAPPY.box), list(SAD.box)]
    assert detections.confidence.tolist() == pytest.approx([0.6, 0.8])
    assert detections.class_id.tolist() == [EMOTIONS.index("happy"), EMOTIONS.index("sad")]
    assert detections["class_name"].tolist() == ["happy", "sad"]
    assert detections.tracker_id is None


def test_detections_have_tracker_ids_if_all_faces_have_one():
    faces = tracked(HAPPY, SAD)
    assert faces_to_supervision(faces).tracker_id.tolist() == [4, 5]
    assert faces_to_supervision([faces[0], SAD]).tracker_id is None


def test_no_faces_are_empty_detections():
    assert faces_to_supervision([]) == supervision.Detections.empty()
    assert faces_to_supervision(()).is_empty()


def test_supervisions_annotators_draw_the_faces(recognizer):
    (frame,) = recognizer.stream([ROOT / "examples" / "two_portraits.jpg"])
    detections = faces_to_supervision(frame.faces)
    assert len(detections) == 2
    assert detections["class_name"].tolist() == ["neutral", "happy"]
    assert detections.tracker_id.tolist() == [1, 2]
    for annotator in (supervision.BoxAnnotator(), supervision.LabelAnnotator()):
        annotated = annotator.annotate(frame.image.copy(), detections)
        assert (annotated != frame.image).any()


@pytest.mark.parametrize(
    ("convert", "package"), [(faces_to_dataframe, "pandas"), (faces_to_supervision, "supervision")]
)
@pytest.mark.parametrize("faces", [[], [HAPPY]])
def test_a_missing_package_is_named(monkeypatch, convert, package, faces):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MiniXceptionError, match=rf"needs {package}; pip install {package}$"):
        convert(faces)
