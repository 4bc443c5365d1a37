"""Training: data, augmentation, settings, and a loop that resumes a killed run.

``config.RUNS`` holds the named runs. ``augment.AUGMENTATIONS`` holds the augmentations.
"""

from typing import TYPE_CHECKING

from mini_xception._lazy import lazy_names

if TYPE_CHECKING:
    from mini_xception.training.config import RUNS as RUNS
    from mini_xception.training.config import TrainConfig as TrainConfig
    from mini_xception.training.config import fine_tuning as fine_tuning
    from mini_xception.training.fer2013 import load_fer2013 as load_fer2013
    from mini_xception.training.labelled import LabelledFaces as LabelledFaces
    from mini_xception.training.load import FaceData as FaceData
    from mini_xception.training.load import load_faces as load_faces
    from mini_xception.training.loop import train as train
    from mini_xception.training.summary import describe as describe
    from mini_xception.training.summary import save_data as save_data
    from mini_xception.training.targets import load_teacher as load_teacher
    from mini_xception.training.targets import load_votes as load_votes

_MODULES = {
    "FaceData": "load",
    "LabelledFaces": "labelled",
    "load_faces": "load",
    "describe": "summary",
    "save_data": "summary",
    "load_fer2013": "fer2013",
    "load_votes": "targets",
    "load_teacher": "targets",
    "RUNS": "config",
    "TrainConfig": "config",
    "fine_tuning": "config",
    "train": "loop",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
