"""Grafana's HTTP API, as far as it is asked: health, data sources, dashboards, their panels' values, its renderer.

Shapes: Grafana's HTTP API reference (`/api/health`, `/api/datasources/uid/…/health`, `/api/dashboards/uid/…`,
`/api/ds/query`, `/api/search`), and of `/render` its own source.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gonogo.frozen import dataclass
from gonogo.model.outcome import Outcome
from gonogo.probes._api import Api, Unanswered, part
from gonogo.probes._png import size_of

_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\[\[(\w+)(?::\w+)?\]\]|\$(\w+)")
_ROW_PIXELS = 38
"""Height of one row of a dashboard's grid: 30, and 8 between two."""
_ABOVE = 100
_MOST_SERIES = 8
_OK, _NOT_FOUND = 200, 404


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel that shows data."""

    title: str
    queries: tuple[Mapping[str, Any], ...]
    """As Grafana takes them again, variables filled in."""

    @property
    def asked(self) -> str:
        """What is asked, as a person reads it."""
        texts = [str(q.get("expr") or q.get("rawSql") or q.get("query") or q["refId"]) for q in self.queries]
        return "; ".join(texts)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard, as far as it is pictured."""

    uid: str
    title: str
    panels: tuple[Panel, ...]
    rows: int
    """Rows of its grid."""
    text: str
    """All that is written in it, to look for secrets."""

    @property
    def height(self) -> int:
        """Pixels in which all of it can be seen."""
        return max(300, min(10_000, self.rows * _ROW_PIXELS + _ABOVE))

    @property
    def sources(self) -> tuple[str, ...]:
        """Uids of the data sources that its panels ask, each once."""
        return tuple(dict.fromkeys(str(q["datasource"]["uid"]) for panel in self.panels for q in panel.queries))


@dataclass(frozen=True, slots=True)
class Values:
    """What a panel shows at this moment."""

    lines: tuple[str, ...] = ()
    """One for each series."""
    why: str = ""
    """Why a query of it failed; empty: none did."""


@dataclass(frozen=True, slots=True)
class Grafana:
    """One Grafana."""

    api: Api

    def health(self) -> dict[str, str]:
        """Its version, and how its database is; it answers 503 where that is not `ok`."""
        answer = self.api.page("/api/health")
        data = _json(answer.body)
        if not isinstance(data, dict) or "database" not in data:
            data = self.api.json("/api/health")
        database = part(data, "database", of="Grafana")
        return {"version": str(data.get("version", "")), "database": str(database)}

    def renders(self) -> bool | None:
        """Whether it has a renderer; None: it does not say."""
        try:
            said = self.api.json("/api/frontend/settings")
        except Unanswered:
            return None
        found = said.get("rendererAvailable") if isinstance(said, dict) else None
        return found if isinstance(found, bool) else None

    def search(self, most: int) -> tuple[str, ...]:
        """Uids of the dashboards that may be seen."""
        found = self.api.json("/api/search", {"type": "dash-db", "limit": str(most)})
        try:
            return tuple(str(one["uid"]) for one in found)
        except (TypeError, KeyError) as error:
            raise Unanswered("not-understood", "the list of dashboards has another shape", "see who answers") from error

    def dashboard(self, uid: str) -> Dashboard | None:
        """The dashboard; None: there is none of that uid, or it may not be seen."""
        path = f"/api/dashboards/uid/{quote(uid, safe='')}"
        if self.api.page(path).status == _NOT_FOUND:
            return None
        model = part(self.api.json(path), "dashboard", of="Grafana")
        if not isinstance(model, dict):
            raise Unanswered("not-understood", f"the dashboard `{uid}` has another shape", "see who answers there")
        panels = tuple(_flat(model.get("panels") or ()))
        grids = [one.get("gridPos") or {} for one in panels]
        rows = max((int(grid.get("y", 0)) + int(grid.get("h", 0)) for grid in grids), default=0)
        shown = tuple(panel for one in panels if (panel := _panel(one, _variables(model))).queries)
        return Dashboard(uid, str(model.get("title") or uid), shown, rows, json.dumps(model, ensure_ascii=False))

    def source(self, uid: str) -> dict[str, str]:
        """How a data source is, asked through Grafana: `OK`, or anything else."""
        answer = self.api.page(f"/api/datasources/uid/{quote(uid, safe='')}/health")
        said = _json(answer.body)
        if not isinstance(said, dict):
            why = f"Grafana at {self.api.shown} answers for the data source `{uid}` with {answer.status} and no JSON"
            raise Unanswered("not-json", why, "see who answers there: a login page or a proxy is not the service")
        status = str(said.get("status", "")) if answer.status == _OK else "ERROR"
        return {"uid": uid, "status": status or "unknown", "message": str(said.get("message", ""))[:300]}

    def values(self, panel: Panel, since: int, until: int) -> Values:
        """What a panel's queries give between two moments, in milliseconds since 1970."""
        ask = {"queries": list(panel.queries), "from": str(since), "to": str(until)}
        answer = self.api.page("/api/ds/query", ask=ask)
        said = _json(answer.body)
        results = said.get("results") if isinstance(said, dict) else None
        if not isinstance(results, dict):
            return Values(why=f"status {answer.status}, and no values")
        errors = [str(one["error"]) for one in results.values() if isinstance(one, dict) and one.get("error")]
        return Values(tuple(_series(results)), errors[0][:200] if errors else "")

    def render(self, dashboard: Dashboard, query: Mapping[str, str], width: int, height: int) -> bytes | None:
        """The picture that its renderer takes; None: only a placeholder came.

        Without a renderer, above its limit, after an error: each time status 200 and a picture from a file. None of
        them has the width and height that were asked for, if those are unusual.
        """
        path = f"/render/d/{quote(dashboard.uid, safe='')}/_"
        answer = self.api.page(
            path, {**query, "width": str(width), "height": str(height), "scale": "1", "kiosk": "true"}
        )
        if answer.status != _OK:
            raise Unanswered("refused", f"Grafana at {self.api.shown} answers {path} with {answer.status}", "")
        size = size_of(answer.body)
        if size is None:
            kind = answer.headers.get("content-type", "").partition(";")[0] or "no content type"
            message = f"Grafana at {self.api.shown} answers {path} with `{kind}`, which is no whole PNG"
            raise Unanswered("no-picture", message, "give `headers: {Authorization: …}`: a login page is no dashboard")
        return answer.body if size == (width, height) else None


