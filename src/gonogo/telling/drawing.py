"""A history of load as a picture: SVG that stands alone, says its content as text too, and needs no colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape as escaped

from gonogo.statistics.changes import Change
from gonogo.telling.history import Point, Series
from gonogo.telling.trend import sentence
from gonogo.telling.words import safe

_WIDTH, _HEIGHT = 760, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 20, 56, 36
_TICKS = 4
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1d232b}.dim{fill:#5b6673}.head{font-weight:600;font-size:14px}"
    ".axis{stroke:#c6ccd4;stroke-width:1}.level{stroke:#1d6fb8;stroke-width:1.5;stroke-dasharray:5 4;fill:none}"
    ".run{stroke:#5b6673;stroke-width:1;fill:none}.point{fill:#1d6fb8}.failed{stroke:#b3261e;stroke-width:2.5}"
    ".change{stroke:#8a5a00;stroke-width:1;stroke-dasharray:2 3}"
)


def _text(said: str) -> str:
    """Text for XML, which has no place for control characters."""
    return escaped(safe(said))


def svg(history: Sequence[Series]) -> str:
    """All series, one below the other."""
    height = _HEIGHT * len(history)
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">',
        '<title id="title">95th percentile of load tests, run by run</title>',
        f'<desc id="description">{_text(" ".join(_told(series) for series in history))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for at, series in enumerate(history):
        parts += [f'<g transform="translate(0 {at * _HEIGHT})">', *_one(series), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _told(series: Series) -> str:
    values = ", ".join(f"{point.p95:.1f}" for point in series.points)
    changed = " ".join(f"{sentence(series, change)}." for change in series.changes)
    return f"{series.title} ({series.where}), in ms: {values}. {changed}"


def _one(series: Series) -> Iterator[str]:
    scale = _Scale(series.points)
    yield f'<text class="head" x="{_LEFT}" y="22">{_text(series.title)}</text>'
    yield f'<text class="dim" x="{_LEFT}" y="40">{_text(series.where)}</text>'
    for tick in range(_TICKS + 1):
        value = scale.top * tick / _TICKS
        y = scale.y(value)
        yield f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="dim" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f} ms</text>'
    yield from _levels(series, scale)
    if len(series.points) > 1:
        path = " ".join(f"{scale.x(at):.1f},{scale.y(p.p95):.1f}" for at, p in enumerate(series.points))
        yield f'<polyline class="run" points="{path}"/>'
    yield from (_mark(point, scale.x(at), scale.y(point.p95)) for at, point in enumerate(series.points))
    bottom = _HEIGHT - _BOTTOM + 20
    yield f'<text class="dim" x="{_LEFT}" y="{bottom}">{series.points[0].at[:10]}</text>'
    if len(series.points) > 1:
        last = series.points[-1].at[:10]
        yield f'<text class="dim" x="{_WIDTH - _RIGHT}" y="{bottom}" text-anchor="end">{last}</text>'


class _Scale:
    """From runs and milliseconds to places; the axis begins at 0, so that a change looks as large as it is."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.count = len(points)
        self.top = max(point.p95 for point in points) * 1.1 or 1.0

    def x(self, at: float) -> float:
        room = _WIDTH - _LEFT - _RIGHT - 20
        return _LEFT + 10 + (room * at / (self.count - 1) if self.count > 1 else room / 2)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / self.top


def _levels(series: Series, scale: _Scale) -> Iterator[str]:
    """Each level as a dashed line, and where it changed."""
    changes: Sequence[Change] = series.changes
    starts = [0, *(change.at for change in changes), len(series.points)]
    levels = [*(change.before for change in changes), *([changes[-1].after] if changes else [])]
    for start, end, level in zip(starts, starts[1:], levels, strict=False):
        y = scale.y(level)
        left, right = scale.x(max(0, start - 0.5)), scale.x(min(end - 0.5, scale.count - 1))
        yield f'<line class="level" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
    for change in changes:
        x = scale.x(change.at - 0.5)
        yield f'<line class="change" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
        percent = f"{100 * (change.after / change.before - 1):+.1f} %" if change.before else ""
        yield f'<text class="dim" x="{x + 5:.1f}" y="{_HEIGHT - _BOTTOM - 6}">{percent}</text>'


def _mark(point: Point, x: float, y: float) -> str:
    """A dot; a cross where the gate failed, so that no colour is needed."""
    words = f"{point.run}: {point.p95:.1f} ms, {point.requests} requests, {point.outcome.value}"
    title = f"<title>{_text(words)}{', baseline' if point.baseline else ''}</title>"
    if point.outcome.value == "FAIL":
        cross = f"M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10"
        return f'<path class="failed" d="{cross}">{title}</path>'
    return f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="{4 if point.baseline else 3}">{title}</circle>'
