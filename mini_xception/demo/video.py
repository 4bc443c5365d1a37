"""The Video tab: a clip in; an annotated clip with its sound, a timeline for each face and a table out."""

from __future__ import annotations

import html
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from mini_xception.annotate import annotate_video
from mini_xception.demo.photo import examples, take_upload
from mini_xception.demo.texts import I18N, label_text, language_of, text
from mini_xception.demo.timeline import Moment, draw_timeline
from mini_xception.errors import MiniXceptionError
from mini_xception.recognizer import EmotionRecognizer
from mini_xception.tracking.tracker import Frame

#: The faces that were seen longest have a timeline; all are in the table.
TIMELINES = 6
#: Moments that a timeline keeps a second.
MOMENTS_PER_S = 10
#: A longer clip would keep the other visitors waiting.
LONGEST_S = 180
#: More often, messages would queue up behind the work, and a cancellation behind them.
PROGRESS_EVERY_S = 0.2

#: Annotated clip, table, report, and what stands below.
Answer = tuple[str | None, str | None, dict[str, Any] | None, str]


@dataclass
class FaceOverTime:
    """What was read in one face.

    Attributes:
        first_s: when it was first seen.
        last_s: when it was last seen.
        frames: in how many frames it was seen.
        sums: of its probabilities over these frames.
        moments: its probabilities, a few a second.
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
        """JSON-ready, with mean probabilities."""
        means = {label: total / self.frames for label, total in self.sums.items()}
        return {
            "first_s": self.first_s,
            "last_s": self.last_s,
            "frames": self.frames,
            "emotion": max(means, key=means.__getitem__),
            "probabilities": means,
        }


class FacesOverTime:
    """All faces of a clip, collected frame by frame."""

    def __init__(self) -> None:
        self.frames = 0
        self.last_s = 0.0
        self.faces: dict[int, FaceOverTime] = {}

    def add(self, frame: Frame) -> None:
        self.frames += 1
        self.last_s = frame.time_s
        for face in frame.faces:
            assert face.track_id is not None
            known = self.faces.setdefault(face.track_id, FaceOverTime(frame.time_s, frame.time_s))
            known.add(frame.time_s, face.probabilities)

    def report(self) -> dict[str, Any]:
        """JSON-ready: how many frames, and each face with when it was seen and its mean probabilities."""
        return {"frames": self.frames, "faces": [{"id": id, **face.to_dict()} for id, face in self.faces.items()]}

    def timelines(self, language: int) -> str:
        """The faces that were seen longest, as HTML; a message if there is none."""
        if not self.faces:
            return text("clip_no_face", language).format(frames=self.frames)
        longest = sorted(self.faces.items(), key=lambda item: -item[1].frames)[:TIMELINES]
        parts = [f"<p>{text('clip_faces', language).format(frames=self.frames, faces=len(self.faces))}</p>"]
        for id, face in longest:
            name = f"{text('face', language)} {id}"
            emotion = html.escape(label_text(face.to_dict()["emotion"], language))
            alt = text("face_over_time", language).format(name=name)
            timeline = draw_timeline(face.moments, 0.0, max(self.last_s, 1 / MOMENTS_PER_S), alt, language)
            parts.append(f'<div class="face"><div><h2>{emotion}<small>{name}</small></h2>{timeline}</div></div>')
        if len(self.faces) > TIMELINES:
            parts.append(f"<p>{text('clip_more_faces', language).format(faces=len(self.faces) - TIMELINES)}</p>")
        return f'<div class="faces timelines">{"".join(parts)}</div>'


def video_tab(recognizer: EmotionRecognizer) -> None:
    """Put the tab where the caller is in a ``gr.Blocks``; its API endpoint is ``/analyze_video``."""
    with gr.Row():
        clip = gr.Video(label=I18N("clip"), sources=["upload"], height=360, elem_id="clip")
        annotated = gr.Video(label=I18N("annotated_clip"), interactive=False, height=360, elem_id="annotated-clip")
    if clips := examples("*.mp4"):
        gr.Examples(clips, inputs=clip, label=I18N("examples"))
    with gr.Row():
        start = gr.Button(I18N("read_clip"), variant="primary")
        cancel = gr.Button(I18N("cancel"))
    answer = gr.HTML(I18N("clip_waiting"), elem_id="timelines", elem_classes="answer")
    table = gr.DownloadButton(I18N("table_file"), elem_id="clip-table")  # type: ignore[arg-type]  # as every button
    with gr.Accordion(I18N("json"), open=False):
        report = gr.JSON(label=I18N("json"))

    def analyze_video(clip: dict[str, Any] | None, request: gr.Request) -> Iterator[Answer]:
        """Read every frame of a clip: an annotated copy, a CSV table, and a summary of each face."""
        language = language_of(request)
        if clip is None:
            yield None, None, None, text("clip_waiting", language)
            return
        name = clip.get("orig_name") or "the clip"
        path = take_upload(clip, language)
        faces, told = FacesOverTime(), 0.0
        with tempfile.TemporaryDirectory() as folder:
            copy, rows = Path(folder) / "annotated.mp4", Path(folder) / "faces.csv"
            try:
                for step in annotate_video(recognizer, path, copy, rows):
                    done_s, total_s = step.frame.time_s, max(step.duration_s or 0.0, step.frame.time_s)
                    if total_s > LONGEST_S:
                        too_long = text("clip_too_long", language)
                        raise MiniXceptionError(too_long.format(name=name, duration=total_s, limit=LONGEST_S))
                    faces.add(step.frame)
                    if time.monotonic() - told >= PROGRESS_EVERY_S:
                        told = time.monotonic()
                        yield None, None, None, _progress(done_s, total_s, language)
            except MiniXceptionError as error:
                # Not by .failure, which Gradio calls for what was cancelled, too.
                yield None, None, None, text("clip_unreadable", language)
                reason = html.escape(str(error).replace(path, name))
                raise gr.Error(reason, duration=None, print_exception=False) from error
            # Gradio copies both files into its cache, where they are deleted in time.
            yield str(copy), str(rows), faces.report(), faces.timelines(language)

    def say_cancelled(request: gr.Request) -> Answer:
        return None, None, None, text("cancelled", language_of(request))

    outputs: list[gr.components.Component] = [annotated, table, report, answer]
    reading = start.click(
        analyze_video,
        inputs=clip,
        outputs=outputs,
        preprocess=False,
        api_name="analyze_video",
        concurrency_limit=1,
        show_progress="minimal",
        show_progress_on=annotated,
    )
    # Said when it is cancelled, not before, since the last progress would stand there instead.
    cancel.click(None, cancels=reading, api_visibility="private").then(
        say_cancelled, outputs=outputs, show_progress="hidden", api_visibility="private"
    )


def _progress(done_s: float, total_s: float, language: int) -> str:
    share = np.clip(done_s / total_s, 0, 1) if total_s else 0.0
    label = text("clip_progress", language).format(done=done_s, total=total_s)
    return f'{label}<div class="track progress"><i style="width:{share:.1%}"></i></div>'
