"""Faces with their probability bars, as HTML."""

from __future__ import annotations

import base64
import html

import cv2
import numpy as np

from mini_xception.demo.texts import label_text, text
from mini_xception.detection.crop import crop_face
from mini_xception.draw import colour_of
from mini_xception.faces import Face
from mini_xception.network.preprocess import Framing

#: Side of a face's thumbnail, in pixels. It is shown at about half this size.
THUMBNAIL_SIDE = 192
#: OpenCV's default, 95, would double the size of an annotated camera frame.
JPEG_QUALITY = 80


def cards(image: np.ndarray, faces: list[Face], language: int) -> str:
    """Render each face of an RGB image with the probabilities of all labels."""
    return f'<div class="faces">{"".join(_card(image, face, i, language) for i, face in enumerate(faces, 1))}</div>'


def _card(image: np.ndarray, face: Face, number: int, language: int) -> str:
    name = f"{text('face', language)} {number}"
    crop = crop_face(image, face.box, Framing())
    thumbnail = cv2.resize(crop, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
    return (
        f'<div class="face"><img src="{data_url(thumbnail, ".jpg")}" alt="{name}">'
        f"<div>{heading(face, name, language)}{bars(face, language)}</div></div>"
    )


def heading(face: Face, name: str, language: int) -> str:
    """Render the expression, its confidence and the face's name."""
    emotion = html.escape(label_text(face.emotion, language))
    return f"<h2>{emotion} · {face.confidence:.0%}<small>{html.escape(name)}</small></h2>"


def bars(face: Face, language: int) -> str:
    """Render the probabilities of all labels. The highest is bold, for visitors who cannot tell the colours apart."""
    return "".join(
        f'<div class="bar{" top" if label == face.emotion else ""}">'
        f"<span>{html.escape(label_text(label, language))}</span>"
        f'<span class="track"><i style="width:{value:.1%};background:{colour_of(label)}"></i></span>'
        f'<span class="value">{value:.0%}</span></div>'
        for label, value in face.probabilities.items()
    )


def data_url(image: np.ndarray, suffix: str) -> str:
    """Encode an RGB or grey image as a data URL. A data URL is not cached, and other visitors cannot request it.

    Args:
        image: uint8, (H, W, 3) or (H, W).
        suffix: ".jpg" or ".png".
    """
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else []
    _, encoded = cv2.imencode(suffix, pixels, options)
    kind = {".jpg": "jpeg", ".png": "png"}[suffix]
    return f"data:image/{kind};base64,{base64.b64encode(encoded.tobytes()).decode()}"
