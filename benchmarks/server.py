"""Loopback servers for benchmarks and tests: ``app.py`` in a separate process, and a server of static files."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
#: The browser page, built by ``make web``.
BROWSER_PAGE = ROOT / "mini_xception" / "web"
#: Longest time, in seconds, for app.py to start and to stop.
START_S, STOP_S = 120, 20


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: its address.
        cache: the folder where Gradio stores uploads and results.
        process: the server's process.
    """

    url: str
    cache: Path
    process: subprocess.Popen[bytes]

    def memory_mb(self) -> float:
        """Return the resident memory in MB; Linux only."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024

    def cpu_s(self) -> float:
        """Return the processor time since the start, in seconds; Linux only."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def disk_mb(self) -> float:
        """Return the size of the cache in MB."""
        total = 0
        for path in self.cache.rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:  # deleted in the meantime
                continue
        return total / 1e6


@contextmanager
def serve(cache: Path, log: Path, port: int | None = None) -> Iterator[Server]:
    """Start ``app.py``, wait until it answers, and stop it at the end of the block.

    Args:
        cache: the folder where Gradio stores files.
        log: the server's output is appended to this file.
        port: the port to listen on. None uses any free port.

    Raises:
        RuntimeError: the server ended, or did not answer within START_S. The message contains its output.
    """
    port = port or _free_port()
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(cache)}
    with log.open("ab") as output:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=output)
        server = Server(f"http://127.0.0.1:{port}", cache, process)
        try:
            _wait_for(server, log)
            yield server
        finally:
            process.terminate()
            process.wait(STOP_S)


@dataclass(frozen=True)
class Host:
    """A server of static files that can be closed early, to test the page without a network.

    Attributes:
        url: the address of its root.
        requests: the paths of all requests so far.
        server: the HTTP server.
    """

    url: str
    requests: list[str]
    server: ThreadingHTTPServer

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def serve_files(root: Path) -> Iterator[Host]:
    """Serve a folder without compression, like ``python -m http.server``."""
    requests: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def parse_request(self) -> bool:
            is_request = super().parse_request()
            if is_request:
                requests.append(self.path)
            return is_request

        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing, because standard error is for failures."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=root))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = Host(f"http://127.0.0.1:{server.server_port}", requests, server)
    try:
        yield host
    finally:
        host.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(server: Server, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            urllib.request.urlopen(server.url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"app.py does not serve {server.url}:\n{log.read_text()}")
