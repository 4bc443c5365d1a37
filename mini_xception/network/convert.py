"""Conversion of other implementations' checkpoints into checkpoint folders."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.network.devices import initial_torch_defaults
from mini_xception.network.keras_file import is_keras_file, read_keras_file
from mini_xception.network.model import MiniXception
from mini_xception.network.state_dict import read_state_dict

#: The network's layers with weights, in the order of the Keras file.
KERAS_ORDER: tuple[str, ...] = (
    *("base.0", "base.1", "base.3", "base.4"),
    *(
        f"module{i}.{layer}"
        for i in (1, 2, 3, 4)
        for layer in ("left.0", "left.1", "left.3", "left.4", "right.0", "right.1")
    ),
    "conv",
)


#: Number of names that an error message lists.
LISTED = 3


@initial_torch_defaults()
def convert_checkpoint(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Convert a checkpoint of another implementation into a checkpoint folder.

    Two kinds of file are supported, both trained on FER2013:

    - a state dict of the PyTorch reference (https://github.com/thgpddl/mini_Xception), for 48×48 grey pixels in [0, 1].
      The file is written by ``torch.save`` or safetensors. The state dict may be inside other dictionaries, and its
      names may have a prefix, as from DataParallel, ``torch.compile`` and Lightning,
    - ``.hdf5``, ``.h5`` or ``.keras``, a model of the official Keras project
      (https://github.com/oarriaga/face_classification), for 64×64 grey pixels in [−1, 1].

    The new folder's ``config.json`` stores the image size and the range of the pixels.

    Args:
        source: the file. Code in it is never run: a PyTorch file is loaded with ``weights_only=True``, and Keras files
            contain only data.
        target: the folder to write. A new folder is complete or absent, even if the conversion is interrupted.

    Raises:
        MiniXceptionError: the file cannot be read or is of another kind, some weights are not finite, or the folder
            cannot be written.
    """
    source = Path(source)
    try:
        is_keras = is_keras_file(source)
    except OSError as error:
        raise MiniXceptionError(f"{source}: cannot be read ({error.strerror or error})") from error
    model = _from_keras(source) if is_keras else _from_reference(source)
    if broken := [name for name, tensor in model.state_dict().items() if not torch.isfinite(tensor).all()]:
        raise MiniXceptionError(f"{source}: some values are not finite in {_listed(broken)}; use another checkpoint")
    with torch.inference_mode():  # Damaged values, such as a variance below 0, can be finite.
        logits = model.eval()(torch.zeros(1, 1, model.image_size, model.image_size))
    if not torch.isfinite(logits).all():
        raise MiniXceptionError(f"{source}: the network's output is not finite; use another checkpoint")
    model.provenance = {"recipe": f"mini-xception convert {source.name}"}
    model.save_pretrained(target)


def _from_reference(source: Path) -> MiniXception:
    state, model = read_state_dict(source), MiniXception()
    expected = model.state_dict()
    # PyTorch before version 0.4.1 did not store these.
    state = {name: tensor for name, tensor in expected.items() if name.endswith("num_batches_tracked")} | state
    problems = [
        f"{text} {_listed(names)}"
        for text, names in (
            ("missing:", sorted(expected.keys() - state.keys())),
            ("unknown:", sorted(state.keys() - expected.keys())),
            (
                "other shapes:",
                [
                    f"{name} {tuple(state[name].shape)} instead of {tuple(expected[name].shape)}"
                    for name in expected
                    if name in state and state[name].shape != expected[name].shape
                ],
            ),
        )
        if names
    ]
    if complex_ones := [name for name, tensor in state.items() if tensor.is_complex()]:
        problems.append(f"complex numbers: {_listed(complex_ones)}")
    if problems:
        raise MiniXceptionError(
            f"{source}: not a state dict of the PyTorch reference, whose mini_Xception has {len(EMOTIONS)} classes and "
            f"{len(expected)} tensors ({'; '.join(problems)}); use another checkpoint"
        )
    try:
        model.load_state_dict(state, strict=True)
    except (RuntimeError, TypeError) as error:  # The values cannot be converted to float32, as of sparse tensors.
        raise MiniXceptionError(
            f"{source}: its tensors cannot be copied ({' '.join(str(error).split())}); save them in float32"
        ) from error
    return model


def _from_keras(source: Path) -> MiniXception:
    try:
        layers, weights = read_keras_file(source)
        settings = layers[0]["config"]
        shape = settings.get("batch_input_shape") or settings["batch_shape"]  # The second is Keras 3's name.
        (epsilon,) = {layer["config"]["epsilon"] for layer in layers if layer["class_name"] == "BatchNormalization"}
        model = MiniXception(
            image_size=shape[1], mean=0.5, std=0.5, padding="tensorflow", bias=False, norm_epsilon=epsilon
        )
        state = {name: tensor for name, tensor in model.state_dict().items() if name.endswith("num_batches_tracked")}
        for place, arrays in zip(KERAS_ORDER, weights, strict=True):
            state |= _from_keras_layer(place, arrays)
        model.load_state_dict(state, strict=True)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # For a file of another kind, or a damaged one, h5py raises almost any exception.
        raise MiniXceptionError(
            f"{source}: not a mini_XCEPTION model with {len(EMOTIONS)} classes from the official Keras project, or "
            "damaged; use a file that contains the whole model, not only the weights"
        ) from error
    return model


def _listed(names: list[str]) -> str:
    """Return the first names, and how many follow."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{', '.join(names[:LISTED])}{more}"


def _from_keras_layer(place: str, arrays: list[np.ndarray]) -> dict[str, Tensor]:
    """Return one layer's part of the state dict.

    Keras's kernels are (height, width, in, out), PyTorch's are (out, in, height, width).
    """
    match [torch.from_numpy(array) for array in arrays]:
        case [gamma, beta, mean, variance]:
            named = {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance}
        case [depthwise, pointwise] if pointwise.ndim == 4:
            depthwise = depthwise.permute(2, 3, 0, 1)  # (height, width, in, 1)
            named = {"depth_conv.weight": depthwise, "point_conv.weight": pointwise.permute(3, 2, 0, 1)}
        case [kernel, *bias]:
            named = {"weight": kernel.permute(3, 2, 0, 1)} | dict(zip(("bias",), bias, strict=False))
    return {f"{place}.{name}": tensor for name, tensor in named.items()}
