"""The resize trap: numpy.resize does not scale a picture, it repeats or cuts its buffer.

A 48×48 face made 64×64 that way costs the network its answer, and nothing fails. cv2.resize interpolates.
"""

from pathlib import Path

import cv2
import numpy as np

from mini_xception import EmotionRecognizer, load_image
from mini_xception.network.preprocess import to_grey

recognizer = EmotionRecognizer.from_pretrained()
portrait = Path(__file__).parent / "eileen_collins.jpg"
x1, y1, x2, y2 = recognizer(portrait)[0].box
face = to_grey(load_image(portrait)[y1:y2, x1:x2], 48)

scaled = cv2.resize(face, (64, 64), interpolation=cv2.INTER_LINEAR)
trapped = np.resize(face, (64, 64))

for name, picture in (("cv2.resize", scaled), ("numpy.resize", trapped)):
    (probabilities,) = recognizer.classify([picture])
    likeness = np.corrcoef(cv2.resize(picture, (48, 48)).ravel(), face.ravel())[0, 1]
    answer = recognizer.labels[probabilities.argmax()]
    print(f"{name:>12}: looks {likeness:4.0%} like the face, read as {answer} ({probabilities.max():.0%})")
