"""Frame rate and latency of the Webcam tab: python -m benchmarks.webcam [--visitors 4 --seconds 60]

Each visitor is a headless Chromium with a fake camera. The camera shows a moving portrait at 640×480. Black and white
blocks at the edge of each frame encode the visitor's number and the frame's number. A script in the page decodes these
blocks from the camera's <video> and from the annotated image at the moment when each is shown. Server and browsers
share this machine. For each visitor, the output shows:

- annotated frames per second (a frame that is shown twice counts once)
- the latency from a frame in the <video> to its annotated image
- the number of images that belong to another visitor
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
#: Number of frames in the camera's video, which repeats at 30 frames per second. Latencies must be below half its
#: length.
VIDEO_FRAMES = 240
MAX_LATENCY_MS = VIDEO_FRAMES / 30 * 1e3 / 2
#: Blocks at the left edge, from the top: visitor, frame, and a parity bit.
VISITOR_BITS, FRAME_BITS = 4, 11
BITS = VISITOR_BITS + FRAME_BITS + 1
BLOCK = HEIGHT // BITS
#: Seconds at the start whose images do not count, because some modules are loaded at first use.
WARM_UP_S = 5

#: Records when each camera frame and each annotated image is shown. The page flips the frames that it sends.
WATCH = """([bits, block]) => {
    const pen = new OffscreenCanvas(1, bits).getContext("2d", {willReadFrequently: true});
    pen.imageSmoothingEnabled = false;
    const decode = (image, left) => {
        pen.drawImage(image, left, 0, block, bits * block, 0, 0, 1, bits);
        const pixels = pen.getImageData(0, 0, 1, bits).data;
        return Array.from({length: bits}, (_, i) => pixels[4 * i] > 127 ? 1 : 0);
    };
    const video = document.querySelector("#camera video"), camera = [], annotated = [];
    const next = () => video.requestVideoFrameCallback(() => {
        camera.push([performance.now(), decode(video, 0)]);
        next();
    });
    next();
    let last;
    new MutationObserver(async () => {
        const image = document.querySelector("#live img");
        if (!image || image.src === last) return;
        last = image.src;
        try { await image.decode(); } catch { return; }  // replaced before it was shown
        requestAnimationFrame(() => {
            annotated.push([performance.now(), decode(image, image.naturalWidth - block)]);
        });
    }).observe(document.querySelector("#live"), {subtree: true, childList: true, attributes: true});
    window.watched = {camera, annotated};
}"""


@dataclass(frozen=True)
class Shown:
    """A frame or an annotated image on the page.

    Attributes:
        time_ms: when it was shown, on the page's clock.
        visitor: the visitor whose camera it comes from.
        frame: its number in that camera's video.
    """

    time_ms: float
    visitor: int
    frame: int


def write_camera_video(path: Path, visitor: int) -> None:
    """Write a visitor's video: consecutive JPEGs, which Chromium's fake camera shows at 30 frames per second."""
    portrait = cv2.imread(str(ROOT / "examples" / "eileen_collins.jpg"))
    assert portrait is not None
    portrait = cv2.resize(portrait, (400, 400), interpolation=cv2.INTER_AREA)
    with path.open("wb") as file:
        for number in range(VIDEO_FRAMES):
            frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            left = 120 + round(40 * np.sin(2 * np.pi * number / VIDEO_FRAMES))
            frame[60:460, left : left + 400] = portrait
            blocks = np.array(encode(visitor, number), np.uint8).repeat(BLOCK) * 255
            frame[: len(blocks), :BLOCK] = blocks[:, np.newaxis, np.newaxis]
            file.write(cv2.imencode(".jpg", frame)[1].tobytes())


def encode(visitor: int, frame: int) -> list[int]:
    """Return the blocks' bits, 1 for white."""
    bits = [int(bit) for bit in f"{visitor:0{VISITOR_BITS}b}{frame:0{FRAME_BITS}b}"]
    return [*bits, 1 - sum(bits) % 2]  # With odd parity, all black and all white are invalid.


def decode(watched: list[tuple[float, list[int]]]) -> list[Shown]:
    """Return the images whose blocks are valid."""
    shown = []
    for time_ms, bits in watched:
        number = int("".join(map(str, bits[:-1])), 2)
        if bits == encode(number >> FRAME_BITS, number % 2**FRAME_BITS):
            shown.append(Shown(time_ms, number >> FRAME_BITS, number % 2**FRAME_BITS))
    return shown


def open_webcam(playwright: Any, url: str, video: Path) -> Any:
    """Open the Webcam tab in a new browser whose camera shows a video, and start the camera."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium: not found; install it (Debian: apt-get install chromium)")
    browser = playwright.chromium.launch(
        executable_path=chromium,
        args=[
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={video}",
        ],
    )
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(60_000)
    page.goto(url)
    page.get_by_role("tab", name="Webcam").click()
    page.locator("#camera").get_by_text("Click to Access Webcam").click()
    page.wait_for_selector("#live img")
    return page


def report(visitor: int, watched: dict[str, list[tuple[float, list[int]]]], start_ms: float) -> str:
    """Return one line with a visitor's results."""
    camera, annotated = (decode(watched[name]) for name in ("camera", "annotated"))
    foreign = sum(image.visitor != visitor for image in annotated)
    latencies, times, last = [], [], None
    seen = deque(camera)
    taken: dict[int, float] = {}
    for image in annotated:
        while seen and seen[0].time_ms <= image.time_ms:
            frame = seen.popleft()
            taken[frame.frame] = frame.time_ms
        if image.time_ms < start_ms or image.frame == last:
            continue
        last = image.frame
        times.append(image.time_ms)
        latency_ms = image.time_ms - taken.get(image.frame, -math.inf)
        if (
            latency_ms < MAX_LATENCY_MS
        ):  # Otherwise the camera's frame was missed, or was seen only in an earlier repetition.
            latencies.append(latency_ms)
    if len(latencies) < 2:
        return f"visitor {visitor}: {len(annotated)} annotated images, too few to measure"
    rate = (len(times) - 1) / (times[-1] - times[0]) * 1e3
    camera_rate = (len(camera) - 1) / (camera[-1].time_ms - camera[0].time_ms) * 1e3
    return (
        f"visitor {visitor}: {rate:.1f} annotated frames/s, camera {camera_rate:.1f} frames/s; latency "
        f"{statistics.median(latencies):.0f} ms (median), {statistics.quantiles(latencies, n=20)[-1]:.0f} ms (95th "
        f"percentile); {len(times)} frames, {foreign} from another visitor"
    )


def measure(server: Server, folder: Path, visitors: int, seconds: float) -> list[str]:
    """Open the tab for all visitors, measure, and return the lines to print."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, ExitStack() as browsers:
        pages = []
        for visitor in range(visitors):
            video = folder / f"{visitor}.mjpeg"
            write_camera_video(video, visitor)
            page = open_webcam(playwright, server.url, video)
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
    return [*lines, f"server: {cores:.2f} cores busy, {server.memory_mb():.0f} MB of memory"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--visitors",
        type=int,
        default=1,
        choices=range(1, 2**VISITOR_BITS),
        metavar="N",
        help=f"number of visitors, 1 to {2**VISITOR_BITS - 1} (default: 1)",
    )
    parser.add_argument(
        "--seconds", type=float, default=30, help="duration of the measurement, in seconds (default: 30)"
    )
    args = parser.parse_args()

    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serve(folder / "cache", folder / "log.txt") as server:
            print("\n".join(measure(server, folder, args.visitors, args.seconds)))


if __name__ == "__main__":
    main()
