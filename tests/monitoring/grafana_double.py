"""A double of Grafana's HTTP API and of the page of a dashboard, with shapes from its documentation and source.

It has no renderer unless it is given one, and then answers `/render` as Grafana does: 200 and a picture from a file,
of the file's own size.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.monitoring.serving import Answer, Serving

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
PAGE = """<!doctype html><title>{title} - Grafana</title><body style="margin:0;font:16px sans-serif">
<div id="grid"></div><script>
const panels = {panels};
for (const panel of panels) {{
  const box = document.createElement('div');
  box.className = 'react-grid-item';
  box.innerHTML = '<h4></h4><div aria-label="Panel loading bar">…</div><p></p>';
  box.querySelector('h4').textContent = panel.title;
  document.getElementById('grid').append(box);
  fetch('/api/ds/query', {{method: 'POST', body: JSON.stringify({{queries: panel.targets}})}})
    .then((answer) => answer.json())
    .then((said) => setTimeout(() => {{
      box.querySelector('[aria-label]').remove();
      const frames = said.results.A.frames;
      const {{labels, name}} = frames.length ? frames[0].schema.fields[1] : {{name: 'No data'}};
      const last = frames.length ? frames[0].data.values[1].findLast((value) => value !== null) : '';
      box.querySelector('p').textContent = `${{name}} ${{JSON.stringify(labels || {{}})}} ${{last}}`;
    }}, 300));
}}
</script>{more}</body>"""


def png(width: int, height: int) -> bytes:
    """A white picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + b"\xff" * width) * height
    packed = zlib.compress(rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def panel(title: str, expr: str, source: str = "prometheus", **more: Any) -> dict[str, Any]:
    """A panel with one query."""
    target = {"refId": "A", "expr": expr}
    place = {"x": 0, "y": 0, "w": 24, "h": 8}
    return {"title": title, "datasource": {"uid": source}, "targets": [target], "gridPos": place, **more}


def frame(value: float | None, **labels: str) -> dict[str, Any]:
    """One series, whose newest value may be null."""
    fields = [{"name": "Time", "type": "time"}, {"name": "Value", "type": "number", "labels": labels}]
    return {"schema": {"refId": "A", "fields": fields}, "data": {"values": [[1, 2, 3], [1.5, value, None]]}}


def lines(*texts: str) -> dict[str, Any]:
    """Lines of a log."""
    fields = [{"name": "Time", "type": "time"}, {"name": "Line", "type": "string"}]
    return {"schema": {"refId": "A", "fields": fields}, "data": {"values": [list(range(len(texts))), list(texts)]}}


@dataclass
class GrafanaDouble(Serving):
    """One dashboard, `board`."""

    token: str = ""
    """What `Authorization` must carry; empty: everybody may look."""
    settings: dict[str, Any] = field(default_factory=lambda: {"rendererAvailable": False})
    renderer: str = ""
    """`real`, `placeholder`; empty: 404."""
    database: str = "ok"
    panels: list[dict[str, Any]] = field(default_factory=lambda: [panel("Requests", "sum(rate(requests[1m]))")])
    model: dict[str, Any] = field(default_factory=dict)
    """What the dashboard holds beside its panels."""
    frames: list[dict[str, Any]] = field(default_factory=lambda: [frame(4.25, service="backend")])
    errors: dict[str, str] = field(default_factory=dict)
    """Query -> why it fails."""
    silent: int = 0
    """So many queries find nothing at first."""
    sources: dict[str, tuple[int, dict[str, str]]] = field(
        default_factory=lambda: {"prometheus": (200, {"status": "OK", "message": "ok"})}
    )
    more: str = ""
    """HTML at the end of the page."""
    asked: list[str] = field(default_factory=list)
    queries: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(path)
        self.asked.append(parts.path)
        if parts.path == "/api/health":
            said = {"commit": "abc", "database": self.database, "version": "11.6.0"}
            return (200 if self.database == "ok" else 503), JSON, json.dumps(said)
        if self.token and headers.get("authorization") != f"Bearer {self.token}":
            if parts.path.startswith("/api/"):
                return 401, JSON, json.dumps({"message": "Unauthorized", "messageId": "auth.unauthorized"})
            if parts.path == "/login":
                return 200, HTML, "<title>Grafana</title><div class='react-grid-item'>Log in</div>"
            return 302, {"Location": "/login"}, ""
        return self._allowed(parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()}, body)

    def _allowed(self, path: str, query: Mapping[str, str], body: bytes) -> Answer:
        model = {"uid": "board", "title": "Board", "panels": self.panels, **self.model}
        plain: dict[str, Any] = {
            "/api/frontend/settings": self.settings,
            "/api/search": [{"uid": "board", "title": "Board", "type": "dash-db"}],
            "/api/dashboards/uid/board": {"meta": {"slug": "board"}, "dashboard": model},
        }
        if path in plain:
            return 200, JSON, json.dumps(plain[path])
        if path.startswith("/api/datasources/uid/"):
            status, said = self.sources.get(path.split("/")[4], (404, {"message": "Data source not found"}))
            return status, JSON, json.dumps(said)
        if path == "/api/ds/query":
            return self._query(json.loads(body))
        if path == "/render/d/board/_" and self.renderer:
            real = self.renderer == "real"
            size = (int(query["width"]), int(query["height"])) if real else (800, 400)
            return 200, {"Content-Type": "image/png"}, png(*size)
        if path.startswith("/d/board"):
            return 200, HTML, PAGE.format(title="Board", panels=json.dumps(self.panels), more=self.more)
        return 404, JSON, json.dumps({"message": "Dashboard not found"})

    def _query(self, asked: dict[str, Any]) -> Answer:
        self.queries += asked["queries"]
        self.silent -= 1
        expr = asked["queries"][0].get("expr", "")
        if expr in self.errors:
            said: dict[str, Any] = {"error": self.errors[expr], "status": 400, "frames": []}
            return 400, JSON, json.dumps({"results": {"A": said}})
        frames = self.frames if self.silent < 0 else []
        return 200, JSON, json.dumps({"results": {"A": {"status": 200, "frames": frames}}})
