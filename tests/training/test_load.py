"""What is said about a data set: its splits, what is left out, and one line for every kind of bad data."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mini_xception import MiniXceptionError
from mini_xception.training import describe, load_faces, save_data
from tests.conftest import PORTRAIT, ROOT
from tests.training.faces import BANDS, face, write, write_folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def error(source, **options) -> str:
    with pytest.raises(MiniXceptionError) as caught:
        load_faces(source, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_that_is_absent_or_empty(tmp_path):
    assert error(tmp_path / "absent").startswith(
        f"{tmp_path / 'absent'}: no such file or folder; use a folder with one"
    )
    (tmp_path / "photos" / "happy").mkdir(parents=True)
    assert error(tmp_path / "photos").startswith(f"{tmp_path / 'photos'}: contains no images; use a folder with one")
    (tmp_path / "photos" / "notes.txt").write_text("a note")
    assert "contains no images, only other files such as notes.txt" in error(tmp_path / "photos")


def test_images_without_a_class(tmp_path):
    write(tmp_path / "photos" / "1.png", face("away", 1))
    assert "the 1 images lie in no folder of a class" in error(tmp_path / "photos")


def test_one_class(tmp_path):
    for index in range(3):
        write(tmp_path / "photos" / "away" / f"{index}.png", face("away", index))
    assert error(tmp_path / "photos") == "photos: all 3 images have the class 'away'; give two classes or more"


def test_one_image_per_class_is_too_few_for_a_validation_set(tmp_path):
    assert error(write_folder(tmp_path / "photos", 1)) == (
        "photos: 3 images have 3 different labels, such as 'away'; name the column of the classes with --label-column"
    )
    for label in ("away", "bored"):
        write(tmp_path / "two" / label / "1.png", face(label, 1))
    assert error(tmp_path / "two") == (
        "two: 2 training images are too few for a validation set; give each class two images or more"
    )


def test_corrupt_files_are_left_out_and_named(tmp_path):
    folder = write_folder(tmp_path / "photos")
    (folder / "away" / "0.png").write_bytes((folder / "away" / "0.png").read_bytes()[:300])
    (folder / "bored" / "0.png").write_bytes(b"")
    data = load_faces(folder)
    assert {image.source: image.reason.split(":")[0] for image in data.left_out} == {
        "away/0.png": "unreadable", "bored/0.png": "unreadable"}  # fmt: skip
    assert "left out: 2 images\n  2 unreadable, such as away/0.png (damaged or truncated" in describe(data)


def test_only_corrupt_files(tmp_path):
    for label in ("away", "bored"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        (tmp_path / "photos" / label / "1.png").write_bytes(b"x")
    assert error(tmp_path / "photos").startswith(
        "photos: none of 2 images can be used, for example away/1.png: unreadable: not a supported image"
    )


def test_a_class_that_training_lacks(tmp_path):
    folder = write_folder(tmp_path / "photos", 4, ("train", "test"))
    write(folder / "test" / "asleep" / "1.png", face("away", 99))
    assert error(folder) == (
        "photos: the class 'asleep' has images in test, but none in train; add training images, or remove the class"
    )


def test_a_class_that_a_split_lacks_is_a_warning(tmp_path):
    folder = write_folder(tmp_path / "photos", 12, ("train", "val", "test"))
    for file in (folder / "test" / "away").iterdir():
        file.unlink()
    assert load_faces(folder).notes == ["warning: the class 'away' has no images in test; its recall is not defined"]


def test_no_training_images(tmp_path):
    assert error(write_folder(tmp_path / "photos", 4, ("test",))) == (
        "photos: no training images, only test; add a split named train"
    )


def test_splits_beside_classes(tmp_path):
    folder = write_folder(tmp_path / "photos", 2, ("train",))
    write(folder / "asleep" / "1.png", face("away", 1))
    assert error(folder).startswith(f"{folder}: train is the folder of a split, but asleep is not; use only folders of")


def test_rare_classes_are_a_warning(tmp_path):
    folder = write_folder(tmp_path / "photos", 20)
    for index in range(8, 20):
        (folder / "away" / f"{index}.png").unlink()
    assert load_faces(folder).notes == [
        "warning: the class 'away' has 6 training images; 10 or more are needed to learn it"
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the table has no rows"),
        ("image,label\n", "the table has no rows"),
        ("image\na.png\n", "no column of labels was recognised; name it with --label-column; the columns are image"),
        ("label,emotion\n1,2\n", "no column of images was recognised; name it with --image-column"),
        ("image,label\na.png,\n,happy\n", r"none of 2 images can be used, for example faces\.csv row 1: no label"),
        ("pixels,label\n1 2 3,happy\n", "row 1: the pixels are not a square of numbers from 0 to 255"),
        (
            "image,label\na.png,happy\nb.png,sad\n",
            r"none of 2 images can be used, for example a\.png: unreadable: cannot",
        ),
    ],
)
def test_wrong_tables(tmp_path, text, reason):
    import re

    (tmp_path / "faces.csv").write_text(text)
    assert re.search(reason, error(tmp_path / "faces.csv"))


@pytest.mark.parametrize("name", ["faces.jsonl", "faces.parquet", "faces.csv"])
def test_files_of_another_kind(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x00\xff\xfe not a table \x9d" * 9)
    message = error(tmp_path / name)
    assert message.startswith(str(tmp_path / name))
    assert "cannot be read" in message or "not a table of JSON lines" in message


def test_continuous_labels(tmp_path):
    rows = []
    for index in range(8):
        write(tmp_path / f"{index}.png", face("away", index))
        rows.append(f"{index}.png,{index / 7}")
    (tmp_path / "faces.csv").write_text("image,label\n" + "\n".join(rows))
    assert "8 images have 8 different labels" in error(tmp_path / "faces.csv")


@pytest.mark.parametrize("options", [{"validation": 0.0}, {"validation": 1.5}, {"faces": "some"}])
def test_wrong_options(tmp_path, options):
    assert f"{next(iter(options))} is " in error(write_folder(tmp_path / "photos"), **options)


def test_copies_of_test_images_are_left_out(tmp_path):
    folder = write_folder(tmp_path / "photos", 6, ("train", "val", "test"))
    write(folder / "train" / "away" / "copy.bmp", face("away", 2000))  # in another format
    write(folder / "val" / "bored" / "copy.png", face("bored", 2001))
    write(folder / "train" / "bored" / "copy.png", face("bored", 1001))
    data = load_faces(folder)
    assert {image.source: image.reason for image in data.left_out} == {
        "train/away/copy.bmp": "copy of a test image",
        "val/bored/copy.png": "copy of a test image",
        "train/bored/copy.png": "copy of a validation image",
    }
    assert [len(faces) for faces in data.splits.values()] == [18, 18, 18]


def test_the_drawn_split_is_seeded_and_has_the_mix_of_classes(tmp_path):
    folder = write_folder(tmp_path / "photos", 20)
    for index in range(10, 20):
        (folder / "away" / f"{index}.png").unlink()
    first, again, other = (load_faces(folder, validation=0.3, seed=seed) for seed in (0, 0, 1))
    assert first.validation.sources == again.validation.sources != other.validation.sources
    assert np.bincount(first.validation.labels).tolist() == [3, 6, 6]


def test_groups_stay_together(tmp_path):
    rows = ["image,label,person"]
    for person in range(10):
        for label in BANDS:
            write(tmp_path / f"{person}{label}.png", face(label, person))
            rows.append(f"{person}{label}.png,{label},p{person}")
    (tmp_path / "faces.csv").write_text("\n".join(rows))
    data = load_faces(tmp_path / "faces.csv", group_column="person")
    persons = {name: {source[0] for source in faces.sources} for name, faces in data.splits.items()}
    assert persons["train"].isdisjoint(persons["validation"])
    assert len(data.validation) == 6
    assert "no column 'who'; name it with --group-column" in error(tmp_path / "faces.csv", group_column="who")


def test_a_folder_has_no_groups(tmp_path):
    folder = write_folder(tmp_path / "photos")
    assert error(folder, group_column="person") == (
        "photos: no image has a group; --group-column needs a table with a column 'person'"
    )


def test_images_without_a_group_are_not_one_group(tmp_path):
    rows = []
    for index in range(20):
        for label in BANDS:
            write(tmp_path / f"{index}{label}.png", face(label, index))
            person = "p1" if index < 5 else None
            rows.append(json.dumps({"image": f"{index}{label}.png", "label": label, "person": person}))
    (tmp_path / "faces.jsonl").write_text("\n".join(rows))
    data = load_faces(tmp_path / "faces.jsonl", group_column="person")
    assert 8 <= len(data.validation) <= 16


def test_a_changed_image_is_noticed(tmp_path, cache):
    folder = write_folder(tmp_path / "photos", 4)
    linked = tmp_path / "linked"
    linked.symlink_to(folder, target_is_directory=True)
    load_faces(linked)
    assert len(list(cache.rglob("*.npz"))) == 1
    load_faces(linked)
    assert len(list(cache.rglob("*.npz"))) == 1
    file = folder / "away" / "0.png"
    before = file.stat()
    write(file, 255 - face("away", 0))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    images = np.concatenate([faces.images for faces in load_faces(linked).splits.values()])
    assert any(np.array_equal(image, 255 - face("away", 0)) for image in images)


def test_a_link_to_other_data_is_noticed(tmp_path):
    first, second = write_folder(tmp_path / "a", 4), write_folder(tmp_path / "b", 4, ("train", "test"))
    linked = tmp_path / "photos"
    linked.symlink_to(first, target_is_directory=True)
    assert list(load_faces(linked).splits) == ["train", "validation"]
    linked.unlink()
    linked.symlink_to(second, target_is_directory=True)
    assert list(load_faces(linked).splits) == ["train", "validation", "test"]


def photo(path: Path, x: int, y: int, scale: float) -> None:
    """Put the portrait onto a grey canvas, 480×360."""
    portrait = Image.open(PORTRAIT).convert("RGB")
    small = portrait.resize((round(portrait.width * scale), round(portrait.height * scale)))
    canvas = Image.new("RGB", (480, 360), (90, 100, 110))
    canvas.paste(small, (x, y))
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)


def test_photos_are_recognised_and_their_faces_cut_out_as_in_recognition(tmp_path, recognizer):
    folder = tmp_path / "photos"
    for index in range(3):
        photo(folder / "left" / f"{index}.png", 10 + 9 * index, 5, 0.4)
        photo(folder / "right" / f"{index}.png", 200 + 9 * index, 60, 0.45)
    write(folder / "left" / "cat.png", np.asarray(Image.open(ROOT / "examples" / "chelsea_the_cat.jpg")))
    data = load_faces(folder)
    assert data.faces == "detect"
    assert [(image.source, image.reason) for image in data.left_out] == [("left/cat.png", "no face found")]
    first = data.training.sources.index("right/0.png") if "right/0.png" in data.training.sources else None
    faces = data.training if first is not None else data.validation
    index = faces.sources.index("right/0.png")
    from mini_xception.network.preprocess import to_grey

    assert np.array_equal(faces.images[index], to_grey(recognizer.crop(folder / "right" / "0.png")[0], 48))
    assert load_faces(folder, faces="crop").faces == "crop"


def test_crops_are_recognised(tmp_path, recognizer):
    crop = recognizer.crop(PORTRAIT)[0]
    folder = tmp_path / "photos"
    for index in range(4):
        for label in ("a", "b"):
            write(folder / label / f"{index}.png", crop[index:, : len(crop) - (label == "b")])
    assert load_faces(folder).faces == "crop"


def test_the_files_of_a_run(tmp_path):
    data = load_faces(write_folder(tmp_path / "photos", 6, ("train", "test")))
    save_data(data, tmp_path / "run")
    rows = (tmp_path / "run" / "splits.csv").read_text().splitlines()
    assert rows[0] == "image,label,split"
    assert len(rows) == 37
    assert "test/away/0.png,away,test" in rows
    assert (tmp_path / "run" / "left_out.csv").read_text().splitlines() == ["source,reason,split,label"]
    with Image.open(tmp_path / "run" / "data.png") as picture:
        assert picture.width > 500
    assert describe(data).splitlines()[:3] == [
        "photos: 36 images, 3 classes; faces: the whole images (--faces crop)",
        "               train  validation        test",
        "away               5           1           6",
    ]
