"""What ``gradio_client`` users get."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ..conftest import PORTRAIT

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


def test_error(client, tmp_path):
    from gradio_client import handle_file
    from gradio_client.exceptions import AppError

    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(AppError, match=r"empty\.png: the file is empty"):
        client.predict(handle_file(tmp_path / "empty.png"), api_name="/predict")


def test_only_named_endpoints(client):
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {"/predict"}
