"""The In-your-browser tab: the page that ``make web`` builds of ``web/``, in a frame and from this very server.

What it reads never comes here. A visitor's browser downloads the page's files when the tab is opened, not before, and
keeps them; so each checkpoint has an address of its own.
"""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path

import gradio as gr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from mini_xception.checkpoint.folder import GRAPH
from mini_xception.demo.texts import I18N
from mini_xception.export import export_web
from mini_xception.network.graph import fingerprint, read_fingerprint
from mini_xception.network.model import MiniXception

#: Where ``make web`` puts the page; no part of git, but of the wheel.
PAGE = Path(__file__).parents[1] / "web"
#: Where it is served, relative to the page with the tabs, which may stand in any folder of any host.
ADDRESS = "browser"

mimetypes.add_type("application/octet-stream", ".onnx")


class PageFiles(StaticFiles):
    """Files that a browser may keep, but asks for each time whether they are still the same.

    Else it guesses from a file's age how long it may be kept, and files out of a wheel are years old.
    """

    async def answer(self, request: Request) -> Response:
        """A route's endpoint. A mount would look for the prefix that a proxy before the server took off."""
        return await self.get_response(request.path_params["path"] or ".", request.scope)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


def is_built() -> bool:
    return (PAGE / "index.html").is_file()


def browser_tab(model: MiniXception) -> None:
    """Put the tab where the caller is in a ``gr.Blocks``; where the page was not built, it says how."""
    if is_built():
        source = f"{ADDRESS}/{fingerprint(model)[:16]}/?embedded"
        gr.HTML(f'<iframe src="{source}" title="{I18N("in_browser")}" allow="camera"></iframe>', elem_id="browser")
    else:
        gr.HTML(I18N("in_browser_not_built"), elem_id="browser", elem_classes="answer")


def browser_routes(model: MiniXception, folder: str | os.PathLike[str]) -> list[Route]:
    """What the server must answer besides Gradio's own addresses.

    Args:
        model: the network that the page reads with.
        folder: where it is exported to, if the page was built with another one.

    Raises:
        MiniXceptionError: it cannot be exported.
    """
    if not is_built():
        return []
    networks = PAGE / "models"
    if read_fingerprint(networks / GRAPH) != fingerprint(model):
        networks = export_web(model, folder)
    address = f"/{ADDRESS}/{{checkpoint}}"
    return [
        Route(f"{address}/models/{{path:path}}", PageFiles(directory=networks).answer),
        Route(f"{address}/{{path:path}}", PageFiles(directory=PAGE, html=True).answer),
    ]
