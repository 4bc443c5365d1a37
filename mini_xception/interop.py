"""Conversion of faces to the types of pandas and supervision. Both are optional dependencies."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.table import COLUMNS, LANDMARK_COLUMNS, to_row

if TYPE_CHECKING:
    import pandas
    import supervision

#: Column types. They do not depend on the values, so the tables of several frames can be concatenated.
DTYPES: dict[str, str] = {
    "path": "object",  # pandas' "str" rejects file names that are not valid UTF-8.
    "track_id": "Int64",  # an integer or missing
    "emotion": "str",
    **dict.fromkeys(("x1", "y1", "x2", "y2"), "int64"),
    **dict.fromkeys(("time_s", "score", "confidence", *LANDMARK_COLUMNS), "float64"),
}


def faces_to_dataframe(
    faces: Sequence[Face], path: str | PathLike[str] = "", time_s: float | None = None
) -> pandas.DataFrame:
    """Convert faces to a pandas table with one row per face.

    Args:
        faces: the faces of one image or video frame.
        path: the image's or video's path.
        time_s: the frame's time in seconds; None for a photo.

    Returns:
        A table with the columns of :mod:`mini_xception.table`. If there are no faces, the columns of the labels are
        missing, because the labels are unknown.

    Raises:
        MiniXceptionError: pandas is not installed.
    """
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise MiniXceptionError("faces_to_dataframe needs pandas; pip install pandas") from error

    labels = faces[0].probabilities if faces else ()
    rows = [to_row(path, face, time_s) for face in faces]
    table = pandas.DataFrame(rows, columns=[*COLUMNS, *labels], dtype=object)
    return table.astype({**dict.fromkeys(labels, "float64"), **DTYPES})


def faces_to_supervision(faces: Sequence[Face]) -> supervision.Detections:
    """Convert the faces of one image or video frame to ``supervision.Detections``, for supervision's tools.

    Returns:
        ``xyxy``: boxes in pixels, float32, (N, 4).
        ``confidence``: probability of the emotion, float32, (N,).
        ``class_id``: index of the emotion in the checkpoint's label order, int, (N,).
        ``tracker_id``: track ids, int, (N,); None if any face lacks a track id.
        ``data["class_name"]``: emotions, str, (N,).

    Raises:
        MiniXceptionError: supervision is not installed.
    """
    try:
        from supervision import Detections
    except ModuleNotFoundError as error:
        raise MiniXceptionError("faces_to_supervision needs supervision; pip install supervision") from error

    if not faces:
        return Detections.empty()
    track_ids = [face.track_id for face in faces]
    return Detections(
        xyxy=np.array([face.box for face in faces], np.float32),
        confidence=np.array([face.confidence for face in faces], np.float32),
        class_id=np.array([list(face.probabilities).index(face.emotion) for face in faces]),
        tracker_id=None if None in track_ids else np.array(track_ids),
        data={"class_name": np.array([face.emotion for face in faces])},
    )
