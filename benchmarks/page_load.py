"""The Photo tab under load: python -m benchmarks.page_load [--visitors 50 --photos 20 --rounds 2]

``app.py`` runs in a separate process. All visitors send photos over loopback at the same time, and each visitor sends
its next photo as soon as the last one is answered. As in a browser, each photo passes through the upload, the queue,
server-sent events and the download of the annotated image. A visitor that the server refuses tries again.

No two photos have their faces in the same places. Each answer is compared with the boxes that the recogniser finds in
this process, so the benchmark notices lost and swapped answers. At the end, it waits until the server has deleted its
temporary files. It reads the server's memory, which is possible only on Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from PIL import Image

from benchmarks.machine import machine
from benchmarks.server import ROOT, Server, serve
from mini_xception import EmotionRecognizer, load_image
from mini_xception.demo.page import CACHE_AGE_S

WIDTH, HEIGHT = 640, 480
FACE_SIDES = (150, 180, 210)
#: Seconds after which a refused visitor tries again.
RETRY_S = 0.5
#: Seconds between two samples of memory and disk.
SAMPLE_S = 1.0
#: Longest wait for the deletion of files, in seconds. The server deletes old files every CACHE_AGE_S.
CLEANED_S = 2 * CACHE_AGE_S + 30

Boxes = list[list[int]]


@dataclass
class Load:
    """The measurements.

    Attributes:
        seconds: time from sending each photo to its answer, including waits and refusals.
        faults: failed requests and wrong answers, counted by kind.
        refusals: the server's refusals, counted by message.
        memory_mb: samples of the server's memory, each with the number of answers so far.
        disk_mb: samples of the size of the server's cache.
    """

    seconds: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    memory_mb: list[tuple[int, float]] = field(default_factory=list)
    disk_mb: list[float] = field(default_factory=list)


def photos(count: int) -> list[tuple[bytes, Boxes]]:
    """Create photos with one to three faces, and return each with its boxes. No two photos have the same boxes."""
    recognizer = EmotionRecognizer.from_pretrained(device="cpu")
    portrait = load_image(ROOT / "examples" / "eileen_collins.jpg")
    rng = np.random.default_rng(0)
    made: dict[str, tuple[bytes, Boxes]] = {}
    while len(made) < count:
        image = np.full((HEIGHT, WIDTH, 3), rng.integers(60, 200, 3), np.uint8)
        for column in range(rng.integers(1, 4)):
            side = int(rng.choice(FACE_SIDES))
            top = rng.integers(0, HEIGHT - side)
            left = column * WIDTH // 3 + rng.integers(0, WIDTH // 3 - side + 1)
            image[top : top + side, left : left + side] = cv2.resize(
                portrait, (side, side), interpolation=cv2.INTER_AREA
            )
        data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
        boxes = [list(face.box) for face in recognizer(data)]
        if boxes:
            made[json.dumps(boxes)] = data, boxes
    return list(made.values())


async def send(client: httpx.AsyncClient, session: str, data: bytes, load: Load) -> tuple[Boxes, Any]:
    """Send one photo. Return the boxes and the annotated image from the answer."""
    files = {"files": ("photo.jpg", data, "image/jpeg")}
    (path,) = (await client.post("/gradio_api/upload", files=files)).raise_for_status().json()
    photo = {"path": path, "orig_name": "photo.jpg", "meta": {"_type": "gradio.FileData"}}
    while True:
        joined = await client.post("/gradio_api/call/predict", json={"data": [photo], "session_hash": session})
        if joined.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        load.refusals[joined.json()["detail"].split(".")[0]] += 1
        await asyncio.sleep(RETRY_S)
    event = joined.raise_for_status().json()["event_id"]
    kind = ""
    async with client.stream("GET", f"/gradio_api/call/predict/{event}") as lines:
        async for line in lines.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind in ("complete", "error"):
                break
    if kind != "complete":
        raise RuntimeError(f"no answer; the event stream ended with {kind or 'nothing'}: {value}")
    annotated, faces, _, _ = json.loads(value)
    image = (await client.get(f"/gradio_api/file={annotated['path']}")).raise_for_status().content
    return [face["box"] for face in faces], Image.open(io.BytesIO(image))


async def visit(url: str, session: str, album: list[tuple[bytes, Boxes]], load: Load) -> None:
    """Send one visitor's photos one after the other, and check the answers."""
    async with httpx.AsyncClient(base_url=url, timeout=300) as client:
        for data, expected in album:
            started = time.perf_counter()
            try:
                boxes, image = await send(client, session, data, load)
            except (httpx.HTTPError, RuntimeError) as error:
                load.faults[f"{type(error).__name__}: {error}"] += 1
                continue
            load.seconds.append(time.perf_counter() - started)
            if boxes != expected:
                load.faults["wrong boxes"] += 1
            if image.format != "JPEG" or image.size != (WIDTH, HEIGHT):
                load.faults["wrong format or size of the annotated image"] += 1


