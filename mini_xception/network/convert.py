"""Conversion of other implementations' checkpoints into checkpoint folders."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.network.model import MiniXception

#: The first bytes of an HDF5 file.
HDF5 = b"\x89HDF\r\n\x1a\n"
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


def convert_checkpoint(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Convert a checkpoint of another implementation into a checkpoint folder.

    Two kinds of file are supported, both trained on FER2013:

    - ``.pth``, a state dict of the PyTorch reference (https://github.com/thgpddl/mini_Xception), for 48×48 grey pixels
      in [0, 1],
    - ``.hdf5``, a model of the official Keras project (https://github.com/oarriaga/face_classification), for 64×64 grey
      pixels in [−1, 1].

    The new folder's ``config.json`` stores the image size and the range of the pixels.

    Args:
        source: the file. Code in it is never run: a ``.pth`` file is loaded with ``weights_only=True``, and HDF5
            contains only data.
        target: the folder to write.

    Raises:
        MiniXceptionError: the file cannot be read or is of another kind, or the folder cannot be written.
    """
    source = Path(source)
    try:
        with source.open("rb") as file:
            is_keras = file.read(len(HDF5)) == HDF5
    except OSError as error:
        raise MiniXceptionError(f"{source}: cannot be read ({error.strerror or error})") from error
    model = _from_keras(source) if is_keras else _from_reference(source)
    model.provenance = {"recipe": f"mini-xception convert {source.name}"}
    model.save_pretrained(target)


def _from_reference(source: Path) -> MiniXception:
    try:
        state = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # For a file of another kind, torch.load raises almost any exception.
        raise MiniXceptionError(
            f"{source}: neither a PyTorch file that contains only tensors nor an HDF5 file; "
            "use a .pth file of the PyTorch reference or an .hdf5 file of the Keras project"
        ) from error
    model = MiniXception()
    try:
        model.load_state_dict(state, strict=True)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise MiniXceptionError(
            f"{source}: not a state dict of the PyTorch reference; "
            f"its mini_Xception has {len(EMOTIONS)} classes and 116 tensors"
        ) from error
    return model


def _from_keras(source: Path) -> MiniXception:
    import h5py

    try:
        with h5py.File(source, "r") as file:
            first = json.loads(file.attrs["model_config"])["config"]["layers"][0]
            layers = [file["model_weights"][name] for name in file["model_weights"].attrs["layer_names"]]
            weights = [[layer[name][()] for name in layer.attrs["weight_names"]] for layer in layers]
        image_size = first["config"]["batch_input_shape"][1]
        model = MiniXception(
            image_size=image_size, mean=0.5, std=0.5, padding="tensorflow", bias=False, norm_epsilon=1e-3
        )
        state = {name: tensor for name, tensor in model.state_dict().items() if name.endswith("num_batches_tracked")}
        for place, arrays in zip(KERAS_ORDER, filter(None, weights), strict=True):
            state |= _from_keras_layer(place, arrays)
        model.load_state_dict(state, strict=True)
    except (OSError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise MiniXceptionError(
            f"{source}: not a mini_XCEPTION model with {len(EMOTIONS)} classes from the official Keras project; "
            "use a file that contains the whole model, not only the weights"
        ) from error
    return model


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
