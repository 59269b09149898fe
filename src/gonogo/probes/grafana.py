"""Grafana: how it and its data sources are, and pictures of its dashboards."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Mapping
from dataclasses import field
from typing import Any
from urllib.parse import quote, urlencode

from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Finding, Reading
from gonogo.plugins import Clause, Context, probe
from gonogo.probes import _chromium, _grafana, _picture
from gonogo.probes._api import INTERRUPTED, Api, Unanswered, clock_text, no_url
from gonogo.probes._facts import count, flag, problem, trouble
from gonogo.probes._grafana import Dashboard, Grafana, Values
from gonogo.probes._metrics_reading import seen, unknown
from gonogo.probes._place import url_of

_EVERY = 2.0
_WIDTH = 1283
"""Pixels: no ready-made picture is so wide, which is how a placeholder is told."""
_HIGHEST = 3000
"""Pixels: what is higher, the image renderer gives its own size (its setting `maxHeight`)."""
_MOST = 5
_RENDERING = 60.0
_LOADING = "[aria-label='Panel loading bar'], [data-testid='data-testid Panel loading bar'], .panel-loading"


@dataclass(frozen=True, slots=True)
class GrafanaParams:
    """Which dashboards."""

    url: str = ""
    """Base URL. Empty: the one that the target declares."""
    dashboards: tuple[str, ...] = ()
    """Their uids. Empty: those that Grafana lists, five at most."""
    sources: tuple[str, ...] = ()
    """Uids of further data sources to ask after, beside those of the dashboards."""
    minutes: float = 30.0
    """Minutes that the pictures go back."""
    wait: float = 60.0
    """Seconds to wait until a dashboard has data."""
    patience: float = 30.0
    """Seconds for a page to load in the browser."""
    browser: str = ""
    """Path of a Chromium, where Grafana has no renderer. Empty: the first of the usual ones on the PATH."""
    timeout: float = 10.0
    """Seconds for one request."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers to send: `Authorization: Bearer …`. `Authorization` and `Cookie` are secrets."""


def _read(facts: Mapping[str, Any], _params: GrafanaParams) -> Reading:
    """What was asked and answered; each dashboard without a picture says why."""
    if "dashboards" not in facts:
        return Reading()
    health, boards = facts["health"], facts["dashboards"]
    ill = [one for one in facts["sources"] if one["status"].upper() != "OK"]
    counts = {
        "grafana.healthy": health["database"] == "ok",
        "grafana.sources": len(facts["sources"]),
        "grafana.sources_unhealthy": len(ill),
        "dashboards.missing": sum(one["missing"] for one in boards),
        "dashboards.pictured": sum(bool(one["by"]) for one in boards),
        "dashboards.placeholders": sum(one["placeholder"] and not one["by"] for one in boards),
        "dashboards.panels": sum(one["panels"] for one in boards),
        "dashboards.panels_without_data": sum(len(one["empty"]) for one in boards),
        "dashboards.panels_failed": sum(len(one["failed"]) for one in boards),
    }
    findings = [Finding("grafana", f"source:{one['uid']}", "unhealthy", one["message"] or one["status"]) for one in ill]
    for one in boards:
        name = f"dashboard:{one['uid']}"
        findings += [Finding("grafana", name, "missing", "there is none of this uid")] if one["missing"] else []
        if one["placeholder"] and not one["by"]:
            findings.append(Finding("grafana", name, "placeholder", "Grafana's picture only says that there is none"))
        findings += [Finding("grafana", f"panel:{title}", "failed", why) for title, why in one["failed"].items()]
    troubles = [trouble(one["why"]) for one in boards if one["why"]]
    if not boards:
        troubles.append(unknown("no-dashboards", "Grafana lists no dashboard", "name their uids as `dashboards`"))
    return Reading(
        tuple(seen(name, value) for name, value in counts.items()),
        tuple(findings),
        (f"Grafana {health['version']} at {facts['url']}, database {health['database']}", *map(_note, boards)),
        tuple(troubles),
    )


def _note(board: Mapping[str, Any]) -> str:
    empty = f", without data: {', '.join(board['empty'])}" if board["empty"] else ""
    covered = f", {board['masked']} texts held secrets and were covered" if board["masked"] else ""
    by = f"pictured by {board['by']}" if board["by"] else "no picture"
    return f"`{board['title']}`: {by}, {board['panels']} panels{empty}{covered}"


