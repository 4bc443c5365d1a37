"""What the tests do on the page that runs in the visitor's browser."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np


def open_page(browser, url: str, **options):
    """Open the page in a new profile; its console errors and warnings are in ``page.complaints``."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.complaints = []

    def listen(line) -> None:
        if line.type in ("error", "warning"):
            page.complaints.append(f"{line.location['url']}: {line.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: page.complaints.append(f"{page.url}: {error}"))
    page.goto(url)
    return page


def open_ready(browser, host, **options):
    """Open the page, and wait until it works offline."""
    page = open_page(browser, f"{host.url}/faces/", **options)
    page.get_by_text("Ready – works offline").wait_for()
    return page


def start_camera(page) -> None:
    page.get_by_role("button", name="Start the camera").click()
    page.locator("[data-source=camera] .face h2").get_by_text("happy").first.wait_for()


def show_photo(page, path: Path) -> None:
    page.locator("#photo-file").set_input_files(path)
    page.locator("[data-source=photo] .face").first.wait_for()


def saved_rows(page, outer=None) -> list[dict[str, str]]:
    """Save the CSV file, and return its rows."""
    with (outer or page).expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    with Path(download.value.path()).open(newline="") as file:
        return list(csv.DictReader(file))


def saved_file(page, button: str) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(download.value.path())


def wait_for_rows(page, count: int) -> None:
    """Wait until the CSV file has this many more rows."""
    before = len(saved_rows(page))
    while len(saved_rows(page)) < before + count:
        page.wait_for_timeout(300)


def pixels(element) -> np.ndarray:
    """Return a screenshot of an element: RGB, float, (H, W, 3)."""
    shot = cv2.imdecode(np.frombuffer(element.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    return shot[..., ::-1].astype(float)


def bottom(element) -> float:
    """Return where an element ends, in pixels below the top of the window."""
    box = element.bounding_box()
    return box["y"] + box["height"]
