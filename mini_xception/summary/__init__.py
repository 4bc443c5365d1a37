"""Each face of a video over its whole length: how long it shows which expression, as a table and as subtitles.

``stretches`` divides time by expression. ``people`` collects the faces. ``people_table`` and ``webvtt`` write them.
"""

from typing import TYPE_CHECKING

from mini_xception._lazy import lazy_names

if TYPE_CHECKING:
    from mini_xception.summary.people import Person as Person
    from mini_xception.summary.people import VideoSummary as VideoSummary
    from mini_xception.summary.people_table import to_csv as to_csv
    from mini_xception.summary.stretches import Stretch as Stretch
    from mini_xception.summary.webvtt import to_webvtt as to_webvtt

_MODULES = {
    "Person": "people",
    "Stretch": "stretches",
    "VideoSummary": "people",
    "to_csv": "people_table",
    "to_webvtt": "webvtt",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
