"""mini_Xception: the network, its preprocessing, and the engines that run it.

``model.py`` defines the network as in the paper. The other modules load, export, convert and run the network.
"""

from typing import TYPE_CHECKING

from mini_xception._lazy import lazy_names

if TYPE_CHECKING:
    from mini_xception.network.convert import convert_checkpoint as convert_checkpoint
    from mini_xception.network.engines import ENGINES as ENGINES
    from mini_xception.network.engines import Engine as Engine
    from mini_xception.network.engines import load_engine as load_engine
    from mini_xception.network.graph import make_graph as make_graph
    from mini_xception.network.model import MiniXception as MiniXception
    from mini_xception.network.preprocess import Framing as Framing
    from mini_xception.network.preprocess import normalise as normalise

_MODULES = {
    "MiniXception": "model",
    "Framing": "preprocess",
    "normalise": "preprocess",
    "Engine": "engines",
    "ENGINES": "engines",
    "load_engine": "engines",
    "make_graph": "graph",
    "convert_checkpoint": "convert",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
