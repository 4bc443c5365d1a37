"""The Augmentation tab: augmented images of one face, and how stable the prediction is on them."""

from __future__ import annotations

import html
import random
from typing import Any

import gradio as gr
import numpy as np

from mini_xception.demo.api_images import accept_data_urls
from mini_xception.demo.cards import data_url
from mini_xception.demo.photo import examples, load_upload
from mini_xception.demo.texts import I18N, label_text, language_of, text
from mini_xception.network.devices import initial_torch_defaults
from mini_xception.network.preprocess import to_grey
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.training.augment import AUGMENTATIONS, PRESETS, augment, build

#: Number of augmented images, shown after the original.
VIEWS = 23
LARGEST_SEED = 2**31 - 1


def augmentation_tab(recognizer: EmotionRecognizer) -> None:
    """Add the tab to the ``gr.Blocks`` of the caller. Its API endpoint is ``/augment``."""
    gr.Markdown(I18N("augmentation_introduction"))
    with gr.Row():
        with gr.Column(scale=1, min_width=300):
            photo = gr.Image(label=I18N("photo"), sources=["upload", "webcam", "clipboard"], height=240)
            accept_data_urls(photo)
            if photos := examples("*.jpg"):
                gr.Examples(photos, inputs=photo, label=I18N("examples"))
            preset = gr.Radio(list(PRESETS), value="best", label=I18N("preset"))
            sliders = [
                gr.Slider(0, entry.strongest, value=PRESETS["best"].get(name, 0), label=I18N(name), elem_id=name)
                for name, entry in AUGMENTATIONS.items()
            ]
            seed = gr.Number(
                0, label=I18N("seed"), info=I18N("seed_info"), precision=0, minimum=0, maximum=LARGEST_SEED
            )
            new_seed = gr.Button(I18N("new_seed"))
        with gr.Column(scale=2, min_width=320):
            answer = gr.HTML(I18N("choose_face"), elem_id="views", elem_classes="answer")
            code = gr.Code(
                label=I18N("as_python"), language="python", interactive=False, wrap_lines=True, elem_id="code"
            )
            with gr.Accordion(I18N("json"), open=False):
                result = gr.JSON(label=I18N("json"))

    def preview(
        photo: dict[str, Any] | None, seed: float | None, request: gr.Request, *strengths: float
    ) -> tuple[dict[str, Any] | None, str, str]:
        """Augment the largest face of a photo, and classify every augmented image."""
        language = language_of(request)
        # API requests can exceed the sliders' limits.
        limits = [entry.strongest for entry in AUGMENTATIONS.values()]
        numbers = [_number(name, value) for name, value in zip(AUGMENTATIONS, strengths, strict=True)]
        limited = [min(max(0.0, value), limit) for value, limit in zip(numbers, limits, strict=True)]
        chosen = {name: value for name, value in zip(AUGMENTATIONS, limited, strict=True) if value > 0}
        seed = int(min(max(0, _number("seed", seed)), LARGEST_SEED))
        python = _as_python(chosen, seed)
        if photo is None or photo["path"] is None:
            return None, text("choose_face", language), python
        image = load_upload(photo, language)
        crops = recognizer.crop(image)
        face = to_grey(crops[0] if crops else image, recognizer.classifier.config.image_size)
        views = augmented_views(face, chosen, seed)
        probabilities = recognizer.classify(views)
        notice = "" if crops else f"<p>{text('whole_image', language)}</p>"
        report = _report(probabilities, recognizer.labels)
        return report, notice + _grid(views, report, language), python

    gr.on(
        [photo.change, seed.change, *(slider.change for slider in sliders)],
        preview,
        inputs=[photo, seed, *sliders],
        outputs=[result, answer, code],
        preprocess=False,
        api_name="augment",
        show_progress="hidden",
        trigger_mode="always_last",
    )
    preset.input(
        lambda name: [PRESETS[name].get(augmentation, 0) for augmentation in AUGMENTATIONS],
        inputs=preset,
        outputs=sliders,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    new_seed.click(
        lambda: random.randrange(1000), outputs=seed, queue=False, show_progress="hidden", api_visibility="private"
    )


def augmented_views(face: np.ndarray, strengths: dict[str, float], seed: int) -> np.ndarray:
    """Augment a grey face: uint8, (S, S) → (VIEWS + 1, S, S), the original first."""
    import torch  # only this tab needs it

    original = torch.from_numpy(face).float().expand(VIEWS, 1, -1, -1)
    with initial_torch_defaults():
        changed = augment(original, build(strengths), torch.Generator().manual_seed(seed))
    return np.concatenate([face[np.newaxis], changed[:, 0].round().to(torch.uint8).numpy()])


def _number(name: str, value: object) -> float:
    if value is None:
        return 0
    if not isinstance(value, int | float):
        raise gr.Error(f"{name}: must be a number", duration=None, print_exception=False)
    return value


def _report(probabilities: np.ndarray, labels: tuple[str, ...]) -> dict[str, Any]:
    """Summarise the predictions as a JSON-ready dictionary. The first prediction is the original's."""
    emotions = [labels[i] for i in probabilities.argmax(axis=1)]
    highest = probabilities.max(axis=1)
    return {
        "emotion": emotions[0],
        "agreement": emotions.count(emotions[0]) / len(emotions),
        "mean_confidence": float(highest.mean()),
        "spread": float(highest.std()),
        "views": [
            {"emotion": emotion, "probabilities": dict(zip(labels, map(float, row), strict=True))}
            for emotion, row in zip(emotions, probabilities, strict=True)
        ],
    }


def _grid(views: np.ndarray, report: dict[str, Any], language: int) -> str:
    emotion = label_text(report["emotion"], language)
    agreement = text("agreement", language).format(share=report["agreement"], n=len(views), emotion=emotion)
    stability = text("stability", language).format(mean=report["mean_confidence"], spread=report["spread"])
    figures = []
    for i, (view, answer) in enumerate(zip(views, report["views"], strict=True)):
        prediction = f"{label_text(answer['emotion'], language)} {max(answer['probabilities'].values()):.0%}"
        caption = html.escape(f"{text('original', language)}: {prediction}" if i == 0 else prediction)
        differs = " differs" if answer["emotion"] != report["emotion"] else ""
        figures.append(
            f'<figure class="view{differs}"><img src="{data_url(view, ".png")}" alt="{caption}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
    return (
        f'<p class="stability"><b>{html.escape(agreement)}</b><small>{html.escape(stability)}</small></p>'
        f'<div class="faces views">{"".join(figures)}</div>'
    )


def _as_python(strengths: dict[str, float], seed: int) -> str:
    listed = "".join(f'    "{name}": {strength},\n' for name, strength in strengths.items())
    return f"""import torch
from mini_xception.training.augment import augment, build

augmentations = build({{
{listed}}})
generator = torch.Generator().manual_seed({seed})
# faces: float, (N, 1, S, S), pixels in 0–255
augmented = augment(faces, augmentations, generator)
"""
