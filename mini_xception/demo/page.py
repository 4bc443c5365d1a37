"""The page around the tabs, and how it is served."""

from __future__ import annotations

import os
import tempfile
import threading
import time

import gradio as gr
from gradio.route_utils import delete_files_created_by_app

from mini_xception.demo.augmentation import augmentation_tab
from mini_xception.demo.browser import browser_routes, browser_tab
from mini_xception.demo.photo import photo_tab
from mini_xception.demo.style import CSS, THEME
from mini_xception.demo.texts import I18N
from mini_xception.demo.video import video_tab
from mini_xception.demo.webcam import watch_camera, webcam_tab
from mini_xception.recognizer import EmotionRecognizer

TITLE = "mini_Xception · facial expressions"
#: An uploaded photo and its annotated copy are deleted when they are older than this.
CACHE_AGE_S = 60
#: Visitors who wait; the next one is told that the page is busy.
QUEUE_SIZE = 32
MAX_FILE_SIZE = "32mb"
#: After each request Gradio sums up all those that it remembers, 10,000 by default, for a dashboard that is off here.
REMEMBERED_REQUESTS = 100


def build_page(recognizer: EmotionRecognizer) -> gr.Blocks:
    """The whole page, not yet served."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(CACHE_AGE_S, CACHE_AGE_S)) as page:
        gr.Markdown(I18N("introduction"), elem_id="introduction")
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab(I18N("photo")):
                photo_tab(recognizer)
            with gr.Tab(I18N("webcam")):
                webcam_tab(recognizer)
            with gr.Tab(I18N("in_browser")):
                browser_tab(recognizer.model)
            with gr.Tab(I18N("moving")):
                video_tab(recognizer)
            with gr.Tab(I18N("augmentation")):
                augmentation_tab(recognizer)
        page.load(js=watch_camera())
    return page.queue(max_size=QUEUE_SIZE)


def launch(checkpoint: str | None = None, device: str = "auto") -> None:
    """Serve the page until it is interrupted.

    Gradio's environment variables hold: GRADIO_SERVER_NAME, GRADIO_SERVER_PORT.

    Args:
        checkpoint: a checkpoint folder, a Hub repository ``"user/repo"``, or None for the bundled weights.
        device: a torch device, or "auto".

    Raises:
        MiniXceptionError: the checkpoint cannot be loaded or exported, or the device not be used.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", str(REMEMBERED_REQUESTS))
    recognizer = EmotionRecognizer.from_pretrained(checkpoint, device=device)
    page = build_page(recognizer)
    threading.Thread(target=_keep_clean, args=(page,), daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        page.launch(
            theme=THEME,
            css=CSS,
            i18n=I18N,
            max_file_size=MAX_FILE_SIZE,
            run_history=False,
            enable_monitoring=False,
            footer_links=["api"],
            ssr_mode=False,
            app_kwargs={"routes": browser_routes(recognizer.model, folder)},
        )


def delete_old_files(page: gr.Blocks, age_s: int) -> None:
    """Delete what visitors sent and got longer ago, whoever sends something in the meantime.

    Gradio 6.31 fails when its list of files grows while it looks through it, and then never deletes anything again: a
    page that is never idle would fill the disk.
    """
    while True:
        try:
            return delete_files_created_by_app(page, age_s)
        except RuntimeError:  # "Set changed size during iteration"
            time.sleep(0.1)


def _keep_clean(page: gr.Blocks) -> None:
    while True:
        time.sleep(CACHE_AGE_S)
        delete_old_files(page, CACHE_AGE_S)
