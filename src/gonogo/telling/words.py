"""How outcomes, times and foreign text are said, the same in every output.

A symbol never stands alone and neither does a colour: each outcome is a symbol *and* a word. What needs somebody's
attention is upper case, so that it stands out without colour too.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable, Iterator

from gonogo.config import DEFAULT_TARGET
from gonogo.model.checklist import Gate
from gonogo.model.outcome import DecisionWord, Outcome, State
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Judgement, Verdict

SYMBOLS = {
    Outcome.PASS: "✓",
    Outcome.FAIL: "✗",
    Outcome.UNKNOWN: "?",
    Outcome.ERROR: "!",
    Outcome.STALE: "~",
    Outcome.NOT_APPLICABLE: "\N{EN DASH}",
    Outcome.NOT_RUN: "·",
}
"""One cell each; where the stream cannot write them, `plain_symbols` replaces them."""

WORDS = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "FAIL",
    Outcome.UNKNOWN: "UNKNOWN",
    Outcome.ERROR: "ERROR",
    Outcome.STALE: "STALE",
    Outcome.NOT_APPLICABLE: "n/a",
    Outcome.NOT_RUN: "not run",
}

DECISION_MEANINGS = {
    DecisionWord.GO: "every required gate is green or waived",
    DecisionWord.NO_GO: "a required gate fails",
    DecisionWord.HOLD: "something could not be seen, or waits for a person",
}

WORST_FIRST = (
    Outcome.FAIL,
    Outcome.ERROR,
    Outcome.STALE,
    Outcome.UNKNOWN,
    Outcome.NOT_RUN,
    Outcome.NOT_APPLICABLE,
    Outcome.PASS,
)

_ASCII = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "·": ".",
        "…": "...",
        "→": "->",
        "─": "-",
        "│": "|",
        "≥": ">=",
        "≤": "<=",
    }
)


def plain_symbols(text: str) -> str:
    """`text` for a stream that writes ASCII only."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()


_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)"  # OSC: titles, links, the clipboard
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|$)"  # CSI: colours, cursor
    r"|\x1b[ -/]*[0-~]?",  # the rest
    re.DOTALL,
)
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))


def safe(text: str) -> str:
    """One line of foreign text, fit for a terminal: no escape sequence, no control or bidirectional character.

    Of progress output, which returns to the start of its line, the last state is kept, as a terminal would show it.
    """
    if text.isascii() and text.isprintable():
        return text.rstrip()
    seen = _ESCAPES.sub("", text)
    if "\r" in seen:
        seen = next((part for part in reversed(seen.split("\r")) if part.strip()), "")
    seen = seen.replace("\t", "    ").replace("\n", " ")
    return "".join(c for c in seen if c == " " or unicodedata.category(c) not in _UNSEEN).rstrip()


def cells(text: str) -> int:
    """How many columns `text` takes in a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(1 for c in text if unicodedata.east_asian_width(c) in {"W", "F"})
    unseen = sum(1 for c in text if unicodedata.combining(c))
    return len(text) + wide - unseen


def crop(text: str, width: int) -> str:
    """`text` in at most `width` columns, with `…` where something was cut."""
    if cells(text) <= width:
        return text
    cut = text[: max(0, width - 1)]
    while cut and cells(cut) > width - 1:
        cut = cut[:-1]
    return cut.rstrip() + "…" if width > 0 else ""


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` columns, broken at spaces; a longer word (a path) stays in one piece."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and cells(line) + 1 + cells(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line or not lines else lines


_MINUTE, _HOUR, _TENTHS_BELOW = 60, 3600, 10


def duration(seconds: float) -> str:
    """A duration as a person says it: `0.4 s`, `42 s`, `1 m 12 s`, `2 h 3 m`."""
    if seconds < _TENTHS_BELOW - 0.05:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} m {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} m"


def number(count: int, one: str, many: str = "") -> str:
    """`1 gate`, `2 gates`, `1,200 findings`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(items: list[str], at_most: int) -> str:
    """`a, b, c and 4 more`."""
    if len(items) <= at_most:
        return ", ".join(items)
    return f"{', '.join(items[:at_most])} and {len(items) - at_most:,} more"


