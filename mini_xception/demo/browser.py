"""The On-your-device tab: the page that ``make web`` builds from ``web/``, shown in a frame.

The page classifies faces on the visitor's device and sends nothing back. The same server serves its files. The browser
downloads them when the tab is opened, and caches them. Each checkpoint therefore has its own address.
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
from mini_xception.network.classifier import Classifier
from mini_xception.network.fingerprint import has_fingerprint

#: The built page. It is part of the wheel, but not of the git repository.
PAGE = Path(__file__).parents[1] / "web"
#: Address of the built page. It is relative, because the page with the tabs can be served under any prefix.
ADDRESS = "browser"
#: Makes the browser ask at each visit whether a cached file has changed. Without this header, it would guess from the
#: file's age how long to keep it, and files from a wheel can be years old.
REVALIDATE = {"Cache-Control": "no-cache"}

mimetypes.add_type("application/octet-stream", ".onnx")


class PageFiles(StaticFiles):
    """The files of the built page."""

    async def answer(self, request: Request) -> Response:
        """Answer a request for a route's ``{path:path}``.

        The files are served by a route, because a mount fails behind a proxy that strips the prefix of the address.
        """
        return await self.get_response(request.path_params["path"] or ".", request.scope)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(REVALIDATE)
        return response


class Graph:
    """A ``model.onnx`` in memory, for a checkpoint that the page was not built with."""

    def __init__(self, classifier: Classifier) -> None:
        from mini_xception.export import export  # It needs PyTorch.

        with tempfile.TemporaryDirectory() as folder:
            self.content = export(classifier.model, folder).read_bytes()
        self.headers = {"ETag": f'"{classifier.fingerprint}"', **REVALIDATE}

    async def answer(self, request: Request) -> Response:
        if request.headers.get("if-none-match") == self.headers["ETag"]:
            return Response(status_code=304, headers=self.headers)
        return Response(self.content, headers=self.headers, media_type="application/octet-stream")


def is_built() -> bool:
    return (PAGE / "index.html").is_file()


def browser_tab(classifier: Classifier) -> None:
    """Add the tab to the ``gr.Blocks`` of the caller. If the page is not built, the tab explains how to build it."""
    if is_built():
        source = f"{ADDRESS}/{classifier.fingerprint[:16]}/?embedded"
        gr.HTML(f'<iframe src="{source}" title="{I18N("in_browser")}" allow="camera"></iframe>', elem_id="browser")
    else:
        gr.HTML(I18N("in_browser_not_built"), elem_id="browser", elem_classes="answer")


def browser_routes(classifier: Classifier) -> list[Route]:
    """Return the routes that the tab adds to Gradio's. If the page is not built, the list is empty.

    Args:
        classifier: the classifier whose network the tab uses.

    Raises:
        MiniXceptionError: the network cannot be exported.
    """
    if not is_built():
        return []
    address = f"/{ADDRESS}/{{checkpoint}}"
    routes = [Route(f"{address}/{{path:path}}", PageFiles(directory=PAGE, html=True).answer)]
    if not has_fingerprint(PAGE / "models" / GRAPH, classifier.fingerprint):
        routes.insert(0, Route(f"{address}/models/{GRAPH}", Graph(classifier).answer))
    return routes
