"""Record the browser page for the README, and draw the social preview image.

    python -m scripts.hero [--out docs/images]

Build the page first, with `make web`. The script opens it in Chromium, whose fake camera shows a moving portrait, and
writes two files:

- hero.webp: the page at work, as a loop. The evidence for the expression is shown in between.
- social.png: the page's example beside the project's name.
"""

from __future__ import annotations

import argparse
import base64
import io
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from benchmarks.server import BROWSER_PAGE, ROOT, serve_files
from scripts.screenshots import write_camera_video

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

HERO: ViewportSize = {"width": 720, "height": 640}
#: Length of the loop. The camera's motion takes as long, so the loop has no jump.
LOOP_S = 5
#: The recording takes this many times as long, and the camera moves as slowly, because taking pictures slows the page.
SLOWNESS = 5
#: The fake camera plays its video with this rate.
CAMERA_FRAMES_PER_S = 30
#: When the evidence is shown and hidden, in seconds after the start of the loop.
EVIDENCE_S = (1.2, 3.6)
HERO_FRAMES_PER_S = 12
QUALITY = 82
#: Seconds before the recording, until the browser has compiled the code and the chart shows something.
WARM_UP_S = 12
MAX_BYTES = 2_000_000

SOCIAL: ViewportSize = {"width": 1280, "height": 640}
SOCIAL_TEXTS = {"h1": "mini_xception", "#introduction": "Facial expression recognition with 58,047 parameters"}
SOCIAL_STYLE = """
body { max-width: none; padding: 34px 64px; }
h1 { font-size: 64px; }
#introduction { font-size: 30px; }
main { margin-top: 20px; grid-template: "viewer faces" / minmax(0, 7fr) minmax(0, 4fr); align-items: center; }
#language, #private, #controls, #badge, .show-evidence, footer { display: none; }
button.bar { min-height: 0; }
"""


def record(page: Page) -> list[Image.Image]:
    """Record the page, and return the frames of the loop."""
    shots: list[tuple[float, bytes]] = []
    session = page.context.new_cdp_session(page)

    def keep(event: dict[str, Any]) -> None:
        shots.append((event["metadata"]["timestamp"], base64.b64decode(event["data"])))
        session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    session.on("Page.screencastFrame", keep)
    session.send("Page.startScreencast", {"format": "png"})
    evidence = page.locator(".show-evidence input")
    started_s = time.monotonic()
    for at_s in (*EVIDENCE_S, LOOP_S):
        page.wait_for_timeout(max(1000 * (at_s * SLOWNESS - (time.monotonic() - started_s)), 0))
        if at_s in EVIDENCE_S:
            evidence.first.click()
            page.mouse.move(0, 0)
    session.send("Page.stopScreencast")
    start_s = shots[0][0]
    frames = []
    for i in range(round(LOOP_S * HERO_FRAMES_PER_S)):
        shown = [shot for shot in shots if shot[0] - start_s <= SLOWNESS * i / HERO_FRAMES_PER_S]
        frames.append(Image.open(io.BytesIO(shown[-1][1])).convert("RGB"))
    return frames


def write_hero(browser: Browser, url: str, path: Path) -> None:
    page = browser.new_page(viewport=HERO, color_scheme="light", locale="en", bypass_csp=True)
    page.goto(url)
    page.add_style_tag(content="#status { visibility: hidden; }")  # the speed of a page that is slowed down
    page.get_by_role("button", name="Start the camera").click()
    page.locator("[data-source=camera] .face").first.wait_for()
    page.wait_for_timeout(1000 * WARM_UP_S)
    first, *others = record(page)
    first.save(
        path,
        save_all=True,
        append_images=others,
        duration=round(1000 / HERO_FRAMES_PER_S),
        loop=0,
        quality=QUALITY,
        method=6,
    )
    page.close()
    if path.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{path}: {path.stat().st_size:,} bytes, more than {MAX_BYTES:,}; lower QUALITY")


def write_social(browser: Browser, url: str, path: Path) -> None:
    # The page's policy would forbid the added style.
    context = browser.new_context(viewport=SOCIAL, color_scheme="light", locale="en", bypass_csp=True)
    page = context.new_page()
    page.goto(url)
    page.get_by_text("Example photo, classified on this device").wait_for()
    page.add_style_tag(content=SOCIAL_STYLE)
    for selector, text in SOCIAL_TEXTS.items():
        page.locator(selector).evaluate("(node, text) => { node.textContent = text; }", text)
    page.wait_for_timeout(500)  # until the boxes are drawn in the new size
    page.screenshot(path=path)
    context.close()


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images", help="folder to write the images to")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serve_files(BROWSER_PAGE) as host, sync_playwright() as playwright:
        film = Path(folder) / "camera.mjpeg"
        write_camera_video(film, frames=LOOP_S * SLOWNESS * CAMERA_FRAMES_PER_S)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        write_social(browser, host.url, args.out / "social.png")
        write_hero(browser, host.url, args.out / "hero.webp")


if __name__ == "__main__":
    main()
