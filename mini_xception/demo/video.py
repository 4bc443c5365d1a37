"""The Video tab. It takes a video, and shows the annotated video with audio, and a summary of each face."""

from __future__ import annotations

import html
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from mini_xception.annotate import annotate_video
from mini_xception.demo.people import video_summary
from mini_xception.demo.photo import examples, renew_upload
from mini_xception.demo.texts import I18N, language_of, text
from mini_xception.demo.timeline import Moment
from mini_xception.errors import MiniXceptionError
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.summary.people import VideoSummary
from mini_xception.tracking.tracker import Frame

#: Moments per second that a timeline keeps.
MOMENTS_PER_S = 10
#: Longest video in seconds. Videos are processed one at a time, so a longer one would block other visitors.
LONGEST_S = 180
#: Seconds between progress messages. More frequent messages would queue up and delay a cancellation.
PROGRESS_EVERY_S = 0.2

#: JavaScript that connects the summary to the player.
PLAYER = Path(__file__).with_name("player.js").read_text(encoding="utf-8")

#: Annotated video, table, report, and HTML for the answer area.
Answer = tuple[str | None, str | None, dict[str, Any] | None, str]


def video_tab(recognizer: EmotionRecognizer) -> None:
    """Add the tab to the ``gr.Blocks`` of the caller. Its API endpoint is ``/analyze_video``."""
    with gr.Row(elem_id="video-tab"):
        with gr.Column(scale=1, min_width=300, elem_id="video-side"):
            video = gr.Video(
                label=I18N("video_tab"),
                show_label=False,
                sources=["upload"],
                height=340,
                elem_id="video",
                elem_classes="drop",
            )
            # CSS shows either the video or its annotated copy, and the buttons that belong to it.
            annotated = gr.Video(
                label=I18N("annotated_video"),
                show_label=False,
                interactive=False,
                height=340,
                buttons=[],
                elem_id="annotated-video",
            )
            with gr.Row(elem_id="video-buttons"):
                start = gr.Button(I18N("annotate_video"), variant="primary")
                cancel = gr.Button(I18N("cancel"))
            another = gr.Button(I18N("another_video"), size="sm", elem_id="another-video")
            gr.Markdown(I18N("video_privacy"), elem_classes="privacy")
            if videos := examples("*.mp4"):
                with gr.Column(elem_id="video-examples"):
                    gr.Examples(videos, inputs=video, label=I18N("examples"))
        with gr.Column(scale=1, min_width=300):
            answer = gr.HTML(I18N("video_waiting"), elem_id="timelines", elem_classes="answer", js_on_load=PLAYER)
            # The summary has a link that clicks this button.
            table = gr.DownloadButton(elem_id="video-table")
            with gr.Accordion(I18N("json"), open=False):
                report = gr.JSON(label=I18N("json"))

    def analyze_video(video: dict[str, Any] | None, request: gr.Request) -> Iterator[Answer]:
        """Classify the faces in every frame of a video. Yield an annotated copy, a CSV table and a summary per face."""
        language = language_of(request)
        if video is None:
            yield None, None, None, text("video_waiting", language)
            return
        name = video.get("orig_name") or "the video"
        path = renew_upload(video, language)
        summary, reported = VideoSummary(), 0.0
        moments: dict[int, list[Moment]] = {}
        with tempfile.TemporaryDirectory() as folder:
            copy, rows = Path(folder) / "annotated.mp4", Path(folder) / "faces.csv"
            try:
                for step in annotate_video(recognizer, path, copy, rows):
                    done_s, total_s = step.frame.time_s, max(step.duration_s or 0.0, step.frame.time_s)
                    if total_s > LONGEST_S:
                        too_long = text("video_too_long", language)
                        raise MiniXceptionError(too_long.format(name=name, duration=total_s, limit=LONGEST_S))
                    summary.add(step.frame)
                    _collect(step.frame, moments)
                    if time.monotonic() - reported >= PROGRESS_EVERY_S:
                        reported = time.monotonic()
                        yield None, None, None, _progress(done_s, total_s, language)
            except MiniXceptionError as error:
                # This is not in a `.failure` listener, because Gradio also calls it after a cancellation.
                yield None, None, None, text("video_failed", language)
                reason = html.escape(str(error).replace(path, name))
                raise gr.Error(reason, duration=None, print_exception=False) from error
            # The table names the video without its folder on this server.
            rows.write_bytes(rows.read_bytes().replace(os.fsencode(os.path.join(os.path.dirname(path), "")), b""))
            if moments:
                shown = video_summary(summary, moments, recognizer.labels, name, language)
            else:
                shown = text("video_no_face", language).format(frames=summary.frames)
            # Gradio copies both files into its cache, and deletes them from there later.
            found = {"frames": summary.frames, "faces": [person.to_dict() for person in summary.people()]}
            yield str(copy), str(rows), found, shown

    def report_cancelled(request: gr.Request) -> Answer:
        return None, None, None, text("cancelled", language_of(request))

    def clear(request: gr.Request) -> tuple[None, None, None, None, str]:
        return None, None, None, None, text("video_waiting", language_of(request))

    outputs: list[gr.components.Component] = [annotated, table, report, answer]
    analysis = start.click(
        analyze_video,
        inputs=video,
        outputs=outputs,
        preprocess=False,
        api_name="analyze_video",
        concurrency_limit=1,
        show_progress="minimal",
        show_progress_on=answer,
    )
    # Report the cancellation only afterwards. Otherwise, the last progress message would replace the report.
    cancel.click(None, cancels=analysis, api_visibility="private").then(
        report_cancelled, outputs=outputs, show_progress="hidden", api_visibility="private"
    )
    another.click(clear, outputs=[video, *outputs], queue=False, show_progress="hidden", api_visibility="private")


def _collect(frame: Frame, moments: dict[int, list[Moment]]) -> None:
    """Add a frame's faces to the timelines: track id → moments, at most MOMENTS_PER_S per second."""
    for face in frame.faces:
        assert face.track_id is not None
        known = moments.setdefault(face.track_id, [])
        if not known or frame.time_s - known[-1][0] >= 1 / MOMENTS_PER_S:
            known.append((frame.time_s, face.probabilities))


def _progress(done_s: float, total_s: float, language: int) -> str:
    share = np.clip(done_s / total_s, 0, 1) if total_s else 0.0
    label = text("video_progress", language).format(done=done_s, total=total_s)
    return f'{label}<div class="track progress"><i style="width:{share:.1%}"></i></div>'
