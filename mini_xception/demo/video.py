"""The Video tab. It takes a video, and shows the annotated video with audio, timelines of faces and a CSV table."""

from __future__ import annotations

import html
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from mini_xception.annotate import annotate_video
from mini_xception.demo.photo import examples, renew_upload
from mini_xception.demo.texts import I18N, label_text, language_of, text
from mini_xception.demo.timeline import Moment, draw_timeline
from mini_xception.errors import MiniXceptionError
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.tracking.tracker import Frame

#: Number of faces with a timeline on the page. These are the faces that are visible longest. The table lists all faces.
TIMELINES = 6
#: Moments per second that a timeline keeps.
MOMENTS_PER_S = 10
#: Longest video in seconds. Videos are processed one at a time, so a longer one would block other visitors.
LONGEST_S = 180
#: Seconds between progress messages. More frequent messages would queue up and delay a cancellation.
PROGRESS_EVERY_S = 0.2

#: Annotated video, table, report, and HTML for the answer area.
Answer = tuple[str | None, str | None, dict[str, Any] | None, str]


@dataclass
class FaceSummary:
    """One face of a video.

    Attributes:
        first_s: time at which the face is first seen, in seconds.
        last_s: time at which the face is last seen, in seconds.
        frames: number of frames with the face.
        sums: label → sum of its probabilities over these frames.
        moments: the face's probabilities over time, at most MOMENTS_PER_S per second.
    """

    first_s: float
    last_s: float
    frames: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)

    def add(self, time_s: float, probabilities: dict[str, float]) -> None:
        self.last_s = time_s
        self.frames += 1
        self.sums = {label: self.sums.get(label, 0.0) + value for label, value in probabilities.items()}
        if not self.moments or time_s - self.moments[-1][0] >= 1 / MOMENTS_PER_S:
            self.moments.append((time_s, probabilities))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary with the mean probabilities."""
        means = {label: total / self.frames for label, total in self.sums.items()}
        return {
            "first_s": self.first_s,
            "last_s": self.last_s,
            "frames": self.frames,
            "emotion": max(means, key=means.__getitem__),
            "probabilities": means,
        }


class VideoSummary:
    """All faces of a video, collected frame by frame."""

    def __init__(self) -> None:
        self.frames = 0
        self.last_s = 0.0
        self.faces: dict[int, FaceSummary] = {}

    def add(self, frame: Frame) -> None:
        self.frames += 1
        self.last_s = frame.time_s
        for face in frame.faces:
            assert face.track_id is not None
            known = self.faces.setdefault(face.track_id, FaceSummary(frame.time_s, frame.time_s))
            known.add(frame.time_s, face.probabilities)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary with the number of frames, and each face's times and mean probabilities."""
        return {"frames": self.frames, "faces": [{"id": id, **face.to_dict()} for id, face in self.faces.items()]}

    def timelines(self, language: int) -> str:
        """Render the timelines of the faces that were visible longest, as HTML."""
        longest = sorted(self.faces.items(), key=lambda item: -item[1].frames)[:TIMELINES]
        parts = [f"<p>{text('video_faces', language).format(frames=self.frames, faces=len(self.faces))}</p>"]
        for id, face in longest:
            name = f"{text('face', language)} {id}"
            emotion = html.escape(label_text(face.to_dict()["emotion"], language))
            alt = text("face_over_time", language).format(name=name)
            timeline = draw_timeline(face.moments, 0.0, max(self.last_s, 1 / MOMENTS_PER_S), alt, language)
            parts.append(f'<div class="face"><div><h2>{emotion}<small>{name}</small></h2>{timeline}</div></div>')
        if len(self.faces) > TIMELINES:
            parts.append(f"<p>{text('video_more_faces', language).format(faces=len(self.faces) - TIMELINES)}</p>")
        return f'<div class="faces timelines">{"".join(parts)}</div>'


def video_tab(recognizer: EmotionRecognizer) -> None:
    """Add the tab to the ``gr.Blocks`` of the caller. Its API endpoint is ``/analyze_video``."""
    with gr.Row():
        video = gr.Video(label=I18N("video_tab"), sources=["upload"], height=360, elem_id="video")
        annotated = gr.Video(label=I18N("annotated_video"), interactive=False, height=360, elem_id="annotated-video")
    if videos := examples("*.mp4"):
        gr.Examples(videos, inputs=video, label=I18N("examples"))
    with gr.Row():
        start = gr.Button(I18N("annotate_video"), variant="primary")
        cancel = gr.Button(I18N("cancel"))
    answer = gr.HTML(I18N("video_waiting"), elem_id="timelines", elem_classes="answer")
    table = gr.DownloadButton(
        I18N("table_file"),  # type: ignore[arg-type]  # Gradio translates it like a label.
        elem_id="video-table",
    )
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
        with tempfile.TemporaryDirectory() as folder:
            copy, rows = Path(folder) / "annotated.mp4", Path(folder) / "faces.csv"
            try:
                for step in annotate_video(recognizer, path, copy, rows):
                    done_s, total_s = step.frame.time_s, max(step.duration_s or 0.0, step.frame.time_s)
                    if total_s > LONGEST_S:
                        too_long = text("video_too_long", language)
                        raise MiniXceptionError(too_long.format(name=name, duration=total_s, limit=LONGEST_S))
                    summary.add(step.frame)
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
            if summary.faces:
                shown = summary.timelines(language)
            else:
                shown = text("video_no_face", language).format(frames=summary.frames)
            # Gradio copies both files into its cache, and deletes them from there later.
            yield str(copy), str(rows), summary.to_dict(), shown

    def report_cancelled(request: gr.Request) -> Answer:
        return None, None, None, text("cancelled", language_of(request))

    outputs: list[gr.components.Component] = [annotated, table, report, answer]
    analysis = start.click(
        analyze_video,
        inputs=video,
        outputs=outputs,
        preprocess=False,
        api_name="analyze_video",
        concurrency_limit=1,
        show_progress="minimal",
        show_progress_on=annotated,
    )
    # Report the cancellation only afterwards. Otherwise, the last progress message would replace the report.
    cancel.click(None, cancels=analysis, api_visibility="private").then(
        report_cancelled, outputs=outputs, show_progress="hidden", api_visibility="private"
    )


def _progress(done_s: float, total_s: float, language: int) -> str:
    share = np.clip(done_s / total_s, 0, 1) if total_s else 0.0
    label = text("video_progress", language).format(done=done_s, total=total_s)
    return f'{label}<div class="track progress"><i style="width:{share:.1%}"></i></div>'
