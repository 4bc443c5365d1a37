"""Checkpoints from elsewhere, made into checkpoint folders."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from mini_xception.errors import MiniXceptionError
from mini_xception.faces import EMOTIONS
from mini_xception.model import MiniXception


def convert(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Make a checkpoint folder of a state dict of the PyTorch reference implementation (``.pth``).

    The reference was trained on FER2013 with grey pixels in [0, 1], which is what ``config.json`` will say.

    Args:
        source: a file with a plain state dict; it is read with ``weights_only=True``, so it cannot run code.
        target: the folder to make.

    Raises:
        MiniXceptionError: the file is no such state dict.
    """
    source = Path(source)
    try:
        state = torch.load(source, map_location="cpu", weights_only=True)
    except OSError as error:
        raise MiniXceptionError(f"{source}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # What is no PyTorch file makes its reader raise almost anything.
        raise MiniXceptionError(
            f"{source}: no PyTorch file with nothing but tensors in it; only such are read"
        ) from error

    model = MiniXception()
    try:
        model.load_state_dict(state, strict=True)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise MiniXceptionError(
            f"{source}: no state dict of the reference's mini_Xception with {len(EMOTIONS)} classes and its 116 tensors"
        ) from error
    try:
        model.save_pretrained(Path(target))
    except OSError as error:
        raise MiniXceptionError(f"{target}: cannot be written ({error.strerror or error})") from error
