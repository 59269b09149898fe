"""Ask a URL and bring back what the server said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gonogo.model.capture import Capture
from gonogo.model.observation import Combine, Observation, ObservationType, Reading, Trouble, Type
from gonogo.model.outcome import Outcome
from gonogo.plugins import Clause, Context, Phrase, probe
from gonogo.probes._facts import count, flag, measure
from gonogo.probes._fetch import MIB, Answer, bare, fetch, secrets_of

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
    """`http://host/path` or `https://…`."""
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
    if facts["release"]:
        yield Observation("http.release", facts["release"], "facts.json")
        if _COMMIT.fullmatch(facts["release"].lower()) and facts["commit"]:
            matches = facts["commit"].startswith(facts["release"].lower())
            yield Observation("http.release_matches", matches, "facts.json")


def _notes(facts: Mapping[str, Any]) -> tuple[str, ...]:
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
    context.add_secrets(secrets_of(params.url, params.headers))
    shown = f"{params.method} {bare(params.url)}"
    answer = fetch(
        params.url,
        method=params.method,
        headers={"User-Agent": "gonogo", **params.headers},
        timeout=min(params.timeout, context.timeout),
        follow=params.follow,
    )
    if isinstance(answer, Trouble):
        return Capture("http", shown, blobs=(context.keep_facts({"url": bare(params.url)}),), troubles=(answer,))
    facts = _facts(answer, params, context.subject.commit)
    return Capture("http", shown, blobs=(context.keep_facts(facts),), seconds=answer.seconds)


def _facts(answer: Answer, params: HttpParams, commit: str) -> dict[str, Any]:
    try:
        data = json.loads(answer.body) if not answer.cut else None
        is_json = not answer.cut
    except (ValueError, RecursionError):
        data, is_json = None, False
    accept = next((value for name, value in params.headers.items() if name.lower() == "accept"), "")
    return {
        "url": bare(params.url),
        "status": answer.status,
        "seconds": round(answer.seconds, 6),
        "content_type": answer.headers.get("content-type", "").partition(";")[0].strip().lower(),
        "location": answer.headers.get("location", ""),
        "redirects": list(answer.redirects),
        "body": answer.body[:MIB].decode(errors="backslashreplace"),
        "cut": answer.cut,
        "json_asked": params.json or "json" in accept.lower(),
        "json_ok": is_json,
        "release": _release(answer, data, params.release),
        "commit": commit,
    }


def _release(answer: Answer, data: Any, place: str) -> str:
    """The release that the answer names: where `place` says, else in the usual places; empty where it names none."""
    if place.lower().startswith("header:"):
        return answer.headers.get(place.partition(":")[2].strip().lower(), "")
    if place:
        for key in place.split("."):
            data = data.get(key) if isinstance(data, dict) else None
        return str(data) if isinstance(data, (str, int, float)) else ""
    named = [data[key] for key in _IDENTITY_FIELDS if isinstance(data, dict) and isinstance(data.get(key), str)]
    named += [answer.headers[name] for name in _IDENTITY_HEADERS if answer.headers.get(name)]
    named += [match.decode(errors="replace") for match in _META.findall(answer.body)]
    commits = [name for name in named if _COMMIT.fullmatch(name.lower())]
    return next(iter([*commits, *named]), "")
