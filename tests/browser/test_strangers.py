"""Hostile requests to a public page, and what they must not achieve."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.conftest import PORTRAIT, ROOT

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


def test_photos_are_not_logged(page, server_log):
    page.set_input_files("input[type=file] >> nth=0", ROOT / "examples" / "two_portraits.jpg")
    page.wait_for_selector(".face")
    assert "two_portraits" not in server_log.read_text()
    assert "happy" not in server_log.read_text()
