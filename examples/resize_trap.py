"""The resize trap: numpy.resize does not scale an image. It repeats or truncates the buffer, without an error.

This script enlarges a face from 48×48 to 64×64 pixels with cv2.resize, which interpolates, and with numpy.resize. After
numpy.resize, the network's answer is wrong.
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
repeated = np.resize(face, (64, 64))

for name, image in (("cv2.resize", scaled), ("numpy.resize", repeated)):
    (probabilities,) = recognizer.classify([image])
    similarity = np.corrcoef(cv2.resize(image, (48, 48)).ravel(), face.ravel())[0, 1]
    emotion = recognizer.labels[probabilities.argmax()]
    print(f"{name:>12}: {similarity:4.0%} similar to the face, classified as {emotion} ({probabilities.max():.0%})")
