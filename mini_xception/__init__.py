"""Facial expression recognition with mini_Xception."""

from typing import TYPE_CHECKING

from mini_xception._lazy import lazy_names

if TYPE_CHECKING:
    from mini_xception.annotate import annotate_video as annotate_video
    from mini_xception.bulk import predict_photos as predict_photos
    from mini_xception.draw import draw_faces as draw_faces
    from mini_xception.errors import MiniXceptionError as MiniXceptionError
    from mini_xception.explain import Explanation as Explanation
    from mini_xception.faces import EMOTIONS as EMOTIONS
    from mini_xception.faces import Face as Face
    from mini_xception.interop import faces_to_dataframe as faces_to_dataframe
    from mini_xception.interop import faces_to_supervision as faces_to_supervision
    from mini_xception.media.image import load_image as load_image
    from mini_xception.network.model import MiniXception as MiniXception
    from mini_xception.recognizer import EmotionRecognizer as EmotionRecognizer
    from mini_xception.tracking.memory import StreamMemory as StreamMemory
    from mini_xception.tracking.tracker import Frame as Frame

__version__ = "0.1.0"

_MODULES = {
    "EMOTIONS": "faces",
    "EmotionRecognizer": "recognizer",
    "Explanation": "explain",
    "Face": "faces",
    "Frame": "tracking.tracker",
    "MiniXception": "network.model",
    "MiniXceptionError": "errors",
    "StreamMemory": "tracking.memory",
    "annotate_video": "annotate",
    "draw_faces": "draw",
    "faces_to_dataframe": "interop",
    "faces_to_supervision": "interop",
    "load_image": "media.image",
    "predict_photos": "bulk",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
