"""Ask a URL and bring back what the server said."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Literal

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Combine, Observation, ObservationType, Reading, Trouble, Type
from gonogo.model.outcome import Outcome
from gonogo.plugins import Clause, Context, Phrase, probe
from gonogo.probes._facts import count, flag, measure
from gonogo.probes._fetch import MIB, Answer, bare, fetch, secrets_of
from gonogo.probes._place import url_of

_IDENTITY_FIELDS = ("commit", "git_sha", "gitSha", "git_commit", "gitCommit", "sha", "revision", "release", "version")
_IDENTITY_HEADERS = ("x-commit", "x-git-sha", "x-revision", "x-release", "x-app-version", "x-version")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_META = re.compile(
    rb"""<meta\s+name=["'](?:release|commit|version)["']\s+content=["']([^"']{1,200})["']""", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class HttpParams:
    """What to ask."""

    url: str
    """`http://host/path` or `https://…`; or a path such as `/health`, below what the target calls its `app`."""
    method: Literal["GET", "HEAD", "OPTIONS"] = "GET"
    """Only what reads."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers to send. `Authorization` and `Cookie` are secrets."""
    timeout: float = 30.0
    """Seconds for the whole exchange."""
    follow: int = 0
    """How many redirects to follow. None by default: a redirect on a health endpoint is a finding of its own."""
    json: bool = False
    """The answer must be JSON; a login page with status 200 is then no answer. Also so where `Accept` asks for JSON."""
    value: str = ""
    """Dotted path into the JSON of the answer, such as `store.reachable`: what stands there is `http.value`."""
    header: str = ""
    """Name of a header of the answer: what it says is `http.header`."""
    retry_within: float = 0.0
    """Seconds in which it is asked again while nobody answers, or the answer is a 5xx. Each try is counted."""
    release: str = ""
    """Where the answer names its release: a dotted path into the JSON, or `header:NAME`. Empty: the usual places."""


def _asked(match: re.Match[str]) -> Mapping[str, Any]:
    flags = match["flags"] or ""
    params: dict[str, Any] = {"url": match["url"]}
    if re.search(r"(?:^|\s)(?:-\w*L|--location)", flags):
        params["follow"] = 10
    if re.search(r"(?:^|\s)(?:-\w*I|--head)", flags):
        params["method"] = "HEAD"
    if match["seconds"]:
        params["timeout"] = float(match["seconds"])
    return params


def _read(facts: Mapping[str, Any], params: HttpParams) -> Reading:
    """What the answer says; an answer that was cut, or is no JSON where JSON was asked, has no status."""
    if "status" not in facts:
        return Reading()
    seen = [("http.seconds", facts["seconds"]), ("http.content_type", facts["content_type"])]
    seen += [("http.redirects", len(facts["redirects"])), ("http.location", facts["location"])]
    observations = [Observation(name, value, "facts.json") for name, value in seen]
    succeeded = facts["status"] // 100 == 2  # noqa: PLR2004 - 2xx
    if succeeded and facts["cut"]:
        slug, message = "answer-too-large", "the answer is longer than 1 MiB"
        return Reading(tuple(observations), troubles=(Trouble(Outcome.UNKNOWN, slug, message, "ask for less"),))
    if succeeded and facts["json_asked"] and not facts["json_ok"] and params.method == "GET":
        message = f"asked for JSON, got `{facts['content_type'] or 'no content type'}`"
        mend = "see who answers there: a login page or a proxy is not the service"
        return Reading(tuple(observations), troubles=(Trouble(Outcome.UNKNOWN, "not-json", message, mend),))
    return Reading((*observations, *_answer(facts)), notes=_notes(facts))


def _answer(facts: Mapping[str, Any]) -> Iterator[Observation]:
    yield Observation("http.status", facts["status"], "facts.json")
    yield Observation("http.body", facts["body"], "facts.json")
    yield Observation("http.json_ok", facts["json_ok"], "facts.json")
    for name in ("value", "header", "tls_days"):
        if facts[name] is not None:
            yield Observation(f"http.{name}", facts[name], "facts.json")
    if facts["release"]:
        yield Observation("http.release", facts["release"], "facts.json")
        if _COMMIT.fullmatch(facts["release"].lower()) and facts["commit"]:
            matches = facts["commit"].startswith(facts["release"].lower())
            yield Observation("http.release_matches", matches, "facts.json")


def _notes(facts: Mapping[str, Any]) -> tuple[str, ...]:
    tries = (f"it answered at try {facts['tries']}",) if facts["tries"] > 1 else ()
    return (*tries, *_release_notes(facts))


def _release_notes(facts: Mapping[str, Any]) -> tuple[str, ...]:
    if not facts["release"]:
        return ("the answer does not name its release: an older one could have given it",)
    if not _COMMIT.fullmatch(facts["release"].lower()):
        return (f"the answer names release `{facts['release']}`, which is no commit to compare",)
    return (f"answered by release `{facts['release']}`",)


@probe(
    "http",
    yields=(
        count("http.status", "status code of the answer"),
        measure("http.seconds", "from the first byte sent to the last byte read", "s"),
        ObservationType("http.content_type", Type.STRING, "media type of the answer", combine=Combine.JOIN),
        ObservationType("http.body", Type.TEXT, "the answer as text, at most 1 MiB", combine=Combine.JOIN),
        flag("http.json_ok", "the answer is JSON"),
        ObservationType("http.value", Type.STRING, "what stands at `value` in the JSON, as text", combine=Combine.JOIN),
        ObservationType("http.header", Type.STRING, "what the header `header` says", combine=Combine.JOIN),
        measure("http.tls_days", "days until the server's certificate ends", "d"),
        count("http.redirects", "redirects that were followed"),
        ObservationType("http.location", Type.STRING, "where a redirect points to; empty: none", combine=Combine.JOIN),
        ObservationType("http.release", Type.STRING, "the release that the answer names", combine=Combine.JOIN),
        flag("http.release_matches", "the release that the answer names is the subject's commit"),
    ),
    reader=_read,
    smokes=True,
    clauses=(
        # checklist/reading.md, gate "Smoke endpoints": both endpoints answer, and it is the new release that answers.
        Clause(
            r"http (?P<status>[1-5]\d\d)(?: ok)? for (?:both|all|each|every)(?: endpoints?)?",
            ("http.status == {status}", "http.release_matches"),
            "HTTP 200 for both",
        ),
        Clause(
            r"(?:(?:returns?|answers?|responds?)(?: with)? )?http (?P<status>[1-5]\d\d)(?: ok)?",
            ("http.status == {status}",),
            "HTTP 200",
        ),
    ),
    phrases=(
        Phrase(
            r"`?curl(?P<flags>(?: -[sSfgLIv]+| --silent| --fail| --show-error| --location| --head"
            r"| (?:-m|--max-time)[ =](?P<seconds>\d+))*) ['\"]?(?P<url>https?://[^\s`'\"]+)['\"]?`?",
            _asked,
            "`curl -sfS http://<staging>/health`",
        ),
    ),
)
def http(params: HttpParams, context: Context) -> Capture:
    """Ask a URL once.

    Redirects are not followed by default. A server that is absent, hangs, breaks off, sends more than 1 MiB or
    answers HTML where JSON was asked gives no status: UNKNOWN or ERROR, never green. The release that answered is read
    from the usual JSON fields and headers and compared with the subject's commit, so that an old container cannot
    answer for the new one.
    """
    url = params.url if not params.url.startswith("/") else url_of(context, "", "app").rstrip("/") + params.url
    context.add_secrets(secrets_of(url, params.headers))
    shown = f"{params.method} {bare(url)}"
    answer, tries = _asked_until(url, params, context)
    if isinstance(answer, Trouble):
        return Capture("http", shown, blobs=(context.keep_facts({"url": bare(url)}),), troubles=(answer,))
    facts = {**_facts(answer, params, context.subject.commit), "url": bare(url), "tries": tries}
    return Capture("http", shown, blobs=(context.keep_facts(facts),), seconds=answer.seconds)


def _asked_until(url: str, params: HttpParams, context: Context) -> tuple[Answer | Trouble, int]:
    """The last answer, and how many times it was asked: once, or again within `retry_within`."""
    until = time.monotonic() + params.retry_within
    tries = 0
    while True:
        tries += 1
        answer = fetch(
            url,
            method=params.method,
            headers={"User-Agent": "gonogo", **params.headers},
            timeout=min(params.timeout, context.timeout),
            follow=params.follow,
        )
        again = answer.slug == "unreachable" if isinstance(answer, Trouble) else answer.status >= _SERVER_ERROR
        if not again or time.monotonic() >= until or not context.wait(_PAUSE):
            return answer, tries


_SERVER_ERROR = 500
_PAUSE = 0.5
"""Seconds between two tries."""


def _facts(answer: Answer, params: HttpParams, commit: str) -> dict[str, Any]:
    try:
        data = json.loads(answer.body) if not answer.cut else None
        is_json = not answer.cut
    except (ValueError, RecursionError):
        data, is_json = None, False
    accept = next((value for name, value in params.headers.items() if name.lower() == "accept"), "")
    return {
        "status": answer.status,
        "seconds": round(answer.seconds, 6),
        "content_type": answer.headers.get("content-type", "").partition(";")[0].strip().lower(),
        "location": answer.headers.get("location", ""),
        "redirects": list(answer.redirects),
        "body": answer.body[:MIB].decode(errors="backslashreplace"),
        "cut": answer.cut,
        "json_asked": params.json or "json" in accept.lower(),
        "json_ok": is_json,
        "value": _at(data, params.value) if params.value else None,
        "header": answer.headers.get(params.header.lower()) if params.header else None,
        "tls_days": _days_until(answer.ends) if answer.ends else None,
        "release": _release(answer, data, params.release),
        "commit": commit,
    }


def _at(data: Any, place: str) -> str | None:
    """What stands at a dotted path in JSON, as text; None: nothing plain does."""
    for key in place.split("."):
        if isinstance(data, list) and key.isdecimal() and int(key) < len(data):
            data = data[int(key)]
        else:
            data = data.get(key) if isinstance(data, dict) else None
    if isinstance(data, bool):
        return "true" if data else "false"
    return str(data) if isinstance(data, (str, int, float)) else None


def _days_until(ends: str) -> float:
    """Days from now until a moment as TLS writes it (`ssl.cert_time_to_seconds`)."""
    return round((ssl.cert_time_to_seconds(ends) - time.time()) / 86400, 2)


def _release(answer: Answer, data: Any, place: str) -> str:
    """The release that the answer names: where `place` says, else in the usual places; empty where it names none."""
    if place.lower().startswith("header:"):
        return answer.headers.get(place.partition(":")[2].strip().lower(), "")
    if place:
        return _at(data, place) or ""
    named = [data[key] for key in _IDENTITY_FIELDS if isinstance(data, dict) and isinstance(data.get(key), str)]
    named += [answer.headers[name] for name in _IDENTITY_HEADERS if answer.headers.get(name)]
    named += [match.decode(errors="replace") for match in _META.findall(answer.body)]
    commits = [name for name in named if _COMMIT.fullmatch(name.lower())]
    return next(iter([*commits, *named]), "")
