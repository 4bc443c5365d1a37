"""Reading of images, videos and cameras as RGB uint8 arrays (H, W, 3), and writing of videos.

``atomic`` writes files atomically, for all packages.
"""

from typing import TYPE_CHECKING

from mini_xception._lazy import lazy_names

if TYPE_CHECKING:
    from mini_xception.media.atomic import atomic_write as atomic_write
    from mini_xception.media.image import ImageSource as ImageSource
    from mini_xception.media.image import load_image as load_image
    from mini_xception.media.video import VideoReader as VideoReader
    from mini_xception.media.video import read_frames as read_frames
    from mini_xception.media.video_writer import VideoWriter as VideoWriter

_MODULES = {
    "ImageSource": "image",
    "load_image": "image",
    "VideoReader": "video",
    "read_frames": "video",
    "VideoWriter": "video_writer",
    "atomic_write": "atomic",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
