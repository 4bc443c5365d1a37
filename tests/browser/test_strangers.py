"""Hostile requests to a public page, and what they must not achieve."""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import json
import urllib.error
import urllib.parse
import urllib.request

import pytest
from PIL import Image

from tests.browser.conftest import FACE
from tests.conftest import PORTRAIT, ROOT
from tests.media.test_image import empty_png, encode
from tests.media.test_metadata import segment

pytestmark = pytest.mark.browser


def fetch(url: str | urllib.request.Request) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize(
    "path", ["/etc/passwd", str(PORTRAIT), "../../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "pyproject.toml"]
)
def test_the_servers_files_are_not_served(page_url, path):
    status, body = fetch(f"{page_url}/gradio_api/file={path}")
    assert status in (403, 404)
    assert b"root:" not in body


def test_a_file_name_cannot_escape_the_cache(page_url):
    status, answer = upload(page_url, "../../../../tmp/escaped.png", PORTRAIT.read_bytes())
    assert status == 200
    (path,) = json.loads(answer)
    assert path.endswith("/escaped.png")
    assert "gradio" in path
    assert ".." not in path


def test_200_megabytes_are_refused(page_url):
    status, answer = upload(page_url, "large.jpg", bytes(200 * 1024 * 1024))
    assert status == 413
    assert b"exceeded" in answer


def upload(page_url: str, name: str, data: bytes) -> tuple[int, bytes]:
    boundary = "----a-boundary"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
    body = io.BytesIO(head + data + f"\r\n--{boundary}--\r\n".encode())
    address = urllib.parse.urlsplit(page_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(len(body.getvalue()))}
    # The server can refuse before all data is sent. Its answer can still be read.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", "/gradio_api/upload", body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def test_a_script_in_a_file_name_does_not_run(page, tmp_path):
    name = "<img src=x onerror=\"document.title='owned'\">.jpg"
    (tmp_path / name).write_text("not an image")
    page.set_input_files("input[type=file] >> nth=0", tmp_path / name)
    page.wait_for_selector("text=not a supported image")
    page.wait_for_timeout(300)
    assert page.title() != "owned"
    assert page.locator("img[src=x]").count() == 0


def test_an_svg_with_a_script_is_refused(page, tmp_path):
    path = tmp_path / "drawing.svg"
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>document.title='owned'</script></svg>")
    page.set_input_files("input[type=file] >> nth=0", path)
    page.wait_for_selector("text=drawing.svg: not a supported image")
    assert page.title() != "owned"


DAMAGED = {
    "cut.webp": (encode(Image.open(PORTRAIT), "WEBP")[:5000], "cut.webp: damaged or truncated"),
    "cut.avif": (encode(Image.open(PORTRAIT), "AVIF")[:3000], "cut.avif: damaged or truncated"),
    "empty.png": (b"", "empty.png: the file is empty"),
    "huge.png": (empty_png(30_000, 30_000), "huge.png: the image has more than 150 megapixels"),
    "page.jpg": (b"<html>not found</html>", "page.jpg: not a supported image"),
}


def test_damaged_photos_are_one_line_each(page, tmp_path, server_log):
    logged = server_log.stat().st_size
    for name, (data, reason) in DAMAGED.items():
        (tmp_path / name).write_bytes(data)
        page.set_input_files("input[type=file] >> nth=0", tmp_path / name)
        page.wait_for_selector(f"text={reason}")
        page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first.click()
        page.wait_for_selector("#result >> text=Choose a photo")
    assert server_log.stat().st_size == logged
    # Damage around the pixels does not matter.
    (tmp_path / "portrait.jpg").write_bytes(segment(0xE2, b"ICC_PROFILE\0\x01", PORTRAIT.read_bytes()[:-2]))
    page.set_input_files("input[type=file] >> nth=0", tmp_path / "portrait.jpg")
    page.wait_for_selector(f"{FACE} h2 >> text=happy")


def test_nothing_is_left_of_damaged_images(recognizer, tmp_path, monkeypatch):
    """The page runs in this process, because the server deletes files only after a minute."""
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from mini_xception.demo import mount, page

    pages = []
    build_page = page.build_page
    monkeypatch.setattr(page, "build_page", lambda recognizer: pages.append(build_page(recognizer)) or pages[0])
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with TestClient(mount(FastAPI(), "/faces", recognizer=recognizer)) as client:
        # The page itself stores its own files once.
        before = sorted(tmp_path.rglob("*"))
        for name, (data, reason) in {**DAMAGED, "fine.jpg": (PORTRAIT.read_bytes(), "event: complete")}.items():
            (path,) = client.post("/faces/gradio_api/upload", files={"files": (name, data)}).json()
            url = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
            for sent in ({"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}, url):
                call = "/faces/gradio_api/call/predict"
                event = client.post(call, json={"data": [sent]}).json()["event_id"]
                expected = reason if isinstance(sent, dict) else reason.replace(name, "the photo")
                assert expected in client.get(f"{call}/{event}").text
        assert len(sorted(tmp_path.rglob("*"))) > len(before)
        page.delete_old_files(pages[0], 0)
        assert sorted(tmp_path.rglob("*")) == before


def test_photos_are_not_logged(page, server_log):
    page.set_input_files("input[type=file] >> nth=0", ROOT / "examples" / "two_portraits.jpg")
    page.wait_for_selector(FACE)
    assert "two_portraits" not in server_log.read_text()
    assert "happy" not in server_log.read_text()
