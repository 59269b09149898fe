"""A history of load as text: a table, a plot for the terminal, and what changed."""

from __future__ import annotations

from collections.abc import Iterator

from gonogo.statistics.changes import FEWEST, Change
from gonogo.telling.history import Point, Series
from gonogo.telling.sheet import STYLES, Line, Piece, line
from gonogo.telling.words import SYMBOLS, WORDS, number, safe, short_commit

_ROWS = 8
_TABLE = 30
"""Runs in the table, the latest."""
_PLOT = 60
"""Runs in the plot, the latest."""


def lines(series: Series) -> Iterator[Line]:
    """One series."""
    yield line(f"  {safe(series.title)}: 95th percentile", "head")
    yield line(f"  {safe(series.where)}", "dim")
    yield line()
    left_out = len(series.points) - _TABLE
    if left_out > 0:
        yield line(f"    {number(left_out, 'earlier run')} not shown", "dim")
    yield from (_row(point) for point in series.points[-_TABLE:])
    yield line()
    yield from _plot(series)
    yield line()
    yield from _said(series)


def _row(point: Point) -> Line:
    outcome = f"{SYMBOLS[point.outcome]} {WORDS[point.outcome]}"
    return (
        Piece(f"    {point.at[:16].replace('T', ' ')}  {short_commit(point.commit):<9}", "dim"),
        Piece(f"{_ms(point.p95):>10}", "bold"),
        Piece(f"{point.requests:>12,} requests  "),
        Piece(f"{outcome:<10}", STYLES[point.outcome]),
        Piece(f"{'baseline' if point.baseline else '':<10}{point.run}", "dim"),
    )


def _ms(value: float) -> str:
    return f"{value:,.1f} ms"


def _plot(series: Series) -> Iterator[Line]:
    """One column for each run: a dot, or a cross where its gate failed; a line stands where the level changed."""
    first = max(0, len(series.points) - _PLOT)
    points = series.points[first:]
    low, high = min(p.p95 for p in points), max(p.p95 for p in points)
    room = (high - low) * 0.1 or max(high * 0.05, 0.5)
    low, high = max(0.0, low - room), high + room
    starts = {change.at - first for change in series.changes}
    for row in reversed(range(_ROWS)):
        at = low + (high - low) * (row + 0.5) / _ROWS
        pieces = [Piece(f"    {_ms(at):>12} │", "dim")]
        for column, point in enumerate(points):
            if column in starts:
                pieces.append(Piece("╎", "dim"))
            mine = min(_ROWS - 1, int((point.p95 - low) / (high - low) * _ROWS)) == row
            failed = point.outcome.value == "FAIL"
            pieces.append(Piece(("✗" if failed else "•") if mine else " ", "fail" if failed and mine else ""))
        yield tuple(pieces)
    yield line(f"    {'':>12} └{'─' * (len(points) + len([s for s in starts if s >= 0]))}", "dim")


def _said(series: Series) -> Iterator[Line]:
    if len(series.points) < 2 * FEWEST:
        yield line(f"    {number(2 * FEWEST, 'run')} at least are needed to see a change of level", "dim")
    elif not series.changes:
        yield line("    the level did not change", "dim")
    for change in series.changes:
        yield line(f"    {sentence(series, change)}", "warn" if change.after > change.before else "calm")


def sentence(series: Series, change: Change) -> str:
    """`since 2026-11-20 (run …, commit abc1234): 212.0 ms became 260.0 ms (+22.6 %), p = 0.005`."""
    point = series.points[change.at]
    percent = f" ({100 * (change.after / change.before - 1):+.1f} %)" if change.before else ""
    where = f"run {point.run}, commit {short_commit(point.commit)}"
    became = f"{_ms(change.before)} became {_ms(change.after)}{percent}"
    return f"since {point.at[:10]} ({where}): {became}, p = {change.p:.2g}"
