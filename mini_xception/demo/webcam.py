"""The Webcam tab. It takes camera frames, and shows annotated frames, live bars and a timeline of 30 seconds."""

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

from mini_xception.demo.api_images import is_upload
from mini_xception.demo.cards import bars, data_url, heading
from mini_xception.demo.texts import I18N, language_of, text
from mini_xception.demo.timeline import Moment, draw_timeline
from mini_xception.draw import draw_faces
from mini_xception.media.image import load_image
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.tracking.memory import StreamMemory
from mini_xception.tracking.tracker import SMOOTHING_S

#: Without constraints, browsers send up to 1920×1440 pixels.
CAMERA = {"video": {"width": {"ideal": 640}, "height": {"ideal": 480}}}
#: Interval at which the browser checks whether to send the next frame, in seconds; see PACE_CAMERA.
EVERY_S = 1 / 60
#: Shortest time between two sent frames, in seconds.
CAMERA_INTERVAL_S = 1 / 30
#: Seconds after which an unanswered frame counts as lost or refused. The next frame is then sent.
PATIENCE_S = 5
#: Number of visitors who can stream at the same time. The next visitor waits until another stops or reaches
#: TIME_LIMIT_S.
VISITORS = 8
TIME_LIMIT_S = 600
TIMELINE_S = 30
#: Moments per second that the timeline keeps.
MOMENTS_PER_S = 5
LONGEST_SMOOTHING_S = 2.0

#: Gradio sends a frame every EVERY_S, even if the previous frame is not answered yet. A server with two cores would
#: spend most of its time on frames that are never shown. Gradio sends nothing while the video's width is 0, so this
#: script reports a width of 0 until the next frame is due.
PACE_CAMERA = """(interval_ms, patience_ms) => {
    const video = document.querySelector("#camera video");
    if (!video || Object.hasOwn(video, "videoWidth")) return;
    const width = Object.getOwnPropertyDescriptor(HTMLVideoElement.prototype, "videoWidth").get;
    let taken = -Infinity, answered = true, shown;
    Object.defineProperty(video, "videoWidth", {get: () => {
        const waited = performance.now() - taken;
        if (waited < (answered ? interval_ms : patience_ms)) return 0;
        // Gradio reads the width several times in the task that captures a frame, and must always get the same value.
        queueMicrotask(() => { taken = performance.now(); answered = false; });
        return width.call(video);
    }});
    new MutationObserver(() => {
        const annotated = document.querySelector("#live img")?.src;
        answered ||= annotated && annotated !== shown;
        shown = annotated;
    }).observe(document.getElementById("live"), {subtree: true, childList: true, attributeFilter: ["src"]});
}"""

#: Gradio waits for a second click, on "Record". This script clicks it as soon as the camera shows it.
START_CAMERA = """patience_ms => {
    const end = performance.now() + patience_ms;
    const wait = () => {
        const record = document.querySelector('#camera [title="start recording"]');
        const plays = document.querySelector("#camera video")?.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
        if (record && plays) record.closest("button").click();
        else if (performance.now() < end) requestAnimationFrame(wait);
    };
    wait();
}"""

#: Gradio shows no error if camera access is denied or no camera is found, so this script catches the browser's error.
WATCH_CAMERA = """(texts, begin) => {
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
            begin();
            return stream;
        } catch (error) {
            say({NotAllowedError: "refused", NotFoundError: "missing"}[error.name] ?? "in_use");
            throw error;
        }
    };
}"""


def watch_camera() -> str:
    """Return JavaScript to run when the page loads.

    It starts the camera with one click, paces it, and shows errors in the visitor's language.
    """
    keys = ("refused", "missing", "in_use", "insecure")
    english, chinese = (json.dumps({key: text(f"camera_{key}", language) for key in keys}) for language in (0, 1))
    patience_ms = PATIENCE_S * 1e3
    begin = f"() => {{ ({PACE_CAMERA})({CAMERA_INTERVAL_S * 1e3}, {patience_ms}); ({START_CAMERA})({patience_ms}); }}"
    return f'() => ({WATCH_CAMERA})(navigator.language.startsWith("zh") ? {chinese} : {english}, {begin})'


