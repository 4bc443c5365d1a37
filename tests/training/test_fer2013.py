"""Loading FER2013, FER+'s votes and a teacher's probabilities."""

import gzip
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from mini_xception import MiniXceptionError
from mini_xception.training.fer2013 import load_fer2013
from mini_xception.training.targets import load_teacher, load_votes

HEADER = "emotion,pixels,Usage\n"
PIXELS = [" ".join(str((i * 7 + j) % 256) for j in range(48 * 48)) for i in range(4)]
ROWS = [f"{label},{PIXELS[i]},{split}\n" for i, (label, split) in enumerate(
    [(3, "Training"), (0, "PublicTest"), (6, "Training"), (4, "PrivateTest")]
)]  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def write(tmp_path):
    def write(text: str, name: str = "fer2013.csv"):
        path = tmp_path / "data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


def zipped(*members: tuple[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members:
            archive.writestr(name, text)
    return buffer.getvalue()


def grey_image(index: int) -> Image.Image:
    return Image.fromarray(np.array(PIXELS[index].split(), np.uint8).reshape(48, 48))


def test_byte_order_mark_of_excel(write):
    assert load_fer2013(write("\ufeff" + HEADER + "".join(ROWS)), "Training").labels.tolist() == [3, 6]


def test_zip(write):
    path = write("", "archive.zip")
    path.write_bytes(zipped(("fer2013/fer2013.csv", HEADER + "".join(ROWS)), ("fer2013/fer2013.bib", "@article{}")))
    assert load_fer2013(path, "Training").labels.tolist() == [3, 6]
    path.write_bytes(zipped(("a.csv", ""), ("b.csv", "")))
    with pytest.raises(MiniXceptionError, match=r"contains a\.csv, b\.csv; it must contain fer2013\.csv or"):
        load_fer2013(path, "Training")


def test_icml_face_data(write):
    rows = "".join(f"{label}, {split}, {pixels}\n" for label, pixels, split in (r.strip().split(",") for r in ROWS))
    path = write("emotion, Usage, pixels\n" + rows, "icml_face_data.csv")
    assert load_fer2013(path, "Training").labels.tolist() == [3, 6]
    assert load_fer2013(path, "PublicTest").images[0, 0, :3].tolist() == [7, 8, 9]


def test_two_tables_of_the_reference(write):
    path = write(HEADER + ROWS[0] + ROWS[2], "train.csv").parent
    write(HEADER + ROWS[1] + ROWS[3], "test.csv")
    assert load_fer2013(path, "Training").labels.tolist() == [3, 6]
    assert load_fer2013(path, "PrivateTest").labels.tolist() == [4]


def test_folder_of_images(tmp_path):
    names = ("train/happy/Training_1.png", "test/angry/PublicTest_2.png", "train/neutral/Training_3.png")
    for index, name in enumerate(names):
        file = tmp_path / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        grey_image(index).save(file)
    training = load_fer2013(tmp_path / "images", "Training")
    assert training.labels.tolist() == [3, 6]
    assert " ".join(map(str, training.images[0].ravel())) == PIXELS[0]
    assert load_fer2013(tmp_path / "images", "PublicTest").labels.tolist() == [0]


@pytest.mark.parametrize(
    ("name", "size", "reason"),
    [
        ("train/joyful/Training_1.png", 48, "the folder name is not an emotion; it must be one of angry"),
        ("train/happy/1.png", 48, "it must begin with one of Training_"),
        ("train/happy/Training_1.png", 64, "the image is 64×64 pixels; it must be 48×48"),
        ("elsewhere.png", 48, "contains neither train.csv nor images in train/<emotion>/"),
    ],
)
def test_wrong_folders_of_images_are_errors(tmp_path, name, size, reason):
    file = tmp_path / "images" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    grey_image(0).resize((size, size)).save(file)
    with pytest.raises(MiniXceptionError, match=reason):
        load_fer2013(tmp_path / "images", "Training")


@pytest.mark.parametrize("name", ["fer2013.csv", "fer2013.csv.gz"])
def test_splits(write, name):
    path = write(HEADER + "".join(ROWS), name)
    training = load_fer2013(path, "Training")
    assert training.labels.tolist() == [3, 6]
    assert training.rows.tolist() == [0, 2]
    assert training.split == "Training"
    assert training.images.dtype == np.uint8
    assert training.images.shape == (2, 48, 48)
    assert " ".join(map(str, training.images[1].ravel())) == PIXELS[2]
    assert load_fer2013(path, "PrivateTest").labels.tolist() == [4]


def test_the_cache_is_in_the_users_folder_and_follows_the_file(write, cache):
    path = write(HEADER + "".join(ROWS))
    first = load_fer2013(path, "Training")
    assert list(cache.rglob("*.npz"))
    assert [file.name for file in path.parent.iterdir()] == ["fer2013.csv"]
    assert np.array_equal(load_fer2013(path, "Training").images, first.images)
    path.write_text(HEADER + ROWS[2])
    assert load_fer2013(path, "Training").labels.tolist() == [6]


@pytest.mark.parametrize("content", [b"damaged", b"", None], ids=["damaged", "empty", "foreign"])
def test_a_useless_cache_is_replaced(write, cache, content):
    path = write(HEADER + "".join(ROWS))
    load_fer2013(path, "Training")
    (file,) = cache.rglob("*.npz")
    if content is None:
        np.savez(file, others=np.zeros(1))
    else:
        file.write_bytes(content)
    assert load_fer2013(path, "Training").labels.tolist() == [3, 6]
    with np.load(file) as arrays:
        assert arrays["labels"].tolist() == [3, 0, 6, 4]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "columns missing from the header: Usage, emotion, pixels"),
        (HEADER, "the file has a header but no rows"),
        ("emotion,pixels\n", "columns missing from the header: Usage"),
        (HEADER + ROWS[0] + f"7,{PIXELS[0]},Training\n", "row 2: column 'emotion' is '7'; it must be 0–6"),
        (HEADER + f"happy,{PIXELS[0]},Training\n", "row 1: column 'emotion' is 'happy'"),
        (HEADER + f"²,{PIXELS[0]},Training\n", "row 1: column 'emotion' is '²'"),
        (HEADER + f"1,{PIXELS[0]},Testing\n", "row 1: column 'Usage' is 'Testing'"),
        (
            HEADER + f"1,{PIXELS[0].rsplit(' ', 1)[0]},Training\n",
            "row 1: the image has 2303 pixels; it must have 48×48 = 2304",
        ),
        (HEADER + f"1,{PIXELS[0].rsplit(' ', 1)[0]} 256,Training\n", "row 1: a pixel is outside 0–255"),
        (
            HEADER + f"1,{PIXELS[0].rsplit(' ', 1)[0]} x,Training\n",
            "row 1: the pixels are not whole numbers separated by spaces",
        ),
        (HEADER + "1\n", "row 1: column 'Usage' is ''"),
        (HEADER + ROWS[0], "no PublicTest images, only Training; use the complete data"),
    ],
)
def test_errors_name_the_row(write, text, reason):
    with pytest.raises(MiniXceptionError) as caught:
        load_fer2013(write(text), "PublicTest")
    assert reason in str(caught.value)


