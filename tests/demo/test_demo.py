"""What the page's handlers do, where it takes no browser to see it."""

import os
import re
import time

import pytest

from mini_xception import MiniXception
from mini_xception.checkpoint.folder import BUNDLED

gradio = pytest.importorskip("gradio")


def test_an_upload_that_was_deleted_is_said_in_the_visitors_language(tmp_path):
    from mini_xception.demo.photo import take_upload

    gone = {"path": str(tmp_path / "gone.jpg"), "orig_name": "me.jpg"}
    for language, reason in ((0, "deleted after a minute"), (1, "一分钟后即删除")):
        with pytest.raises(gradio.Error, match=reason):
            take_upload(gone, language)


def test_an_upload_in_use_is_kept(tmp_path):
    from mini_xception.demo.photo import take_upload

    path = tmp_path / "me.jpg"
    path.write_bytes(b"a photo")
    os.utime(path, (0, 0))
    assert take_upload({"path": str(path)}, 0) == str(path)
    assert path.stat().st_mtime > time.time() - 60


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A folder that stands in for what ``make web`` builds, with the bundled weights."""
    from mini_xception.demo import browser

    folder = tmp_path / "web"
    monkeypatch.setattr(browser, "PAGE", folder)
    (folder / "models").mkdir(parents=True)
    for name in ("index.html", "code.js", "runtime.wasm", "app.webmanifest"):
        (folder / name).write_text("made up")
    (folder / "models" / "model.onnx").write_bytes((BUNDLED / "model.onnx").read_bytes())
    return folder


def serve_tab(model, folder, root_path=""):
    """The tab alone: what it holds, and a client of its server, in the folder that the tab's frame shows."""
    from fastapi.testclient import TestClient
    from gradio.routes import App

    from mini_xception.demo.browser import browser_routes, browser_tab

    with gradio.Blocks() as page:
        browser_tab(model)
    page.root_path = root_path
    (tab,) = [part["props"]["value"] for part in page.get_config_file()["components"] if part["type"] == "html"]
    app = App.create_app(page, app_kwargs={"routes": browser_routes(model, folder)})
    shown = re.search(r'<iframe src="(browser/\w+/)\?embedded".* allow="camera"', str(tab))
    return str(tab), TestClient(app, base_url=f"http://page/{shown[1] if shown else 'browser/any/'}")


@pytest.mark.usefixtures("built")
def test_the_page_for_the_visitors_browser_is_served_with_its_types(recognizer, tmp_path):
    tab, client = serve_tab(recognizer.model, tmp_path)
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
def test_it_is_served_behind_a_proxy(recognizer, tmp_path, root_path):
    """One that serves the page under an address of its own, which it takes off before it asks the server."""
    _, client = serve_tab(recognizer.model, tmp_path, root_path)
    assert client.get("").text == "made up"
    assert client.get("models/model.onnx").status_code == 200


def test_a_browser_asks_whether_what_it_keeps_is_still_the_same(built, recognizer, tmp_path):
    _, client = serve_tab(recognizer.model, tmp_path)
    first = client.get("code.js")
    assert first.headers["cache-control"] == "no-cache"
    assert client.get("code.js", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    (built / "code.js").write_text("a new build")
    again = client.get("code.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.text) == (200, "a new build")


def test_the_visitors_browser_gets_the_networks_of_the_pages_checkpoint(built, recognizer, tmp_path):
    """At an address of their own: a browser keeps those of the other."""
    onnx = pytest.importorskip("onnx")
    other = MiniXception(labels=("no", "yes"))
    tab, client = serve_tab(other, tmp_path / "networks")
    proto = onnx.load_from_string(client.get("models/model.onnx").content)
    assert {entry.key: entry.value for entry in proto.metadata_props}["labels"] == '["no", "yes"]'
    assert client.get("models/pnet.onnx").status_code == 200
    assert client.get("code.js").text == "made up"

    bundled_tab, client = serve_tab(recognizer.model, tmp_path / "not needed")
    assert bundled_tab != tab
    assert client.get("models/model.onnx").content == (built / "models" / "model.onnx").read_bytes()
    assert not (tmp_path / "not needed").exists()


def test_the_tab_of_a_page_that_is_not_built_says_how(built, recognizer, tmp_path):
    from mini_xception.demo.texts import TEXTS

    (built / "index.html").unlink()
    tab, client = serve_tab(recognizer.model, tmp_path)
    assert "in_browser_not_built" in tab
    assert all("<code>make web</code>" in text for text in TEXTS["in_browser_not_built"])
    assert client.get("").status_code == 404
