"""Face detection, which finds the faces in an RGB image and cuts out square face crops.

To add a detector, see ``detector.py``.
"""

from typing import TYPE_CHECKING

from mini_xception._lazy import lazy_names

if TYPE_CHECKING:
    from mini_xception.detection.crop import FaceCrop as FaceCrop
    from mini_xception.detection.crop import FaceCropper as FaceCropper
    from mini_xception.detection.crop import crop_face as crop_face
    from mini_xception.detection.detections import Detections as Detections
    from mini_xception.detection.detector import DETECTORS as DETECTORS
    from mini_xception.detection.detector import Detector as Detector
    from mini_xception.detection.detector import load_detector as load_detector

_MODULES = {
    "Detections": "detections",
    "Detector": "detector",
    "DETECTORS": "detector",
    "load_detector": "detector",
    "FaceCrop": "crop",
    "FaceCropper": "crop",
    "crop_face": "crop",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
