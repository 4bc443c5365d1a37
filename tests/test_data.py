import gzip

import numpy as np
import pytest

from mini_xception import MiniXceptionError
from mini_xception.data import load_fer2013, load_votes

HEADER = "emotion,pixels,Usage\n"
PIXELS = [" ".join(str((i * 7 + j) % 256) for j in range(48 * 48)) for i in range(4)]
ROWS = [f"{label},{PIXELS[i]},{split}\n" for i, (label, split) in enumerate(
    [(3, "Training"), (0, "PublicTest"), (6, "Training"), (4, "PrivateTest")]
)]  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The user's cache folder, empty."""
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


@pytest.mark.parametrize("name", ["fer2013.csv", "fer2013.csv.gz"])
def test_splits(write, name):
    path = write(HEADER + "".join(ROWS), name)
    training = load_fer2013(path, "Training")
    assert training.labels.tolist() == [3, 6]
    assert training.rows.tolist() == [0, 2]
    assert training.images.dtype == np.uint8
    assert training.images.shape == (2, 48, 48)
    assert " ".join(map(str, training.images[1].ravel())) == PIXELS[2]
    assert load_fer2013(path, "PrivateTest").labels.tolist() == [4]


def test_cache_is_the_users_and_follows_the_file(write, cache):
    path = write(HEADER + "".join(ROWS))
    first = load_fer2013(path, "Training")
    assert list(cache.rglob("*.npz"))
    assert [file.name for file in path.parent.iterdir()] == ["fer2013.csv"]
    assert np.array_equal(load_fer2013(path, "Training").images, first.images)
    path.write_text(HEADER + ROWS[2])
    assert load_fer2013(path, "Training").labels.tolist() == [6]


def test_damaged_cache_is_made_anew(write, cache):
    path = write(HEADER + "".join(ROWS))
    load_fer2013(path, "Training")
    for file in cache.rglob("*.npz"):
        file.write_bytes(b"damaged")
    assert load_fer2013(path, "Training").labels.tolist() == [3, 6]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "header lacks"),
        (HEADER, "no rows"),
        ("emotion,pixels\n", "header lacks Usage"),
        (HEADER + ROWS[0] + f"7,{PIXELS[0]},Training\n", "row 2: emotion is '7'"),
        (HEADER + f"happy,{PIXELS[0]},Training\n", "row 1: emotion is 'happy'"),
        (HEADER + f"1,{PIXELS[0]},Testing\n", "row 1: Usage is 'Testing'"),
        (HEADER + f"1,{PIXELS[0].rsplit(' ', 1)[0]},Training\n", "row 1: 2303 pixels"),
        (HEADER + f"1,{PIXELS[0].rsplit(' ', 1)[0]} 256,Training\n", "row 1: a pixel"),
        (HEADER + f"1,{PIXELS[0].rsplit(' ', 1)[0]} x,Training\n", "row 1: pixels must be whole numbers"),
        (HEADER + "1\n", "row 1: Usage is None"),
        (HEADER + ROWS[0], "no row has Usage PublicTest; the file has Training"),
    ],
)
def test_what_is_wrong_is_named(write, text, reason):
    with pytest.raises(MiniXceptionError) as caught:
        load_fer2013(write(text), "PublicTest")
    assert reason in str(caught.value)


def test_files_that_are_none(write, tmp_path):
    with pytest.raises(MiniXceptionError, match="no such file"):
        load_fer2013(tmp_path / "absent.csv", "Training")
    path = write("x", "fer2013.csv.gz")
    path.write_bytes(b"not gzip")
    with pytest.raises(MiniXceptionError, match="not a readable"):
        load_fer2013(path, "Training")
    with pytest.raises(MiniXceptionError, match="'test'"):
        load_fer2013(path, "test")


def test_votes_are_fractions_in_fer2013s_order(tmp_path):
    path = tmp_path / "fer2013new.csv"
    path.write_text(
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
        "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\n"
        "Training,,0,0,0,0,0,0,0,0,0,10\n"
    )
    votes = load_votes(path)
    assert votes[0].tolist() == pytest.approx([0.3, 0.2, 0.0, 0.0, 0.1, 0.0, 0.4])
    assert votes[1].tolist() == [0.0] * 7
