"""Drawing of faces onto a copy of an image, and of explanations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mini_xception.explain import SIDE, Explanation, blend
from mini_xception.faces import EMOTIONS, Face
from mini_xception.network.preprocess import to_grey

#: Emotion → colour, from Okabe and Ito's colour-blind-safe palette.
COLOURS: dict[str, str] = dict(
    zip(EMOTIONS, ("#D55E00", "#009E73", "#CC79A7", "#F0E442", "#0072B2", "#56B4E9", "#BDBDBD"), strict=True)
)
#: Colour of labels that are not in EMOTIONS.
OTHER_COLOUR = "#E69F00"
#: Height of the strip below a drawn explanation, in pixels.
CAPTION = 32


def colour_of(emotion: str) -> str:
    """Return the colour of a label, as ``#RRGGBB``."""
    return COLOURS.get(emotion, OTHER_COLOUR)


def draw_faces(image: np.ndarray, faces: Sequence[Face], *, landmarks: bool = False) -> np.ndarray:
    """Draw every face's box, expression and confidence. Line width and font size scale with the image.

    Args:
        image: RGB, uint8, (H, W, 3).
        faces: the faces, with boxes in the image's pixels. A track id is drawn before the expression.
        landmarks: whether to draw the landmarks, as dots.

    Returns:
        RGB, uint8, (H, W, 3), a new array.
    """
    canvas = Image.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    line = max(2, round(max(image.shape[:2]) / 300))
    for face in faces:
        x1, y1, x2, y2 = face.box
        colour = colour_of(face.emotion)
        # Draw around the face, not over it. A dark line on both sides keeps the colour visible on any background.
        outer, inner = line + 2, line + 1
        pen.rectangle((x1 - outer, y1 - outer, x2 - 1 + outer, y2 - 1 + outer), outline="black", width=line + 2)
        pen.rectangle((x1 - inner, y1 - inner, x2 - 1 + inner, y2 - 1 + inner), outline=colour, width=line)
        for x, y in (face.landmarks or ()) if landmarks else ():
            pen.circle((x, y), 1.5 * line, fill=colour, outline="black")
    # Draw the labels last, so no box covers them.
    for face in faces:
        _draw_label(pen, canvas.size, face, line)
    return np.asarray(canvas).copy()


def _draw_label(pen: ImageDraw.ImageDraw, size: tuple[int, int], face: Face, line: int) -> None:
    x1, y1, x2, y2 = face.box
    track = "" if face.track_id is None else f"{face.track_id}: "
    text = f"{track}{face.emotion} {face.confidence:.0%}"
    font = _font(max(11, min(round((x2 - x1) / 5), 6 * line)))
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    pad = max(2, line)
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    # Place the label above the box, else below it, else inside it; always within the image.
    y = y1 - line - 2 - height
    if y < 0:
        y = y2 + line + 2 if y2 + line + 2 + height <= size[1] else max(y1, 0)
    x = max(0, min(x1 - line - 2, size[0] - width))
    pen.rectangle((x, y, x + width - 1, y + height - 1), fill=colour_of(face.emotion), outline="black")
    ink = "white" if face.emotion in ("sad", "angry", "disgust") else "black"
    pen.text((x + pad - left, y + pad - top), text, font=font, fill=ink)


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)  # Loading a font takes longer than drawing a frame.


def draw_evidence(explanation: Explanation, label: str | None = None) -> np.ndarray:
    """Draw a face's crop, the overlay of a class next to it, and below them the class and the scale of the colours.

    Args:
        explanation: the explanation of the face.
        label: the class; None is the face's most probable class.

    Returns:
        RGB, uint8, (H, W, 3).

    Raises:
        MiniXceptionError: there is no such class.
    """
    label = label or explanation.face.emotion
    overlay = explanation.overlay(label)
    canvas = Image.new("RGB", (2 * SIDE, SIDE + CAPTION), "white")
    canvas.paste(Image.fromarray(to_grey(explanation.crop, SIDE)), (0, 0))
    canvas.paste(Image.fromarray(overlay), (SIDE, 0))
    pen = ImageDraw.Draw(canvas)
    middle, font = SIDE + CAPTION / 2, _font(15)
    pen.text((8, middle), f"{label} {explanation.face.probabilities[label]:.0%}", "black", font, anchor="lm")
    # The bar begins under the overlay and shows the colours over mid-grey.
    numbers = [f"{sign}{explanation.scale:.1f}" for sign in ("−", "+")]
    left, right = SIDE + 8 + pen.textlength(numbers[0], font), 2 * SIDE - 8 - pen.textlength(numbers[1], font)
    pen.text((SIDE, middle), numbers[0], "black", font, anchor="lm")
    pen.text((right + 8, middle), numbers[1], "black", font, anchor="lm")
    ramp = np.linspace(-1, 1, round(right - left), dtype=np.float32)
    bar = blend(np.full((12, len(ramp)), 128, np.uint8), np.tile(ramp, (12, 1)))
    canvas.paste(Image.fromarray(bar), (round(left), round(middle) - 6))
    return np.array(canvas)
