"""Read facial expressions with mini_Xception."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mini_xception.draw import draw_faces as draw_faces
    from mini_xception.errors import MiniXceptionError as MiniXceptionError
    from mini_xception.faces import EMOTIONS as EMOTIONS
    from mini_xception.faces import Face as Face
    from mini_xception.images import load_image as load_image
    from mini_xception.model import MiniXception as MiniXception
    from mini_xception.recognizer import EmotionRecognizer as EmotionRecognizer
    from mini_xception.stream import FaceStream as FaceStream
    from mini_xception.tracking import Frame as Frame
    from mini_xception.tracking import TrackedFace as TrackedFace

__version__ = "0.1.0"

# Public names and their modules, imported on first use (PEP 562), since torch alone takes seconds.
_HOMES = {
    "EMOTIONS": "faces",
    "EmotionRecognizer": "recognizer",
    "Face": "faces",
    "FaceStream": "stream",
    "Frame": "tracking",
    "MiniXception": "model",
    "MiniXceptionError": "errors",
    "TrackedFace": "tracking",
    "draw_faces": "draw",
    "load_image": "images",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
