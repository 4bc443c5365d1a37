"""Print whenever a face in a video comes, goes, or shows something else: python examples/read_a_video.py [VIDEO]"""

import sys
from pathlib import Path

from mini_xception import EmotionRecognizer

video = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "two_portraits.mp4"

recognizer = EmotionRecognizer.from_pretrained()
before = None
for frame in recognizer.stream(video):
    shown = {tracked.id: tracked.face.emotion for tracked in frame.faces}
    if shown != before:
        faces = ", ".join(f"face {id} {emotion}" for id, emotion in sorted(shown.items()))
        print(f"{frame.time_s:6.2f} s: {faces or 'no face'}")
    before = shown
