"""The Webcam tab: the camera's pictures in, an annotated picture, live bars and the last half minute out."""

from __future__ import annotations

import binascii
import json
import math
import time
from base64 import b64decode
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from mini_xception.demo.cards import bars, heading, picture
from mini_xception.demo.texts import I18N, language_of, text
from mini_xception.demo.timeline import Moment, draw_timeline
from mini_xception.draw import draw_faces
from mini_xception.media.image import load_image
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.tracking.memory import StreamMemory
from mini_xception.tracking.tracker import SMOOTHING_S

#: Without constraints a browser sends 1920×1440.
CAMERA = {"video": {"width": {"ideal": 640}, "height": {"ideal": 480}}}
#: How often the browser looks whether it may take a picture; see PACE_CAMERA.
EVERY_S = 1 / 60
#: A camera's pictures are this far apart.
CAMERA_INTERVAL_S = 1 / 30
#: A picture that was not answered by then was lost or refused; the next one is taken.
PATIENCE_S = 5
#: Visitors who stream at the same time; the next one waits until one stops, or his time is over.
VISITORS = 8
TIME_LIMIT_S = 600
TIMELINE_S = 30
#: Moments that the timeline keeps a second.
MOMENTS_PER_S = 5
LONGEST_SMOOTHING_S = 2.0

#: Gradio sends a picture every EVERY_S, answered or not: on two cores, most of the time went into pictures that nobody
#: looked at. It sends none while the camera's picture has no width; so it has none while an answer is under way.
PACE_CAMERA = """(interval_ms, patience_ms) => {
    const video = document.querySelector("#camera video");
    if (!video || Object.hasOwn(video, "videoWidth")) return;
    const width = Object.getOwnPropertyDescriptor(HTMLVideoElement.prototype, "videoWidth").get;
    let taken = -Infinity, answered = true, shown;
    Object.defineProperty(video, "videoWidth", {get: () => {
        const waited = performance.now() - taken;
        if (waited < (answered ? interval_ms : patience_ms)) return 0;
        // All that takes a picture runs in one go, and reads the width more than once.
        queueMicrotask(() => { taken = performance.now(); answered = false; });
        return width.call(video);
    }});
    new MutationObserver(() => {
        const annotated = document.querySelector("#live img")?.src;
        answered ||= annotated && annotated !== shown;
        shown = annotated;
    }).observe(document.getElementById("live"), {subtree: true, childList: true, attributeFilter: ["src"]});
}"""

#: Gradio shows nothing when the camera is refused or missing. So the page listens to what the browser answers.
WATCH_CAMERA = """(texts, pace) => {
    const say = key => {
        const notice = document.getElementById("camera-notice");
        if (notice) { notice.textContent = texts[key]; notice.hidden = !texts[key]; }
    };
    if (!navigator.mediaDevices) return say("insecure");
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async constraints => {
        try {
            const stream = await ask(constraints);
            say("");
            pace();
            return stream;
        } catch (error) {
            say({NotAllowedError: "refused", NotFoundError: "missing"}[error.name] ?? "taken");
            throw error;
        }
    };
}"""


def watch_camera() -> str:
    """JavaScript for the page's start: the camera keeps pace, and its refusals are said in the visitor's language."""
    keys = ("refused", "missing", "taken", "insecure")
    english, chinese = (json.dumps({key: text(f"camera_{key}", language) for key in keys}) for language in (0, 1))
    pace = f"() => ({PACE_CAMERA})({CAMERA_INTERVAL_S * 1e3}, {PATIENCE_S * 1e3})"
    return f'() => ({WATCH_CAMERA})(navigator.language.startsWith("zh") ? {chinese} : {english}, {pace})'


@dataclass
class Visitor:
    """What is remembered of one visitor from picture to picture; no picture is."""

    faces: StreamMemory = field(default_factory=StreamMemory)
    #: Time and probabilities of the largest face.
    moments: deque[Moment] = field(default_factory=lambda: deque(maxlen=TIMELINE_S * MOMENTS_PER_S))
    #: The moments' picture, and when it was drawn.
    timeline: str = ""
    drawn_s: float = -math.inf
    #: When the last pictures were answered.
    answered: deque[float] = field(default_factory=lambda: deque(maxlen=30))

    def frames_per_s(self) -> float:
        if len(self.answered) < 2:
            return 0.0
        return (len(self.answered) - 1) / (self.answered[-1] - self.answered[0])


