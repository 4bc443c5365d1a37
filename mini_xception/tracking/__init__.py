"""Face tracking: faces keep their identity from frame to frame, and their probabilities are smoothed over time.

``tracker`` matches faces. ``memory`` decides when the whole image is searched again.
"""

from typing import TYPE_CHECKING

from mini_xception._lazy import lazy_names

if TYPE_CHECKING:
    from mini_xception.tracking.memory import StreamMemory as StreamMemory
    from mini_xception.tracking.tracker import Frame as Frame
    from mini_xception.tracking.tracker import Tracker as Tracker

_MODULES = {
    "Frame": "tracker",
    "Tracker": "tracker",
    "StreamMemory": "memory",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
