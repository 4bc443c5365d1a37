"""Speed of the browser page: python -m benchmarks.web [--seconds 20 --rounds 3 --json web.json]

Build the page first, with `make web`, and install Chromium. Chromium runs headless, on the cores that this process may
use. To use two cores, run the benchmark with `taskset -c 0,1`. It measures:

- the download: the sizes of all files that a first visit requests, uncompressed and as hosts send them (gzip, brotli)
- the first answer: the time from opening the page to the first face with its bars, on a first visit and with all files
  in the browser's cache, once in the example and once with a camera that starts at once.
- the processed frames per second at 640×480, with one face and with four, from a camera with 60 frames per second
- the processing time per frame that the worker reports
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import brotli
import cv2
import numpy as np

from benchmarks.machine import machine
from benchmarks.server import BROWSER_PAGE, ROOT, serve_files

WIDTH, HEIGHT, FRAMES_PER_S = 640, 480, 60
#: Number of frames in the camera's video. The video repeats.
VIDEO_FRAMES = 120
#: Seconds at the start whose frames do not count, because the page searches for faces and the browser compiles code.
WARM_UP_S = 5
#: Usual compression levels of hosts that compress on the fly.
GZIP_LEVEL, BROTLI_QUALITY = 6, 5

#: Records when each answer came and when the first face was shown.
WATCH = """
window.answers = [];
window.Worker = class extends Worker {
    constructor(...options) {
        super(...options);
        this.addEventListener("message", ({data}) => {
            if (data.kind === "loaded") window.loaded = data;
            if (data.of === "frame") answers.push([performance.now(), data.timings.totalMs, data.faces.length]);
        });
    }
};
addEventListener("DOMContentLoaded", () => {
    new MutationObserver((_, observer) => {
        observer.disconnect();
        requestAnimationFrame(() => { window.firstFaceMs = performance.now(); });
    }).observe(document.getElementById("cards"), {childList: true});
});
"""
#: Starts the camera as soon as possible.
START_CAMERA = """
addEventListener("DOMContentLoaded", () => document.getElementById("camera").click());
"""


def write_camera_video(path: Path, faces: int) -> None:
    """Write the camera's video: a moving square of one or more portraits.

    The format is YUV4MPEG2, because Chromium's fake camera reaches 60 frames per second only with this format.
    """
    portrait = cv2.imread(str(ROOT / "examples" / "eileen_collins.jpg"))
    assert portrait is not None
    rows = round(faces**0.5)
    side = HEIGHT // rows
    face = cv2.resize(portrait[0:240, 100:340], (side, side), interpolation=cv2.INTER_AREA)
    tiles = np.tile(face, (rows, rows, 1))
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_PER_S}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(VIDEO_FRAMES):
            frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            left = 80 + round(40 * np.sin(2 * np.pi * number / VIDEO_FRAMES))
            frame[: rows * side, left : left + rows * side] = tiles
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())


def start(playwright: Any, video: Path) -> Any:
    """Start a browser whose camera shows a video."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium: not found; install it (Debian: apt-get install chromium)")
    return playwright.chromium.launch(
        executable_path=chromium,
        args=[
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",
            f"--use-fake-device-for-media-stream=fps={FRAMES_PER_S}",
            f"--use-file-for-fake-video-capture={video}",
        ],
    )


def open_page(context: Any, url: str) -> Any:
    """Open the page, and return it after it has shown the first face."""
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(url)
    while not page.evaluate("window.firstFaceMs"):  # The page's policy forbids Playwright's wait_for_function.
        time.sleep(0.1)
    return page


