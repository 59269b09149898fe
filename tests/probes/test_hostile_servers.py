"""Every probe of the monitoring against servers that hang, lie, break off and flood: none is ever green."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from gonogo import criterion, plugins
from gonogo.model.outcome import Outcome
from tests.listening import hang_up
from tests.probes.conftest import Look

MIB = 1024 * 1024
HTML = b"<html><title>Please log in</title></html>"
BEHAVIOURS: dict[str, bytes | None] = {
    "hangs": None,
    "answers HTML with 200": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s"
    % (len(HTML), HTML),
    "cuts the connection": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
    "closes at once": b"",
    "speaks another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "answers 500": b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    "answers 401": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
    "answers other JSON": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
    "sends 100 MB": b"flood",
}
SERVES = {"answers HTML with 200", "answers other JSON", "sends 100 MB"}
"""For a rate limit these are answers like any other, and more of them than are allowed."""
CALLS: dict[str, tuple[str, ...]] = {
    "prometheus": ("url",),
    "alertmanager": ("url", "prometheus"),
    "monitoring": ("prometheus", "alertmanager", "grafana", "loki"),
    "metrics": ("url",),
    "ratelimit": ("url",),
    "soak": ("prometheus", "alertmanager"),
    "loki": ("url", "app"),
    "grafana": ("url",),
    "screenshot": ("url",),
}
QUICK: dict[str, dict[str, Any]] = {
    "prometheus": {"wait": 0},
    "alertmanager": {"gap": 0.1, "interval": 0.1, "minutes": 0.01},
    "monitoring": {"warm_up": 0},
    "metrics": {"wait": 0},
    "ratelimit": {"recovers": 0.1, "most": 5, "requests": 2},
    "soak": {"gap": 0.1, "interval": 0.1, "minutes": 0.01},
    "loki": {"wait": 0, "warm_up": 0},
    "grafana": {"wait": 0},
    "screenshot": {"patience": 10, "expect": "all is well"},
}


class Hostile:
    """Does the same to every connection."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.sent = 0
        """Bytes of the flood that one connection took at most."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self) -> None:
        while not self.done.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(20)
            connection.recv(65536)
            if self.answer is None:
                self.done.wait(20)
            elif self.answer == b"flood":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000000\r\n\r\n")
                for many in range(1000):
                    connection.sendall(b"x" * 100_000)
                    self.sent = max(self.sent, many * 100_000)
            else:
                connection.sendall(self.answer)


@contextmanager
def hostile(answer: bytes | None) -> Iterator[Hostile]:
    server = Hostile(answer)
    try:
        yield server
    finally:
        server.done.set()
        hang_up(server.listener, server.thread)


def judged(kind: str, reading: Any) -> list[Outcome]:
    """What the criteria of the kind's own clauses make of it."""
    registry = plugins.builtin()
    outcomes = []
    for clause in registry.probe(kind).clauses:
        match = re.fullmatch(clause.pattern, clause.example, re.IGNORECASE)
        assert match
        for expression in clause.criteria:
            filled = expression.format(**match.groupdict())
            compiled = criterion.compile(filled, registry.observation_types)
            if compiled.speaks_for(frozenset(t.name for t in registry.probe(kind).yields)):
                outcomes.append(compiled.evaluate(reading).outcome)
    return outcomes


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("kind", CALLS)
def test_no_hostile_server_is_green(kind: str, behaviour: str, look: Look) -> None:
    with hostile(BEHAVIOURS[behaviour]) as server:
        url = f"http://127.0.0.1:{server.port}"
        start = time.monotonic()
        patience = 10 if kind == "ratelimit" and behaviour in SERVES else 0.5
        seen = look(kind, timeout=patience, **QUICK[kind], **dict.fromkeys(CALLS[kind], url))
        took = time.monotonic() - start
    assert took < 60
    if kind == "ratelimit" and behaviour in SERVES:
        assert seen.values == {"ratelimit.works": False}
    else:
        assert seen.troubles, seen.values
        assert {*seen.troubles.values()} <= {Outcome.UNKNOWN, Outcome.ERROR}
    assert Outcome.PASS not in judged(kind, seen.reading)
    assert server.sent < 60 * MIB, "it went on reading"
    assert len(seen.stored) < 2 * MIB


@pytest.mark.parametrize("kind", CALLS)
def test_nobody_there_is_unknown(kind: str, look: Look) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen = look(kind, timeout=10, **QUICK[kind], **dict.fromkeys(CALLS[kind], f"http://127.0.0.1:{port}"))
    assert seen.troubles == {"unreachable": Outcome.UNKNOWN}
    assert Outcome.PASS not in judged(kind, seen.reading)


@pytest.mark.parametrize("kind", CALLS)
def test_without_a_url_it_says_which_param_is_missing(kind: str, look: Look) -> None:
    seen = look(kind)
    assert seen.troubles == {"no-url": Outcome.UNKNOWN}
    (trouble,) = seen.capture.troubles
    assert f"`{CALLS[kind][0]}`" in trouble.message
    assert "`urls:` of the target" in trouble.help


@pytest.mark.parametrize("kind", CALLS)
def test_a_password_in_a_url_and_a_token_are_secrets(kind: str, look: Look, context: Any) -> None:
    with hostile(BEHAVIOURS["answers 401"]) as server:
        url = f"http://ada:correct-horse@127.0.0.1:{server.port}"
        given = dict.fromkeys(CALLS[kind], url)
        seen = look(kind, timeout=2, headers={"Authorization": "Bearer swordfish"}, **QUICK[kind], **given)
    assert {"correct-horse", "Bearer swordfish"} <= set(context.secrets)
    said = [*(t.message for t in (*seen.capture.troubles, *seen.reading.troubles)), seen.capture.shown, *context.told]
    assert not [text for text in said if "correct-horse" in text or "swordfish" in text]
    assert b"correct-horse" not in seen.stored
