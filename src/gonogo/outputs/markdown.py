"""The run as Markdown, for a pull request: what holds it first, the rest folded away, never too long to be posted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from gonogo.frozen import dataclass
from gonogo.model.outcome import Outcome
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Verdict
from gonogo.outputs import people, reasons
from gonogo.outputs.acts import Act, acts
from gonogo.plugins import output
from gonogo.telling.kept import kept
from gonogo.telling.printed import printed
from gonogo.telling.sheet import finding_text
from gonogo.telling.words import (
    DECISION_MEANINGS,
    SYMBOLS,
    WORDS,
    because,
    crop,
    duration,
    listed,
    mends,
    number,
    qualities,
    run_alone,
    safe,
    short_commit,
    tally,
    worst_first,
)

T = TypeVar("T")

LIMIT = 60_000
"""Characters. GitHub refuses a comment of more than 65,536, and somebody may want to add a word."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<#|~@])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_STRUCTURE = re.compile(r"^(\s*\d*)(?=[-+=>.)])")
"""What begins a list, a heading or a quotation at the start of a line."""
_LINKED = re.compile(r"://|^\(?www\.|@.|#\d|\bGH-\d", re.IGNORECASE)
"""What makes GitHub take a word for a link or a mention, escaped or not; as code it stays what it is."""
_QUIET = (Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN)
_WHOLE = 10**9


@dataclass(frozen=True, slots=True)
class _Room:
    """How much of everything is written."""

    open: int
    """Gates told without a click."""
    gates: int
    findings: int
    sentences: int
    rows: int
    """Lines of a table or list."""
    files: int
    width: int
    """Characters of one text."""


_ROOMS = (
    _Room(open=3, gates=_WHOLE, findings=10, sentences=_WHOLE, rows=_WHOLE, files=_WHOLE, width=_WHOLE),
    _Room(open=3, gates=_WHOLE, findings=10, sentences=20, rows=_WHOLE, files=0, width=1_000),
    _Room(open=3, gates=60, findings=3, sentences=6, rows=200, files=0, width=300),
    _Room(open=3, gates=20, findings=1, sentences=3, rows=60, files=0, width=120),
    _Room(open=3, gates=5, findings=1, sentences=2, rows=20, files=0, width=60),
    _Room(open=1, gates=1, findings=0, sentences=1, rows=0, files=0, width=40),
)
"""From everything to the least; the first that fits is taken. The last fits always: it names a bounded few."""


@output("markdown", media_type="text/markdown")
def markdown(view: RunView) -> str:
    """Markdown of at most 60,000 characters: the decision, what holds it, the worst gates, and the rest folded away."""
    for room in _ROOMS[:-1]:
        try:
            text = _Page(view, room).text()
        except _Full:
            continue
        if len(text) <= LIMIT:
            return text
    return _Page(view, _ROOMS[-1]).text()


# --- foreign text --------------------------------------------------------------------------------------------


def _text(text: str) -> str:
    """Foreign text that stays text: no markup, no mention of a person, no link. Names in backticks become code."""
    parts = safe(text).split("`")
    if len(parts) % 2 == 0:
        return _escaped(safe(text))
    return "".join(_code(part) if at % 2 else _escaped(part) for at, part in enumerate(parts))


def _escaped(text: str) -> str:
    words = (_code(word) if _LINKED.search(word) else _plain(word) for word in text.split(" "))
    return _STRUCTURE.sub(r"\1\\", " ".join(words))


def _plain(text: str) -> str:
    return _ENTITY.sub("&amp;", _SPECIAL.sub(r"\\\1", text))