async def watch(server: Server, load: Load) -> None:
    """Sample memory and disk until cancelled."""
    while True:
        load.memory_mb.append((len(load.seconds), server.memory_mb()))
        load.disk_mb.append(server.disk_mb())
        await asyncio.sleep(SAMPLE_S)


async def run(server: Server, albums: list[list[tuple[bytes, Boxes]]], rounds: int) -> Load:
    """Let all visitors send their photos at the same time, once per round."""
    load = Load()
    before = server.disk_mb()  # the example images
    watching = asyncio.create_task(watch(server, load))
    for number in range(rounds):
        started = time.perf_counter()
        answered = len(load.seconds)
        visits = [visit(server.url, f"visitor{i}in{number}", album, load) for i, album in enumerate(albums)]
        await asyncio.gather(*visits)
        took = time.perf_counter() - started
        print(f"round {number + 1}: {len(load.seconds) - answered} answers in {took:.0f} s", flush=True)
    load.memory_mb.append((len(load.seconds), server.memory_mb()))
    ended = time.perf_counter()
    while server.disk_mb() > before and time.perf_counter() - ended < CLEANED_S:
        await asyncio.sleep(SAMPLE_S)
    watching.cancel()
    left, took = server.disk_mb(), time.perf_counter() - ended
    print(
        f"disk: {before:.1f} MB at the start, {max(load.disk_mb):.1f} MB at most, {left:.1f} MB {took:.0f} s after the "
        "last photo"
    )
    return load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=50, help="number of simultaneous visitors (default: 50)")
    parser.add_argument("--photos", type=int, default=20, help="photos per visitor and round (default: 20)")
    parser.add_argument(
        "--rounds", type=int, default=2, help="rounds, with new visitors and the same photos (default: 2)"
    )
    args = parser.parse_args()

    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    made = photos(args.visitors * args.photos)
    albums = [made[i :: args.visitors] for i in range(args.visitors)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serve(folder / "cache", folder / "log.txt") as server:
            started = server.memory_mb()
            load = asyncio.run(run(server, albums, args.rounds))
    sent = len(made) * args.rounds
    print(f"{len(load.seconds)} of {sent} photos answered; faults: {dict(load.faults) or 'none'}")
    median, high = np.quantile(load.seconds, (0.5, 0.95))
    print(f"time per photo: {median:.1f} s (median), {high:.1f} s (95th percentile)")
    print(f"refusals: {dict(load.refusals) or 'none'}")
    marks = [next(mb for done, mb in load.memory_mb if done >= sent * i // 4) for i in range(1, 5)]
    print(
        f"memory: {started:.0f} MB at the start, {', '.join(f'{mb:.0f}' for mb in marks)} MB after each quarter of the "
        "photos"
    )


if __name__ == "__main__":
    main()
