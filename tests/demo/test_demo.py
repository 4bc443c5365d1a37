"""The page's handlers, routes and serving, as far as they can be tested without a browser."""

import os
import re
import socket
import string
import time

import pytest

from mini_xception import EMOTIONS, MiniXception, MiniXceptionError
from mini_xception.checkpoint.folder import BUNDLED
from mini_xception.network.classifier import Classifier
from tests.conftest import PORTRAIT

gradio = pytest.importorskip("gradio")


def test_an_expired_upload_is_reported_in_the_visitors_language(tmp_path):
    from mini_xception.demo.photo import renew_upload

    gone = {"path": str(tmp_path / "gone.jpg"), "orig_name": "me.jpg"}
    for language, reason in (
        (0, "This file has expired: uploads are deleted after one minute. Choose it again."),
        (1, "文件已过期：上传的文件会在一分钟后删除。请重新选择。"),
    ):
        with pytest.raises(gradio.Error, match=reason):
            renew_upload(gone, language)


def test_an_upload_in_use_is_kept(tmp_path):
    from mini_xception.demo.photo import renew_upload

    path = tmp_path / "me.jpg"
    path.write_bytes(b"a photo")
    os.utime(path, (0, 0))
    assert renew_upload({"path": str(path)}, 0) == str(path)
    assert path.stat().st_mtime > time.time() - 60


def test_a_camera_frame_cannot_be_a_file_of_the_server(tmp_path, monkeypatch):
    """A browser sends frames as data URLs, but a request can state any path."""
    from mini_xception.demo.webcam import _bytes_of

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    camera = gradio.Image()
    for path in (str(PORTRAIT), str(tmp_path / ".." / "photo.jpg"), None, 5, "a\0b"):
        assert _bytes_of({"path": path}, camera) == b""
    assert _bytes_of({"path": str(tmp_path / "upload" / "frame.jpg")}, camera) != b""
    assert _bytes_of({"path": str(PORTRAIT), "url": "data:image/jpeg;base64,YWJj"}, camera) == b"abc"


