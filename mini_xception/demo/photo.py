"""The Photo tab: a photo in, annotated faces with their bars, a table and JSON out."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from mini_xception.demo.cards import cards
from mini_xception.demo.texts import I18N, language_of, text
from mini_xception.draw import draw_faces
from mini_xception.errors import MiniXceptionError
from mini_xception.media.image import load_image
from mini_xception.recognizer import EmotionRecognizer

CHECKOUT = Path(__file__).parents[2]


def examples(pattern: str) -> list[str]:
    """Paths of the examples that match; an installed package has none beside it."""
    beside = (CHECKOUT / "app.py").is_file()
    return sorted(str(path) for path in (CHECKOUT / "examples").glob(pattern)) if beside else []


def take_upload(upload: dict[str, Any], language: int) -> str:
    """The path of an uploaded file, which is from now on kept as long as a new one.

    Raises:
        gr.Error: it was deleted in the meantime.
    """
    try:
        os.utime(upload["path"])
    except FileNotFoundError as error:
        raise gr.Error(text("forgotten", language), duration=None, print_exception=False) from error
    return upload["path"]


def read_upload(photo: dict[str, Any], language: int) -> np.ndarray:
    """The RGB image in a file as it was uploaded: Gradio's own reading fails in its own words.

    Raises:
        gr.Error: it is no readable picture; the message names the visitor's file.
    """
    try:
        return load_image(take_upload(photo, language), name=photo["orig_name"] or "the photo")
    except MiniXceptionError as error:
        raise gr.Error(html.escape(str(error)), duration=None, print_exception=False) from error


def photo_tab(recognizer: EmotionRecognizer) -> None:
    """Put the tab where the caller is in a ``gr.Blocks``; its API endpoint is ``/predict``."""
    with gr.Row():
        photo = gr.Image(label=I18N("photo"), sources=["upload", "webcam", "clipboard"], height=400)
        annotated = gr.Image(
            label=I18N("faces"),
            elem_id="annotated",
            format="jpeg",
            interactive=False,
            height=400,
            buttons=["download", "fullscreen"],
            alt_text=I18N("faces_alt"),  # type: ignore[arg-type]  # as every other text
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
        """Find every face in a photo and read its expression."""
        language = language_of(request)
        if photo is None or photo["path"] is None:
            return None, None, [], text("waiting", language)
        image = read_upload(photo, language)
        faces = recognizer(image)
        rows = [
            [i, face.emotion, *(round(value, 3) for value in face.probabilities.values())]
            for i, face in enumerate(faces, start=1)
        ]
        return draw_faces(image, faces), [face.to_dict() for face in faces], rows, cards(image, faces, language)

    def blank(request: gr.Request) -> tuple[None, None, list[list[Any]], str]:
        return None, None, [], text("reading", language_of(request))

    def say_unreadable(request: gr.Request) -> str:
        return text("unreadable", language_of(request))

    outputs: list[gr.components.Component] = [annotated, result, table, answer]
    # Blank first, so that no earlier answer stands beside a photo that turns out unreadable. Neither this nor what is
    # said at last waits in the queue: a full one would refuse both, and "Reading…" would stand for ever.
    reading = photo.change(blank, outputs=outputs, queue=False, show_progress="hidden", api_visibility="private").then(
        predict,
        inputs=photo,
        outputs=outputs,
        preprocess=False,
        api_name="predict",
        show_progress="minimal",
        show_progress_on=annotated,
    )
    reading.failure(say_unreadable, outputs=answer, queue=False, show_progress="hidden", api_visibility="private")
