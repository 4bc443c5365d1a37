"""What the page's handlers do, where it takes no browser to see it."""

import os
import time

import pytest

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
    """A folder that stands in for what ``make web`` builds."""
    from mini_xception.demo import browser

    monkeypatch.setattr(browser, "PAGE", tmp_path / "web")
    (tmp_path / "web").mkdir()
    for name in ("index.html", "code.js", "runtime.wasm", "model.onnx", "app.webmanifest"):
        (tmp_path / "web" / name).write_text("made up")
    return tmp_path / "web"


def serve_tab():
    """The tab alone: what it holds, and a client of its server."""
    from fastapi.testclient import TestClient
    from gradio.routes import App

    from mini_xception.demo.browser import browser_routes, browser_tab

    with gradio.Blocks() as page:
        browser_tab()
    (tab,) = [part["props"]["value"] for part in page.get_config_file()["components"] if part["type"] == "html"]
    return str(tab), TestClient(App.create_app(page, app_kwargs={"routes": browser_routes()}))


@pytest.mark.usefixtures("built")
def test_the_page_for_the_visitors_browser_is_served_with_its_types():
    tab, client = serve_tab()
    assert '<iframe src="browser/?embedded"' in tab
    assert 'allow="camera"' in tab
    assert client.get("/browser/").text == "made up"
    types = {
        "code.js": ("text/javascript", "application/javascript"),
        "runtime.wasm": ("application/wasm",),
        "model.onnx": ("application/octet-stream",),
        "app.webmanifest": ("application/manifest+json",),
    }
    for name, accepted in types.items():
        assert client.get(f"/browser/{name}").headers["content-type"].split(";")[0] in accepted
    assert client.get("/browser/../page.py").status_code == 404


def test_a_browser_asks_whether_what_it_keeps_is_still_the_same(built):
    _, client = serve_tab()
    first = client.get("/browser/code.js")
    assert first.headers["cache-control"] == "no-cache"
    assert client.get("/browser/code.js", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    (built / "code.js").write_text("a new build")
    again = client.get("/browser/code.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.text) == (200, "a new build")


def test_the_tab_of_a_page_that_is_not_built_says_how(built):
    from mini_xception.demo.texts import TEXTS

    (built / "index.html").unlink()
    tab, client = serve_tab()
    assert "in_browser_not_built" in tab
    assert all("<code>make web</code>" in text for text in TEXTS["in_browser_not_built"])
    assert client.get("/browser/").status_code == 404
