"""Print the faces of a video and their expressions, whenever they change.

python examples/recognise_video.py [VIDEO]
"""

import sys
from pathlib import Path

from mini_xception import EmotionRecognizer

video = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "two_portraits.mp4"

recognizer = EmotionRecognizer.from_pretrained()
before = None
for frame in recognizer.stream(video):
    emotions = {face.track_id: face.emotion for face in frame.faces}
    if emotions != before:
        line = ", ".join(f"face {track_id} {emotion}" for track_id, emotion in sorted(emotions.items()))
        print(f"{frame.time_s:6.2f} s: {line or 'no face'}")
    before = emotions
