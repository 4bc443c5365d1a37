"""Files and folders appear only when they are complete, under any valid name."""

import os
from pathlib import Path

import pytest

from mini_xception import MiniXceptionError
from mini_xception.media.atomic import atomic_folder, atomic_write


@pytest.mark.parametrize("name", ["x" * 253, f".{'x' * 254}", f"a.{'x' * 253}", "é" * 127, "a.b.c.csv", "no_suffix"])
def test_every_valid_name_can_be_written(tmp_path, name):
    for text in ("old", "new"):
        with atomic_write(tmp_path / name) as temporary:
            temporary.write_text(text)
    assert (tmp_path / name).read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_suffix_that_names_a_format_is_kept(tmp_path):
    with atomic_write(tmp_path / "video.mp4") as temporary:
        assert temporary.suffix == ".mp4"


def test_a_name_that_is_too_long_is_one_line(tmp_path):
    with pytest.raises(MiniXceptionError, match="File name too long"), atomic_write(tmp_path / ("x" * 256)):
        pass
    assert list(tmp_path.iterdir()) == []


def begin_file(target: Path, failure: type[BaseException]) -> None:
    with atomic_write(target) as temporary:
        temporary.write_text("new")
        raise failure


def begin_folder(target: Path, failure: type[BaseException]) -> None:
    with atomic_folder(target) as temporary:
        (temporary / "half").write_text("new")
        raise failure


@pytest.mark.parametrize("failure", [KeyboardInterrupt, SystemExit, ValueError, OSError])
def test_nothing_is_left_after_a_failure(tmp_path, failure):
    (tmp_path / "file").write_text("old")
    expected = MiniXceptionError if failure is OSError else failure
    with pytest.raises(expected):
        begin_file(tmp_path / "file", failure)
    with pytest.raises(expected):
        begin_folder(tmp_path / "folder", failure)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_new_folder_is_complete(tmp_path):
    with atomic_folder(tmp_path / "new" / "folder") as temporary:
        (temporary / "file").write_text("text")
        assert not os.path.exists(tmp_path / "new" / "folder")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["folder"]
    assert (tmp_path / "new" / "folder" / "file").read_text() == "text"
