"""Print the expression of every face in a photo: python examples/recognise_photo.py [PHOTO]"""

import sys
from pathlib import Path

from mini_xception import EmotionRecognizer

photo = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "two_portraits.jpg"

recognizer = EmotionRecognizer.from_pretrained()
for face in recognizer(photo):
    print(face.box, face.emotion, f"{face.confidence:.0%}")
