"""Evaluation: metrics computed from a classifier's probabilities, a report, and plots.

Only the plots need matplotlib.
"""

from typing import TYPE_CHECKING

from mini_xception._lazy import lazy_names

if TYPE_CHECKING:
    from mini_xception.evaluation.metrics import Metrics as Metrics
    from mini_xception.evaluation.metrics import fit_temperature as fit_temperature
    from mini_xception.evaluation.metrics import measure as measure
    from mini_xception.evaluation.metrics import reliability as reliability
    from mini_xception.evaluation.plots import plot_confusion_matrix as plot_confusion_matrix
    from mini_xception.evaluation.plots import plot_curves as plot_curves
    from mini_xception.evaluation.report import write_report as write_report

_MODULES = {
    "Metrics": "metrics",
    "measure": "metrics",
    "reliability": "metrics",
    "fit_temperature": "metrics",
    "plot_curves": "plots",
    "plot_confusion_matrix": "plots",
    "write_report": "report",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
