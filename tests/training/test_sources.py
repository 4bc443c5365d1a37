"""Labelled faces in every form of data: the same images and labels come out."""

import csv
import gzip
import io
import json
import os
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from mini_xception import EMOTIONS, MiniXceptionError
from mini_xception.training import load_faces, save_data
from mini_xception.training.splits import read_splits
from tests.training.faces import BANDS, face, write, write_folder, write_rows


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def contents(data) -> dict[str, set[bytes]]:
    """Return class → its images, over all splits."""
    found = {label: set() for label in data.classes}
    for faces in data.splits.values():
        for image, label in zip(faces.images, faces.labels, strict=True):
            found[data.classes[label]].add(image.tobytes())
    return found


EXPECTED = {label: {face(label, index).tobytes() for index in range(10)} for label in BANDS}


def write_table(path, rows, header=("image", "label")):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_a_folder_of_classes(tmp_path):
    data = load_faces(write_folder(tmp_path / "photos"))
    assert contents(data) == EXPECTED
    assert data.classes == ("away", "bored", "focused")
    assert {name: len(faces) for name, faces in data.splits.items()} == {"train": 24, "validation": 6}
    assert np.bincount(data.validation.labels).tolist() == [2, 2, 2]
    assert data.training.sources[0].startswith("away/")
    assert data.training.dataset == "photos"


@pytest.mark.parametrize("names", [("train", "valid", "test"), ("training", "val", "testing"), ("train", "validation")])
def test_a_folder_of_splits_keeps_them(tmp_path, names):
    data = load_faces(write_folder(tmp_path / "photos", 4, names))
    assert [len(faces) for faces in data.splits.values()] == [12] * len(names)
    assert list(data.splits) == ["train", "validation", "test"][: len(names)]


def test_train_and_test_alone_get_a_validation_set_from_train(tmp_path):
    data = load_faces(write_folder(tmp_path / "photos", 10, ("train", "test")))
    assert {name: len(faces) for name, faces in data.splits.items()} == {"train": 24, "validation": 6, "test": 30}
    assert all(source.startswith("train/") for source in data.validation.sources)


def test_formats_sizes_and_hidden_files_of_a_folder(tmp_path):
    folder = write_folder(tmp_path / "photos", 4)
    write(folder / "away" / "deep" / "big.jpg", np.full((300, 200, 3), 90, np.uint8))
    write(folder / "away" / "16.png", (face("away", 50).astype(np.uint16) * 257))
    write(folder / "away" / "alpha.webp", np.full((90, 90, 4), 120, np.uint8))
    (folder / "away" / "._0.png").write_bytes(b"macOS")
    (folder / "away" / "Thumbs.db").write_bytes(b"Windows")
    (folder / "away" / "notes.txt").write_text("a note")
    (folder / ".git").mkdir()
    (folder / "@eaDir").mkdir()
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    data = load_faces(folder, faces="crop")
    assert sum(map(len, data.splits.values())) == 15
    assert face("away", 50).tobytes() in contents(data)["away"]  # 16 bits become 8
    assert data.notes[0] == "files that are not images: 1, such as away/notes.txt"


def test_file_names_that_are_not_utf_8(tmp_path):
    folder = write_folder(tmp_path / "photos", 6)
    (folder / "away" / "0.png").rename(os.fsdecode(os.fsencode(folder / "away") + b"/caf\xe9.png"))
    (folder / "away" / os.fsdecode(b"t\xe9xt.txt")).touch()
    save_data(load_faces(folder), tmp_path / "run")
    assert b"away/caf\xe9.png,away," in (tmp_path / "run" / "splits.csv").read_bytes()
    assert read_splits(tmp_path / "run" / "splits.csv").keys() >= {os.fsdecode(b"away/caf\xe9.png")}


