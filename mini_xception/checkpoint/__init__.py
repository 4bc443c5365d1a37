"""Read and write checkpoint folders, download them from the Hugging Face Hub, and publish them there.

Reading is strict: a missing or damaged file is an error. A checkpoint folder, the bundled weights and a Hub repository
contain the same files.
"""

from typing import TYPE_CHECKING

from mini_xception._lazy import lazy_names

if TYPE_CHECKING:
    from mini_xception.checkpoint.download import locate_checkpoint as locate_checkpoint
    from mini_xception.checkpoint.folder import Checkpoint as Checkpoint
    from mini_xception.checkpoint.folder import read_checkpoint as read_checkpoint
    from mini_xception.checkpoint.folder import write_checkpoint as write_checkpoint
    from mini_xception.checkpoint.push import push_folder as push_folder

_MODULES = {
    "Checkpoint": "folder",
    "read_checkpoint": "folder",
    "write_checkpoint": "folder",
    "locate_checkpoint": "download",
    "push_folder": "push",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
