"""The Photo tab: a photo in, annotated faces with their bars, a table and JSON out."""

from __future__ import annotations

import base64
import html
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np

from mini_xception.draw import colour_of, draw_faces
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.images import load_image
from mini_xception.preprocess import Framing, crop_face
from mini_xception.recognizer import EmotionRecognizer

EXAMPLES = Path(__file__).parents[2] / "examples"
WAITING = '<p class="message">Choose a photo, or click one of the examples.</p>'
READING = '<p class="message">Reading…</p>'
NO_FACE = (
    '<p class="message"><b>No face found.</b> A face must be at least 40 pixels wide, upright, '
    "and turned roughly to the camera.</p>"
)
UNREADABLE = '<p class="message">This photo could not be read; the reason stands in the notice.</p>'
#: Side of the small picture beside a face's bars, in pixels; shown at half of it.
THUMBNAIL_SIDE = 192


def photo_tab(recognizer: EmotionRecognizer) -> None:
    """Put the tab where the caller is in a ``gr.Blocks``; its API endpoint is ``/predict``."""
    with gr.Row():
        photo = gr.Image(label="Photo", sources=["upload", "webcam", "clipboard"], height=400)
        annotated = gr.Image(
            label="Faces",
            elem_id="annotated",
            format="jpeg",
            interactive=False,
            height=400,
            buttons=["download", "fullscreen"],
            alt_text="The photo with a box around every face",
        )
    examples = sorted(str(path) for path in EXAMPLES.glob("*.jpg"))
    if examples:  # An installed package has no examples folder beside it.
        gr.Examples(examples, inputs=photo, label="Examples, in one click")
    cards = gr.HTML(WAITING, elem_id="cards")
    with gr.Accordion("Table", open=False):
        table = gr.Dataframe(
            headers=["face", "emotion", *recognizer.labels],
            label="Probabilities",
            elem_id="table",
            interactive=False,
        )
    with gr.Accordion("JSON", open=False):
        result = gr.JSON(label="Result", elem_id="json")

    def predict(
        photo: dict[str, Any] | None,
    ) -> tuple[np.ndarray | None, list[dict[str, Any]] | None, list[list[Any]], str]:
        """Find every face in a photo and read its expression."""
        if photo is None or photo["path"] is None:
            return None, None, [], WAITING
        try:
            image = load_image(photo["path"], name=photo["orig_name"] or "the photo")
        except MiniXceptionError as error:
            raise gr.Error(html.escape(str(error)), duration=None, print_exception=False) from error
        faces = recognizer(image)
        rows = [[i, face.emotion, *_rounded(face)] for i, face in enumerate(faces, start=1)]
        return draw_faces(image, faces), [face.to_dict() for face in faces], rows, _cards(image, faces)

    outputs: list[gr.components.Component] = [annotated, result, table, cards]
    # Blank first, so that no earlier answer stands beside a photo that turns out unreadable.
    reading = photo.change(
        lambda: (None, None, [], READING), outputs=outputs, show_progress="hidden", api_visibility="private"
    ).then(
        predict,
        inputs=photo,
        outputs=outputs,
        preprocess=False,  # The file as it was uploaded: Gradio's own reading fails in its own words.
        api_name="predict",
        show_progress="minimal",
        show_progress_on=annotated,
    )
    reading.failure(lambda: UNREADABLE, outputs=cards, show_progress="hidden", api_visibility="private")


def _rounded(face: Face) -> list[float]:
    return [round(value, 3) for value in face.probabilities.values()]


def _cards(image: np.ndarray, faces: list[Face]) -> str:
    if not faces:
        return NO_FACE
    return f'<div class="faces">{"".join(_card(image, face, i) for i, face in enumerate(faces, start=1))}</div>'


def _card(image: np.ndarray, face: Face, number: int) -> str:
    bars = "".join(_bar(label, value, top=label == face.emotion) for label, value in face.probabilities.items())
    emotion = html.escape(face.emotion)
    return (
        f'<div class="face"><img src="{_thumbnail(image, face)}" alt="Face {number}">'
        f"<div><h3>{emotion} · {face.confidence:.0%}<small>face {number}</small></h3>{bars}</div></div>"
    )


def _bar(label: str, value: float, top: bool) -> str:
    fill = f'<i style="width:{value:.1%};background:{colour_of(label)}"></i>'
    return (
        f'<div class="bar{" top" if top else ""}"><span>{html.escape(label)}</span>'
        f'<span class="track">{fill}</span><span class="value">{value:.0%}</span></div>'
    )


def _thumbnail(image: np.ndarray, face: Face) -> str:
    crop = crop_face(image, face.box, Framing())
    small = cv2.resize(crop, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()
