"""The Augmentation tab: augmented images of one face, and how stable the prediction is on them."""

from __future__ import annotations

import html
import inspect
import random
from typing import Any

import gradio as gr
import numpy as np

from mini_xception.demo.cards import data_url
from mini_xception.demo.photo import examples, load_upload, photo_area
from mini_xception.demo.texts import I18N, TEXTS, label_text, language_of, text
from mini_xception.media.image import load_image
from mini_xception.network.devices import initial_torch_defaults
from mini_xception.network.preprocess import to_grey
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.training.augment import AUGMENTATIONS, PRESETS, augment, build

#: Number of augmented images, shown after the original.
VIEWS = 23
LARGEST_SEED = 2**31 - 1
#: The groups of sliders, in their order on the page.
GROUPS = ("light", "sharpness", "geometry")
DEFAULT_PRESET = "best"
#: The face that is shown before the visitor chooses one.
EXAMPLE = "eileen_collins.jpg"


def augmentation_tab(recognizer: EmotionRecognizer) -> None:
    """Add the tab to the ``gr.Blocks`` of the caller, inside a ``gr.Tab``. Its API endpoint is ``/augment``."""
    introduction = gr.Markdown(I18N("augmentation_introduction"))
    tab = introduction.parent
    with gr.Row(elem_id="presets"):
        preset = gr.Radio(list(PRESETS), value=DEFAULT_PRESET, label=I18N("preset"))
        origin = gr.Markdown(I18N(f"preset_{DEFAULT_PRESET}"), elem_id="preset-origin")
    with gr.Row(elem_id="augmentation"):
        with gr.Column(scale=3, min_width=320, elem_id="augmented"):
            answer = gr.HTML(I18N("augmenting"), elem_id="views", elem_classes="answer")
        with gr.Column(scale=2, min_width=300):
            photo = photo_area("augmented-photo")
            if photos := examples("*.jpg"):
                gr.Examples(photos, inputs=photo, label=I18N("examples"))
            sliders = _sliders()
            with gr.Row():
                seed = gr.Number(
                    0, label=I18N("seed"), info=I18N("seed_info"), precision=0, minimum=0, maximum=LARGEST_SEED
                )
                new_seed = gr.Button(I18N("new_seed"))
    with gr.Accordion(I18N("all_presets"), open=False):
        for name in PRESETS:
            gr.Markdown(I18N(f"preset_{name}"))
    code = gr.Code(label=I18N("as_python"), language="python", interactive=False, wrap_lines=True, elem_id="code")
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
        notice = ""
        if photo is not None and photo["path"] is not None:
            image = load_upload(photo, language)
        elif example := next(iter(examples(EXAMPLE)), None):
            image = load_image(example)
            notice = f"<p>{text('example_face', language)}</p>"
        else:
            return None, text("choose_face", language), python
        crops = recognizer.crop(image)
        face = to_grey(crops[0] if crops else image, recognizer.classifier.config.image_size)
        views = augmented_views(face, chosen, seed)
        probabilities = recognizer.classify(views)
        if not crops:
            notice += f"<p>{text('whole_image', language)}</p>"
        report = _report(probabilities, recognizer.labels)
        return report, _comparison(views, report, notice, language), python

    def show_example(photo: dict[str, Any] | None, seed: float | None, request: gr.Request, *strengths: float) -> Any:
        """Augment the example, unless the visitor has chosen a photo, which may have expired."""
        return gr.skip() if photo else preview(None, seed, request, *strengths)

    def choose_preset(name: str, request: gr.Request) -> list[Any]:
        return [text(f"preset_{name}", language_of(request)), *_strengths(name).values()]

    def recognise_preset(request: gr.Request, *strengths: float) -> tuple[str | None, str]:
        """Select the preset with these strengths, if there is one."""
        found = next((name for name in PRESETS if [*_strengths(name).values()] == [*strengths]), None)
        return found, text(f"preset_{found}" if found else "preset_own", language_of(request))

    inputs: list[gr.components.Component] = [photo, seed, *sliders]
    shown: dict[str, Any] = {
        "inputs": inputs,
        "outputs": [result, answer, code],
        "preprocess": False,
        "show_progress": "hidden",
    }
    changes = [photo.change, seed.change, *(slider.change for slider in sliders)]
    gr.on(changes, preview, api_name="augment", trigger_mode="always_last", **shown)
    # PyTorch is imported for the first visitor who opens the tab, not when the page starts.
    if isinstance(tab, gr.Tab):
        tab.select(show_example, api_visibility="private", **shown)
    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    preset.input(choose_preset, inputs=preset, outputs=[origin, *sliders], **quiet)
    moves = [slider.input for slider in sliders]
    recognised: list[gr.components.Component] = [preset, origin]
    gr.on(moves, recognise_preset, inputs=[*sliders], outputs=recognised, trigger_mode="always_last", **quiet)
    new_seed.click(lambda: random.randrange(1000), outputs=seed, **quiet)


def _sliders() -> list[gr.Slider]:
    """Add a slider per augmentation, by group, and return the sliders in the order of AUGMENTATIONS."""
    sliders = {}
    for group in GROUPS:
        with gr.Group(elem_classes="sliders"):
            gr.Markdown(I18N(f"group_{group}"))
            for name, entry in AUGMENTATIONS.items():
                if entry.kind.group == group:
                    value = PRESETS[DEFAULT_PRESET].get(name, 0)
                    sliders[name] = gr.Slider(0, entry.strongest, value=value, label=_label(name), elem_id=name)
    return [sliders[name] for name in AUGMENTATIONS]


def _label(name: str) -> Any:
    """Return the label of a slider. Without a text, the name and unit of the augmentation in the code are used."""
    if name in TEXTS:
        return I18N(name)
    (unit,) = inspect.signature(AUGMENTATIONS[name].kind).parameters
    return f"{name.replace('_', ' ').capitalize()}: {unit}"


def _strengths(preset: str) -> dict[str, float]:
    return {name: PRESETS[preset].get(name, 0) for name in AUGMENTATIONS}


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


def _comparison(views: np.ndarray, report: dict[str, Any], notice: str, language: int) -> str:
    """Render the original beside the first augmented image, large, then the further ones."""
    emotion = label_text(report["emotion"], language)
    agreement = text("agreement", language).format(share=report["agreement"], n=len(views), emotion=emotion)
    stability = text("stability", language).format(mean=report["mean_confidence"], spread=report["spread"])
    figures = []
    for i, (view, answer) in enumerate(zip(views, report["views"], strict=True)):
        prediction = f"{label_text(answer['emotion'], language)} {max(answer['probabilities'].values()):.0%}"
        role = {0: f"{text('original', language)}: ", 1: f"{text('augmented', language)}: "}.get(i, "")
        caption = html.escape(role + prediction)
        differs = " differs" if answer["emotion"] != report["emotion"] else ""
        figures.append(
            f'<figure class="view{differs}"><img src="{data_url(view, ".png")}" alt="{caption}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
    return (
        f'{notice}<div class="faces before-after">{"".join(figures[:2])}</div>'
        f'<p class="stability"><b>{html.escape(agreement)}</b><small>{html.escape(stability)}</small></p>'
        f'<div class="faces views">{"".join(figures[2:])}</div>'
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
