"""The page with its tabs, and the functions that serve it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.route_utils import delete_files_created_by_app
from gradio.utils import get_upload_folder

from mini_xception.demo.api_images import MAX_FILE_MB
from mini_xception.demo.augmentation import augmentation_tab
from mini_xception.demo.browser import browser_routes, browser_tab
from mini_xception.demo.photo import photo_tab
from mini_xception.demo.style import CSS, SCRIPT, THEME
from mini_xception.demo.texts import I18N
from mini_xception.demo.video import video_tab
from mini_xception.demo.webcam import watch_camera, webcam_tab
from mini_xception.errors import MiniXceptionError
from mini_xception.recognizer import EmotionRecognizer

TITLE = "mini_Xception · facial expression recognition"
#: Seconds after which an upload and its results are deleted.
CACHE_AGE_S = 60
#: Maximum number of waiting requests. The page refuses further requests as busy.
QUEUE_SIZE = 32
#: Number of requests that Gradio remembers. Gradio's default is 10,000. After each request, Gradio processes all
#: remembered requests for a dashboard, which is off here.
REMEMBERED_REQUESTS = 100


def build_page(recognizer: EmotionRecognizer) -> gr.Blocks:
    """Build the page, without serving it."""
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", str(REMEMBERED_REQUESTS))
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(CACHE_AGE_S, CACHE_AGE_S)) as page:
        gr.Markdown(I18N("introduction"), elem_id="introduction")
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab(I18N("photo")):
                photo_tab(recognizer)
            with gr.Tab(I18N("in_browser")):
                browser_tab(recognizer.classifier)
            with gr.Tab(I18N("webcam")):
                webcam_tab(recognizer)
            with gr.Tab(I18N("video_tab")):
                video_tab(recognizer)
            with gr.Tab(I18N("augmentation")):
                augmentation_tab(recognizer)
        page.load(js=SCRIPT)
        page.load(js=watch_camera())
    return page.queue(max_size=QUEUE_SIZE)


def launch(
    checkpoint: str | None = None,
    device: str = "auto",
    *,
    recognizer: EmotionRecognizer | None = None,
    host: str | None = None,
    port: int | None = None,
    share: bool = False,
    prevent_thread_lock: bool = False,
) -> gr.Blocks:
    """Serve the page. In a script, this runs until Ctrl-C. In a notebook, it shows the page and returns.

    Args:
        checkpoint: a checkpoint folder, a Hub repository ``"user/repo"``, or None for the bundled weights.
        device: a torch device. "auto" uses CUDA if available, else the CPU.
        recognizer: a loaded recogniser, used instead of ``checkpoint`` and ``device``.
        host: address to listen on; "0.0.0.0" listens on all network interfaces. None uses the value of the environment
            variable GRADIO_SERVER_NAME, or "127.0.0.1".
        port: port to listen on. None tries ports upwards from the value of the environment variable
            GRADIO_SERVER_PORT, or from 7860, and takes the first free one.
        share: also open a public link. Its traffic goes through Gradio's servers.
        prevent_thread_lock: return at once in a script, too. The page is then served until the script ends.

    Returns:
        The page. Its address is in ``local_url``, and ``close()`` stops it.

    Raises:
        MiniXceptionError: the checkpoint cannot be loaded or exported, the device cannot be used, or the server cannot
            listen on the address.
    """
    check_address(host or os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), port or 0)
    recognizer = recognizer or EmotionRecognizer.from_pretrained(checkpoint, device=device)
    page = build_page(recognizer)
    page.launch(
        server_name=host,
        server_port=port,
        share=share,
        prevent_thread_lock=prevent_thread_lock,
        **_serving_options(page, recognizer),
    )
    return page


def mount(
    app: FastAPI,
    path: str = "/faces",
    checkpoint: str | None = None,
    device: str = "auto",
    *,
    recognizer: EmotionRecognizer | None = None,
) -> FastAPI:
    """Add the page to a FastAPI app, with all its tabs and its API.

    Args:
        app: the app to add the page to.
        path: prefix of the page's addresses.
        checkpoint: as in :func:`launch`.
        device: as in :func:`launch`.
        recognizer: as in :func:`launch`.

    Returns:
        The same app.

    Raises:
        MiniXceptionError: the checkpoint cannot be loaded or exported, or the device cannot be used.
    """
    recognizer = recognizer or EmotionRecognizer.from_pretrained(checkpoint, device=device)
    page = build_page(recognizer)
    return gr.mount_gradio_app(app, page, path, **_serving_options(page, recognizer))


def _serving_options(page: gr.Blocks, recognizer: EmotionRecognizer) -> dict[str, Any]:
    """Return arguments for ``Blocks.launch`` and ``mount_gradio_app``, whose defaults differ."""

    @contextlib.asynccontextmanager
    async def keep_clean(_: FastAPI) -> AsyncIterator[None]:
        """Delete old files while the server runs."""
        task = asyncio.create_task(_delete_repeatedly(page))
        yield
        task.cancel()

    return {
        "theme": THEME,
        "css": CSS,
        "i18n": I18N,
        "max_file_size": f"{MAX_FILE_MB}mb",
        "show_error": False,  # Hide the messages of unexpected exceptions from visitors.
        "run_history": False,
        "enable_monitoring": False,
        "footer_links": ["api"],
        "ssr_mode": False,
        "app_kwargs": {"routes": browser_routes(recognizer.classifier), "lifespan": keep_clean},
    }


def check_address(host: str, port: int) -> None:
    """Check that a server can listen on an address. Gradio's own check takes minutes to fail.

    Args:
        host: the host name or the IP address.
        port: the port; 0 checks only the host.

    Raises:
        MiniXceptionError: a server cannot listen on the address.
    """
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), port))
    except (OSError, OverflowError) as error:
        address = f"{host}:{port}" if port else host
        reason = getattr(error, "strerror", None) or error
        raise MiniXceptionError(
            f"{address}: cannot listen on this address ({reason}); choose another host or port"
        ) from error


def delete_old_files(page: gr.Blocks, age_s: int) -> None:
    """Delete uploads and results older than an age in seconds, even while new ones arrive, and their folders.

    Gradio 6.31 also deletes old files, but stops for good if its list of files grows during a pass. A page that is
    never idle would then fill the disk.
    """
    while True:
        try:
            delete_files_created_by_app(page, age_s)
            break
        except RuntimeError:  # "Set changed size during iteration"
            time.sleep(0.1)
    with contextlib.suppress(OSError), os.scandir(get_upload_folder()) as folders:
        for folder in folders:
            with contextlib.suppress(OSError):  # The folder is not empty, or is not a folder.
                if time.time() - folder.stat().st_mtime >= age_s:
                    os.rmdir(folder)


async def _delete_repeatedly(page: gr.Blocks) -> None:
    while True:
        await asyncio.sleep(CACHE_AGE_S)
        await asyncio.to_thread(delete_old_files, page, CACHE_AGE_S)
