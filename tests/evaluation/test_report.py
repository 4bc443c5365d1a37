"""``report.html`` and ``report.json``: the figures, the images, names of every kind, and input that cannot be used."""

import base64
import io
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from mini_xception.errors import MiniXceptionError
from mini_xception.evaluation import measure, write_report
from tests.evaluation.reports import HISTORY, LABELS, predictions, write_example


class Page(HTMLParser):
    """The tags, the attributes and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data if self.tags[-1:] != ["style"] else ""

    def values(self, name: str) -> list[str | None]:
        return [value for key, value in self.attributes if key == name]


def read(folder) -> tuple[dict, Page]:
    return json.loads((folder / "report.json").read_text("utf-8")), Page((folder / "report.html").read_text("utf-8"))


def test_both_files_have_the_figures(tmp_path):
    returned = write_example(tmp_path / "new" / "folder")
    report, page = read(tmp_path / "new" / "folder")
    assert report == returned
    probabilities, truth, _ = predictions(200, 7)
    expected = measure(probabilities, truth, LABELS)
    assert report["confusion_matrix"] == expected.confusion_matrix.tolist()
    for name in ("n", "accuracy", "balanced_accuracy", "macro_f1", "recall", "precision", "f1", "support", "ece"):
        assert report["metrics"][name] == getattr(expected, name)
    for score in (expected.accuracy, expected.macro_f1, expected.recall["专注"], expected.precision["سعيد"]):
        assert f"{100 * score:.1f}\u00a0%" in page.text
    low, high = report["metrics"]["intervals"]["f1"]["专注"]
    assert f"{100 * low:.1f}–{100 * high:.1f}" in page.text
    assert report["history"] == HISTORY
    assert report["data"]["images_per_class"]["test"] == {LABELS[0]: 1234}
    assert sum(report["reliability"]["count"]) == 200
    assert "1,234" in page.text


def test_a_class_without_images_is_undefined(tmp_path):
    write_example(tmp_path)
    report, page = read(tmp_path)
    metrics = report["metrics"]
    assert metrics["recall"]["absent"] is metrics["f1"]["absent"] is metrics["intervals"]["recall"]["absent"] is None
    present = [value for value in metrics["recall"].values() if value is not None]
    assert metrics["balanced_accuracy"] == pytest.approx(sum(present) / 6)
    assert "No images of “absent”" in page.text
    assert "–" in page.text.split("absent")[2].split()


def test_the_page_is_one_file_without_scripts_and_names_are_text(tmp_path):
    write_example(tmp_path)
    html = (tmp_path / "report.html").read_text("utf-8")
    _, page = read(tmp_path)
    assert {"script", "link", "i>", "iframe", "object"}.isdisjoint(page.tags)
    assert all(source.startswith("data:image/png;base64,") for source in page.values("src"))
    assert page.values("href") == []
    assert "url(" not in html
    assert "http:" not in html
    assert "https:" not in html
    assert "default-src 'none'" in html
    for label in LABELS:
        assert label in page.text
    assert "runs/<mine> & yours" in page.text
    assert "<b>few</b> images" in page.text


def test_the_most_confident_errors_are_shown_with_their_images(tmp_path):
    write_example(tmp_path)
    report, page = read(tmp_path)
    probabilities, truth, images = predictions(200, 7)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != truth)
    worst = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:24]
    assert [error["image"] for error in report["errors"]] == worst.tolist()
    first = report["errors"][0]
    assert first["truth"] == LABELS[truth[worst[0]]]
    assert first["prediction"] == LABELS[probabilities[worst[0]].argmax()]
    assert first["probability"] == pytest.approx(probabilities[worst[0]].max())
    assert first["name"].endswith(f"_{worst[0]}<i>.png")
    assert first["name"] in page.text
    for source, image in zip(page.values("src"), worst, strict=True):
        shown = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
        assert np.array_equal(np.asarray(shown), images[image])


def test_large_colour_images_are_scaled_down(tmp_path):
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
    images = [np.full((900, 600, 3), (200, 10, 10), np.uint8), np.zeros((48, 48), np.uint8)]
    write_report(tmp_path, probabilities, np.array([1, 1]), ["no", "yes"], images, title="two")
    (source,) = read(tmp_path)[1].values("src")
    shown = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
    assert (shown.mode, shown.size) == ("RGB", (107, 160))
    assert shown.getpixel((50, 80)) == (200, 10, 10)


@pytest.mark.parametrize("classes", [2, 30])
def test_any_number_of_classes_without_names_history_and_data(tmp_path, classes):
    probabilities, truth, images = predictions(90, classes)
    labels = [f"class {number}" for number in range(classes)]
    write_report(tmp_path, probabilities, truth, labels, images, title="mine")
    report, page = read(tmp_path)
    assert report["errors"][0]["name"] is None
    assert page.text.count("class ") >= 2 * classes
    assert "Training" not in page.text
    assert "Data" not in page.text


def test_no_errors_and_one_image(tmp_path):
    image = np.zeros((1, 48, 48), np.uint8)
    write_report(tmp_path, np.array([[1.0, 0.0]]), np.array([0]), ["a", "b"], image, title="mine")
    report, page = read(tmp_path)
    assert report["errors"] == []
    assert "errors" not in page.text
    assert "1 of 1 images" in page.text


def test_equal_arguments_give_equal_files_and_an_earlier_report_is_replaced(tmp_path):
    write_example(tmp_path / "a")
    write_example(tmp_path / "b", n=50)
    write_example(tmp_path / "b")
    for name in ("report.html", "report.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["report.html", "report.json"]


def test_values_that_json_or_utf8_do_not_have(tmp_path):
    """A loss that is not finite, text from a CSV file, a path, NumPy numbers, and a file name that is not Unicode."""
    history = [{"epoch": "1", "train_loss": "nan", "validation_loss": "2.5"}]
    names = ["caf\udce9.jpg"] * 200
    data = {"folder": tmp_path, "images": np.int64(3), "share": float("inf"), "rows": ({"n": np.float32(0.5)},)}
    write_example(tmp_path, history=history, names=names, data=data)
    report, page = read(tmp_path)
    assert report["history"] == [{"epoch": 1.0, "train_loss": None, "validation_loss": 2.5}]
    assert report["errors"][0]["name"] == "caf\udce9.jpg"
    assert "caf?.jpg" in page.text
    assert report["data"] == {"folder": str(tmp_path), "images": 3, "share": None, "rows": [{"n": 0.5}]}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"images": np.zeros((3, 48, 48), np.uint8)}, "images must have 4 entries, one for each entry of truth, not 3"),
        ({"images": np.zeros((0, 48, 48), np.uint8)}, "images must have 4 entries, one for each entry of truth, not 0"),
        ({"names": ["a"]}, "names must have 4 entries, one for each entry of truth, not 1"),
        (
            {"images": np.zeros((4, 48, 48), np.float32)},
            "images must be uint8, grey (H, W) or RGB (H, W, 3), not",
        ),
        ({"images": np.zeros((4, 0, 0), np.uint8)}, "images must be uint8"),
        ({"history": [{"epoch": 1, "train_loss": "high"}]}, "history: train_loss must be a number, not 'high'"),
        ({"truth": np.array([0, 1, 2, 9])}, "truth must have indices from 0 to 2"),
    ],
)
def test_arguments_that_do_not_match_leave_the_earlier_report(tmp_path, changed, reason):
    arguments = {
        "probabilities": np.eye(3)[[0, 1, 2, 0]],
        "truth": np.array([0, 1, 2, 2]),
        "labels": "abc",
        "images": np.zeros((4, 48, 48), np.uint8),
        "title": "t",
    }
    write_report(tmp_path, **arguments)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(MiniXceptionError) as caught:
        write_report(tmp_path, **arguments | changed)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MiniXceptionError, match="cannot be written"):
        write_example(tmp_path / "file")
