"""The local Hub's HTTP servers. They answer requests, or inject the faults that a test has set."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.checkpoint.hub_state import Refusal, Request

if TYPE_CHECKING:
    from tests.checkpoint.hub_server import LocalHub


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def stop(self) -> None:
        """Stop, and close connections that clients keep open."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def serve(hub: LocalHub, name: str) -> Server:
    """Start one of the two servers, "hub" or "storage", in a thread."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = read_chunks(self.rfile)
            headers = {key.lower(): value for key, value in self.headers.items()}
            request = Request(name, self.command, self.path, headers, body)
            with hub.lock:
                hub.requests.append(request)
                fault = hub.fault_for(f"{self.command} {self.path}")
                try:
                    if fault and fault.status:
                        raise Refusal(fault.status, message="fault set by the test")
                    status, answer, data = hub.answer(request)
                except Refusal as refusal:
                    status, answer, data = refusal.answer
            if fault and fault.body is not None:
                data = fault.body
            if status == 200 and (span := re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))):
                first = int(span[1])
                status, answer = 206, answer | {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"}
                data = data[first:]
            self.send_response(status)
            for key, value in ({"Content-Type": "application/json"} | answer).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data if fault is None else data[: fault.cut_after])
            if fault and fault.cut_after is not None:
                self.wfile.flush()
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = handle_one

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def read_chunks(file: Any) -> bytes:
    """Read a body with chunked transfer encoding."""
    body = b""
    while size := int(file.readline(), 16):
        body += file.read(size)
        file.readline()
    file.readline()
    return body