def test_files_that_cannot_be_loaded_are_errors(write, tmp_path):
    with pytest.raises(MiniXceptionError, match="no such file or folder"):
        load_fer2013(tmp_path / "absent.csv", "Training")
    path = write("x", "fer2013.csv.gz")
    path.write_bytes(b"not gzip")
    with pytest.raises(MiniXceptionError, match="cannot be read after row 0"):
        load_fer2013(path, "Training")
    with pytest.raises(MiniXceptionError, match="split 'test' not found; choose one of Training, PublicTest"):
        load_fer2013(path, "test")


VOTES = """Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF
Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0
Training,,0,0,0,0,0,0,0,0,0,10
"""


def test_votes_are_fractions_in_the_order_of_the_emotions(tmp_path):
    path = tmp_path / "fer2013new.csv"
    path.write_text(VOTES)
    votes = load_votes(path, "Training", np.array([1, 0]))
    assert votes[0].tolist() == [0.0] * 7
    assert votes[1].tolist() == pytest.approx([0.3, 0.2, 0.0, 0.0, 0.1, 0.0, 0.4])


@pytest.mark.parametrize(
    ("text", "split", "rows", "reason"),
    [
        (VOTES, "Training", [2], "the file has 2 rows, fewer than the FER2013 data"),
        (VOTES, "PublicTest", [1], "row 2: column 'Usage' is 'Training'"),
        ("a,b\n1,2\n", "Training", [0], "not FER"),
        (VOTES.replace("Image name", "name"), "Training", [0], "not FER"),
        (VOTES.replace("3,2", "nan,2"), "Training", [0], "a vote is negative or not finite"),
        (None, "Training", [0], "cannot be read"),
    ],
)
def test_votes_of_another_file_are_errors(tmp_path, text, split, rows, reason):
    path = tmp_path / "fer2013new.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(MiniXceptionError, match=reason):
        load_votes(path, split, np.array(rows))


def test_a_teachers_probabilities(tmp_path):
    answers = np.eye(7, dtype=np.float32)[[3, 6]]
    np.save(tmp_path / "teacher.npy", answers)
    assert np.array_equal(load_teacher(tmp_path / "teacher.npy", 2), answers)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (np.eye(7)[[3]], r"the shape is \(1, 7\), but the data needs \(2, 7\)"),
        (np.eye(7)[[3, 6]] * 2, "a row is not a probability distribution"),
        (np.full((2, 7), np.nan), "a row is not a probability distribution"),
        (np.array([{}, {}]), "not a file of teacher probabilities"),
        (None, "not a file of teacher probabilities"),
    ],
)
def test_other_files_are_not_a_teachers_probabilities(tmp_path, answers, reason):
    if answers is not None:
        np.save(tmp_path / "teacher.npy", answers)
    with pytest.raises(MiniXceptionError, match=reason):
        load_teacher(tmp_path / "teacher.npy", 2)


def test_an_encrypted_zip_is_an_error(write):
    path = write("", "archive.zip")
    archive = bytearray(zipped(("fer2013.csv", HEADER + "".join(ROWS))))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.index(signature) + flags] |= 1
    path.write_bytes(archive)
    with pytest.raises(MiniXceptionError, match=r"archive\.zip: cannot be read after row 0 .*password"):
        load_fer2013(path, "Training")


def test_files_of_macos_and_broken_links_are_ignored(tmp_path):
    folder = tmp_path / "train" / "happy"
    folder.mkdir(parents=True)
    Image.new("L", (48, 48)).save(folder / "Training_1.png")
    (folder / "._Training_1.png").write_bytes(b"macOS")
    (folder / "gone").symlink_to(tmp_path / "nowhere")
    assert len(load_fer2013(tmp_path, "Training")) == 1
