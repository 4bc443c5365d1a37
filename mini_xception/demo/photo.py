"""The Photo tab. It takes a photo, and shows the annotated photo, a card per face, a table and JSON."""

from __future__ import annotations

import html
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from mini_xception.demo.api_images import accept_data_urls
from mini_xception.demo.cards import render_cards
from mini_xception.demo.result import render_result, render_skeleton
from mini_xception.demo.texts import I18N, language_of, text
from mini_xception.draw import draw_faces
from mini_xception.errors import MiniXceptionError
from mini_xception.faces import Face
from mini_xception.media.image import load_image
from mini_xception.recognizer import EmotionRecognizer

#: Folders that may contain the example photos and the example video: the checkout's, and the installed package's.
EXAMPLE_FOLDERS = tuple(parent / "examples" for parent in (Path(__file__).parents[2], Path(__file__).parents[1]))
#: The photo on the page when it opens.
FIRST_EXAMPLE = "two_portraits.jpg"
#: Height of the area for a photo, in CSS pixels.
DROP_HEIGHT = 150
#: Photos of the page and of the API are classified one at a time.
QUEUE = "photo"
#: On a phone, the first face may be below the screen.
SHOW_RESULT = """() => {
    const result = document.getElementById("result");
    const first = result.querySelector(".faces > *") ?? result;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (result.getBoundingClientRect().top < 0 || first.getBoundingClientRect().bottom > innerHeight)
        result.scrollIntoView({behavior: calm ? "auto" : "smooth", block: "start"});
}"""

#: HTML of the result, JSON and table.
Shown = tuple[str, list[dict[str, Any]] | None, list[list[Any]]]


def examples(pattern: str) -> list[str]:
    """Return the paths of the matching example files, the first example first."""
    folder = next((folder for folder in EXAMPLE_FOLDERS if (folder / FIRST_EXAMPLE).is_file()), None)
    paths = sorted(folder.glob(pattern), key=lambda path: (path.name != FIRST_EXAMPLE, path)) if folder else []
    return [str(path) for path in paths]


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


def photo_area(elem_id: str) -> gr.Image:
    """Add an area that takes a photo to the ``gr.Blocks`` of the caller."""
    photo = gr.Image(
        label=I18N("photo"),
        show_label=False,
        sources=["upload", "webcam", "clipboard"],
        height=DROP_HEIGHT,
        placeholder=I18N("drop_photo"),  # type: ignore[arg-type]  # Gradio translates it like a label.
        elem_id=elem_id,
        elem_classes="drop",
    )
    accept_data_urls(photo)
    return photo


def photo_tab(recognizer: EmotionRecognizer) -> None:
    """Add the tab to the ``gr.Blocks`` of the caller. Its API endpoint is ``/predict``."""
    photos = examples("*.jpg")
    with gr.Row(elem_classes="ask"):
        photo = photo_area("photo")
        with gr.Column(min_width=240):
            if photos:
                gr.Examples(photos, inputs=photo, label=I18N("examples"))
            gr.Markdown(I18N("photo_privacy"), elem_classes="privacy")
    answer = gr.HTML(render_skeleton("") if photos else I18N("waiting"), elem_id="result", elem_classes="answer")
    with gr.Accordion(I18N("table"), open=False):
        table = gr.Dataframe(
            headers=["face", "emotion", *recognizer.labels],
            label=I18N("probabilities"),
            elem_id="table",
            interactive=False,
        )
    with gr.Accordion(I18N("json"), open=False):
        result = gr.JSON(label=I18N("json"), elem_id="json")

    def show(photo: dict[str, Any] | None, request: gr.Request) -> Shown:
        """Detect every face in a photo, and show its expression."""
        language = language_of(request)
        if photo is None or photo["path"] is None:
            return text("waiting", language), None, []
        image = load_upload(photo, language)
        explanations = recognizer.explain(image)
        faces = [explanation.face for explanation in explanations]
        shown = render_result(image, explanations, photo["orig_name"] or "photo", language)
        return shown, [face.to_dict() for face in faces], _rows(faces)

    def clear(request: gr.Request) -> Shown:
        return render_skeleton(text("processing", language_of(request))), None, []

    def report_failure(request: gr.Request) -> str:
        return text("photo_failed", language_of(request))

    outputs: list[gr.components.Component] = [answer, result, table]
    # Clear first, because a photo that cannot be loaded must not appear next to an earlier result. `clear` and
    # `report_failure` skip the queue. A full queue would refuse both, and the grey areas would stay.
    change = photo.change(clear, outputs=outputs, queue=False, show_progress="hidden", api_visibility="private")
    shown = change.then(
        show,
        inputs=photo,
        outputs=outputs,
        preprocess=False,
        concurrency_id=QUEUE,
        show_progress="hidden",
        api_visibility="private",
    )
    shown.failure(report_failure, outputs=answer, queue=False, show_progress="hidden", api_visibility="private")
    shown.success(js=SHOW_RESULT, queue=False, show_progress="hidden", api_visibility="private")
    if photos:
        gr.on(
            None,
            _example(recognizer, Path(photos[0])),
            outputs=answer,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
    _add_api(recognizer, photo)


def _rows(faces: list[Face]) -> list[list[Any]]:
    """Return the table on the page: number, expression and probabilities of each face."""
    return [
        [i, face.emotion, *(round(value, 3) for value in face.probabilities.values())]
        for i, face in enumerate(faces, start=1)
    ]


def _example(recognizer: EmotionRecognizer, path: Path) -> Callable[[gr.Request], str]:
    """Classify an example, and return a function that renders its result in the visitor's language."""
    image = load_image(path)
    explanations = recognizer.explain(image)

    @lru_cache(maxsize=2)
    def render(language: int) -> str:
        return render_result(image, explanations, path.name, language, text("example_result", language))

    def example(request: gr.Request) -> str:
        return render(language_of(request))

    return example


def _add_api(recognizer: EmotionRecognizer, photo: gr.Image) -> None:
    """Add the endpoint ``/predict``. Its outputs are not on the page, so the page does not load them."""
    annotated = gr.Image(format="jpeg", label="annotated photo", visible=False)
    result = gr.JSON(label="faces", visible=False)
    table = gr.Dataframe(
        headers=["face", "emotion", *recognizer.labels], label="table", interactive=False, visible=False
    )
    cards = gr.HTML(label="cards", visible=False)

    def predict(
        photo: dict[str, Any] | None, request: gr.Request
    ) -> tuple[np.ndarray | None, list[dict[str, Any]] | None, list[list[Any]], str]:
        """Detect every face in a photo and classify its expression."""
        language = language_of(request)
        if photo is None or photo["path"] is None:
            return None, None, [], text("waiting", language)
        image = load_upload(photo, language)
        explanations = recognizer.explain(image)
        faces = [explanation.face for explanation in explanations]
        shown = render_cards(explanations, language)
        return draw_faces(image, faces), [face.to_dict() for face in faces], _rows(faces), shown

    gr.Button(visible=False).click(
        predict,
        inputs=photo,
        outputs=[annotated, result, table, cards],
        preprocess=False,
        concurrency_id=QUEUE,
        api_name="predict",
    )
