"""Faces with their probability bars, as HTML."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import cv2
import numpy as np

from mini_xception.demo.texts import label_text, text
from mini_xception.draw import colour_of
from mini_xception.explain import Explanation, upsample
from mini_xception.faces import Face

#: Side of a face's thumbnail, in pixels. It is shown at about half this size.
THUMBNAIL_SIDE = 192
#: Side of the evidence for a label, in values. The browser interpolates between them.
HEAT_SIDE = 12
#: OpenCV's default, 95, would double the size of an annotated camera frame.
JPEG_QUALITY = 80


def render_cards(explanations: Sequence[Explanation], language: int) -> str:
    """Render a card for each face: its crop beside the probabilities of all labels.

    Args:
        explanations: the faces, with the evidence for each label.
        language: 0 for English, 1 for Chinese.
    """
    return "".join(_card(explanation, number, language) for number, explanation in enumerate(explanations, start=1))


def _card(explanation: Explanation, number: int, language: int) -> str:
    face = explanation.face
    name = f"{text('face', language)} {number}"
    thumbnail = cv2.resize(explanation.crop, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
    # page.js draws the evidence for the chosen label.
    switch = f'<button class="show-evidence" aria-pressed="false">{text("show_evidence", language)}</button>'
    evidence_help = f'<p class="evidence-help">{text("evidence_help", language)}</p>'
    return (
        f'<article class="face{" unsure" if face.is_unsure else ""}" data-face="{number}" tabindex="0" '
        f'aria-label="{name}: {html.escape(expression(face, language))}">'
        f'<div class="portrait"><img src="{data_url(thumbnail, ".jpg")}" alt="{name}">'
        f"<canvas></canvas>{switch}</div>"
        f"<div>{heading(face, name, language)}{_evidence_bars(explanation, language)}{evidence_help}</div></article>"
    )


def heading(face: Face, name: str, language: int) -> str:
    """Render the expression, its confidence and the face's name. A guess is called one, with the reason."""
    shown = f"<h2>{html.escape(expression(face, language))}<small>{html.escape(name)}</small></h2>"
    if not face.is_unsure:
        return shown
    x1, y1, x2, y2 = face.box
    small = text("unsure_size", language).format(pixels=max(x2 - x1, y2 - y1))
    return f'{shown}<p class="why">{small if face.is_small else text("unsure_probability", language)}</p>'


def expression(face: Face, language: int) -> str:
    """Return a face's expression and its probability as text, or that they are uncertain."""
    emotion = label_text(face.emotion, language)
    if face.is_unsure:
        return f"{text('unsure', language)} · {text('perhaps', language).format(emotion=emotion)}"
    return f"{emotion} {face.confidence:.0%}"


def bars(face: Face, language: int) -> str:
    """Render the probabilities of all labels. The highest is bold, for visitors who cannot tell the colours apart."""
    return "".join(f'<div class="{kind}">{bar}</div>' for _, kind, bar in _bars(face, language))


def _evidence_bars(explanation: Explanation, language: int) -> str:
    """Render the probabilities of all labels as buttons, each with the label's evidence, from −1 to 1."""
    scale = explanation.scale or 1.0
    buttons = []
    for label, kind, bar in _bars(explanation.face, language):
        heat = upsample(explanation.contrast(label), HEAT_SIDE) / scale
        values = json.dumps(heat.round(2).astype(float).tolist(), separators=(",", ":"))
        buttons.append(f'<button class="{kind}" tabindex="-1" data-heat="{values}">{bar}</button>')
    return "".join(buttons)


def _bars(face: Face, language: int) -> Iterator[tuple[str, str, str]]:
    """Yield each label with the CSS classes and the HTML of its bar."""
    for label, value in face.probabilities.items():
        yield (
            label,
            "bar top" if label == face.emotion else "bar",
            f"<span>{html.escape(label_text(label, language))}</span>"
            f'<span class="track"><i style="width:{value:.1%};background:{colour_of(label)}"></i></span>'
            f'<span class="value">{value:.0%}</span>',
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


def text_url(content: str, kind: str) -> str:
    """Encode a text file as a data URL.

    Args:
        content: the file's text.
        kind: its media type, for example "text/csv".
    """
    return f"data:{kind};charset=utf-8,{quote(content, errors='surrogateescape')}"
