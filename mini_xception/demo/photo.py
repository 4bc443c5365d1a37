"""The Photo tab. It takes a photo, and shows the annotated photo, a card per face, a table and JSON."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from mini_xception.demo.api_images import accept_data_urls
from mini_xception.demo.cards import cards
from mini_xception.demo.texts import I18N, language_of, text
from mini_xception.draw import draw_faces
from mini_xception.errors import MiniXceptionError
from mini_xception.media.image import load_image
from mini_xception.recognizer import EmotionRecognizer

CHECKOUT = Path(__file__).parents[2]


def examples(pattern: str) -> list[str]:
    """Return the paths of the matching example files. An installed package has no examples, so the list is empty."""
    is_checkout = (CHECKOUT / "app.py").is_file()
    return sorted(str(path) for path in (CHECKOUT / "examples").glob(pattern)) if is_checkout else []


def renew_upload(upload: dict[str, Any], language: int) -> str:
    """Postpone the deletion of an uploaded file, and return its path.

    Raises:
        gr.Error: the file was already deleted.
    """
    try:
        os.utime(upload["path"])
    except FileNotFoundError as error:
        raise gr.Error(text("expired", language), duration=None, print_exception=False) from error
    return upload["path"]


def load_upload(photo: dict[str, Any], language: int) -> np.ndarray:
    """Load an uploaded image: RGB, uint8, (H, W, 3). Gradio's own loader has unclear error messages.

    Raises:
        gr.Error: the image cannot be read; the message names the visitor's file.
    """
    try:
        return load_image(renew_upload(photo, language), name=photo["orig_name"] or "the photo")
    except MiniXceptionError as error:
        raise gr.Error(html.escape(str(error)), duration=None, print_exception=False) from error


def photo_tab(recognizer: EmotionRecognizer) -> None:
    """Add the tab to the ``gr.Blocks`` of the caller. Its API endpoint is ``/predict``."""
    with gr.Row():
        photo = gr.Image(label=I18N("photo"), sources=["upload", "webcam", "clipboard"], height=400)
        accept_data_urls(photo)
        annotated = gr.Image(
            label=I18N("faces"),
            elem_id="annotated",
            format="jpeg",
            interactive=False,
            height=400,
            buttons=["download", "fullscreen"],
            alt_text=I18N("faces_alt"),  # type: ignore[arg-type]  # Gradio translates it like a label.
        )
    if photos := examples("*.jpg"):
        gr.Examples(photos, inputs=photo, label=I18N("examples"))
    answer = gr.HTML(I18N("waiting"), elem_id="cards", elem_classes="answer")
    with gr.Accordion(I18N("table"), open=False):
        table = gr.Dataframe(
            headers=["face", "emotion", *recognizer.labels],
            label=I18N("probabilities"),
            elem_id="table",
            interactive=False,
        )
    with gr.Accordion(I18N("json"), open=False):
        result = gr.JSON(label=I18N("json"), elem_id="json")

    def predict(
        photo: dict[str, Any] | None, request: gr.Request
    ) -> tuple[np.ndarray | None, list[dict[str, Any]] | None, list[list[Any]], str]:
        """Detect every face in a photo and classify its expression."""
        language = language_of(request)
        if photo is None or photo["path"] is None:
            return None, None, [], text("waiting", language)
        image = load_upload(photo, language)
        faces = recognizer(image)
        rows = [
            [i, face.emotion, *(round(value, 3) for value in face.probabilities.values())]
            for i, face in enumerate(faces, start=1)
        ]
        shown = cards(image, faces, language) if faces else text("no_face", language)
        return draw_faces(image, faces), [face.to_dict() for face in faces], rows, shown

    def clear(request: gr.Request) -> tuple[None, None, list[list[Any]], str]:
        return None, None, [], text("processing", language_of(request))

    def report_failure(request: gr.Request) -> str:
        return text("photo_failed", language_of(request))

    outputs: list[gr.components.Component] = [annotated, result, table, answer]
    # Clear first, because a photo that cannot be loaded must not appear next to an earlier result. `clear` and
    # `report_failure` skip the queue. A full queue would refuse both, and "Processing…" would stay.
    prediction = photo.change(clear, outputs=outputs, queue=False, show_progress="hidden", api_visibility="private")
    prediction = prediction.then(
        predict,
        inputs=photo,
        outputs=outputs,
        preprocess=False,
        api_name="predict",
        show_progress="minimal",
        show_progress_on=annotated,
    )
    prediction.failure(report_failure, outputs=answer, queue=False, show_progress="hidden", api_visibility="private")