@dataclass
class Visitor:
    """The state of one visitor between frames. It does not store camera frames."""

    faces: StreamMemory = field(default_factory=StreamMemory)
    #: Times and probabilities of the largest face.
    moments: deque[Moment] = field(default_factory=lambda: deque(maxlen=TIMELINE_S * MOMENTS_PER_S))
    #: The chart of the moments, and the time at which it was drawn.
    timeline: str = ""
    drawn_s: float = -math.inf
    #: Times at which the last frames were answered.
    answered: deque[float] = field(default_factory=lambda: deque(maxlen=30))

    def frames_per_s(self) -> float:
        if len(self.answered) < 2:
            return 0.0
        return (len(self.answered) - 1) / (self.answered[-1] - self.answered[0])


def webcam_tab(recognizer: EmotionRecognizer) -> None:
    """Add the tab to the ``gr.Blocks`` of the caller."""
    gr.Markdown(I18N("camera_help"), elem_classes="privacy")
    with gr.Row(elem_classes="camera-row"):
        with gr.Column(scale=1, min_width=300):
            camera = gr.Image(
                label=I18N("camera"),
                show_label=False,
                sources=["webcam"],
                streaming=True,
                height=300,
                webcam_options=gr.WebcamOptions(mirror=True, constraints=CAMERA),
                elem_id="camera",
                elem_classes="drop",
            )
            gr.HTML('<p id="camera-notice" role="alert" hidden></p>', padding=False)
            smoothing = gr.Slider(
                0, LONGEST_SMOOTHING_S, SMOOTHING_S, label=I18N("smoothing"), info=I18N("smoothing_info")
            )
        with gr.Column(scale=2, min_width=320):
            live = gr.HTML(I18N("camera_waiting"), elem_id="live", elem_classes="answer")
    visitor = gr.State(Visitor())

    def classify_frame(
        frame: dict[str, Any] | None, smoothing_s: float, visitor: Visitor, request: gr.Request
    ) -> tuple[str, Visitor]:
        """Classify and annotate one camera frame."""
        language = language_of(request)
        if frame is None:
            return text("camera_waiting", language), visitor
        now = time.monotonic()
        image = load_image(_bytes_of(frame, camera), name="camera frame")
        # Requests can exceed the slider's limits.
        visitor.faces.tracker.smoothing_s = min(max(0.0, smoothing_s), LONGEST_SMOOTHING_S)
        faces = recognizer.track(image, now, visitor.faces)
        if now - visitor.drawn_s >= 1 / MOMENTS_PER_S:
            if faces:
                visitor.moments.append((now, faces[0].probabilities))
            recent = [(moment - now, values) for moment, values in visitor.moments if moment > now - TIMELINE_S]
            visitor.timeline = draw_timeline(recent, -TIMELINE_S, 0, text("last_30_s", language), language)
            visitor.drawn_s = now
        visitor.answered.append(now)
        shown = data_url(draw_faces(image, faces), ".jpg")
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

    def report_busy(request: gr.Request) -> tuple[str, Any]:
        return text("camera_busy", language_of(request)), gr.skip()

    stream = camera.stream(
        classify_frame,
        inputs=[camera, smoothing, visitor],
        outputs=[live, visitor],
        preprocess=False,
        stream_every=EVERY_S,
        time_limit=TIME_LIMIT_S,
        concurrency_limit=VISITORS,
        show_progress="hidden",
        api_visibility="private",
    )
    # After a refusal, Gradio's camera would wait forever. As an output of this event, the camera gets a new state and
    # retries.
    stream.failure(report_busy, outputs=[live, camera], queue=False, show_progress="hidden", api_visibility="private")


def _bytes_of(frame: dict[str, Any], camera: gr.Image) -> bytes | str:
    """Return the encoded image, or the path of an uploaded one. Browsers stream it as a data URL."""
    url = frame.get("url") or ""
    if url.startswith("data:"):
        try:
            return b64decode(url.partition(",")[2], validate=True)
        except binascii.Error:
            return b""  # load_image rejects it.
    return frame["path"] if is_upload(frame["path"], camera) else b""