def webcam_tab(recognizer: EmotionRecognizer) -> None:
    """Put the tab where the caller is in a ``gr.Blocks``."""
    with gr.Row():
        with gr.Column(scale=1, min_width=300):
            camera = gr.Image(
                label=I18N("camera"),
                sources=["webcam"],
                streaming=True,
                height=300,
                webcam_options=gr.WebcamOptions(mirror=True, constraints=CAMERA),
                elem_id="camera",
            )
            gr.HTML('<p id="camera-notice" role="alert" hidden></p>', padding=False)
            gr.Markdown(I18N("camera_help"))
            smoothing = gr.Slider(
                0, LONGEST_SMOOTHING_S, SMOOTHING_S, label=I18N("smoothing"), info=I18N("smoothing_info")
            )
        with gr.Column(scale=2, min_width=320):
            live = gr.HTML(I18N("camera_waiting"), elem_id="live", elem_classes="answer")
    visitor = gr.State(Visitor())

    def read_frame(
        frame: dict[str, Any] | None, smoothing_s: float, visitor: Visitor, request: gr.Request
    ) -> tuple[str, Visitor]:
        """Annotate one picture of a visitor's camera."""
        language = language_of(request)
        if frame is None:
            return text("camera_waiting", language), visitor
        now = time.monotonic()
        image = load_image(_bytes_of(frame), name="the camera's picture")
        visitor.faces.tracker.smoothing_s = min(max(0.0, smoothing_s), LONGEST_SMOOTHING_S)  # The API has no limits.
        faces = recognizer.track(image, now, visitor.faces)
        if now - visitor.drawn_s >= 1 / MOMENTS_PER_S:
            if faces:
                visitor.moments.append((now, faces[0].probabilities))
            recent = [(moment - now, values) for moment, values in visitor.moments if moment > now - TIMELINE_S]
            visitor.timeline = draw_timeline(recent, -TIMELINE_S, 0, text("last_30_s", language), language)
            visitor.drawn_s = now
        visitor.answered.append(now)
        shown = picture(draw_faces(image, faces), ".jpg")
        speed = text("frames_per_s", language).format(frames=visitor.frames_per_s())
        if faces:
            face = faces[0]
            name = f"{text('face', language)} {face.track_id}"
            largest = f'<div class="face"><div>{heading(face, name, language)}{bars(face, language)}</div></div>'
        else:
            largest = f"<p>{text('no_face', language)}</p>"
        return (
            f'<div class="faces live"><div><img src="{shown}" alt="{text("faces_alt", language)}" decoding="sync">'
            f'<small class="speed">{speed}</small></div>{largest}{visitor.timeline}</div>'
        ), visitor

    def say_busy(request: gr.Request) -> tuple[str, Any]:
        return text("camera_busy", language_of(request)), gr.skip()

    reading = camera.stream(
        read_frame,
        inputs=[camera, smoothing, visitor],
        outputs=[live, visitor],
        preprocess=False,
        stream_every=EVERY_S,
        time_limit=TIME_LIMIT_S,
        concurrency_limit=VISITORS,
        show_progress="hidden",
        api_visibility="private",
    )
    # Gradio's camera would wait for ever after a refusal; as an output, it gets a new state and tries again.
    reading.failure(say_busy, outputs=[live, camera], queue=False, show_progress="hidden", api_visibility="private")


def _bytes_of(frame: dict[str, Any]) -> bytes | str:
    """The encoded picture: browsers stream it as a data URL."""
    url = frame.get("url") or ""
    if url.startswith("data:"):
        try:
            return b64decode(url.partition(",")[2], validate=True)
        except binascii.Error:
            return b""  # which is no picture
    return frame["path"]
