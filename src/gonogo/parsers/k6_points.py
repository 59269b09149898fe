"""The points that k6 writes with `--out csv` or `--out json`: every request with its tags, so figures of each part."""

from __future__ import annotations

import csv
import json
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from gonogo.model.observation import Reading, Value, indexed
from gonogo.parsers._gather import Unreadable, observations, silent, unknown
from gonogo.parsers._k6 import endpoint, yields
from gonogo.plugins import parser
from gonogo.statistics.quantiles import quantile

_MOST_PARTS = 100
"""Endpoints, and scenarios, told of; ids in URLs make a new name for each."""
_MOST_KEPT = 1 << 18
"""Durations kept of one part; beyond, every second one is left out again and again, so that memory stays bounded."""
_TENTHS = 10
_FEWEST_IN_A_TENTH = 10
"""Requests a tenth must have, or its 95th percentile is its maximum."""

_SERVER_ERROR = 500

Point = tuple[str, float, str, str, str]
"""Metric, value, endpoint, scenario, status."""


@dataclass(slots=True)
class _Part:
    """The requests of one endpoint, one scenario or all."""

    requests: int = 0
    failed: int = 0
    judged: int = 0
    """Requests of which k6 says whether they failed."""
    kept: array[float] = field(default_factory=lambda: array("d"))
    stride: int = 1

    def took(self, milliseconds: float) -> None:
        if self.requests % self.stride == 0:
            self.kept.append(milliseconds)
            if len(self.kept) >= _MOST_KEPT:
                del self.kept[1::2]
                self.stride *= 2
        self.requests += 1

    def figures(self) -> dict[str, Value | None]:
        """What is said of it; where every request failed, the durations are those of errors and say nothing."""
        values: dict[str, Value | None] = {"requests": self.requests}
        if self.judged:
            values["errors_pct"] = 100 * self.failed / self.judged
        if self.requests and self.failed < self.requests:
            ordered = sorted(self.kept)
            values["avg"] = sum(ordered) / len(ordered)
            values |= {name: quantile(ordered, share) for name, share in _SHARES.items()}
        return values

    @property
    def tenths(self) -> tuple[str, ...] | None:
        """The 95th percentile of each tenth, in order of time."""
        size = len(self.kept) // _TENTHS
        if size < _FEWEST_IN_A_TENTH or self.failed >= self.requests:
            return None
        parts = (sorted(self.kept[at * size : (at + 1) * size]) for at in range(_TENTHS))
        return tuple(f"{quantile(part, 0.95):.3f}" for part in parts)


_SHARES = {"med": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1.0}


def _sniff(head: bytes) -> bool:
    first = head.lstrip()[:4096]
    return first.startswith(b"metric_name,timestamp,metric_value") or (
        first.startswith(b"{") and b'"metric":"' in first and b'"type":"Metric"' in first
    )


@parser("k6_points", yields=yields("load.tenths"), media_type="text/csv", sniff=_sniff)
def k6_points(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:  # noqa: ARG001 - the seam gives both
    """k6's points: requests, failures and durations of each scenario and each endpoint, and of each tenth of the run.

    Traps: `name` is the whole URL unless the script sets it, so that ids make a name of their own each (at most 100
    are told of, the busiest); where every request of an endpoint failed, its durations are those of errors and are
    left out; a script may call any answer expected, so that those of status 500 and above fail nothing (a note here);
    a file that breaks off was not written to its end.

    Source: runs of k6 1.1.0; k6's output/csv and output/json.
    """
    whole, endpoints, scenarios = _Part(), dict[str, _Part](), dict[str, _Part]()
    expected = 0
    for metric, value, of_endpoint, of_scenario, status in _points(stream):
        parts = [whole, endpoints.setdefault(of_endpoint, _Part()), scenarios.setdefault(of_scenario, _Part())]
        for part in parts:
            if metric == "http_req_duration":
                part.took(value)
            else:
                part.judged += 1
                part.failed += bool(value)
        expected += metric == "http_req_failed" and not value and _broken(status)
    if not whole.requests:
        return silent(unknown("no-requests", "k6 wrote no point of any request", "read what it printed"))
    values: dict[str, Value | None] = {"load.tenths": whole.tenths}
    notes = [f"{expected:,} answers of status 500 or above count as expected: the script says so"] if expected else []
    for each, parts_of in (("scenario", scenarios), ("endpoint", endpoints)):
        told = sorted(parts_of, key=lambda key: (-parts_of[key].requests, key))[:_MOST_PARTS]
        for key in told:
            figures = parts_of[key].figures() | ({"tenths": parts_of[key].tenths} if each == "endpoint" else {})
            values |= {indexed(f"load.{each}.{name}", key): figure for name, figure in figures.items()}
        if len(told) < len(parts_of):
            many = f"{len(parts_of):,} {each}s, of which the {_MOST_PARTS} busiest are told of"
            notes.append(f"{many}: give requests the tag `name`")
    return Reading(observations(values), notes=tuple(notes))


def _broken(status: str) -> bool:
    return status.isdecimal() and int(status) >= _SERVER_ERROR


def _points(stream: BinaryIO) -> Iterator[Point]:
    """Every duration and every failure mark, in order; raises `Unreadable` for what is no such file or breaks off."""
    head = stream.readline(1 << 20)
    if head.startswith(b"metric_name,"):
        yield from _rows(head, stream)
    elif head.lstrip().startswith(b"{"):
        yield from _events(head, stream)
    else:
        raise Unreadable("it is neither k6's CSV nor its JSON lines")


_WANTED = frozenset({"http_req_duration", "http_req_failed"})


def _rows(head: bytes, stream: BinaryIO) -> Iterator[Point]:
    columns = head.decode("utf-8", "replace").rstrip().split(",")
    try:
        at = [columns.index(name) for name in ("metric_value", "name", "scenario", "extra_tags", "status")]
    except ValueError as error:
        raise Unreadable(f"its columns are not those of k6: {error}") from error
    value, name, scenario, extra, status = at
    for row in csv.reader(line.decode("utf-8", "replace") for line in stream):
        if len(row) != len(columns):
            raise Unreadable("it breaks off in the middle of a line")
        if row[0] in _WANTED:
            tagged = next((tag[9:] for tag in row[extra].split("&") if tag.startswith("endpoint=")), "")
            yield row[0], _number(row[value]), tagged or endpoint(row[name]), row[scenario], row[status]


def _events(head: bytes, stream: BinaryIO) -> Iterator[Point]:
    for line in _lines(head, stream):
        try:
            event = json.loads(line)
        except ValueError as error:
            raise Unreadable(f"a line is no JSON: {error}") from error
        if not isinstance(event, dict) or event.get("metric") not in _WANTED or event.get("type") != "Point":
            continue
        data = event.get("data") or {}
        tags = data.get("tags") or {}
        named = tags.get("endpoint") or endpoint(str(tags.get("name", "")))
        status, scenario = str(tags.get("status", "")), str(tags.get("scenario", ""))
        yield event["metric"], _number(data.get("value")), named, scenario, status


def _lines(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield head
    yield from (line for line in stream if line.strip())


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise Unreadable(f"`{value}` is no number") from error