def downloads(paths: list[str]) -> list[dict[str, Any]]:
    """Return the size of each requested file in bytes, uncompressed and compressed, the largest first."""
    files = []
    for name in sorted({path.partition("?")[0].lstrip("/") or "index.html" for path in paths}):
        data = (BROWSER_PAGE / name).read_bytes()
        sent = {
            "gzip": min(len(data), len(gzip.compress(data, GZIP_LEVEL))),
            "brotli": min(len(data), len(brotli.compress(data, quality=BROTLI_QUALITY))),
        }
        files.append({"file": name, "bytes": len(data), **sent})
    return sorted(files, key=lambda file: -int(file["bytes"]))


def first_answers(playwright: Any, url: str, video: Path, rounds: int) -> dict[str, list[float]]:
    """Measure the seconds to the first face in the example and in the camera, on a first visit and on the next one."""
    seconds: dict[str, list[float]] = {}
    browser = start(playwright, video)
    for _ in range(rounds):
        for source, script in (("example", WATCH), ("camera", WATCH + START_CAMERA)):
            context = browser.new_context()
            context.add_init_script(script)
            for visit in ("first visit", "warm cache"):
                page = open_page(context, url)
                seconds.setdefault(f"{source}, {visit}", []).append(page.evaluate("firstFaceMs") / 1e3)
                page.evaluate("navigator.serviceWorker.ready.then(() => {})")
                page.close()
            context.close()
    browser.close()
    return seconds


def frames(playwright: Any, url: str, video: Path, faces: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Measure the answers per second and the worker's milliseconds per frame in each round."""
    rates, times_ms, loaded = [], [], {}
    for _ in range(rounds):
        browser = start(playwright, video)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_init_script(WATCH + START_CAMERA)
        page = open_page(context, url)
        time.sleep(WARM_UP_S)
        page.evaluate("answers.length = 0")
        time.sleep(seconds)
        answers, loaded = page.evaluate("answers"), page.evaluate("loaded")
        browser.close()
        found = statistics.median(count for _, _, count in answers)
        if found != faces:
            raise SystemExit(f"{found} faces found instead of {faces}")
        rates.append((len(answers) - 1) / (answers[-1][0] - answers[0][0]) * 1e3)
        times_ms.append(statistics.median(took for _, took, _ in answers))
    return {"frames/s": rates, "worker ms": times_ms, "backend": loaded["backend"], "threads": loaded["threads"]}


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="duration of a round, in seconds (default: 20)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements; the median is printed (default: 3)")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the machine, the files and the values of every round"
    )
    args = parser.parse_args()
    if not BROWSER_PAGE.is_dir():
        raise SystemExit(f"{BROWSER_PAGE}: page not found; build it with `make web`")

    about = machine()
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    result: dict[str, Any] = {"machine": about}
    with tempfile.TemporaryDirectory() as name, serve_files(BROWSER_PAGE) as host, sync_playwright() as playwright:
        videos = {faces: Path(name) / f"{faces}.y4m" for faces in (1, 4)}
        for faces, video in videos.items():
            write_camera_video(video, faces)
        result["first answer s"] = first_answers(playwright, host.url, videos[1], args.rounds)
        result["download"] = downloads(host.requests)
        for file in result["download"]:
            print(f"{file['bytes']:>12,} {file['gzip']:>12,} gzip {file['brotli']:>12,} brotli  {file['file']}")
        total = {kind: sum(file[kind] for file in result["download"]) for kind in ("bytes", "gzip", "brotli")}
        print(f"{total['bytes']:>12,} {total['gzip']:>12,} gzip {total['brotli']:>12,} brotli  in total")
        for visit, values in result["first answer s"].items():
            print(f"first answer, {visit}: {statistics.median(values):.2f} s")
        for faces, video in videos.items():
            measured = frames(playwright, host.url, video, faces, args.seconds, args.rounds)
            result[f"{faces} faces"] = measured
            print(
                f"{faces} face(s): {statistics.median(measured['frames/s']):.1f} processed frames/s, "
                f"{statistics.median(measured['worker ms']):.1f} ms per frame in the worker "
                f"({measured['backend']}, {measured['threads']} thread(s))"
            )
    if args.json:
        args.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