def _code(text: str) -> str:
    """Foreign text as code, with a fence longer than any run of backticks in it."""
    shown = safe(text)
    if not shown:
        return ""
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _cell(text: str) -> str:
    """Text for a table, where a bar ends the cell even inside code."""
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _folded(summary: str, lines: Sequence[str]) -> str:
    """Lines behind a click; `summary` is our own text."""
    return "\n".join([f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"]) if lines else ""


def _not_green(count: int) -> str:
    return number(count, "more gate that is not green", "more gates that are not green")


# --- the page ------------------------------------------------------------------------------------------------


class _Full(Exception):
    """More was said than may be posted: whoever goes on works for nothing."""


@dataclass(slots=True)
class _Page:
    """A run written into so much room."""

    view: RunView
    room: _Room
    left: int = LIMIT
    """Characters of foreign text that may still be said."""

    def text(self) -> str:
        """All of it."""
        red = [gate for gate in worst_first(self.view.gates) if gate.outcome not in _QUIET]
        held = [gate for gate in red if not (gate.verdict.waived or gate.gate.optional)]
        first = held[: self.room.open]
        rest = [*held[self.room.open :], *(gate for gate in red if gate.verdict.waived or gate.gate.optional)]
        more = [self._gate(gate) for gate in rest[: self.room.gates]]
        left = len(rest) - len(more)
        told = [*"\n\n".join(more).split("\n"), *(["", f"And {_not_green(left)}."] if left else [])]
        parts = [self._head(), self._reasons(), *map(self._gate, first)]
        parts.append(_folded(_not_green(len(rest)), told if rest else []))
        parts += [
            self._table(),
            self._acts(),
            self._people(),
            self._waivers(),
            self._excluded(),
            self._notes(),
            self._images(),
        ]
        parts.append(self._evidence())
        return "\n\n".join(part for part in [*parts, self._foot()] if part) + "\n"

    def _say(self, text: str) -> str:
        return _text(self._cropped(text))

    def _quote(self, text: str) -> str:
        return _code(self._cropped(text))

    def _cropped(self, text: str) -> str:
        """As much of a text as there is room for; raises `_Full` where the page is full."""
        shown = crop(safe(text[: self.room.width * 4]), self.room.width)
        self.left -= len(shown)
        if self.left < 0:
            raise _Full
        return shown

    def _rows(self, items: Sequence[T], written: Callable[[T], str]) -> list[str]:
        """As many as there is room for, and how many there are besides."""
        lines = [f"- {written(item)}" for item in items[: self.room.rows]]
        left = len(items) - len(lines)
        return [*lines, f"- and {left:,} more"] if left > 0 else lines

    def _head(self) -> str:
        view = self.view
        subject, decision = view.plan.subject, view.decision
        word = decision.word.value if decision else "No decision"
        meaning = DECISION_MEANINGS[decision.word] if decision else view.state.value
        state = "clean" if subject.clean else f"{number(len(subject.dirty), 'uncommitted change')}"
        where = f"{_code(short_commit(subject.commit))} ({state}) on {self._say(view.plan.target)}"
        return "\n\n".join(
            [f"# {word}: {meaning}", f"**{self._say(view.plan.title)}**, {where}", f"{tally(view.gates)}."]
        )

    def _reasons(self) -> str:
        lines = self._rows(reasons.holding(self.view), self._account)
        return "\n".join(["## What holds it", "", *lines]) if lines else ""

    def _account(self, account: reasons.Account) -> str:
        titles = listed([gate.gate.title for gate in account.gates], 6)
        texts = [self._say(text) for text in account.sentences[: self.room.sentences]]
        left = len(account.sentences) - len(texts)
        said = "; ".join([*texts, *([f"and {left} more"] if left else [])])
        lead = f"{_text(SYMBOLS[account.gates[0].outcome])} **{self._say(titles)}**: " if account.gates else ""
        return f"{lead}{said}"

    def _gate(self, gate: GateView) -> str:
        verdict = gate.verdict
        quality = qualities(verdict)
        outcome = (
            f"{WORDS[gate.outcome]}{', ' + quality if quality else ''}{', optional' if gate.gate.optional else ''}"
        )
        lines = [f"### {_text(SYMBOLS[gate.outcome])} {outcome}: {self._say(gate.gate.title)}", ""]
        lines += self._some(because(verdict), self.room.sentences, "", "reason")
        lines += self._some(verdict.questions, self.room.sentences, "question: ", "question")
        lines += [f"- {self._quote(finding_text(finding))}" for finding in verdict.findings[: self.room.findings]]
        more = max(verdict.findings_total, len(verdict.findings)) - min(self.room.findings, len(verdict.findings))
        lines += [f"- and {number(more, 'more finding')}"] if more else []
        lines += self._printed(verdict)
        lines += self._some(mends(verdict), self.room.sentences, "turns it green: ", "order")
        owners = self._say(listed(list(gate.gate.owners), 6)) or "nobody is named"
        lines.append(f"- owner: {owners}; alone: {self._quote(run_alone(self.view, gate))}")
        return "\n".join(lines)

    def _printed(self, verdict: Verdict) -> list[str]:
        """The last lines that it printed, as one block of code within the list."""
        lines = [self._cropped(text) for text in printed(self.view, verdict)] if self.room.findings else []
        fence = "`" * max(3, 1 + max((len(run) for text in lines for run in re.findall("`+", text)), default=0))
        return ["- printed last:", f"  {fence}", *(f"  {text}" for text in lines), f"  {fence}"] if lines else []

    def _some(self, texts: Sequence[str], at_most: int, lead: str, noun: str) -> Iterator[str]:
        yield from (f"- {lead}{self._say(text)}" for text in texts[:at_most])
        if len(texts) > at_most:
            yield f"- and {number(len(texts) - at_most, f'more {noun}')}"

    def _table(self) -> str:
        gates = self.view.gates[: self.room.rows]
        head = ["| Phase | Gate | Outcome | Why | Owner | Took |", "|---|---|---|---|---|---|"]
        left = len(self.view.gates) - len(gates)
        tail = ["", f"and {number(left, 'more gate')}"] if left else []
        rows = [*head, *map(self._row, gates), *tail] if gates else tail
        return _folded(f"All {number(len(self.view.gates), 'gate')}", rows)

    def _row(self, gate: GateView) -> str:
        quality = qualities(gate.verdict)
        outcome = f"{_text(SYMBOLS[gate.outcome])} {WORDS[gate.outcome]}{', ' + quality if quality else ''}"
        why = "" if gate.outcome is Outcome.PASS else next(iter(because(gate.verdict) or gate.verdict.questions), "")
        cells = (
            self._say(gate.gate.phase),
            self._say(gate.gate.title) + (" (optional)" if gate.gate.optional else ""),
            outcome,
            self._say(why),
            self._say(listed(list(gate.gate.owners), 6)),
            duration(gate.verdict.seconds) if gate.verdict.seconds else "",
        )
        return f"| {' | '.join(_cell(cell) for cell in cells)} |"

    def _acts(self) -> str:
        found = acts(self.view)
        return _folded(f"What it changed: {number(len(found), 'act')}", self._rows(found, self._act))

    def _act(self, act: Act) -> str:
        outcome = f"{_text(SYMBOLS[act.gate.outcome])} {WORDS[act.gate.outcome]}"
        told = "; ".join(self._say(text) for text in act.told[: self.room.sentences])
        took = f" ({duration(act.gate.verdict.seconds)})" if act.gate.verdict.seconds else ""
        return f"{outcome}: **{self._say(act.gate.gate.title)}**{took}{': ' if told else ''}{told}"

    def _people(self) -> str:
        lines = self._rows(people.awaited(self.view), self._awaited)
        return _folded("Who said what", [*lines, *self._rows(people.spoken(self.view), self._spoken)])

    def _awaited(self, one: people.Awaited) -> str:
        return f"{self._say(one.owner)}: {self._say(one.missing) or 'its word is there'}"

    def _spoken(self, one: people.Spoken) -> str:
        word, void = one.sign_off.word.value, one.sign_off.void
        said = f"{self._say(one.name)} for {self._say(one.sign_off.owner)} said **{word}**"
        why = f": {self._say(one.sign_off.message)}" if one.sign_off.message else ""
        return f"{said} about {self._say(one.about)}{why}" + (f" (void: {self._say(void)})" if void else "")

    def _waivers(self) -> str:
        lines = self._rows(people.accepted(self.view), self._waiver)
        return _folded(number(len(self.view.waivers), "waiver"), lines)

    def _waiver(self, one: people.Accepted) -> str:
        what = self._quote(one.waiver.finding or one.waiver.criterion)
        who = f"{self._say(one.waiver.owner)}, approved by {self._say(one.waiver.approver) or 'nobody'}"
        why = self._say(one.waiver.reason) or "no reason is given"
        used = "" if one.covers else "; covers nothing in this run"
        return f"{what}: **{one.left}** (until {one.waiver.until}), {who}: {why}{used}"

    def _excluded(self) -> str:
        gates = [g for g in self.view.gates if g.outcome is Outcome.NOT_APPLICABLE]
        lines = self._rows(gates, lambda g: f"{self._say(g.gate.title)}: {self._say(g.verdict.reason)}")
        return _folded(f"Not applicable: {number(len(gates), 'gate')}", lines)

    def _notes(self) -> str:
        notes = [("", note) for note in self.view.notes]
        notes += [(f"{g.gate.title}: ", note) for g in self.view.gates for note in g.verdict.notes]
        lines = self._rows(notes, lambda pair: self._say("".join(pair)))
        return _folded(number(len(notes), "note"), lines)

    def _images(self) -> str:
        images = sorted(self.view.subject.images.items())
        lines = self._rows(images, lambda pair: f"{self._say(pair[0])}: {self._quote(pair[1])}")
        return _folded(number(len(images), "image"), lines)

    def _evidence(self) -> str:
        files = [(g, file) for g in self.view.gates for file in kept(self.view, g.verdict) if file.size]
        rows = [
            f"| {_cell(self._say(g.gate.title))} | {_cell(self._quote(file.shown))} | {_cell(self._quote(file.name))} "
            f"| {file.size:,} | {_code(file.sha256)} |"
            for g, file in files[: self.room.files]
        ]
        head = ["| Gate | From | File | Bytes | sha256 |", "|---|---|---|---|---|"]
        return _folded(f"Evidence: {number(len(files), 'file')}", [*head, *rows]) if rows else ""

    def _foot(self) -> str:
        view = self.view
        short = " Shortened to fit; `gonogo report --format html` shows all." if self.room is not _ROOMS[0] else ""
        return (
            f"Run {_code(view.id)}, {_text(view.started)}, {duration(view.seconds)}, "
            f"plan {_code(view.plan.digest[:12])}.{short}"
        )
