"""The browser's reader in its worker, in a real Chromium: its answers, and its recovery from errors."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import onnx
import pytest

from mini_xception import EMOTIONS, MiniXception
from mini_xception.export import export_web
from tests.conftest import PORTRAIT, ROOT

pytestmark = pytest.mark.browser

WEB = ROOT / "web"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A page with the worker only, the models, and folders of models that cannot be used."""
    if not shutil.which("npx") or not (WEB / "node_modules").is_dir():
        pytest.skip("the browser page's packages are not installed; run npm ci --prefix web")
    site = tmp_path_factory.mktemp("site")
    command = ["npx", "vite", "build", "tests/reader/chromium", "--outDir", site, "--emptyOutDir"]
    subprocess.run(command, cwd=WEB, check=True, capture_output=True)
    export_web(MiniXception.from_pretrained(), site / "models")
    shutil.copy(PORTRAIT, site / "portrait.jpg")
    for name in ("damaged", "bare", "newer", "other labels"):
        shutil.copytree(site / "models", site / name)
    (site / "damaged" / "model.onnx").write_bytes((site / "models" / "model.onnx").read_bytes()[:100_000])
    change_metadata(site / "bare" / "model.onnx", lambda metadata: metadata.clear())
    change_metadata(site / "newer" / "model.onnx", lambda metadata: metadata.update(format_version="2"))
    change_metadata(site / "other labels" / "model.onnx", lambda metadata: metadata.update(labels='["up", "down"]'))
    return site


def change_metadata(path: Path, change: Callable[[dict[str, str]], None]) -> None:
    proto = onnx.load(path)
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    change(metadata)
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, metadata)
    onnx.save(proto, path)


@pytest.fixture(scope="module")
def serve(site) -> Iterator[Callable[..., str]]:
    """Serve the page with these additional headers, and return its URL."""
    servers = []

    def start(**headers: str) -> str:
        class Handler(SimpleHTTPRequestHandler):
            def end_headers(self) -> None:
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                super().end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=site))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/index.html"

    yield start
    for server in servers:
        server.shutdown()


@pytest.fixture
def page(chromium, serve) -> Iterator:
    page = chromium.new_page()
    page.set_default_timeout(120_000)
    page.goto(serve())
    yield page
    page.close()


def emotions(answer: dict) -> list[str]:
    """Return the most probable label of each face."""
    assert answer["kind"] == "faces", answer
    faces = answer["faces"]
    return [max(zip(face["probabilities"], EMOTIONS, strict=True))[1] for face in faces]


def test_a_photo(page):
    loaded = page.evaluate("load('models')")
    assert loaded["kind"] == "loaded", loaded
    assert (loaded["labels"], loaded["backend"], loaded["threads"]) == (list(EMOTIONS), "wasm", 1)
    answer = page.evaluate("recognize('photo', 'portrait.jpg')")
    assert emotions(answer) == ["happy"]
    (face,) = answer["faces"]
    assert face["trackId"] is None
    assert sum(face["probabilities"]) == pytest.approx(1)
    assert 0 < answer["timings"]["detectMs"] + answer["timings"]["classifyMs"] < answer["timings"]["totalMs"]


def test_a_stream_and_another_one(page):
    page.evaluate("load('models')")
    answers = [
        page.evaluate("([t, x]) => recognize('frame', 'portrait.jpg', t, x)", [t / 10, 4 * t]) for t in range(12)
    ]
    assert [[face["trackId"] for face in answer["faces"]] for answer in answers] == [[1]] * 12
    assert answers[-1]["faces"][0]["box"][0] == pytest.approx(answers[0]["faces"][0]["box"][0] + 44, abs=6)
    # After a jump, the face counts as a new one. In a new stream, it is the first face.
    assert [face["trackId"] for face in page.evaluate("recognize('frame', 'portrait.jpg', 2, 200)")["faces"]] == [2]
    page.evaluate("forget()")
    assert [face["trackId"] for face in page.evaluate("recognize('frame', 'portrait.jpg', 3)")["faces"]] == [1]


def test_frames_that_arrive_too_fast_are_answered_in_order(page):
    page.evaluate("load('models')")
    answers = page.evaluate("Promise.all([0, 1, 2].map(t => recognize('frame', 'portrait.jpg', t / 30)))")
    assert [emotions(answer) for answer in answers] == [["happy"]] * 3


@pytest.mark.parametrize(
    ("models", "failure", "detail"),
    [
        ("nowhere", "no-download", "nowhere/"),
        ("damaged", "bad-checkpoint", "damaged, or not an ONNX file"),
        ("bare", "bad-checkpoint", "metadata labels is missing"),
        ("newer", "bad-checkpoint", "format_version is 2, but this page reads 1"),
        ("other labels", "bad-checkpoint", "7 logits for 2 labels"),
    ],
)
def test_models_that_cannot_be_loaded_and_then_good_ones(page, models, failure, detail):
    failed = page.evaluate("folder => load(folder)", models)
    assert (failed["kind"], failed["failure"]) == ("failed", failure)
    assert detail in failed["detail"]
    assert page.evaluate("recognize('photo', 'portrait.jpg')")["failure"] == "other"
    assert page.evaluate("load('models')")["kind"] == "loaded"
    assert emotions(page.evaluate("recognize('photo', 'portrait.jpg')")) == ["happy"]


def test_an_image_before_the_models(page):
    failed = page.evaluate("recognize('photo', 'portrait.jpg')")
    assert (failed["failure"], "the models are not loaded" in failed["detail"]) == ("other", True)


def test_the_runtime_cannot_be_downloaded(page):
    page.route("**/*.wasm", lambda route: route.abort())
    assert page.evaluate("load('models')")["failure"] == "no-download"


def test_no_simd(start_chromium, serve):
    """V8 has no SIMD without SSE4.1."""
    browser = start_chromium("--js-flags=--no-enable-sse4-1")
    page = browser.new_page()
    page.goto(serve())
    assert page.evaluate("load('models')")["failure"] == "no-simd"
    browser.close()


def test_threads_if_the_page_is_cross_origin_isolated(chromium, serve):
    page = chromium.new_page()
    page.goto(serve(Cross_Origin_Opener_Policy="same-origin", Cross_Origin_Embedder_Policy="require-corp"))
    assert page.evaluate("crossOriginIsolated")
    cores = page.evaluate("navigator.hardwareConcurrency")
    assert page.evaluate("load('models')")["threads"] == max(1, min(4, cores // 2))
    assert emotions(page.evaluate("recognize('photo', 'portrait.jpg')")) == ["happy"]
    page.close()


@pytest.mark.slow
def test_a_software_graphics_card(start_chromium, serve):
    """It gives the same results but is too slow to be chosen. If it is lost, WebAssembly continues."""
    browser = start_chromium("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
    page = browser.new_page()
    page.set_default_timeout(300_000)
    page.goto(serve())
    found = page.evaluate("compareEngines('models')")
    if found is None:
        pytest.skip("this Chromium has no SwiftShader")
    assert found["webgpu"] == pytest.approx(found["wasm"], abs=1e-4)
    assert found["webgpu"] != found["wasm"]
    assert found["lost"] == found["wasm"]
    assert found["chosen"] == "wasm"
    assert page.evaluate("load('models')")["backend"] == "wasm"
    browser.close()
