"""What is wrong with a checklist as a whole: names that lead nowhere, circles, gates nobody answers for."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gonogo.checklist.fields import DEFAULT_KIND
from gonogo.checklist.shape import NO_CRITERION
from gonogo.errors import Span, nearest
from gonogo.model.checklist import Checklist, Effect, Gate
from gonogo.shell import words
from gonogo.text.raw import Raw
from gonogo.text.source import Problems


def lint(checklist: Checklist, problems: Problems, *, prose: bool, raws: Sequence[Raw]) -> None:
    """Look at the whole checklist; what is found goes into `problems`.

    In the document form (`prose`) a gate without owner or criterion is a warning; in YAML an error, unless its author
    wrote the empty list, which says so on purpose. `raws` are the gates as written, in order.
    """
    _duplicates(checklist, problems)
    _emptiness(checklist, problems)
    gates = {gate.id: gate for gate in checklist.gates}
    order = {phase.id: number for number, phase in enumerate(checklist.phases)}
    for gate, raw in zip(checklist.gates, raws, strict=True):
        _owner_and_criterion(gate, raw, problems, prose=prose)
        _needs(gate, gates, order, raw, problems)
        _retries(gate, raw, problems)
        _cannot_fail(gate, problems)
        for text in gate.unread:
            message = f"text of `{gate.id}` that no rule understood: {_short(text)}"
            problems.note("unread-text", message, _place(gate, raw, "unread", text), help="")
    _circles(checklist, raws, problems)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"  # noqa: PLR2004 - one line of a terminal


def _place(gate: Gate, raw: Raw, field: str, text: str = "") -> Span | None:
    """Where a field of the gate stands, or the entry `text` of it; else the gate."""
    given = raw.get(field)
    if given is None:
        return gate.span
    for item in given.items or ():
        if item.value == text:
            return item.span
    return given.span


def _duplicates(checklist: Checklist, problems: Problems) -> None:
    for what, things in (
        ("phases", [(phase.id, phase.span) for phase in checklist.phases]),
        ("gates", [(gate.id, gate.span) for gate in checklist.gates]),
    ):
        seen: dict[str, Span | None] = {}
        for identity, span in things:
            if not identity:
                continue
            first = seen.get(identity)
            if identity in seen:
                label = f"first on line {first.line}" if first is not None else ""
                problems.error(
                    "duplicate-id",
                    f"two {what} are called `{identity}`",
                    span,
                    label=label,
                    help="give one another `id`",
                )
            seen.setdefault(identity, span)
    questions = Counter(question.id for gate in checklist.gates for question in gate.questions)
    for gate in checklist.gates:
        for question in gate.questions:
            if questions[question.id] > 1:
                message = f"two questions are called `{question.id}`"
                problems.error("duplicate-id", message, question.span, help="give one another `id`")


def _emptiness(checklist: Checklist, problems: Problems) -> None:
    """A checklist that asks nothing must not end in GO."""
    if not checklist.gates:
        message = "the checklist has no gate"
        problems.error(
            "no-gates",
            message,
            Span(checklist.source, 1),
            help="add a phase (`## Phase 1: title`) with a gate below it",
        )
        return
    for phase in checklist.phases:
        if not phase.gates:
            problems.warning(
                "empty-phase", f"phase `{phase.id}` has no gate", phase.span, help="add a gate, or remove it"
            )


def _owner_and_criterion(gate: Gate, raw: Raw, problems: Problems, *, prose: bool) -> None:
    if not gate.owners:
        on_purpose = raw.get("owners") is not None
        tell = problems.warning if prose or on_purpose else problems.error
        tell("no-owner", f"gate `{gate.id}` has no owner", gate.span, help="add an owner who answers for it")
    if not gate.criteria and any(question.why == NO_CRITERION for question in gate.questions):
        on_purpose = raw.get("criteria") is not None or raw.get("questions") is not None
        tell = problems.warning if prose or on_purpose else problems.error
        tell(
            "no-criterion",
            f"gate `{gate.id}` has no criterion; it asks its owner",
            gate.span,
            help="add a pass clause or a criterion",
        )


def _needs(gate: Gate, gates: Mapping[str, Gate], order: Mapping[str, int], raw: Raw, problems: Problems) -> None:
    for name in gate.needs:
        place = _place(gate, raw, "needs", name)
        other = gates.get(name)
        if other is None:
            _unknown_gate(name, gates, place, problems)
        elif order.get(other.phase, 0) > order.get(gate.phase, 0):
            problems.error(
                "needs-later-phase",
                f"`{gate.id}` in phase {gate.phase} needs `{name}` in phase {other.phase}, which runs later",
                place,
                help="move one of them, or drop the need",
            )
    for name in gate.proceed_on:
        if name not in gates:
            given = raw.get("proceed_on")
            _unknown_gate(name, gates, given.key_span(name) if given is not None else gate.span, problems)


def _unknown_gate(name: str, gates: Mapping[str, Gate], place: Span | None, problems: Problems) -> None:
    near = nearest(name, gates)
    problems.error(
        "unknown-gate",
        f"there is no gate `{name}`",
        place,
        label=f"did you mean `{near}`?" if near else "",
        help=f"write `{near}`" if near else "name the `id` of a gate",
    )


def _retries(gate: Gate, raw: Raw, problems: Problems) -> None:
    if gate.retries and any(call.effect is not Effect.READ for call in gate.calls):
        problems.warning(
            "retries-of-a-write",
            f"`{gate.id}` changes the world; it is never tried again",
            _place(gate, raw, "retries"),
            help="drop `retries`",
        )


_SWALLOWED = re.compile(r"(?:\|\||;)\s*(?:true|:|exit\s+0)\s*\)*\s*;?\s*$")
"""The end of a command line that exits with 0 whatever ran before it."""


def _cannot_fail(gate: Gate, problems: Problems) -> None:
    """Say of which commands the exit code tells nothing."""
    for call in gate.calls:
        for one in (call, *call.alternatives):
            line = one.params.get("run", "") if one.kind == DEFAULT_KIND else ""
            end = _swallowed(line) if isinstance(line, str) else ""
            if end:
                problems.warning(
                    "cannot-fail",
                    f"the exit code of `{_short(line)}` is 0 whatever happens",
                    _inside(one.span or gate.span, end),
                    help=f"remove `{end}`",
                )


def _swallowed(line: str) -> str:
    """The end of the line that makes its exit code 0; empty where there is none, or where it is quoted or a remark."""
    match = _SWALLOWED.search(line)
    if match is None:
        return ""
    before = line[: match.start()]
    spoken = [str(getattr(word, "text", word)) for word in words(line)]
    end = [str(getattr(word, "text", word)) for word in words(match[0])]
    sequence = match[0].startswith(";")
    leaves_early = re.search(r"\bexit\b|\bset -\w*e", before)
    if spoken[-len(end) :] != end or not before.strip() or (sequence and leaves_early):
        return ""
    return match[0].strip().rstrip("; )")


def _inside(span: Span | None, text: str) -> Span | None:
    """The place of `text` in the line of `span`; the span itself where it is not to be seen there."""
    if span is None:
        return None
    at = span.source.find(text, span.column - 1)
    return span if at < 0 else dataclasses.replace(span, column=at + 1, end=at + 1 + len(text))


def _circles(checklist: Checklist, raws: Sequence[Raw], problems: Problems) -> None:
    """Each circle of needs once, told at the gate of it that comes first."""
    gates = {gate.id: gate for gate in checklist.gates}
    told: set[frozenset[str]] = set()
    for gate, raw in zip(checklist.gates, raws, strict=True):
        for circle in _circles_from(gate.id, gates):
            if frozenset(circle) not in told:
                told.add(frozenset(circle))
                problems.error(
                    "cycle",
                    f"gates need each other: {' -> '.join(f'`{name}`' for name in (*circle, circle[0]))}",
                    _place(gate, raw, "needs", circle[1] if len(circle) > 1 else circle[0]),
                    help="drop one of these needs",
                )


def _circles_from(start: str, gates: Mapping[str, Gate]) -> Iterator[list[str]]:
    """A shortest way from a gate back to itself, if there is one."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for name in gates[way[-1]].needs:
            if name == start:
                yield way
                return
            if name in gates and name not in seen:
                seen.add(name)
                ways.append([*way, name])
