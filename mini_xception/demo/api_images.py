"""The forms in which API clients may send an image: an uploaded file, or a base64 data URL, as in Gradio 3."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote_to_bytes

import gradio as gr
from gradio.data_classes import ImageData
from gradio.processing_utils import save_bytes_to_cache

#: Largest image, in megabytes. Gradio checks only uploads.
MAX_FILE_MB = 32


def accept_data_urls(photo: gr.Image) -> None:
    """Let a component also accept a data URL: as a string, or as the entry "url" or "data" of a dictionary.

    The image is stored like an uploaded file, so it is handled and deleted like one. Other files of the server, and
    other values, are refused with a one-line message.
    """

    class ApiImage(ImageData):
        @classmethod
        def model_validate(cls, obj: Any, **options: Any) -> Self:  # A validator would hide the messages.
            return super().model_validate(_as_upload(obj, photo), **options)

    photo.data_model = ApiImage


def _as_upload(value: Any, photo: gr.Image) -> dict[str, Any]:
    sent = value if isinstance(value, dict) else {"url": value}
    if sent.get("path") is not None:
        if not is_upload(sent["path"], photo):
            raise _refused()
        return sent
    url = next((sent[key] for key in ("url", "data") if sent.get(key) is not None), None)
    if url is None and {"path", "url"} & sent.keys():
        return sent  # The image was removed.
    path = save_bytes_to_cache(decode_data_url(url), "photo.image", photo.GRADIO_CACHE)
    photo.temp_files.add(path)
    return {"path": path}


def is_upload(path: object, component: gr.components.Component) -> bool:
    """Check whether a path is that of an uploaded file. Gradio does not check it if a request leaves out "meta"."""
    try:
        return Path(str(path)).resolve().is_relative_to(Path(component.GRADIO_CACHE).resolve())
    except (OSError, ValueError, RuntimeError):
        return False


def decode_data_url(url: object) -> bytes:
    """Return the contents of a data URL.

    Raises:
        gr.Error: it is not a data URL, its base64 is damaged, or it is larger than MAX_FILE_MB.
    """
    if not isinstance(url, str) or url[:5].lower() != "data:":
        raise _refused()
    if len(url) > MAX_FILE_MB * 1_000_000 * 4 / 3 + 1000:
        raise _error(f"the image: more than {MAX_FILE_MB} MB; scale it down first")
    head, _, body = url.partition(",")
    data = unquote_to_bytes(body)
    if not head.lower().endswith(";base64"):
        return data
    # Some programs break lines, use the alphabet for URLs, or leave out the padding. "+" becomes a space in forms.
    data = re.sub(rb"[\r\n\t=]", b"", data).translate(bytes.maketrans(b"-_ ", b"+/+"))
    try:
        return b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except binascii.Error as error:
        raise _error(f"the image: its base64 data is damaged ({error}); send it again") from error


def _refused() -> gr.Error:
    return _error("the image: not understood; upload a file, or send a data URL, such as data:image/jpeg;base64,…")


def _error(message: str) -> gr.Error:
    return gr.Error(message, duration=None, print_exception=False)