@probe(
    "grafana",
    yields=(
        flag("grafana.healthy", "Grafana and its database are up, by its own API"),
        count("grafana.sources", "data sources that were asked after"),
        count("grafana.sources_unhealthy", "data sources that Grafana cannot ask", "unhealthy"),
        count("dashboards.missing", "dashboards that are not there", "missing"),
        count("dashboards.pictured", "dashboards with a real picture"),
        count("dashboards.placeholders", "pictures that only say that there is none", "placeholder"),
        count("dashboards.panels", "panels that ask for data"),
        count("dashboards.panels_without_data", "panels whose queries find nothing"),
        count("dashboards.panels_failed", "panels with a query that fails", "failed"),
    ),
    reader=_read,
    clauses=(
        Clause(
            r"(?:grafana )?dashboard (?:screenshots?|pictures?)|grafana (?:screenshots?|pictures?)",
            (),  # it asks nothing: pictures are evidence
            "Grafana dashboard screenshots",
            brings={},
        ),
        Clause(
            r"(?:screenshots?|pictures?) of (?:the )?grafana(?: dashboards?)?",
            (),
            "pictures of the Grafana dashboard",
            brings={},
        ),
        Clause(
            r"(?:all )?(?:grafana )?data ?sources (?:are )?(?:healthy|up)",
            ("grafana.sources > 0", "grafana.sources_unhealthy == 0"),
            "Grafana data sources healthy",
            brings={},
        ),
        Clause(
            r"(?:grafana )?dashboard `(?P<uid>[\w-]+)` (?:exists|is there)",
            ("dashboards.missing == 0",),
            "Grafana dashboard `medianest` exists",
            brings={"dashboards": ["{uid}"]},
        ),
    ),
    takes=lambda params: params.wait + params.patience,
)
def grafana(params: GrafanaParams, context: Context) -> Capture:
    """Ask Grafana how it and its data sources are, and take a picture of each dashboard, with its values in words.

    A dashboard is pictured when its queries find something: it is asked again for `wait` seconds. Grafana's own
    renderer takes the picture where it has one; a placeholder, which comes with status 200 where it has none, is told
    by its size and never kept. Otherwise a headless Chromium does (extra `screenshots`), once every panel has loaded.
    A dashboard that has no picture, or no data at all, is UNKNOWN.

    No secret is in a picture: the browser covers them, and where the dashboard or its values hold one, the renderer is
    not asked. The queries of each panel with their values stand beside the picture.
    """
    shown = "Grafana"
    url = url_of(context, params.url, "grafana")
    if not url:
        return no_url("grafana", shown, "url", "Grafana")
    started = time.monotonic()
    look = _Look(params, context, Grafana(Api.of("Grafana", url, params, context)))
    facts: dict[str, Any] = {"url": look.server.api.shown}
    try:
        facts |= look.run()
    except Unanswered as unanswered:
        kept = context.keep_facts(facts)
        return Capture("grafana", shown, blobs=(kept,), troubles=(unanswered.trouble,))
    if look.stopped:
        return Capture("grafana", shown, troubles=(INTERRUPTED,))
    blobs = (*look.blobs, context.keep_facts(facts))
    return Capture("grafana", shown, blobs=blobs, seconds=time.monotonic() - started)


