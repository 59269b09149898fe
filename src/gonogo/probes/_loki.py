"""Loki's HTTP API, as far as it is asked: which labels there are, and which lines hold a text.

Shapes: Loki's HTTP API reference, `query_range` and `labels`.
"""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import Any

from gonogo.frozen import dataclass
from gonogo.probes._api import Api, Unanswered, part
from gonogo.probes._fetch import Answer

TO_EITHER_SIDE = 600.0
"""Seconds before and after now in which a line is looked for: Loki takes none that is dated further ahead
(`creation_grace_period`)."""
_USUAL = ("service_name", "service", "app", "compose_service", "container", "container_name", "job", "filename")
"""Labels that a stream is told apart by, the best first: Loki 3 gives `service_name` to each stream by itself."""
_OK, _UNAUTHORIZED, _TOO_MANY, _SERVER = 200, 401, 429, 500
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log, as Loki keeps it."""

    at: float
    """Its own time, seconds since 1970: whoever shipped it says so."""
    text: str
    labels: dict[str, str]


@dataclass(slots=True)
class Loki:
    """One Loki, asked as one tenant."""

    api: Api
    ahead: float | None = None
    """Seconds that its clock is ahead of the one it was last compared with; None: it did not say the time."""

    def selector(self) -> str:
        """A selector that finds every stream, by the first of the usual labels that there is; empty: no label yet."""
        data = self._json("/loki/api/v1/labels", {}, 0.0)
        known = data.get("data") if isinstance(data, dict) and data.get("status") == "success" else False
        if known is None:
            return ""
        if not isinstance(known, list):
            raise Unanswered("not-understood", "the answer of Loki has no `data`", "see who answers there")
        label = next((name for name in _USUAL if name in known), next(iter(known), ""))
        return f'{{{label}=~".+"}}' if label else ""

    def find(self, selector: str, text: str, now: float) -> Line | None:
        """The first line that holds `text`, which must need no quoting; `now` is the time of this machine."""
        query = {
            "query": f'{selector} |= "{text}"',
            "start": str(int((now - TO_EITHER_SIDE) * _NANO)),
            "end": str(int((now + TO_EITHER_SIDE) * _NANO)),
            "limit": "5",
            "direction": "forward",
        }
        data = self._json("/loki/api/v1/query_range", query, now)
        if part(data, "data", "resultType", of="Loki") != "streams":
            raise Unanswered("not-understood", "Loki answers with figures, not with lines", "correct `selector`")
        lines = _lines(part(data, "data", "result", of="Loki"))
        return next((line for line in lines if text in line.text), None)

    def _json(self, path: str, query: dict[str, str], now: float) -> Any:
        answer = self.api.page(path, query)
        if answer.status != _OK:
            raise self._refused(path, answer)
        self.ahead = _ahead(answer, now) if now else self.ahead
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            kind = answer.headers.get("content-type", "").partition(";")[0] or "no content type"
            message = f"Loki at {self.api.shown} answers {path} with `{kind}`, which is no JSON"
            mend = "see who answers there: a login page or a proxy is not the service"
            raise Unanswered("not-json", message, mend) from error

    def _refused(self, path: str, answer: Answer) -> Unanswered:
        said = answer.body[:300].decode(errors="backslashreplace").strip()
        message = f"Loki at {self.api.shown} answers {path} with {answer.status}" + (f": {said}" if said else "")
        if answer.status == _TOO_MANY or answer.status >= _SERVER:
            return Unanswered("not-ready", message, "read the log of Loki")
        if answer.status == _UNAUTHORIZED:
            tenant = "no org id" in said
            mend = "set `tenant`" if tenant else "give `headers: {Authorization: …}`, or `tenant`"
            return Unanswered("refused", message, mend)
        return Unanswered("refused", message, "correct `url` or `selector`")


def _lines(streams: Any) -> list[Line]:
    """The lines of all streams; raises `Unanswered` where they are no such thing."""
    try:
        return [
            Line(int(value[0]) / _NANO, str(value[1]), {str(k): str(v) for k, v in stream["stream"].items()})
            for stream in streams
            for value in stream["values"]
        ]
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise Unanswered("not-understood", "the lines of Loki have another shape", "see who answers there") from error


def _ahead(answer: Answer, now: float) -> float | None:
    """How far its clock is ahead, by the header `Date` (RFC 9110), which knows whole seconds."""
    try:
        return round(parsedate_to_datetime(answer.headers["date"]).timestamp() - now, 1)
    except (KeyError, ValueError, TypeError):
        return None
