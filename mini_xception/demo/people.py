"""The faces of a video as HTML: a table with one row per face, downloads, and a timeline of each face."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Sequence

from mini_xception.demo.cards import data_url
from mini_xception.demo.texts import label_text, text
from mini_xception.demo.timeline import Moment, clock, draw_seekable_timeline
from mini_xception.draw import colour_of
from mini_xception.summary.people import Person, VideoSummary
from mini_xception.summary.people_table import to_csv
from mini_xception.summary.stretches import Stretch
from mini_xception.summary.webvtt import to_webvtt

#: Number of faces on the page. These are the faces that are visible longest. The CSV tables list all faces.
LARGEST_TABLE = 6


def video_summary(
    summary: VideoSummary, moments: dict[int, list[Moment]], labels: Sequence[str], name: str, language: int
) -> str:
    """Render the summary of a video with at least one face.

    Args:
        summary: the faces of the whole video.
        moments: track id → probabilities over time.
        labels: names of the classes.
        name: the video's file name, from which those of the downloads are made.
        language: an index into TEXTS.
    """
    people = summary.people()
    shown = people[:LARGEST_TABLE]
    count = text("video_faces", language).format(frames=summary.frames, faces=len(people))
    if len(people) > len(shown):
        count += " · " + text("video_more_faces", language).format(faces=len(people) - len(shown))
    columns = "".join(f'<th scope="col">{text(f"column_{key}", language)}</th>' for key in ("face", "share", "longest"))
    rows = "".join(_row(person, language) for person in shown)
    timelines = "".join(_timeline(person, moments[person.track_id], summary.end_s, language) for person in shown)
    return (
        f'<div class="faces summary"><p class="now" data-idle="{html.escape(text("now_idle", language))}"></p>'
        f"{_downloads(people, labels, name, language)}"
        f'<table class="people"><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>'
        f'<p class="count">{count}</p>'
        f"<h2>{text('over_time', language)}</h2><p>{text('seek_help', language)}</p>{timelines}</div>"
    )


def _row(person: Person, language: int) -> str:
    name = _name(person.track_id, language)
    times, longest = person.appearances(), person.longest
    seen = text("seen", language).format(duration=person.seen_s, start=clock(times[0][0]), end=clock(times[-1][1]))
    if len(times) > 1:
        seen += "<br>" + text("seen_times", language).format(times=len(times))
    stretch = text("stretch", language).format(
        duration=longest.duration_s, start=clock(longest.start_s), end=clock(longest.end_s)
    )
    shares = {label: share for label, share in person.shares().items() if share >= 0.005}
    parts = "".join(f'<i style="width:{share:.2%};{_fill(label)}"></i>' for label, share in shares.items())
    words = "".join(
        f'<li><i style="{_fill(label)}"></i>{_expression(label, language)} {share:.0%}</li>'
        for label, share in shares.items()
    )
    return (
        f'<tr><th scope="row"><div><img src="{data_url(person.thumbnail, ".jpg")}" alt="">'
        f"<span><b>{name}</b><small>{seen}</small></span></div></th>"
        f'<td><b>{_expression(person.emotion, language)}</b><div class="shares">{parts}</div><ul>{words}</ul></td>'
        f"<td><b>{_expression(longest.emotion, language)}</b><small>{stretch}</small></td></tr>"
    )


def _timeline(person: Person, moments: Sequence[Moment], end_s: float, language: int) -> str:
    name = _name(person.track_id, language)
    chart = draw_seekable_timeline(moments, end_s, name, language)
    return f"<h3>{name}<small>{_expression(person.emotion, language)}</small></h3>{chart}"


def _downloads(people: Sequence[Person], labels: Sequence[str], name: str, language: int) -> str:
    """Render the links. player.js connects the first two to the files that Gradio serves for a minute."""
    stem = html.escape(name.rpartition(".")[0] or name)

    def line(track_id: int, stretch: Stretch) -> str:
        if stretch.emotion is None:
            return text("subtitle_unsure", language).format(id=track_id)
        emotion = label_text(stretch.emotion, language)
        return text("subtitle", language).format(id=track_id, emotion=emotion, share=100 * stretch.probability)

    files = (
        ("annotated", f"{stem}_annotated.mp4", "#"),
        ("frames", f"{stem}_faces.csv", "#"),
        ("people", f"{stem}_people.csv", _link("text/csv", to_csv(people, labels))),
        ("subtitles", f"{stem}.vtt", _link("text/vtt", to_webvtt(people, line))),
    )
    links = "".join(
        f'<a data-file="{key}" href="{url}" download="{file}">{text(f"download_{key}", language)}</a>'
        for key, file, url in files
    )
    heading = f'<b id="downloads">{text("download", language)}</b>'
    return f'<nav class="downloads" aria-labelledby="downloads">{heading}{links}</nav>'


def _link(kind: str, content: str) -> str:
    """Return a data URL. It works for as long as the page is open, and no other visitor can request it."""
    return f"data:{kind};charset=utf-8;base64,{b64encode(content.encode()).decode()}"


def _name(track_id: int, language: int) -> str:
    return f"{text('face', language)} {track_id}"


def _expression(label: str | None, language: int) -> str:
    return text("unsure", language) if label is None else html.escape(label_text(label, language))


def _fill(label: str | None) -> str:
    """Return the CSS of a label's colour. Uncertain time is hatched."""
    if label is None:
        return "background:repeating-linear-gradient(45deg,#767676 0 3px,#bdbdbd 3px 6px)"
    return f"background:{colour_of(label)}"
