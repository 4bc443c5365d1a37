"""The Webcam tab as visitors see it: python -m benchmarks.webcam [--visitors 4 --seconds 60]

Each visitor is a headless Chromium of his own, whose camera shows a moving portrait at 640×480 with the frame's number
and the visitor's in black and white blocks at its edge. A script in the page reads these blocks from the camera's
<video> and from the annotated picture, in the moment when each is shown. Printed are, for each visitor: annotated
frames a second (a picture that is shown twice counts once), the time from a frame on the <video> to the same frame
annotated, and pictures that carried another visitor's number. Server and browsers share this machine.
"""

from __future__ import annotations

import argparse
import math
import shutil
import statistics
import tempfile
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.machine import machine
from benchmarks.server import ROOT, Server, serve

WIDTH, HEIGHT = 640, 480
#: The film repeats itself after so many frames, at 30 a second; no answer takes half as long.
FILM_FRAMES = 240
LONGEST_MS = FILM_FRAMES / 30 * 1e3 / 2
#: Blocks at the left edge, from the top: visitor, frame, and a parity bit that tells a misread one.
VISITOR_BITS, FRAME_BITS = 4, 11
BITS = VISITOR_BITS + FRAME_BITS + 1
BLOCK = HEIGHT // BITS
#: Pictures before are not counted: the first ones wait for what is loaded at first use.
WARM_UP_S = 5

#: Notes when each frame of the camera, and each annotated picture, is shown. The page mirrors the picture it sends.
WATCH = """([bits, block]) => {
    const pen = new OffscreenCanvas(1, bits).getContext("2d", {willReadFrequently: true});
    pen.imageSmoothingEnabled = false;
    const read = (picture, left) => {
        pen.drawImage(picture, left, 0, block, bits * block, 0, 0, 1, bits);
        const pixels = pen.getImageData(0, 0, 1, bits).data;
        return Array.from({length: bits}, (_, i) => pixels[4 * i] > 127 ? 1 : 0);
    };
    const video = document.querySelector("#camera video"), camera = [], annotated = [];
    const next = () => video.requestVideoFrameCallback(() => {
        camera.push([performance.now(), read(video, 0)]);
        next();
    });
    next();
    let last;
    new MutationObserver(async () => {
        const picture = document.querySelector("#live img");
        if (!picture || picture.src === last) return;
        last = picture.src;
        try { await picture.decode(); } catch { return; }  // replaced before it was shown
        requestAnimationFrame(() => {
            annotated.push([performance.now(), read(picture, picture.naturalWidth - block)]);
        });
    }).observe(document.querySelector("#live"), {subtree: true, childList: true, attributes: true});
    window.watched = {camera, annotated};
}"""


@dataclass(frozen=True)
class Shown:
    """A picture on the page.

    Attributes:
        time_ms: when it was shown, on the page's clock.
        visitor: whose camera took it.
        frame: its number in that camera's film.
    """

    time_ms: float
    visitor: int
    frame: int


def film(path: Path, visitor: int) -> None:
    """Write a visitor's film: JPEGs one after the other, which Chromium takes for a camera of 30 frames a second."""
    portrait = cv2.imread(str(ROOT / "examples" / "eileen_collins.jpg"))
    assert portrait is not None
    portrait = cv2.resize(portrait, (400, 400), interpolation=cv2.INTER_AREA)
    with path.open("wb") as file:
        for number in range(FILM_FRAMES):
            frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            left = 120 + round(40 * np.sin(2 * np.pi * number / FILM_FRAMES))
            frame[60:460, left : left + 400] = portrait
            blocks = np.array(encode(visitor, number), np.uint8).repeat(BLOCK) * 255
            frame[: len(blocks), :BLOCK] = blocks[:, np.newaxis, np.newaxis]
            file.write(cv2.imencode(".jpg", frame)[1].tobytes())


def encode(visitor: int, frame: int) -> list[int]:
    bits = [int(bit) for bit in f"{visitor:0{VISITOR_BITS}b}{frame:0{FRAME_BITS}b}"]
    return [*bits, 1 - sum(bits) % 2]  # Odd, so that neither all black nor all white is valid.


