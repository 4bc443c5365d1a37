"""The search for photos in a folder."""

import os
from pathlib import Path

import pytest
from PIL import Image

from mini_xception.media.photos import find_photos
from tests.media.test_image import encode

PIXELS = Image.new("RGB", (8, 8), "green")
JPEG = encode(PIXELS, "JPEG")


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "holiday"


def fill(folder: Path, contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in find_photos(folder).paths]


def test_every_suffix_of_a_photo_counts(folder):
    photos = ["a.JPG", "b.jfif", "c.jpe", "d.mpo", "e.avif", "f.Tiff", "g.heic", "h.HIF", "i.dib", "j.apng"]
    fill(folder, dict.fromkeys(photos, b""))  # Loading an empty file reports an error, so it is not left out.
    assert names(folder) == photos


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF", "TIFF"])
def test_a_photo_without_a_suffix_is_found(folder, kind):
    fill(folder, {"photo": encode(PIXELS, kind)})
    assert names(folder) == ["photo"]


def test_other_suffixes_are_decided_by_the_contents(folder):
    fill(
        folder,
        {
            "a.jpg_large": JPEG,
            "b.jpg~": JPEG,
            "c.jpeg?width=100": JPEG,
            "d.php": encode(PIXELS, "PNG"),
            "raw.NEF": encode(PIXELS, "TIFF"),
            "BMW.txt": b"BMW is a car maker",
            "sound.wav": b"RIFF\0\0\0\0WAVEfmt ",
            "film.mp4": b"\0\0\0\x18ftypisom",
            "empty": b"",
            "notes.txt": b"notes",
        },
    )
    found = find_photos(folder)
    assert [path.name for path in found.paths] == ["a.jpg_large", "b.jpg~", "c.jpeg?width=100", "d.php"]
    assert (found.others, found.hidden) == (6, 0)


def test_hidden_and_system_files_are_left_out_and_counted(folder):
    fill(
        folder,
        {
            "a.jpg": JPEG,
            "._a.jpg": JPEG,
            ".DS_Store": b"",
            ".thumbnails/a.jpg": JPEG,
            "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg": JPEG,
            "__MACOSX/._a.jpg": JPEG,
            "$RECYCLE.BIN/b.jpg": JPEG,
        },
    )
    found = find_photos(folder)
    assert [path.name for path in found.paths] == ["a.jpg"]
    assert (found.others, found.hidden) == (0, 6)


def test_a_hidden_folder_that_is_asked_for_is_searched(tmp_path):
    fill(tmp_path / ".private", {"a.jpg": JPEG})
    assert names(tmp_path / ".private") == ["a.jpg"]


def test_linked_folders_are_searched_once(tmp_path, folder):
    fill(folder, {"z/1.jpg": JPEG})
    fill(tmp_path / "elsewhere", {"2.jpg": JPEG})
    (folder / "a").symlink_to("z")
    (folder / "b").symlink_to(tmp_path / "elsewhere")
    (folder / "z" / "up").symlink_to("..")
    (folder / "c").symlink_to("c")
    (folder / "d.jpg").symlink_to("z/1.jpg")
    found = find_photos(folder)
    assert [path.relative_to(folder).as_posix() for path in found.paths] == ["b/2.jpg", "d.jpg", "z/1.jpg"]
    assert found.others == 1  # the link to itself


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_pipes_and_broken_links(folder):
    fill(folder, {"a.jpg": JPEG})
    os.mkfifo(folder / "b.jpg")
    (folder / "null.jpg").symlink_to(os.devnull)
    (folder / "nowhere.jpg").symlink_to("absent.jpg")
    found = find_photos(folder)
    # A link to nowhere that is named like a photo is a lost photo, which loading it reports.
    assert [path.name for path in found.paths] == ["a.jpg", "nowhere.jpg"]
    assert found.others == 2


def test_folders_that_cannot_be_read_are_named(folder):
    fill(folder, {"a.jpg": JPEG, "closed/b.jpg": JPEG})
    (folder / "closed").chmod(0)
    try:
        if os.access(folder / "closed", os.R_OK):
            pytest.skip("this user can read all folders")
        found = find_photos(folder)
    finally:
        (folder / "closed").chmod(0o700)
    assert [path.name for path in found.paths] == ["a.jpg"]
    assert found.unreadable == [(folder / "closed", "Permission denied")]
