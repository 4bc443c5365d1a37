"""The page of docs/embedding.md that shows the browser page in a frame and receives its messages."""

from __future__ import annotations

import re

import pytest

from benchmarks.server import BROWSER_PAGE, serve_files
from mini_xception import EMOTIONS
from tests.browser.test_embedding import frame_address
from tests.browser.test_webcam import camera as camera
from tests.browser.web_page import open_page, show_photo, start_camera
from tests.conftest import PORTRAIT, ROOT

pytestmark = pytest.mark.browser

if not (BROWSER_PAGE / "index.html").is_file():
    pytest.skip("the page of web/ is not built; run make web", allow_module_level=True)

(AROUND,) = re.findall(r"```html\n(.*?)```", (ROOT / "docs" / "embedding.md").read_text(), re.DOTALL)
#: Keeps the messages. It also listens to those that the page of the docs would ignore.
LISTEN = "window.messages = []; addEventListener('message', ({data, origin}) => messages.push([origin, data]))"
FACE = {"box", "score", "emotion", "confidence", "probabilities", "track_id", "landmarks", "roll_degrees", "evidence"}


@pytest.fixture
def around(tmp_path):
    """A function that serves the page of the docs around a frame, and returns its address on localhost."""
    (tmp_path / "around").mkdir()
    with serve_files(tmp_path / "around") as host:

        def write(address: str, post: str = "${location.origin}") -> str:
            page = AROUND.replace("https://example.org/faces/", address).replace("${location.origin}", post)
            (tmp_path / "around" / "index.html").write_text(page)
            return host.url.replace("127.0.0.1", "localhost")

        yield write


def open_around(browser, url: str):
    page = open_page(browser, "about:blank")
    page.add_init_script(LISTEN)
    page.goto(url)
    frame = page.frame_locator("iframe")
    frame.get_by_text("Example photo, classified on this device").wait_for()
    return page, frame


def test_it_posts_the_results_to_the_page_around_it(camera, around):
    with serve_files(BROWSER_PAGE) as host:
        url = around(f"{host.url}/")
        page, frame = open_around(camera, url)
        frame.get_by_text("Images stay on this device.").wait_for()
        frame.get_by_text(f"The page around this frame, {url}, receives the results").wait_for()
        assert page.evaluate("messages") == []
        start_camera(frame)
        page.get_by_text(re.compile(r"happy, \d+ %")).wait_for()
        frame.get_by_role("button", name="Stop the camera").click()
        origin, message = page.evaluate("messages").pop()
        assert origin == host.url
        assert set(message) == {"type", "version", "time_ms", "width", "height", "faces"}
        assert [message[name] for name in ("type", "version", "width", "height")] == ["mini-xception", 1, 640, 480]
        (face,) = message["faces"]
        assert set(face) == FACE
        assert (face["emotion"], face["track_id"]) == ("happy", 1)
        assert list(face["probabilities"]) == list(face["evidence"]) == list(EMOTIONS)

        show_photo(frame, PORTRAIT)
        _, message = page.evaluate("messages").pop()
        assert (message["width"], message["height"], message["faces"][0]["track_id"]) == (512, 512, None)
        assert [line for line in page.complaints if line.startswith(host.url)] == []
        page.context.close()


def test_the_page_of_the_demo_posts_too(camera, around, page_url):
    """Gradio's server allows frames of other origins, and the camera works in them."""
    page, frame = open_around(camera, around(frame_address(page_url)))
    start_camera(frame)
    page.get_by_text(re.compile(r"happy, \d+ %")).wait_for()
    page.context.close()


@pytest.mark.parametrize(
    ("post", "complaint"),
    [
        ("*", "“?post=*” is not an origin such as https://example.org"),
        ("https://example.com", "“?post=https://example.com” is not the origin of the page around this frame"),
    ],
    ids=["anyone", "another origin"],
)
def test_nobody_else_receives_the_results(chromium, around, post, complaint):
    with serve_files(BROWSER_PAGE) as host:
        page, frame = open_around(chromium, around(f"{host.url}/", post))
        show_photo(frame, PORTRAIT)
        frame.get_by_text(complaint).wait_for()
        frame.get_by_text("Nothing leaves this device.").wait_for()
        assert page.evaluate("messages") == []
        assert [complaint in line for line in page.complaints if line.startswith(host.url)] == [True]
        page.context.close()