@dataclass(slots=True)
class _Look:
    """One look at one Grafana."""

    params: GrafanaParams
    context: Context
    server: Grafana
    blobs: list[Blob] = field(default_factory=list)
    stopped: bool = False
    renders: bool | None = None

    def run(self) -> dict[str, Any]:
        health = self.server.health()
        uids = self.params.dashboards or self.server.search(_MOST)
        found = {uid: self.server.dashboard(uid) for uid in uids}
        used = [uid for board in found.values() if board is not None for uid in board.sources]
        sources = [self.server.source(uid) for uid in dict.fromkeys((*used, *self.params.sources))]
        self.renders = self.server.renders()
        boards = [self._board(uid, board) for uid, board in found.items()]
        return {"health": health, "sources": sources, "dashboards": boards}

    def _board(self, uid: str, board: Dashboard | None) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "uid": uid,
            "title": board.title if board else uid,
            "missing": board is None,
            "by": "",
            "masked": 0,
            "placeholder": False,
            "panels": 0,
            "empty": [],
            "failed": {},
            "why": None,
        }
        try:
            self._pictured(uid, board, facts)
        except Unanswered as unanswered:
            why = unanswered.trouble
            facts["why"] = problem(why.outcome, why.slug, why.message, why.help)
        return facts

    def _pictured(self, uid: str, board: Dashboard | None, facts: dict[str, Any]) -> None:
        """Fill in what was found; raises `Unanswered` where there is no picture, or one of nothing."""
        if board is None:
            message = f"Grafana has no dashboard `{uid}`, or does not show it"
            raise Unanswered("no-dashboard", message, "correct `dashboards`, or give `headers: {Authorization: …}`")
        values, until = self._values(board)
        both = list(zip(board.panels, values, strict=True))
        facts["panels"] = len(both)
        facts["failed"] = {panel.title: one.why for panel, one in both if one.why}
        facts["empty"] = [panel.title for panel, one in both if not one.lines]
        self._picture(board, values, until, facts)
        if both and len(facts["empty"]) == len(both):
            message = f"no panel of the dashboard `{uid}` has data"
            raise Unanswered("no-data", message, "see that its data source is fed, or raise `wait`")

    def _values(self, board: Dashboard) -> tuple[list[Values], int]:
        """What each panel shows, asked until one shows anything; and the moment, in milliseconds since 1970."""
        deadline = time.monotonic() + self.params.wait
        while True:
            until = int(time.time() * 1000)
            since = until - int(self.params.minutes * 60_000)
            values = [self.server.values(panel, since, until) for panel in board.panels]
            if not values or any(one.lines for one in values) or time.monotonic() >= deadline:
                return values, until
            self.context.tell(f"`{board.title}` has no data yet")
            if not self.context.wait(_EVERY):
                self.stopped = True
                return values, until

    def _picture(self, board: Dashboard, values: list[Values], until: int, facts: dict[str, Any]) -> None:
        since = until - int(self.params.minutes * 60_000)
        words = _words(board, values, until)
        query = {"orgId": "1", "from": str(since), "to": str(until), "theme": "light", "tz": "UTC"}
        secret = self._holds_secret(board.text) or self._holds_secret(words)
        if self.renders is not False and not secret:
            png = self._rendered(board, query)
            facts["placeholder"] = png is None
            if png is not None:
                self._keep(board, png, words)
                facts["by"] = "its renderer" + (", its upper part" if board.height > _HIGHEST else "")
                return
        try:
            shot = _chromium.take(self._sight(board, query), self.context)
        except Unanswered as unanswered:
            if facts["placeholder"]:
                raise _grafana.placeholder(board.uid) from unanswered
            raise
        if "/login" in shot.url:
            raise Unanswered("refused", "Grafana asks for a login", "give `headers: {Authorization: Bearer …}`")
        self._keep(board, shot.png, words)
        facts |= {"by": "Chromium", "masked": shot.masked}

    def _rendered(self, board: Dashboard, query: Mapping[str, str]) -> bytes | None:
        api = dataclasses.replace(self.server.api, timeout=min(_RENDERING, self.context.timeout))
        return Grafana(api).render(board, query, _WIDTH, min(board.height, _HIGHEST))

    def _sight(self, board: Dashboard, query: Mapping[str, str]) -> _chromium.Sight:
        return _chromium.Sight(
            url=f"{self.server.api.url}/d/{quote(board.uid, safe='')}?{urlencode(query)}&kiosk",
            headers=self.params.headers,
            width=_WIDTH,
            height=board.height,
            awaits=".react-grid-item" if board.rows else "",
            gone=_LOADING,
            patience=self.params.patience,
            browser=self.params.browser,
        )

    def _holds_secret(self, text: str) -> bool:
        data = text.encode(errors="replace")
        return self.context.redacted(data) != data

    def _keep(self, board: Dashboard, png: bytes, words: str) -> None:
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in board.uid)
        self.blobs += _picture.keep(self.context, f"{name or hashlib.sha256(png).hexdigest()[:8]}.png", png, words)


def _words(board: Dashboard, values: list[Values], until: int) -> str:
    """The dashboard in words: each panel's queries and their values."""
    lines = [f"Dashboard {board.title}, at {clock_text(until / 1000)}"]
    for panel, one in zip(board.panels, values, strict=True):
        lines.append(f"{panel.title} ({panel.asked}):")
        lines += [f"  {line}" for line in one.lines] or [f"  {one.why or 'no data'}"]
    return "\n".join(lines)
