"""A page as a picture."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Reading
from gonogo.plugins import Clause, Context, probe
from gonogo.probes import _chromium, _picture
from gonogo.probes._api import INTERRUPTED, Api, Unanswered, no_url
from gonogo.probes._facts import count
from gonogo.probes._metrics_reading import seen, unknown
from gonogo.probes._place import url_of
from gonogo.probes._prometheus import Prometheus, samples

_WORDS = 3000
"""Characters of a page's text that stand beside its picture."""
_OK = 200


@dataclass(frozen=True, slots=True)
class ScreenshotParams:
    """Which page, and when it has loaded."""

    url: str = ""
    """The whole URL. Empty: `path` of `of`."""
    of: str = "app"
    """Whose page, by the name under which the target declares its URL: `app`, `prometheus`."""
    path: str = "/"
    """Path and query of the page."""
    query: str = ""
    """PromQL: the page is then Prometheus' own graph of it, and its values are the picture in words."""
    minutes: float = 30.0
    """Minutes that the graph of `query` goes back."""
    name: str = "page"
    """What the picture is called: `page.png`."""
    awaits: str = ""
    """CSS selector of what must be on the page before the picture is taken."""
    gone: str = ""
    """CSS selector of what must have gone from it: a spinner."""
    expect: str = ""
    """Text that must be on the page, in any case of letters."""
    width: int = 1280
    """Pixels."""
    height: int = 800
    """Pixels."""
    patience: float = 30.0
    """Seconds for the page to load."""
    browser: str = ""
    """Path of a Chromium. Empty: the first of the usual ones on the PATH, else the one that Playwright brought."""
    timeout: float = 10.0
    """Seconds for the first answer."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers to send to the server of the page. `Authorization` and `Cookie` are secrets."""


def _read(facts: Mapping[str, Any], params: ScreenshotParams) -> Reading:
    """Whether the picture shows what it is to show."""
    if "title" not in facts:
        return Reading()
    notes = [f"`{facts['title'] or 'no title'}` at {facts['url']}"]
    notes += [f"{facts['masked']} texts held secrets and were covered"] if facts["masked"] else []
    notes += [] if facts["quiet"] else ["the page was still loading something"]
    if params.expect and not facts["expected"]:
        message = f"`{params.expect}` is not on the page `{facts['title']}`"
        return Reading(notes=tuple(notes), troubles=(unknown("not-expected", message, "look at the picture"),))
    return Reading((seen("screenshots.taken", 1),), notes=tuple(notes))


@probe(
    "screenshot",
    yields=(count("screenshots.taken", "pictures of pages, taken whole and without secrets"),),
    reader=_read,
    clauses=(
        Clause(
            r"(?:screenshot|picture) of `?(?P<url>https?://[^\s`]+)`?",
            (),  # it asks nothing: a picture is evidence
            "screenshot of `http://localhost:3000/`",
            brings={"url": "{url}"},
        ),
    ),
    takes=lambda params: params.patience,
)
def screenshot(params: ScreenshotParams, context: Context) -> Capture:
    """Take a picture of a page with a headless Chromium, as evidence, with its text beside it.

    Needs the extra `screenshots` and a Chromium on this machine. Every text of the page goes through the run's
    redaction first: what holds a secret is covered, and where it cannot be covered no picture is kept. A page that
    answers with an error, does not load, or lacks the text `expect`, is UNKNOWN. With `query` the page is Prometheus'
    graph of it.
    """
    url, named = _url(params, context)
    shown = f"picture of {params.name}"
    if not url:
        return no_url("screenshot", shown, "url", named)
    api = Api.of(named, url, params, context)
    started = time.monotonic()
    facts: dict[str, Any] = {"url": api.shown}
    blobs: tuple[Blob, ...] = ()
    try:
        _first(api)
        values = _values(params, context, api)
        shot = _chromium.take(_sight(params, url), context)
        expected = params.expect.lower() in f"{shot.title}\n{shot.text}".lower()
        facts |= {"url": shot.url, "title": shot.title, "masked": shot.masked, "quiet": shot.quiet}
        facts["expected"] = expected
        blobs = _picture.keep(context, f"{params.name}.png", shot.png, _words(facts, values or shot.text))
    except Unanswered as unanswered:
        why = INTERRUPTED if unanswered.trouble.slug == "interrupted" else unanswered.trouble
        kept = context.keep_facts({"url": api.shown})
        return Capture("screenshot", shown, blobs=(kept,), troubles=(why,), seconds=time.monotonic() - started)
    return Capture("screenshot", shown, blobs=(*blobs, context.keep_facts(facts)), seconds=time.monotonic() - started)


def _first(api: Api) -> None:
    """Ask for the page within bounds of seconds and bytes, which a browser does not keep."""
    answer = api.page("")
    if answer.status != _OK:
        raise Unanswered("refused", f"{api.shown} answers {answer.status}", "correct the URL, or give `headers`")


def _url(params: ScreenshotParams, context: Context) -> tuple[str, str]:
    """The page, and whose it is; an empty URL where nobody says."""
    if params.query:
        base = url_of(context, params.url, "prometheus")
        asked = {"g0.expr": params.query, "g0.tab": "0", "g0.range_input": f"{params.minutes:g}m"}
        return (f"{base.rstrip('/')}/graph?{urlencode(asked)}" if base else ""), "Prometheus"
    base = "" if params.url else url_of(context, "", params.of)
    return params.url or (base.rstrip("/") + params.path if base else ""), "the page"


def _sight(params: ScreenshotParams, url: str) -> _chromium.Sight:
    return _chromium.Sight(
        url=url,
        headers=params.headers,
        width=params.width,
        height=params.height,
        awaits=params.awaits,
        gone=params.gone,
        patience=params.patience,
        browser=params.browser,
    )


def _values(params: ScreenshotParams, context: Context, page: Api) -> str:
    """What the query gives at this moment, in words; empty where there is none."""
    if not params.query:
        return ""
    base = page.url.partition("/graph?")[0]
    found = samples(Prometheus(Api.of("Prometheus", base, params, context)).query(params.query)) or []
    lines = [f"  {one.labels or 'value'} = {one.value:g}" for one in found] or ["  no data"]
    return "\n".join((f"{params.query}:", *lines))


def _words(facts: Mapping[str, Any], text: str) -> str:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{facts['title'] or 'A page without a title'}, at {at}\n{text[:_WORDS]}"
