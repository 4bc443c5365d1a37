"""The page with its tabs, and how it is served."""

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

from mini_xception.demo.augmentation import augmentation_tab
from mini_xception.demo.browser import browser_routes, browser_tab
from mini_xception.demo.photo import photo_tab
from mini_xception.demo.style import CSS, THEME
from mini_xception.demo.texts import I18N
from mini_xception.demo.video import video_tab
from mini_xception.demo.webcam import watch_camera, webcam_tab
from mini_xception.errors import MiniXceptionError
from mini_xception.recognizer import EmotionRecognizer

TITLE = "mini_Xception · facial expression recognition"
#: Seconds after which an upload and its results are deleted.
CACHE_AGE_S = 60
#: Requests that wait. The page refuses further ones as busy.
QUEUE_SIZE = 32
MAX_FILE_SIZE = "32mb"
#: After each request, Gradio adds up all requests it remembers, 10,000 by default, for a dashboard that is off here.
REMEMBERED_REQUESTS = 100


def build_page(recognizer: EmotionRecognizer) -> gr.Blocks:
    """Build the page, without serving it."""
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", str(REMEMBERED_REQUESTS))
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(CACHE_AGE_S, CACHE_AGE_S)) as page:
        gr.Markdown(I18N("introduction"), elem_id="introduction")
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab(I18N("photo")):
                photo_tab(recognizer)
            with gr.Tab(I18N("webcam")):
                webcam_tab(recognizer)
            with gr.Tab(I18N("in_browser")):
                browser_tab(recognizer.model)
            with gr.Tab(I18N("video_tab")):
                video_tab(recognizer)
            with gr.Tab(I18N("augmentation")):
                augmentation_tab(recognizer)
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
    """Serve the page. In a script this runs until Ctrl-C; in a notebook it shows the page and returns.

    Args:
        checkpoint: a checkpoint folder, a Hub repository ``"user/repo"``, or None for the bundled weights.
        device: a torch device, or "auto": CUDA, else MPS, else the CPU.
        recognizer: a loaded recogniser, used instead of ``checkpoint`` and ``device``.
        host: address to listen on, "0.0.0.0" for all network interfaces. None is the environment variable
            GRADIO_SERVER_NAME, else "127.0.0.1".
        port: port to listen on. None is the first free port, from the environment variable GRADIO_SERVER_PORT or 7860.
        share: also open a public link, which leads through Gradio's servers.
        prevent_thread_lock: return at once in a script, too; the page ends with the script.

    Returns:
        The page, with its address in ``local_url``; ``close()`` stops it.

    Raises:
        MiniXceptionError: the checkpoint cannot be loaded or exported, the device cannot be used, or the address cannot
            be listened on.
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
        app: the app, which is changed.
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
    """Return the arguments that ``Blocks.launch`` and ``mount_gradio_app`` share, but for which defaults differ."""

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
        "max_file_size": MAX_FILE_SIZE,
        "show_error": False,  # Visitors see our messages, not those of unexpected exceptions.
        "run_history": False,
        "enable_monitoring": False,
        "footer_links": ["api"],
        "ssr_mode": False,
        "app_kwargs": {"routes": browser_routes(recognizer.model), "lifespan": keep_clean},
    }


def check_address(host: str, port: int) -> None:
    """Check that a server can listen on an address; port 0 is any port. Gradio's own check takes minutes to fail.

    Raises:
        MiniXceptionError: it cannot.
    """
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), port))
    except (OSError, OverflowError) as error:
        address = f"{host}:{port}" if port else host
        reason = getattr(error, "strerror", None) or error
        raise MiniXceptionError(f"{address}: cannot listen here ({reason}); choose another host or port") from error


def delete_old_files(page: gr.Blocks, age_s: int) -> None:
    """Delete uploads and results older than an age in seconds, even while new ones arrive.

    Gradio 6.31 does this itself, but stops forever once its list of files grows during a pass. A page that is never
    idle would fill the disk.
    """
    while True:
        try:
            return delete_files_created_by_app(page, age_s)
        except RuntimeError:  # "Set changed size during iteration"
            time.sleep(0.1)


async def _delete_repeatedly(page: gr.Blocks) -> None:
    while True:
        await asyncio.sleep(CACHE_AGE_S)
        await asyncio.to_thread(delete_old_files, page, CACHE_AGE_S)
