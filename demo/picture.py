"""Makes `docs/images/demo.svg`: the demo with its coverage bound raised to 80 %, as a terminal of 100 columns shows it.

The advisories of npm come from a stand-in that knows of none, so that the picture does not hang on a service elsewhere.
Everything else is real: the first release is on the target, and nothing replaces it.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from demo import (
    free_port,
    git,
    install,
    make_repository,
    run_gonogo,
    say,
    ship_first,
    take_down,
    variables,
    write_values,
)
from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "demo.svg"
COLUMNS = 100
BOUND, RAISED = "lines coverage ≥ 65%", "lines coverage ≥ 80%"
COMMAND = "gonogo run READINESS.md --target local"
NO_GO = 1
NOT_RED = ("  ·", "  \N{EN DASH}")
"""How the gates begin that were not run, or do not apply."""
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""A picture fetches nothing: where the reader has no Fira Code, another font of even width will do."""


class _NoAdvisories(BaseHTTPRequestHandler):
    """Says of every list of packages that nothing is known against them."""

    def do_POST(self) -> None:
        """Answer `npm audit`."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = json.dumps({}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
        """Say nothing."""


@contextmanager
def no_advisories() -> Iterator[str]:
    """The URL of the stand-in while it answers."""
    server = HTTPServer(("127.0.0.1", 0), _NoAdvisories)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def raise_bound(root: Path) -> None:
    """Ask for more coverage than there is, in a commit of its own."""
    path = root / "READINESS.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(BOUND, RAISED), encoding="utf-8")
    git(root, "commit", "--quiet", "--all", "--message", "docs: ask for more coverage")


def shown(root: Path, docs: Path) -> str:
    """What `gonogo show` prints in a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    env = {**variables(docs), "TERM": "xterm-256color"}
    argv = [str(Path(sys.executable).parent / "gonogo"), "show"]
    process = subprocess.Popen(argv, cwd=root, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    printed = b""
    while part := _read(ours):
        printed += part
    os.close(ours)
    process.wait()
    return printed.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux says EIO when the last one who had the terminal has closed it
        return b""


def draw(printed: str) -> str:
    """The picture of it, up to what is not red."""
    text = Text.from_ansi(printed.strip("\n"))
    lines = text.split("\n", allow_blank=True)
    decided = next(number for number, line in enumerate(lines) if "NO-GO" in line.plain)
    end = next(n for n, line in enumerate(lines) if n > decided and line.plain.startswith(NOT_RED))
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text(f"$ {COMMAND}\n", style="bold"))
    for line in [*lines[:end], Text("  …", style="dim")]:
        console.print(line)
    return _FONT_FACE.sub("", console.export_svg(title="gonogo", unique_id="gonogo"))


def main() -> int:
    """The run and its picture; 0 where the run ended as it should: in NO-GO."""
    folder = Path(tempfile.mkdtemp(prefix="gonogo-picture-")).resolve()
    root, docs = folder / "medianest", folder / "docs-venv"
    make_repository(root)
    install(root, docs)
    port = free_port()
    write_values(root, {"STAGING_PORT": port, "POSTGRES_PORT": free_port()})
    where = ["--input", f"staging=127.0.0.1:{port}"]
    try:
        ship_first(root, docs, "local", where)
        raise_bound(root)
        with no_advisories() as url:
            os.environ["NPM_CONFIG_REGISTRY"] = url
            code = run_gonogo(root, docs, "READINESS.md", "local", where)
        if code == NO_GO:
            PICTURE.write_text(draw(shown(root, docs)), encoding="utf-8")
    finally:
        take_down(root, folder, "local")
    say(f"gonogo exited with {code}; remove {folder}")
    return 0 if code == NO_GO else 1


if __name__ == "__main__":
    sys.exit(main())