def placeholder(uid: str) -> Unanswered:
    """Why the picture of a dashboard is none."""
    message = f"Grafana gives a placeholder for a picture of `{uid}`: it has no renderer, or that is busy or broken"
    mend = "install the image renderer, or gonogo with the extra `screenshots` and Chromium on this machine"
    return Unanswered("placeholder", message, mend, Outcome.UNKNOWN)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _flat(panels: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """All panels, those of folded rows too."""
    for one in panels:
        if isinstance(one, dict):
            yield one
            yield from _flat(one.get("panels") or ())


def _variables(model: Mapping[str, Any]) -> dict[str, str]:
    """The dashboard's variables with their present values; several are joined as a regular expression joins them."""
    found = {}
    for one in (model.get("templating") or {}).get("list") or ():
        value = (one.get("current") or {}).get("value", "")
        every = value in {"$__all"} if isinstance(value, str) else value == ["$__all"]
        text = (one.get("allValue") or ".*") if every else value
        found[str(one.get("name"))] = "|".join(map(str, text)) if isinstance(text, list) else str(text)
    return found


def _panel(one: Mapping[str, Any], variables: Mapping[str, str]) -> Panel:
    queries = []
    for at, target in enumerate(one.get("targets") or ()):
        source = target.get("datasource") or one.get("datasource")
        if not isinstance(source, dict) or not source.get("uid") or target.get("hide"):
            continue
        filled = json.loads(_filled(json.dumps({**target, "datasource": source}), variables))
        queries.append({"refId": chr(65 + at % 26), "intervalMs": 15_000, "maxDataPoints": 200, **filled})
    return Panel(str(one.get("title") or "untitled"), tuple(queries))


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """JSON with its variables replaced; Grafana's own (`$__interval`) are left to its server."""

    def value(match: re.Match[str]) -> str:
        name = next(filter(None, match.groups()))
        return json.dumps(variables[name])[1:-1] if name in variables else match[0]

    return _VARIABLE.sub(value, text)


def _series(results: Mapping[str, Any]) -> Iterator[str]:
    """One line for each series of an answer: its name and its last value; more than a few are counted."""
    lines: list[str] = []
    for one in results.values():
        for frame in one.get("frames") or () if isinstance(one, dict) else ():
            try:
                lines += _frame(frame["schema"]["fields"], frame["data"]["values"])
            except (KeyError, TypeError, AttributeError):
                lines.append("a series in another shape")
    yield from lines[:_MOST_SERIES]
    if len(lines) > _MOST_SERIES:
        yield f"and {len(lines) - _MOST_SERIES} more"


def _frame(fields: Sequence[Mapping[str, Any]], columns: Sequence[Sequence[Any]]) -> Iterator[str]:
    numbers = False
    for one, column in zip(fields, columns, strict=False):
        if one.get("type") != "number":
            continue
        numbers = True
        last = next((value for value in reversed(column) if _number(value)), None)
        if last is not None:
            labels = ", ".join(f"{key}={value}" for key, value in (one.get("labels") or {}).items())
            name = (one.get("config") or {}).get("displayNameFromDS") or labels or one.get("name") or "value"
            yield f"{name} = {last:g}"
    rows = len(columns[0]) if columns else 0
    if not numbers and rows:
        yield f"{rows} lines"


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
