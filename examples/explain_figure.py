"""Draw why the network names an expression: the evidence, guided back-propagation, and integrated gradients.

    pip install 'mini-xception[explain]'
    python explain_figure.py figure.png photo.jpg another.jpg

The paper (Arriaga et al. 2017, figure 6) shows guided back-propagation (Springenberg et al. 2015). Integrated gradients
(Sundararajan et al. 2017) start from the blurred face. Both need PyTorch; the evidence does not.
"""

import sys
from pathlib import Path

import cv2
import matplotlib

matplotlib.use("Agg")  # draw without a window

import matplotlib.pyplot as plt
import numpy as np
import torch
from captum.attr import GuidedBackprop, IntegratedGradients

from mini_xception import EmotionRecognizer, Explanation

HERE = Path(__file__).parent
PHOTOS = [HERE / "eileen_collins.jpg", HERE / "grace_hopper.jpg"]
#: Standard deviation of the blur from which integrated gradients start, in pixels of the network's input.
BLUR = 5.0


def attribute(recognizer: EmotionRecognizer, explanation: Explanation) -> tuple[np.ndarray, np.ndarray]:
    """Return guided back-propagation and integrated gradients of the named class's logit, each (S, S)."""
    model = recognizer.model.eval()
    label = model.labels.index(explanation.face.emotion)
    face = model.preprocess([explanation.crop])
    blurred = torch.from_numpy(cv2.GaussianBlur(face[0, 0].numpy(), (0, 0), BLUR))[None, None]
    guided = GuidedBackprop(model).attribute(face.clone().requires_grad_(), target=label)
    integrated = IntegratedGradients(model).attribute(face, blurred, target=label, n_steps=64)
    return guided[0, 0].detach().numpy(), integrated[0, 0].detach().numpy()


def show(axes: plt.Axes, values: np.ndarray, title: str) -> None:
    """Draw values around 0: orange above, blue below."""
    limit = np.quantile(np.abs(values), 0.99)
    axes.imshow(values, cmap="PuOr_r", vmin=-limit, vmax=limit)
    axes.set_title(title, fontsize=10)


def main(target: Path, photos: list[Path]) -> None:
    recognizer = EmotionRecognizer.from_pretrained(device="cpu")
    found = [explanation for photo in photos for explanation in recognizer.explain(photo)]
    figure, rows = plt.subplots(len(found), 4, figsize=(8, 2.25 * len(found)), squeeze=False, layout="constrained")
    for axes, explanation in zip(rows, found, strict=True):
        guided, integrated = attribute(recognizer, explanation)
        face = explanation.face
        axes[0].imshow(explanation.crop)
        axes[0].set_title(f"{face.emotion} {face.confidence:.0%}", fontsize=10)
        axes[1].imshow(explanation.overlay())
        axes[1].set_title("evidence", fontsize=10)
        show(axes[2], guided, "guided back-propagation")
        show(axes[3], integrated, "integrated gradients")
    for axes in rows.flat:
        axes.axis("off")
    figure.savefig(target, dpi=100, bbox_inches="tight")
    print(f"{target}: {len(found)} faces, {', '.join(one.face.emotion for one in found)}")


if __name__ == "__main__":
    main(
        Path(sys.argv[1] if len(sys.argv) > 1 else "figure.png"),
        [Path(name) for name in sys.argv[2:]] or PHOTOS,
    )