def test_linked_folders_and_files_are_followed(tmp_path):
    folder = write_folder(tmp_path / "there")
    linked = tmp_path / "photos"
    linked.mkdir()
    for label in BANDS:
        (linked / label).symlink_to(folder / label, target_is_directory=True)
    assert contents(load_faces(linked)) == EXPECTED


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("place", ["", "train"])
def test_metadata_beside_the_images(tmp_path, suffix, place):
    folder = tmp_path / "photos" / place
    rows = []
    for number, (label, image) in enumerate(write_rows()):
        write(folder / "images" / f"{number}.png", image)
        rows.append({"file_name": f"images/{number}.png", "emotion": label})
    if suffix == "csv":
        write_table(folder / "metadata.csv", [row.values() for row in rows], rows[0])
    else:
        (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert contents(load_faces(tmp_path / "photos")) == EXPECTED


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_of_paths_with_splits(tmp_path, delimiter):
    rows = [("Path", "Expression", "Split", "note")]
    for number, (label, image) in enumerate(write_rows()):
        write(tmp_path / "images" / f"{number}.png", image)
        rows.append((f"images/{number}.png", label, "test" if number < 6 else "train", "a, b"))
    with (tmp_path / "faces.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    data = load_faces(tmp_path / "faces.csv")
    assert contents(data) == EXPECTED
    assert len(data.splits["test"]) == 6
    assert data.training.sources[0].startswith("images/")


def test_named_columns(tmp_path):
    rows = [(f"{n}.png", label, "x") for n, (label, image) in enumerate(write_rows()) if not
            write(tmp_path / f"{n}.png", image)]  # fmt: skip
    table = write_table(tmp_path / "faces.csv", rows, ("where", "mood", "label"))
    assert contents(load_faces(table, image_column="where", label_column="mood")) == EXPECTED
    with pytest.raises(MiniXceptionError) as caught:
        load_faces(table, image_column="nowhere")
    assert str(caught.value) == (
        "faces.csv: no column 'nowhere'; name it with --image-column; the columns are where, mood, label"
    )
    with pytest.raises(MiniXceptionError, match="no column of images was recognised; name it with --image-column"):
        load_faces(table)


def test_fer2013s_pixels_with_other_labels(tmp_path):
    rows = [(label, " ".join(map(str, image.ravel())), "Training") for label, image in write_rows()]
    assert contents(load_faces(write_table(tmp_path / "a.csv", rows, ("emotion", "pixels", "Usage")))) == EXPECTED
    numbers = [(list(BANDS).index(label), pixels) for label, pixels, _ in rows]
    with gzip.open(tmp_path / "b.csv.gz", "wt", newline="") as file:
        csv.writer(file).writerows([("emotion", "pixels"), *numbers])
    assert load_faces(tmp_path / "b.csv.gz").classes == EMOTIONS[:3]  # FER2013's numbers, without FER2013's splits


def test_a_part_of_fer2013_without_its_validation_set_is_like_other_data(tmp_path):
    rows = [(i % 2, " ".join(map(str, face("away", i).ravel())), "Training") for i in range(10)]
    data = load_faces(write_table(tmp_path / "part.csv", rows, ("emotion", "pixels", "Usage")))
    assert data.classes == ("angry", "disgust")
    assert {name: len(faces) for name, faces in data.splits.items()} == {"train": 8, "validation": 2}


def test_fer2013_keeps_its_own_splits(tmp_path):
    rows = [(3, " ".join(map(str, face("away", i).ravel())), split) for i, split in enumerate(
        ["Training", "PublicTest", "PrivateTest"])]  # fmt: skip
    data = load_faces(write_table(tmp_path / "fer2013.csv", rows, ("emotion", "pixels", "Usage")))
    assert data.classes == EMOTIONS
    assert (data.training.split, data.validation.split) == ("Training", "PublicTest")
    assert list(data.splits) == ["train", "validation"]  # PrivateTest is never loaded for training


@pytest.mark.parametrize("form", ["bytes", "hub", "paths", "pixels"])
def test_parquet(tmp_path, form):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows, names = write_rows(), list(BANDS)
    for number, (_, image) in enumerate(rows):
        write(tmp_path / f"{number}.png", image)
    images = {
        "bytes": [png(image) for _, image in rows],
        "hub": [{"bytes": png(image), "path": None} for _, image in rows],
        "paths": [f"{number}.png" for number in range(len(rows))],
        "pixels": [" ".join(map(str, image.ravel())) for _, image in rows],
    }[form]
    labels = [names.index(label) if form == "hub" else label for label, _ in rows]
    table = pyarrow.table({"image": images, "label": labels})
    if form == "hub":  # The Hub stores the names of the classes in the file's metadata.
        features = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    parquet.write_table(table, tmp_path / "faces.parquet")
    assert contents(load_faces(tmp_path / "faces.parquet")) == EXPECTED


def test_a_folder_of_parquet_files_named_by_split(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    folder = tmp_path / "data"
    folder.mkdir()
    for name, first in (("train-00000-of-00002", 0), ("train-00001-of-00002", 5), ("test-00000-of-00001", 50)):
        rows = [(label, face(label, first + i)) for i in range(5) for label in BANDS]
        table = pyarrow.table({"image": [png(image) for _, image in rows], "label": [label for label, _ in rows]})
        parquet.write_table(table, folder / f"{name}.parquet")
    data = load_faces(folder)
    assert {name: len(faces) for name, faces in data.splits.items()} == {"train": 24, "validation": 6, "test": 15}


def test_parquet_without_pyarrow_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "faces.parquet").write_bytes(b"PAR1")
    with pytest.raises(MiniXceptionError, match=r"needs pyarrow; pip install 'mini-xception\[data\]'"):
        load_faces(tmp_path / "faces.parquet")


class Own(torch.utils.data.Dataset):
    """A data set of the user's own, in one of the usual types of images."""

    classes = tuple(BANDS)

    def __init__(self, kind: str) -> None:
        self.kind, self.rows = kind, write_rows()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int):
        label, image = self.rows[index]
        kinds = {
            "pil": Image.fromarray,
            "array": np.array,
            "bytes": lambda image: torch.from_numpy(image.copy()).unsqueeze(0),
            "floats": lambda image: torch.from_numpy(image / np.float32(255)).unsqueeze(0),
            "colour": lambda image: torch.from_numpy(image.copy()).expand(3, -1, -1),
        }
        return kinds[self.kind](image), self.classes.index(label)


@pytest.mark.parametrize("kind", ["pil", "array", "bytes", "floats", "colour"])
def test_a_torch_data_set(kind):
    data = load_faces(Own(kind))
    assert contents(data) == EXPECTED
    assert data.training.dataset == "own data"


def test_torch_data_loaders_with_given_splits():
    loader = torch.utils.data.DataLoader(Own("floats"), batch_size=7, shuffle=True)
    other = [(face(label, 100), label) for label in BANDS]
    data = load_faces({"train": loader, "valid": other})
    assert [len(faces) for faces in data.splits.values()] == [30, 3]
    assert data.classes == tuple(BANDS)


def test_a_part_of_a_torch_data_set_keeps_the_names_of_its_classes():
    part = torch.utils.data.Subset(Own("pil"), range(0, 30, 2))
    assert load_faces(torch.utils.data.DataLoader(part, collate_fn=list, batch_size=None)).classes == tuple(BANDS)


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([1, 2], "item 0: not a pair of an image and a label"),
        ([(np.zeros((4, 4)), 0)], r"item 0: float64 of shape \(4, 4\) is not an image"),
        ([(torch.full((1, 4, 4), 2.0), 0)], "item 0: the image has values outside 0–1"),
        ([("photo.jpg", 0)], "item 0: str is not an image"),
        ([(np.zeros((4, 4), np.uint8), 0.5)], "item 0: the label 0.5 is not a name or a whole number"),
        ([(np.zeros((4, 4), np.uint8), torch.eye(3)[0])], r"item 0: the label tensor\(.* is not a name"),
    ],
)
def test_wrong_items_of_a_torch_data_set_are_errors(items, reason):
    with pytest.raises(MiniXceptionError, match=reason):
        load_faces(items)


def test_a_label_beyond_the_names_is_an_error():
    with pytest.raises(MiniXceptionError, match="item 0: the label is 5, but there are 2 class names"):
        load_faces([(face("away", 0), 5)], classes=["no", "yes"])


def test_a_table_of_large_pixels_is_not_fer2013(tmp_path):
    rows = ["emotion,pixels,Usage"]
    for split, count in (("Training", 6), ("PublicTest", 2)):
        for index in range(count):
            for number, label in enumerate(BANDS):
                image = face(label, index + 100 * (split == "PublicTest"), size=224) // 2 + 100
                rows.append(f"{number},{' '.join(map(str, image.ravel()))},{split}")
    (tmp_path / "faces.csv").write_text("\n".join(rows))
    data = load_faces(tmp_path / "faces.csv", faces="crop")
    assert (len(data.training), len(data.validation)) == (18, 6)