def qualities(verdict: Verdict) -> str:
    """What qualifies the outcome: `waived`, `flaky`, `waits for an answer`; empty for most."""
    said = ["waived"] if verdict.waived else []
    if verdict.flaky:
        said.append("flaky")
    if verdict.state is State.WAITING:
        said.append("waits for an answer")
    return ", ".join(said)


def short_commit(commit: str) -> str:
    """The first seven digits, as git shows them."""
    return commit[:7] or "no commit"


def required(gate: Gate) -> bool:
    """Whether the decision needs this gate."""
    return not gate.optional


def sentence(judgement: Judgement) -> str:
    """Why a judgement is not green, in one sentence: its distance, else its reason, else the criterion."""
    return safe(judgement.distance or judgement.reason or f"not true: {judgement.criterion}")


def because(verdict: Verdict) -> list[str]:
    """Every reason why a verdict is not PASS, the worst first, none twice, none that only repeats a trouble."""
    said: list[str] = []
    for text in _because(verdict):
        if text and not any(text == known or text.endswith(f": {known}") for known in said):
            said.append(text)
    return said


def _because(verdict: Verdict) -> Iterator[str]:
    troubles = sorted(verdict.troubles, key=lambda t: WORST_FIRST.index(t.outcome))
    judgements = [j for j in verdict.judgements if j.outcome is not Outcome.PASS]
    judgements.sort(key=lambda j: WORST_FIRST.index(j.outcome))
    false = [j for j in judgements if j.outcome is Outcome.FAIL]
    yield from (safe(t.message) for t in troubles if t.outcome is Outcome.FAIL)
    yield from (sentence(j) + _waived(j) for j in false)
    yield from (safe(t.message) for t in troubles if t.outcome is not Outcome.FAIL)
    yield from (sentence(j) for j in judgements if j.outcome is not Outcome.FAIL)
    yield safe(verdict.reason)


def _waived(judgement: Judgement) -> str:
    return f" (waived by {', '.join(judgement.waived_by)})" if judgement.waived_by else ""


def mends(verdict: Verdict) -> list[str]:
    """Orders that would turn the gate green, none twice."""
    orders = [t.help for t in verdict.troubles] + [j.mend for j in verdict.judgements if j.outcome is not Outcome.PASS]
    return list(dict.fromkeys(safe(order) for order in orders if order))


def place(path: str, line: int, column: int) -> str:
    """`src/app.ts:12:7`, as editors and terminals open it."""
    if not path:
        return ""
    return safe(path) + (f":{line}" if line else "") + (f":{column}" if line and column else "")


def worst_first(gates: Iterable[GateView]) -> list[GateView]:
    """The gates, FAIL first, PASS last; among equals in the order of the document."""
    return sorted(gates, key=lambda gate: WORST_FIRST.index(gate.outcome))


def tally(gates: tuple[GateView, ...]) -> str:
    """`9 pass, 2 FAIL, 1 UNKNOWN, 3 n/a`: counts of outcomes, green first, in words."""
    counts = {outcome: sum(1 for g in gates if g.outcome is outcome) for outcome in (Outcome.PASS, *WORST_FIRST[:-1])}
    return ", ".join(f"{count} {WORDS[outcome]}" for outcome, count in counts.items() if count) or "no gates"


def run_alone(view: RunView, gate: GateView) -> str:
    """The command that runs this gate alone, as it was run: same checklist, same target."""
    source, target = view.plan.source, view.plan.target
    words = ["gonogo", "run", *([source] if source not in {"", "gonogo.yaml"} else []), "--gate", gate.gate.id]
    return safe(shlex.join([*words, *(["--target", target] if target != DEFAULT_TARGET else [])]))
