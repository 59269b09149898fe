"""The text that applications expose at `/metrics`: Prometheus' text format 0.0.4 and OpenMetrics 1.0. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gonogo.frozen import dataclass

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
# Possessive throughout: a page that is none must not be tried in every possible way.
_LABELS = r'\{\s*+(?:[a-zA-Z_][a-zA-Z0-9_]*+\s*+=\s*+"(?:\\.|[^"\\])*+"\s*+(?:,\s*+)?+)*+\}'
_LINE = re.compile(
    rf"(?P<name>{_NAME})\s*(?P<labels>{_LABELS})?\s+(?P<value>\S+)(?:\s+(?P<at>-?[0-9.e+]+))?\s*(?:\#\s.*)?",
    re.DOTALL,
)
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:\\.|[^"\\])*)"')
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:\\.|[^"\\])*)"|\'((?:\\.|[^\'\\])*)\')\s*')
_ESCAPED = {"\\n": "\n", '\\"': '"', "\\\\": "\\", "\\'": "'"}
_SELECTOR = re.compile(rf"\s*(?P<name>{_NAME})?\s*(?:\{{(?P<inner>.*)\}})?\s*", re.DOTALL)
END = "# EOF"


class NotMetrics(Exception):
    """The text is not in the format, or not all of it is there."""


@dataclass(frozen=True, slots=True)
class Point:
    """One line: a series and its value."""

    name: str
    labels: Mapping[str, str]
    value: float


def parse(text: str, *, openmetrics: bool = False) -> list[Point]:
    """Every sample of a text; raises `NotMetrics` for any line that is none.

    OpenMetrics ends with `# EOF`: without it the text is cut off. A text without a single sample is refused too: no
    application exposes nothing.
    """
    points = []
    ended = False
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        ended = ended or stripped == END
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            raise NotMetrics(f"line {number} is no sample: `{stripped[:60]}`")
        points.append(Point(match["name"], _labels(match["labels"] or ""), _value(match["value"], number)))
    if openmetrics and not ended:
        raise NotMetrics(f"it does not end with `{END}`: some of it is missing")
    if not points:
        raise NotMetrics("it holds no sample")
    return points


def _labels(text: str) -> dict[str, str]:
    return {name: _unescaped(value) for name, value in _LABEL.findall(text)}


def _unescaped(text: str) -> str:
    return re.sub(r"\\.", lambda match: _ESCAPED.get(match[0], match[0]), text, flags=re.DOTALL)


def _value(text: str, number: int) -> float:
    try:
        return float(text)
    except ValueError:
        raise NotMetrics(f"line {number} has no number: `{text[:60]}`") from None


def select(points: Sequence[Point], selector: str) -> list[Point]:
    """The points that a PromQL selector chooses: `http_requests_total{code=~"5.."}`; raises `ValueError` for no one."""
    whole = _SELECTOR.fullmatch(selector)
    if whole is None or not (whole["name"] or whole["inner"]):
        raise ValueError(f'`{selector}` is no selector such as `name{{label="value"}}`')
    matchers = _matchers(whole["inner"] or "", selector)
    return [
        point
        for point in points
        if whole["name"] in {None, point.name} and all(_holds(point.labels, *matcher) for matcher in matchers)
    ]


def _matchers(inner: str, selector: str) -> list[tuple[str, str, str]]:
    found, at = [], 0
    while at < len(inner.rstrip()):
        match = _MATCHER.match(inner, at)
        if match is None:
            raise ValueError(f"`{selector}` is no selector: it cannot be read from `{inner[at:]}` on")
        found.append((match[1], match[2], _unescaped(match[3] if match[3] is not None else match[4])))
        at = match.end() + (inner[match.end() : match.end() + 1] == ",")
    return found


def _holds(labels: Mapping[str, str], name: str, sign: str, value: str) -> bool:
    have = labels.get(name, "")
    equal = have == value if "~" not in sign else re.fullmatch(value, have) is not None
    return equal is not sign.startswith("!")
