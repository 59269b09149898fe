"""A JSON API over HTTP: what it answers, or one trouble that says who did not answer and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context
from gonogo.probes._fetch import MIB, Answer, bare, fetch, secrets_of

LARGEST = 16 * MIB
"""Bytes of one answer that are read: some ten thousand alerts or series."""


INTERRUPTED = Trouble(
    Outcome.ERROR, "interrupted", "ended because gonogo was told to stop", "run `gonogo run --resume`"
)
"""A probe that was stopped while it waited has seen nothing; the engine tries it again on a resume."""


class Unanswered(Exception):
    """A server did not say; never read as green."""

    def __init__(self, slug: str, message: str, mend: str = "", outcome: Outcome = Outcome.UNKNOWN) -> None:
        super().__init__(message)
        self.trouble = Trouble(outcome, slug, message, mend)


@dataclass(frozen=True, slots=True)
class Api:
    """One server: what it is called, where it is, and what is sent along."""

    name: str
    """As a person calls it: `Prometheus`."""
    url: str
    """Base URL."""
    timeout: float = 10.0
    """Seconds for one request."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, url: str, params: Any, context: Context) -> Api:
        """The server at `url`, with the `timeout` and `headers` of a call; its credentials become secrets."""
        context.add_secrets(secrets_of(url, params.headers))
        return cls(name, url.rstrip("/"), min(params.timeout, context.timeout), params.headers)

    @property
    def shown(self) -> str:
        """Its URL without credentials."""
        return bare(self.url)

    def page(self, path: str, query: Mapping[str, str] | None = None, ask: Any = None) -> Answer:
        """The answer, whatever its status; raises `Unanswered` where none came, or too much of it.

        It is the answer to a GET; with `ask`, to a POST of that as JSON, for questions too long for a URL.
        """
        url = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"User-Agent": "gonogo", **self.headers}
        options: dict[str, Any] = {"follow": 3}
        if ask is not None:
            headers["Content-Type"] = "application/json"
            options = {"method": "POST", "body": json.dumps(ask).encode()}
        answer = fetch(url, headers=headers, timeout=self.timeout, cap=LARGEST, **options)
        if isinstance(answer, Trouble):
            message = f"{self.name} at {self.shown}: {answer.message}"
            raise Unanswered(answer.slug, message, answer.help, answer.outcome)
        if answer.cut:
            message = f"{self.name} at {self.shown} answers more than {LARGEST // MIB} MiB to {path}"
            raise Unanswered("answer-too-large", message, "see who answers there, or ask for less")
        return answer

    def json(self, path: str, query: Mapping[str, str] | None = None, ask: Any = None) -> Any:
        """What it answers as JSON, if its status is 200; raises `Unanswered` for anything else."""
        answer = self.page(path, query, ask)
        try:
            data = json.loads(answer.body)
        except (ValueError, RecursionError):
            data = None
        if answer.status != 200:  # noqa: PLR2004 - the one status that is an answer
            raise self._refused(path, answer, data)
        if data is None:
            kind = answer.headers.get("content-type", "").partition(";")[0] or "no content type"
            message = f"{self.name} at {self.shown} answers {path} with `{kind}`, which is no JSON"
            raise Unanswered("not-json", message, "see who answers there: a login page or a proxy is not the service")
        return data

    def _refused(self, path: str, answer: Answer, data: Any) -> Unanswered:
        said = data.get("error", "") if isinstance(data, dict) else ""
        message = f"{self.name} at {self.shown} answers {path} with {answer.status}"
        mend = {
            401: "give `headers: {Authorization: …}`",
            403: "give `headers: {Authorization: …}` of somebody who may read it",
            404: f"correct the URL: this is no {self.name}, or one that is too old",
        }.get(answer.status, f"read the log of {self.name}")
        return Unanswered("refused", f"{message}: {str(said)[:300]}" if said else message, mend)


def part(data: Any, *path: str, of: str) -> Any:
    """What lies at a path in an answer; raises `Unanswered` where the answer has another shape."""
    for key in path:
        if not isinstance(data, dict) or key not in data:
            raise Unanswered("not-understood", f"the answer of {of} has no `{'.'.join(path)}`", "see who answers there")
        data = data[key]
    return data


def no_url(kind: str, what: str, param: str, name: str) -> Capture:
    """The capture of a call that was told no URL: UNKNOWN, with the param to set."""
    message = f"no URL of {name} is known: `{param}` is not set"
    mend = f"set `{param}` of the `{kind}` call or `urls:` of the target, or exclude the gate with `when:` and a reason"
    return Capture(kind, what, troubles=(Trouble(Outcome.UNKNOWN, "no-url", message, mend),))


def moment(text: str) -> float | None:
    """Seconds since 1970 of an RFC 3339 text; None where it is none, or the year 1 that means never."""
    try:
        found = datetime.fromisoformat(_shortened(text))
    except ValueError:
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return aware.timestamp() if aware.year > 1 else None


def _shortened(text: str) -> str:
    """Go prints nanoseconds; Python reads microseconds."""
    head, dot, rest = text.strip().partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return f"{head}{dot}{digits[:6]}{rest[len(digits) :]}" if dot else head


def clock_text(seconds: float) -> str:
    """A moment as UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
