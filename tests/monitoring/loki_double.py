"""A double of Loki's HTTP API, an application that logs, and what ships its lines: for tests, over real sockets.

The double keeps to Loki's documented shapes: `push` with JSON streams, `labels`, `query_range` with one selector and
one `|=`, `ready`; nanoseconds as text, an end that is exclusive, 401 without a tenant, 503 while it warms up.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.monitoring.serving import Answer, Serving

QUERY = re.compile(r'\{(?P<label>\w+)(?P<op>=~?)"(?P<value>[^"]*)"\} \|= "(?P<text>[^"]*)"')


@dataclass
class LokiDouble(Serving):
    """Keeps what is pushed, for each tenant."""

    tenants: bool = False
    """Whether a tenant must be named."""
    warm: Callable[[], bool] = lambda: True
    """Whether it has warmed up."""
    wall: Callable[[], float] = time.time
    """Its clock."""
    streams: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    queries: list[dict[str, str]] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        date = {"Date": formatdate(self.wall(), usegmt=True)}
        if not self.warm():
            return 503, date, "Ingester not ready: waiting for 15s after being ready\n"
        if self.tenants and "x-scope-orgid" not in headers:
            return 401, date, "no org id\n"
        tenant = headers.get("x-scope-orgid", "fake")
        if parts.path == "/loki/api/v1/push":
            self.streams.setdefault(tenant, []).extend(json.loads(body)["streams"])
            return 204, date, ""
        if parts.path == "/loki/api/v1/labels":
            known = sorted({label for one in self.streams.get(tenant, []) for label in one["stream"]})
            return 200, date, json.dumps({"status": "success", **({"data": known} if known else {})})
        if parts.path == "/loki/api/v1/query_range":
            self.queries.append(query)
            return self._lines(tenant, query, date)
        return (200, date, "ready\n") if parts.path == "/ready" else (404, date, "404 page not found\n")

    def _lines(self, tenant: str, query: Mapping[str, str], date: dict[str, str]) -> Answer:
        asked = QUERY.fullmatch(query["query"])
        if asked is None:
            return 400, date, "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER\n"
        found = []
        for stream in self.streams.get(tenant, []):
            value = stream["stream"].get(asked["label"], "")
            same = re.fullmatch(asked["value"], value) if asked["op"] == "=~" else value == asked["value"]
            lines = [
                pair
                for pair in stream["values"]
                if asked["text"] in pair[1] and int(query["start"]) <= int(pair[0]) < int(query["end"])
            ]
            found += [{"stream": stream["stream"], "values": lines}] if same and lines else []
        data = {"resultType": "streams", "result": found, "stats": {}}
        return 200, date, json.dumps({"status": "success", "data": data})


def push(loki: str, line: str, at: float, labels: Mapping[str, str], tenant: str = "") -> None:
    """Ship one line, as a shipper does."""
    body = {"streams": [{"stream": dict(labels), "values": [[str(int(at * 1e9)), line]]}]}
    headers = {"Content-Type": "application/json", **({"X-Scope-OrgID": tenant} if tenant else {})}
    request = urllib.request.Request(f"{loki}/loki/api/v1/push", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 204


@dataclass
class App(Serving):
    """Logs one JSON line a request, with the request id it was given; `ship` takes each line."""

    ship: Callable[[str], None] = lambda line: None
    lines: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        line = json.dumps(
            {"level": "info", "message": "request", "path": path, "requestId": headers.get("x-request-id")}
        )
        self.lines.append(line)
        self.ship(line)
        return 200, {}, "ok"
