"""Make examples/two_portraits.mp4: a camera that goes from one portrait of two_portraits.jpg to the other.

    python recipes/make_example_clip.py

It starts close to the left face, draws back until both are seen, and ends close to the right one. A quiet tone is its
sound track.
"""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np

from mini_xception import load_image

EXAMPLES = Path(__file__).parents[1] / "examples"
FRAME_RATE, DURATION_S = 25, 4
SIZE = (640, 480)
#: The camera's view in the photo at the beginning, in the middle and at the end: centre x, centre y, width, in pixels.
VIEWS = np.array([[223, 150, 400], [505, 255, 680], [790, 165, 440]])
SAMPLE_RATE, TONE_HZ, LOUDNESS = 48_000, 220, 0.02


def view_at(share: float) -> tuple[float, float, float]:
    """Centre x, centre y and width at a share of the clip in [0, 1]: it moves slowest where it turns."""
    leg, along = divmod(min(share, 0.999) * 2, 1)
    eased = (1 - np.cos(np.pi * along)) / 2
    x, y, width = VIEWS[int(leg)] + eased * (VIEWS[int(leg) + 1] - VIEWS[int(leg)])
    return x, y, width


def look(photo: np.ndarray, x: float, y: float, width: float) -> np.ndarray:
    scale = SIZE[0] / width
    view = np.array([[scale, 0, SIZE[0] / 2 - scale * x], [0, scale, SIZE[1] / 2 - scale * y]])
    return cv2.warpAffine(photo, view, SIZE, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def main() -> None:
    photo = load_image(EXAMPLES / "two_portraits.jpg")
    frames = FRAME_RATE * DURATION_S
    times_s = np.arange(SAMPLE_RATE * DURATION_S) / SAMPLE_RATE
    fade = np.minimum(1, 4 * np.minimum(times_s, DURATION_S - times_s))
    tone = LOUDNESS * fade * np.sin(2 * np.pi * TONE_HZ * times_s)

    with av.open(EXAMPLES / "two_portraits.mp4", "w", options={"movflags": "faststart"}) as container:
        pictures = container.add_stream("libx264", FRAME_RATE, {"crf": "27", "preset": "veryslow"})
        pictures.width, pictures.height = SIZE
        pictures.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        sound.bit_rate = 32_000
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(look(photo, *view_at(number / frames)), format="rgb24")
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        samples = av.AudioFrame.from_ndarray(tone.astype(np.float32)[np.newaxis], format="fltp", layout="mono")
        samples.sample_rate = SAMPLE_RATE
        container.mux(sound.encode(samples))
        container.mux(sound.encode(None))


if __name__ == "__main__":
    main()
