"""The page that reads in the visitor's browser: python -m benchmarks.web [--seconds 20 --rounds 3 --json web.json]

Needs `make web` and Chromium, which runs headless on the cores that this process may use (two of them: taskset -c 0,1).
Measured are

- the download: every file that a first visit asks for, as it lies there and as hosts send it (gzip, brotli);
- the first answer: from opening the page, whose camera is started at once, to the first face with its bars; on a first
  visit, and with everything in the browser's cache;
- processed frames a second at 640×480, with one face and with four, of a camera that gives 60; and what the worker says
  that a frame took.
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
#: The film repeats itself after so many frames.
FILM_FRAMES = 120
#: Frames before are not counted: a new face is searched for, and the browser compiles what runs often.
WARM_UP_S = 5
#: What hosts use on the fly.
GZIP_LEVEL, BROTLI_QUALITY = 6, 5

#: Starts the camera as soon as the page can, and notes when each answer came, and when the first face was shown.
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
    document.getElementById("camera").click();
});
"""


def film(path: Path, faces: int) -> None:
    """Write what the camera shows: a portrait, or a square of them, swaying; YUV4MPEG2 alone gives 60 a second."""
    portrait = cv2.imread(str(ROOT / "examples" / "eileen_collins.jpg"))
    assert portrait is not None
    rows = round(faces**0.5)
    side = HEIGHT // rows
    face = cv2.resize(portrait[0:240, 100:340], (side, side), interpolation=cv2.INTER_AREA)
    tiles = np.tile(face, (rows, rows, 1))
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_PER_S}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(FILM_FRAMES):
            frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            left = 80 + round(40 * np.sin(2 * np.pi * number / FILM_FRAMES))
            frame[: rows * side, left : left + rows * side] = tiles
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())


def start(playwright: Any, film: Path) -> Any:
    """A browser whose camera runs the film."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("there is no chromium on this machine (Debian: apt-get install chromium)")
    return playwright.chromium.launch(
        executable_path=chromium,
        args=[
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",
            f"--use-fake-device-for-media-stream=fps={FRAMES_PER_S}",
            f"--use-file-for-fake-video-capture={film}",
        ],
    )


def open_page(context: Any, url: str) -> Any:
    """The page, when it has shown the first face."""
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(url)
    while not page.evaluate("window.firstFaceMs"):  # The page's policy forbids Playwright's own way to wait.
        time.sleep(0.1)
    return page


def downloads(paths: list[str]) -> list[dict[str, Any]]:
    """Bytes of each of the page's files, as they are and compressed, the largest first."""
    files = []
    for name in sorted({path.partition("?")[0].lstrip("/") or "index.html" for path in paths}):
        data = (BROWSER_PAGE / name).read_bytes()
        sent = {
            "gzip": min(len(data), len(gzip.compress(data, GZIP_LEVEL))),
            "brotli": min(len(data), len(brotli.compress(data, quality=BROTLI_QUALITY))),
        }
        files.append({"file": name, "bytes": len(data), **sent})
    return sorted(files, key=lambda file: -int(file["bytes"]))


def first_answers(playwright: Any, url: str, clip: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds to the first face, on a first visit and on the next one."""
    seconds: dict[str, list[float]] = {"first visit": [], "warm cache": []}
    browser = start(playwright, clip)
    for _ in range(rounds):
        context = browser.new_context()
        context.add_init_script(WATCH)
        for values in seconds.values():
            page = open_page(context, url)
            values.append(page.evaluate("firstFaceMs") / 1e3)
            page.evaluate("navigator.serviceWorker.ready.then(() => {})")
            page.close()
        context.close()
    browser.close()
    return seconds


def frames(playwright: Any, url: str, clip: Path, faces: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Answers a second, and the worker's milliseconds, of each round."""
    rates, times_ms, loaded = [], [], {}
    for _ in range(rounds):
        browser = start(playwright, clip)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_init_script(WATCH)
        page = open_page(context, url)
        time.sleep(WARM_UP_S)
        page.evaluate("answers.length = 0")
        time.sleep(seconds)
        answers, loaded = page.evaluate("answers"), page.evaluate("loaded")
        browser.close()
        found = statistics.median(count for _, _, count in answers)
        if found != faces:
            raise SystemExit(f"{found} faces were found instead of {faces}")
        rates.append((len(answers) - 1) / (answers[-1][0] - answers[0][0]) * 1e3)
        times_ms.append(statistics.median(took for _, took, _ in answers))
    return {"frames/s": rates, "worker ms": times_ms, "backend": loaded["backend"], "threads": loaded["threads"]}


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="of each round of the camera")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write machine, files and every round")
    args = parser.parse_args()
    if not BROWSER_PAGE.is_dir():
        raise SystemExit("the page is not built: make web")

    about = machine()
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    result: dict[str, Any] = {"machine": about}
    with tempfile.TemporaryDirectory() as name, serve_files(BROWSER_PAGE) as host, sync_playwright() as playwright:
        clips = {faces: Path(name) / f"{faces}.y4m" for faces in (1, 4)}
        for faces, clip in clips.items():
            film(clip, faces)
        result["first answer s"] = first_answers(playwright, host.url, clips[1], args.rounds)
        result["download"] = downloads(host.requests)
        for file in result["download"]:
            print(f"{file['bytes']:>12,} {file['gzip']:>12,} gzip {file['brotli']:>12,} brotli  {file['file']}")
        total = {kind: sum(file[kind] for file in result["download"]) for kind in ("bytes", "gzip", "brotli")}
        print(f"{total['bytes']:>12,} {total['gzip']:>12,} gzip {total['brotli']:>12,} brotli  in all")
        for visit, values in result["first answer s"].items():
            print(f"first answer, {visit}: {statistics.median(values):.2f} s")
        for faces, clip in clips.items():
            measured = frames(playwright, host.url, clip, faces, args.seconds, args.rounds)
            result[f"{faces} faces"] = measured
            print(
                f"{faces} face(s): {statistics.median(measured['frames/s']):.1f} processed frames/s, "
                f"{statistics.median(measured['worker ms']):.1f} ms a frame in the worker "
                f"({measured['backend']}, {measured['threads']} thread(s))"
            )
    if args.json:
        args.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
