"""The In-your-browser tab: the page that ``make web`` builds from ``web/``, in a frame, served by the same server.

It classifies on the visitor's device and sends nothing back. A browser downloads its files only when the tab is opened,
and caches them, so each checkpoint has its own address.
"""

from __future__ import annotations

import mimetypes
import os
import tempfile
from pathlib import Path

import gradio as gr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from mini_xception.checkpoint.folder import GRAPH
from mini_xception.demo.texts import I18N
from mini_xception.export import export
from mini_xception.network.fingerprint import has_fingerprint
from mini_xception.network.model import MiniXception

#: The built page. It is not in git, but in the wheel.
PAGE = Path(__file__).parents[1] / "web"
#: Its address, relative to the page with the tabs, which can be served under any prefix.
ADDRESS = "browser"
#: The browser asks at each visit whether a cached file has changed. Without this header, it guesses from the file's age
#: how long to keep it, and the files of a wheel can be years old.
REVALIDATE = {"Cache-Control": "no-cache"}

mimetypes.add_type("application/octet-stream", ".onnx")


class PageFiles(StaticFiles):
    """The files of the built page."""

    async def answer(self, request: Request) -> Response:
        """Answer a request for a route's ``{path:path}``.

        A route, not a mount: a mount fails behind a proxy that strips the prefix of the address.
        """
        return await self.get_response(request.path_params["path"] or ".", request.scope)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(REVALIDATE)
        return response


class Graph:
    """The ``model.onnx`` of a checkpoint other than the one the page was built with, held in memory."""

    def __init__(self, model: MiniXception) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.content = export(model, folder).read_bytes()
        self.headers = {"ETag": f'"{model.fingerprint()}"', **REVALIDATE}

    async def answer(self, request: Request) -> Response:
        if request.headers.get("if-none-match") == self.headers["ETag"]:
            return Response(status_code=304, headers=self.headers)
        return Response(self.content, headers=self.headers, media_type="application/octet-stream")


def is_built() -> bool:
    return (PAGE / "index.html").is_file()


def browser_tab(model: MiniXception) -> None:
    """Add the tab to the ``gr.Blocks`` of the caller. If the page is not built, it says how to build it."""
    if is_built():
        source = f"{ADDRESS}/{model.fingerprint()[:16]}/?embedded"
        gr.HTML(f'<iframe src="{source}" title="{I18N("in_browser")}" allow="camera"></iframe>', elem_id="browser")
    else:
        gr.HTML(I18N("in_browser_not_built"), elem_id="browser", elem_classes="answer")


def browser_routes(model: MiniXception) -> list[Route]:
    """Return the routes of the tab, in addition to Gradio's own; none if the page is not built.

    Args:
        model: the network that the tab uses.

    Raises:
        MiniXceptionError: the network cannot be exported.
    """
    if not is_built():
        return []
    address = f"/{ADDRESS}/{{checkpoint}}"
    routes = [Route(f"{address}/{{path:path}}", PageFiles(directory=PAGE, html=True).answer)]
    if not has_fingerprint(PAGE / "models" / GRAPH, model.fingerprint()):
        routes.insert(0, Route(f"{address}/models/{GRAPH}", Graph(model).answer))
    return routes