def test_both_languages_have_the_same_values_and_tags():
    from mini_xception.demo.texts import TEXTS

    for key, texts in TEXTS.items():
        fields = [sorted(name for _, name, _, _ in string.Formatter().parse(text) if name) for text in texts]
        tags = [re.findall(r"</?\w+>", text) for text in texts]
        assert fields[0] == fields[1], key
        assert tags[0] == tags[1], key


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A folder like the one that ``make web`` builds, with the bundled weights."""
    from mini_xception.demo import browser

    folder = tmp_path / "web"
    monkeypatch.setattr(browser, "PAGE", folder)
    (folder / "models").mkdir(parents=True)
    for name in ("index.html", "code.js", "runtime.wasm", "app.webmanifest", "models/pnet.onnx"):
        (folder / name).write_text("made up")
    (folder / "models" / "model.onnx").write_bytes((BUNDLED / "model.onnx").read_bytes())
    return folder


def serve_tab(classifier, root_path=""):
    """Serve the tab alone; return its HTML, and a client at the address that its frame shows."""
    from fastapi.testclient import TestClient
    from gradio.routes import App

    from mini_xception.demo.browser import browser_routes, browser_tab

    with gradio.Blocks() as page:
        browser_tab(classifier)
    page.root_path = root_path
    (tab,) = [part["props"]["value"] for part in page.get_config_file()["components"] if part["type"] == "html"]
    app = App.create_app(page, app_kwargs={"routes": browser_routes(classifier)})
    shown = re.search(r'<iframe src="(browser/\w+/)\?embedded".* allow="camera"', str(tab))
    return str(tab), TestClient(app, base_url=f"http://page/{shown[1] if shown else 'browser/any/'}")


@pytest.mark.usefixtures("built")
def test_the_browser_page_is_served_with_its_content_types(recognizer):
    tab, client = serve_tab(recognizer.classifier)
    assert "<iframe" in tab
    assert client.get("").text == "made up"
    types = {
        "code.js": ("text/javascript", "application/javascript"),
        "runtime.wasm": ("application/wasm",),
        "models/model.onnx": ("application/octet-stream",),
        "app.webmanifest": ("application/manifest+json",),
    }
    for name, accepted in types.items():
        assert client.get(name).headers["content-type"].split(";")[0] in accepted
    assert client.get("%2e%2e/page.py").status_code == 404


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("root_path", ["/faces", "https://example.org/faces"])
@pytest.mark.parametrize("labels", [None, ("no", "yes")])
def test_it_is_served_behind_a_proxy(recognizer, root_path, labels):
    """The proxy serves the page under a prefix, and strips the prefix before it forwards a request."""
    classifier = Classifier.from_model(MiniXception(labels=labels)) if labels else recognizer.classifier
    _, client = serve_tab(classifier, root_path)
    assert client.get("").text == "made up"
    assert client.get("models/model.onnx").status_code == 200


def test_a_browser_revalidates_cached_files(built, recognizer):
    _, client = serve_tab(recognizer.classifier)
    first = client.get("code.js")
    assert first.headers["cache-control"] == "no-cache"
    assert client.get("code.js", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    (built / "code.js").write_text("a new build")
    again = client.get("code.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.text) == (200, "a new build")


def test_the_tab_uses_the_checkpoint_of_the_page(built, recognizer):
    """Its files have a separate address, because browsers cache those of the other checkpoint."""
    onnx = pytest.importorskip("onnx")
    other = Classifier.from_model(MiniXception(labels=("no", "yes")))
    tab, client = serve_tab(other)
    graph = client.get("models/model.onnx")
    proto = onnx.load_from_string(graph.content)
    assert {entry.key: entry.value for entry in proto.metadata_props}["labels"] == '["no", "yes"]'
    assert graph.headers["content-type"] == "application/octet-stream"
    assert graph.headers["cache-control"] == "no-cache"
    cached = {"If-None-Match": graph.headers["etag"]}
    assert client.get("models/model.onnx", headers=cached).status_code == 304
    assert client.get("models/pnet.onnx").text == "made up"
    assert client.get("code.js").text == "made up"

    bundled_tab, client = serve_tab(recognizer.classifier)
    assert bundled_tab != tab
    again = client.get("models/model.onnx", headers=cached)
    assert (again.status_code, again.content) == (200, (built / "models" / "model.onnx").read_bytes())


def test_the_tab_says_how_to_build_its_page(built, recognizer):
    from mini_xception.demo.texts import TEXTS

    (built / "index.html").unlink()
    tab, client = serve_tab(recognizer.classifier)
    assert "in_browser_not_built" in tab
    assert all("<code>make web</code>" in text for text in TEXTS["in_browser_not_built"])
    assert client.get("").status_code == 404


def test_old_files_are_deleted_while_the_server_runs_and_not_after(recognizer, monkeypatch):
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from mini_xception.demo import mount, page

    passes = []
    monkeypatch.setattr(page, "delete_old_files", lambda _, age_s: passes.append(age_s))
    monkeypatch.setattr(page, "CACHE_AGE_S", 0.01)
    with TestClient(mount(FastAPI(), recognizer=recognizer)):
        deadline = time.monotonic() + 30
        while len(passes) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    count = len(passes)
    assert count >= 3
    assert set(passes) == {0.01}
    time.sleep(0.1)
    assert len(passes) <= count + 1  # One pass may have been running.


@pytest.mark.parametrize(
    ("host", "port", "reason"),
    [
        (
            "127.0.0.1",
            None,
            "127.0.0.1:{port}: cannot listen on this address (Address already in use); choose another host or port",
        ),
        ("192.0.2.1", 7860, "192.0.2.1:7860: cannot listen on this address ("),
        ("no such host", 7860, "no such host:7860: cannot listen on this address ("),
        ("127.0.0.1", 70_000, "127.0.0.1:70000: cannot listen on this address ("),
    ],
)
def test_an_address_that_cannot_be_used_is_reported_at_once(host, port, reason):
    from mini_xception.demo import launch

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = port or taken.getsockname()[1]
        with pytest.raises(MiniXceptionError) as caught:
            launch("checkpoint that is never loaded", host=host, port=port)
    assert str(caught.value).startswith(reason.format(port=port))


def test_the_command_passes_its_options(monkeypatch, tmp_path):
    from mini_xception import demo
    from mini_xception.cli import main

    calls = []
    monkeypatch.setattr(demo, "launch", lambda **options: calls.append(options))
    MiniXception(labels=("no", "yes")).save_pretrained(tmp_path)
    monkeypatch.setenv("MINI_XCEPTION_CHECKPOINT", str(tmp_path))
    assert main(["demo"]) == 0
    command = ["demo", "--host", "0.0.0.0", "--port", "8000", "--share", "--checkpoint", str(BUNDLED)]
    assert main([*command, "--min-face-size", "20"]) == 0
    recognizers = [options.pop("recognizer") for options in calls]
    assert calls == [
        {"host": None, "port": None, "share": False},
        {"host": "0.0.0.0", "port": 8000, "share": True},
    ]
    assert [recognizer.labels for recognizer in recognizers] == [("no", "yes"), EMOTIONS]
    assert recognizers[1].cropper.min_face_size == 20
