"""The API, as users of ``gradio_client`` see it."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mini_xception.training.augment import AUGMENTATIONS, PRESETS
from tests.conftest import PORTRAIT, ROOT
from tests.media.test_image import empty_png

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def client(page_url, tmp_path_factory):
    from gradio_client import Client

    return Client(page_url, verbose=False, download_files=str(tmp_path_factory.mktemp("client")))


def test_predict(client, recognizer, portrait):
    from gradio_client import handle_file

    annotated, faces, _, _ = client.predict(handle_file(PORTRAIT), api_name="/predict")
    (face,) = faces
    (expected,) = recognizer(PORTRAIT)
    assert face["box"] == list(expected.box)
    assert face["emotion"] == "happy"
    assert face["probabilities"] == pytest.approx(expected.probabilities, abs=1e-4)
    drawn = np.asarray(Image.open(annotated), int)
    assert drawn.shape == portrait.shape
    assert np.abs(drawn - portrait).max() > 100


def test_augment(client):
    from gradio_client import handle_file

    strengths = dict.fromkeys(AUGMENTATIONS, 0.0)
    same, *_ = client.predict(handle_file(PORTRAIT), 0, *strengths.values(), api_name="/augment")
    assert same["emotion"] == "happy"
    assert same["agreement"] == 1
    assert same["spread"] == pytest.approx(0, abs=1e-6)
    strengths |= PRESETS["full"]
    first, again, other = (
        client.predict(handle_file(PORTRAIT), seed, *strengths.values(), api_name="/augment")[0] for seed in (7, 7, 8)
    )
    assert first == again != other
    assert first["spread"] > 0
    assert len({view["probabilities"]["happy"] for view in first["views"]}) == len(first["views"])
    strengths = dict.fromkeys(AUGMENTATIONS, 0.0)
    strongest, *_ = client.predict(
        handle_file(PORTRAIT), 0, *(strengths | {"blur": AUGMENTATIONS["blur"].strongest}).values(), api_name="/augment"
    )
    beyond, *_ = client.predict(handle_file(PORTRAIT), -5, *(strengths | {"blur": 1e9}).values(), api_name="/augment")
    assert beyond == strongest


def test_analyze_video(client):
    from gradio_client import handle_file

    video, table, report, _ = client.predict(
        handle_file(ROOT / "examples" / "two_portraits.mp4"), api_name="/analyze_video"
    )
    assert [face["emotion"] for face in report["faces"]] == ["happy", "neutral"]
    assert video.endswith(".mp4")
    assert len(Path(table).read_text().splitlines()) == 1 + sum(face["frames"] for face in report["faces"])


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.png", b"", "empty.png: the file is empty"),
        ("huge.png", empty_png(30_000, 30_000), "huge.png: .* more than 150 megapixels"),
        ("cut.jpg", PORTRAIT.read_bytes()[:9000], "cut.jpg: damaged or truncated"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.svg: not a supported image"),
    ],
)
def test_unreadable_photos_get_a_clear_message(client, tmp_path, name, data, reason):
    from gradio_client import handle_file
    from gradio_client.exceptions import AppError

    (tmp_path / name).write_bytes(data)
    with pytest.raises(AppError, match=reason) as caught:
        client.predict(handle_file(tmp_path / name), api_name="/predict")
    assert str(tmp_path) not in str(caught.value)


def post(page_url: str, endpoint: str, *inputs: object) -> str:
    """Call an endpoint without a client, as in the page's instructions for curl."""
    payload = json.dumps({"data": inputs}).encode()
    address = f"{page_url}/gradio_api/call/{endpoint}"
    request = urllib.request.Request(address, payload, {"Content-Type": "application/json"})
    event = json.load(urllib.request.urlopen(request))["event_id"]
    return urllib.request.urlopen(f"{address}/{event}").read().decode()


@pytest.mark.parametrize("meta", [{}, {"meta": {}}, {"meta": {"_type": "gradio.FileData"}}])
def test_files_of_the_server_cannot_be_classified(page_url, meta):
    for path in (str(PORTRAIT), "/etc/passwd", "../../etc/passwd"):
        answer = post(page_url, "predict", {"path": path, **meta})
        assert "event: error" in answer
        assert "happy" not in answer
    assert "event: error" in post(page_url, "augment", {"path": str(PORTRAIT), **meta}, 0, *[0] * len(AUGMENTATIONS))


BASE64 = base64.b64encode(PORTRAIT.read_bytes()).decode()
DATA_URL = f"data:image/jpeg;base64,{BASE64}"
SENT = {
    "string": DATA_URL,
    "url": {"url": DATA_URL},
    "url, without a path": {"path": None, "url": DATA_URL, "meta": {"_type": "gradio.FileData"}},
    "Gradio 3's dictionary": {"data": DATA_URL, "name": "photo.jpg"},
    "broken lines": re.sub("(.{76})", r"\1\r\n", DATA_URL),
    "the alphabet for URLs, without padding": DATA_URL.replace("+", "-").replace("/", "_").rstrip("="),
    "percent-encoded": f"DATA:image/jpeg;charset=utf-8;BASE64,{urllib.parse.quote(BASE64, safe='')}",
}


@pytest.mark.parametrize("form", SENT)
def test_an_image_as_data_url_is_classified(page_url, form):
    answer = post(page_url, "predict", SENT[form])
    assert "event: complete" in answer
    assert '"emotion": "happy"' in answer


def test_an_image_as_data_url_is_augmented(page_url):
    for sent in (DATA_URL, {"url": DATA_URL}):
        answer = post(page_url, "augment", sent, 0, *[0] * len(AUGMENTATIONS))
        assert '"emotion": "happy", "agreement": 1.0' in answer


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        *((sent, "the image: not understood; upload a file, or send a data URL") for sent in (BASE64, "", 5, True, {})),
        *(
            (sent, "the image: not understood")
            for sent in ([DATA_URL], {"base64": BASE64}, "https://example.com/a.jpg")
        ),
        *((sent, "the image: not understood") for sent in ({"image": {"url": DATA_URL}}, {"path": 5}, {"url": 5})),
        ("data:image/jpeg;base64,@@@@", "the image: its base64 data is damaged"),
        ("data:image/jpeg;base64,", "the photo: the file is empty"),
        (DATA_URL[: len("data:image/jpeg;base64,") + 8000], "the photo: damaged or truncated"),
        ("data:text/plain,hello", "the photo: not a supported image"),
        (f"data:image/png;base64,{'A' * 50_000_000}", "the image: more than 32 MB"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_values_are_refused_in_one_line(page_url, server_log, sent, reason):
    logged = server_log.stat().st_size
    answer = post(page_url, "predict", sent)
    assert "event: error" in answer
    assert reason in answer
    assert server_log.stat().st_size == logged


def test_strengths_that_are_no_numbers_are_refused_in_one_line(page_url):
    answer = post(page_url, "augment", DATA_URL, 0, "strong", *[0] * (len(AUGMENTATIONS) - 1))
    assert "salt_and_pepper: must be a number" in answer
    assert '"agreement": 1.0' in post(page_url, "augment", DATA_URL, None, *[None] * len(AUGMENTATIONS))


def test_no_other_endpoint_is_public(client):
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {"/predict", "/augment", "/analyze_video"}
