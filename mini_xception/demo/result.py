"""The result for a photo, as HTML: the annotated photo, a card per face, and downloads."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import PurePath

import cv2
import numpy as np

from mini_xception.demo.cards import data_url, expression, render_cards, text_url
from mini_xception.demo.texts import label_text, text
from mini_xception.draw import face_colour, ink_on
from mini_xception.explain import Explanation
from mini_xception.faces import Face
from mini_xception.table import to_csv

#: Longest side of the photo on the page, in pixels.
LONGEST_SIDE = 2048


def render_result(
    image: np.ndarray, explanations: Sequence[Explanation], name: str, language: int, note: str = ""
) -> str:
    """Render the annotated photo beside a card for each face.

    Args:
        image: RGB, uint8, (H, W, 3).
        explanations: the faces in the image, with the evidence for each label.
        name: the photo's file name, for the table and the names of the downloads.
        language: 0 for English, 1 for Chinese.
        note: a sentence above the photo.
    """
    noted = f'<p class="note">{html.escape(note)}</p>' if note else ""
    faces = [explanation.face for explanation in explanations]
    shown = render_cards(explanations, language) or f'<p class="no-face">{text("no_face", language)}</p>'
    return (
        f'<div class="result">{noted}<figure><div class="photo">'
        f'<img src="{data_url(_scaled(image), ".jpg")}" alt="{text("faces_alt", language)}">'
        f"{''.join(_box(image, face, i, len(faces), language) for i, face in enumerate(faces, 1))}</div>"
        f"{_downloads(faces, name, language) if faces else ''}</figure>"
        f'<div class="faces">{shown}</div></div>'
    )


def render_skeleton(label: str) -> str:
    """Render grey areas in place of a result that is being computed.

    Args:
        label: what is happening, for a screen reader.
    """
    return (
        f'<div class="result skeleton" role="status" aria-label="{html.escape(label)}"><figure><div class="photo">'
        '</div></figure><div class="faces"><div class="face"></div></div></div>'
    )


def _box(image: np.ndarray, face: Face, number: int, of: int, language: int) -> str:
    """Render a face's box and expression, as a button over the photo that highlights the face's card."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = face.box
    place = f"left:{x1 / width:.2%};top:{y1 / height:.2%};width:{(x2 - x1) / width:.2%};height:{(y2 - y1) / height:.2%}"
    colours = f"--colour:{face_colour(face)};--ink:{ink_on(face)}"
    kinds = "box" + " unsure" * face.is_unsure + " right" * (x1 + x2 > 1.2 * width)
    title = html.escape(f"{text('face', language)} {number}: {expression(face, language)}")
    if face.is_unsure:
        shown = text("unsure", language)
    else:
        shown = f"{html.escape(label_text(face.emotion, language))} <b>{face.confidence:.0%}</b>"
    if of > 1:
        shown = f"{number}: {shown}"
    return (
        f'<button class="{kinds}" data-face="{number}" style="{place};{colours}" aria-label="{title}">'
        f"<span>{shown}</span></button>"
    )


def _downloads(faces: Sequence[Face], name: str, language: int) -> str:
    """Render links to the annotated photo, the table and the JSON.

    The links hold their files, so they never expire. ``page.js`` draws the annotated photo when it is saved.
    """
    stem = html.escape(PurePath(name).stem)
    results = json.dumps([face.to_dict() for face in faces], indent=1)
    files = {
        "CSV": (f"{stem}-faces.csv", text_url(to_csv(name, faces), "text/csv")),
        "JSON": (f"{stem}-faces.json", text_url(results, "application/json")),
    }
    links = "".join(f'<a download="{file}" href="{url}">{label}</a>' for label, (file, url) in files.items())
    image = f'<a download="{stem}-faces.jpg" href="#" class="save-image">{text("download_image", language)}</a>'
    return f'<figcaption class="downloads"><span>{text("download", language)}</span>{image}{links}</figcaption>'


def _scaled(image: np.ndarray) -> np.ndarray:
    """Scale an image down to LONGEST_SIDE, if it is larger."""
    scale = LONGEST_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