def decode(watched: list[tuple[float, list[int]]]) -> list[Shown]:
    """The pictures whose blocks can be read."""
    shown = []
    for time_ms, bits in watched:
        number = int("".join(map(str, bits[:-1])), 2)
        if bits == encode(number >> FRAME_BITS, number % 2**FRAME_BITS):
            shown.append(Shown(time_ms, number >> FRAME_BITS, number % 2**FRAME_BITS))
    return shown


def open_webcam(playwright: Any, url: str, film: Path) -> Any:
    """A page of a new browser, whose camera runs the film and is being read."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("there is no chromium on this machine (Debian: apt-get install chromium)")
    browser = playwright.chromium.launch(
        executable_path=chromium,
        args=[
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        ],
    )
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(60_000)
    page.goto(url)
    page.get_by_role("tab", name="Webcam").click()
    page.locator("#camera").get_by_text("Click to Access Webcam").click()
    page.locator("#camera").get_by_label("capture photo").click()
    page.wait_for_selector("#live img")
    return page


def report(visitor: int, watched: dict[str, list[tuple[float, list[int]]]], start_ms: float) -> str:
    """One line for one visitor."""
    camera, annotated = (decode(watched[name]) for name in ("camera", "annotated"))
    foreign = sum(picture.visitor != visitor for picture in annotated)
    latencies, times, last = [], [], None
    seen = deque(camera)
    taken: dict[int, float] = {}
    for picture in annotated:
        while seen and seen[0].time_ms <= picture.time_ms:
            frame = seen.popleft()
            taken[frame.frame] = frame.time_ms
        if picture.time_ms < start_ms or picture.frame == last:
            continue
        last = picture.frame
        times.append(picture.time_ms)
        latency_ms = picture.time_ms - taken.get(picture.frame, -math.inf)
        if latency_ms < LONGEST_MS:  # else the camera's picture was not seen, or in an earlier repetition alone
            latencies.append(latency_ms)
    if len(latencies) < 2:
        return f"visitor {visitor}: {len(annotated)} annotated pictures, too few to measure"
    rate = (len(times) - 1) / (times[-1] - times[0]) * 1e3
    camera_rate = (len(camera) - 1) / (camera[-1].time_ms - camera[0].time_ms) * 1e3
    return (
        f"visitor {visitor}: {rate:.1f} annotated frames/s of the camera's {camera_rate:.1f}; latency "
        f"{statistics.median(latencies):.0f} ms (median), {statistics.quantiles(latencies, n=20)[-1]:.0f} ms (95 %); "
        f"{len(times)} frames, {foreign} of another visitor"
    )


def measure(server: Server, folder: Path, visitors: int, seconds: float) -> list[str]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, ExitStack() as browsers:
        pages = []
        for visitor in range(visitors):
            film(folder / f"{visitor}.mjpeg", visitor)
            page = open_webcam(playwright, server.url, folder / f"{visitor}.mjpeg")
            browsers.callback(page.context.browser.close)
            page.evaluate(WATCH, [BITS, BLOCK])
            pages.append(page)
        time.sleep(WARM_UP_S)
        starts_ms = [page.evaluate("performance.now()") for page in pages]
        cpu_s, started = server.cpu_s(), time.perf_counter()
        time.sleep(seconds)
        cores = (server.cpu_s() - cpu_s) / (time.perf_counter() - started)
        watched = [page.evaluate("watched") for page in pages]
    lines = [report(i, *found) for i, found in enumerate(zip(watched, starts_ms, strict=True))]
    return [*lines, f"the server kept {cores:.2f} cores busy, and had {server.memory_mb():.0f} MB"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=1, choices=range(1, 2**VISITOR_BITS))
    parser.add_argument("--seconds", type=float, default=30)
    args = parser.parse_args()

    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serve(folder / "cache", folder / "log.txt") as server:
            print("\n".join(measure(server, folder, args.visitors, args.seconds)))


if __name__ == "__main__":
    main()
