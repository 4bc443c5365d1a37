"""Annotate damaged videos of all formats, each with a limit on time and memory. The test starts this as a process.

Usage: python -m tests.media.fuzz_videos FOLDER FILES_PER_FORMAT
"""

import json
import logging
import signal
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

from mini_xception import EmotionRecognizer, MiniXceptionError
from mini_xception.annotate import annotate_video
from mini_xception.media.video import EndedEarlyError, read_frames
from tests.media.test_video import make_image, write_video

#: Suffix, video codec, audio codec, pixel format.
KINDS = [
    ("mp4", "libx264", "aac", "yuv420p"),
    ("mov", "mjpeg", "pcm_s16le", "yuvj420p"),
    ("mkv", "ffv1", "libopus", "yuv420p"),
    ("webm", "libvpx-vp9", "libopus", "yuv420p"),
    ("avi", "mpeg4", "libmp3lame", "yuv420p"),
    ("ts", "libx264", "aac", "yuv420p"),
    ("mpg", "mpeg2video", "mp2", "yuv420p"),
    ("flv", "flv", "libmp3lame", "yuv420p"),
    ("wmv", "wmv1", "libmp3lame", "yuv420p"),
    ("ogg", "libvpx", "libopus", "yuv420p"),
    ("gif", "gif", None, "rgb8"),
]
#: Limits for one file, and for the whole process.
SECONDS, MEMORY_KB = 20, 1_000_000


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Flip some bits anywhere or in the header, cut the end off, or both."""
    damaged = bytearray(data)
    kind = rng.integers(4)
    if kind > 0:
        end = min(len(data), 1500) if kind == 1 else len(data)
        for position in rng.integers(end, size=rng.integers(1, 25)):
            damaged[position] ^= 1 << int(rng.integers(8))
    return bytes(damaged[: rng.integers(len(data))] if kind in (0, 3) else damaged)


def peak_memory_kb() -> int:
    """Return the most memory that this process has used. getrusage would include the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def main(folder: Path, files_per_format: int) -> None:
    logging.disable()
    recognizer = EmotionRecognizer.from_pretrained(detector=lambda _: (np.empty((0, 4)), np.empty(0)))
    copy, table = folder / "copy.mp4", folder / "table.csv"
    answers = {"read": 0, "error": 0}
    for suffix, codec, audio_codec, pixel_format in KINDS:
        source = folder / f"a.{suffix}"
        images = [make_image(number) for number in range(12)]
        data = write_video(source, images, Fraction(25), None, codec, audio_codec, pixel_format).read_bytes()
        for number in range(files_per_format):
            source.write_bytes(damage(data, np.random.default_rng((number, len(suffix), ord(suffix[0])))))
            print(f"{source.name}, seed {number}", file=sys.stderr, flush=True)
            signal.setitimer(signal.ITIMER_REAL, SECONDS)  # The signal ends the process, whatever FFmpeg does.
            try:
                frames = sum(1 for _ in annotate_video(recognizer, source, copy, table))
                answer = "read"
                assert frames > 0
            except MiniXceptionError as error:
                answer = "read" if isinstance(error, EndedEarlyError) else "error"
                if "\n" in str(error):
                    raise
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert peak_memory_kb() < MEMORY_KB
            answers[answer] += 1
            left = {path.name for path in folder.iterdir()} - {source.name}
            assert left == ({copy.name, table.name} if answer == "read" else set()), left
            if answer == "read":
                assert list(read_frames(copy))
                copy.unlink()
                table.unlink()
        source.unlink()
    print(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
