"""The API, as users of ``gradio_client`` see it."""

from __future__ import annotations

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
    assert [face["emotion"] for face in report["faces"]] == ["happy", "happy"]
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


def test_files_of_the_server_cannot_be_classified(page_url):
    import json
    import urllib.request

    def post(path: str) -> str:
        payload = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
        request = urllib.request.Request(
            f"{page_url}/gradio_api/call/predict", json.dumps(payload).encode(), {"Content-Type": "application/json"}
        )
        event = json.load(urllib.request.urlopen(request))["event_id"]
        return urllib.request.urlopen(f"{page_url}/gradio_api/call/predict/{event}").read().decode()

    assert "event: error" in post(str(PORTRAIT))
    assert "event: error" in post("/etc/passwd")


def test_no_other_endpoint_is_public(client):
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {"/predict", "/augment", "/analyze_video"}
