"""Create the example video, examples/two_portraits.mp4, from the photo examples/two_portraits.jpg.

    python -m scripts.example_video

The view starts close to the left face, zooms out until both faces are visible, and ends close to the right face. The
audio is a quiet tone.
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
#: The view at the start, in the middle and at the end: centre x, centre y and width in pixels of the photo.
VIEWS = np.array([[223, 150, 400], [505, 255, 680], [767, 230, 480]])
SAMPLE_RATE, TONE_HZ, LOUDNESS = 48_000, 220, 0.02


def view_at(fraction: float) -> tuple[float, float, float]:
    """Return centre x, centre y and width of the view, in pixels.

    Args:
        fraction: point in time, from 0 at the start of the video to 1 at its end.
    """
    leg, along = divmod(min(fraction, 0.999) * 2, 1)
    eased = (1 - np.cos(np.pi * along)) / 2  # slow at the start and at the end of each half
    x, y, width = VIEWS[int(leg)] + eased * (VIEWS[int(leg) + 1] - VIEWS[int(leg)])
    return x, y, width


def cut_view(photo: np.ndarray, x: float, y: float, width: float) -> np.ndarray:
    """Crop a view from a photo, RGB, uint8, and scale it to SIZE."""
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
        video = container.add_stream("libx264", FRAME_RATE, {"crf": "27", "preset": "veryslow"})
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = 32_000
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(cut_view(photo, *view_at(number / frames)), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        samples = av.AudioFrame.from_ndarray(tone.astype(np.float32)[np.newaxis], format="fltp", layout="mono")
        samples.sample_rate = SAMPLE_RATE
        container.mux(audio.encode(samples))
        container.mux(audio.encode(None))


if __name__ == "__main__":
    main()
