"""One clause of a `Pass:` line -> criteria, by the rules that families, probes and actions declare.

A clause that no rule understands is never guessed and never dropped: it becomes a question for the gate's owner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from gonogo.checklist.evidence import LIST
from gonogo.checklist.source import Written
from gonogo.errors import Span
from gonogo.frozen import dataclass
from gonogo.plugins import COMMAND_OBSERVATIONS, Clause, Registry
from gonogo.text.raw import Raw, record

NO_RULE = "no rule understands this clause"
_PARTS = r",\s+|\s\+\s|\s+and\s+"
_SCOPE = re.compile(r"\s+in (?:the )?(?P<name>[\w-]+)(?:'s)? (?:output|log|logs)$", re.IGNORECASE)
_TURNS = re.compile(
    r"\b(?:not|never|cannot|can't|won't|don't|doesn't|isn't|aren't|shouldn't|unless|except|but|without|or|maybe|almost"
    r"|most|some|if possible|hardly|ideally|optionally)\b",
    re.IGNORECASE,
)
"""Words that turn the meaning of a clause: a rule whose pattern does not name them must not overlook them."""
_OF_COMMANDS = re.compile(r"(?:" + "|".join(t.name for t in COMMAND_OBSERVATIONS) + r")\b")


@dataclass(frozen=True, slots=True)
class Rule:
    """A clause that may be tried on a gate, and whose it is."""

    name: str
    """Of the family, probe or action."""
    kind: str
    """The probe or action it may bring; empty for a family's."""
    clause: Clause


@dataclass(frozen=True, slots=True)
class ClauseReading:
    """What became of one clause: criteria by rules, or a question and why."""

    clause: str
    """As written."""
    source: str
    """The field it stands in: `pass`, `action`, `note`, `evidence`; `yaml` where its author wrote the criterion."""
    rules: tuple[str, ...] = ()
    """Names of the families, probes and actions whose rules understood it."""
    criteria: tuple[str, ...] = ()
    question: str = ""
    """Id of the question it became; empty where it became criteria."""
    why: str = ""
    """Why it is a question."""
    brought: tuple[str, ...] = ()
    """Kinds of the calls it added to the gate."""
    span: Span | None = field(default=None, compare=False)


@dataclass(slots=True)
class GateCalls:
    """The calls of a gate while its clauses are read: what they add, and which labels they can be asked by."""

    authored: list[Raw]
    brought: list[Raw] = field(default_factory=list)

    @property
    def kinds(self) -> set[str]:
        """Kinds of all calls so far."""
        return {str(k.value) for call in (*self.authored, *self.brought) if (k := call.get("kind")) is not None}

    def bring(self, kind: str, params: Mapping[str, Any], clause: Written) -> bool:
        """Add a call, or widen the one that an earlier clause added; a call its author wrote stays as it is."""
        for call in self.brought:
            if (known := call.get("kind")) is not None and known.value == kind:
                more = record(clause.span, **params)
                call.value = {**(more.mapping or {}), **(call.mapping or {})}
                return False
        if kind in self.kinds:
            return False
        self.brought.append(record(clause.span, kind=kind, **params, text=clause.plain))
        return True

    def named_in(self, text: str) -> list[str]:
        """Ids of the labelled calls whose label is a word of the text."""
        found = []
        for number, call in enumerate(self.authored, 1):
            label = call.get("label")
            if label is not None and re.search(
                rf"(?<![\w-]){re.escape(str(label.value))}(?![\w-])", text, re.IGNORECASE
            ):
                identity = call.get("id")
                found.append(str(identity.value) if identity is not None else str(number))
        return found


def rules_for(registry: Registry, hints: str, kinds: set[str]) -> list[Rule]:
    """The rules that may be tried on a gate.

    Those of a family where its hints match; those of a probe or an action where the gate has a call of it, or where
    the rule brings one.

    Args:
        registry: All kinds.
        hints: The gate's title and commands, and the clause itself: "coverage >= 80%" says what it is about.
        kinds: Kinds of the gate's calls.
    """
    rules = [
        Rule(family.name, "", clause)
        for family in registry.families.values()
        if re.search(family.hints, hints, re.IGNORECASE)
        for clause in family.clauses
    ]
    for probe in registry.probes.values():
        here = probe.name in kinds
        rules += [Rule(probe.name, probe.name, c) for c in probe.clauses if here or c.brings is not None]
    return [rule for rule in rules if rule.clause.criteria]


def evidence_rules(registry: Registry) -> list[Rule]:
    """The rules for an `Evidence:` line: they ask nothing, and bring the call that fetches the evidence."""
    return [
        Rule(probe.name, probe.name, clause)
        for probe in registry.probes.values()
        for clause in probe.clauses
        if clause.brings is not None and not clause.criteria
    ]


def normal(text: str) -> str:
    """A clause as rules see it: one line, plain hyphens and blanks, no full stop, no emphasis, no emoji variants."""
    text = text.replace("\u2011", "-").replace("\u2010", "-").replace("\u00a0", " ").replace("\ufe0f", "")
    text = text.replace("\u2019", "'").replace("**", "").replace("__", "")
    return " ".join(text.split()).rstrip(".").strip()


class ClauseReader:
    """Reads the clauses of one gate, in order."""

    def __init__(self, registry: Registry, hints: str, calls: GateCalls) -> None:
        self.registry, self.hints, self.calls = registry, hints, calls
        self.criteria: list[Raw] = []
        self.questions: list[Raw] = []
        self.readings: list[ClauseReading] = []

    def read(self, text: Written, source: str, *, ask: bool = True) -> bool:
        """Read a whole field, split at `;`; whether anything in it was understood.

        With `ask`, each clause that no rule understands becomes a question; without, it is left to the caller.
        """
        understood = False
        for piece in text.split(";"):
            clause = piece.bare()
            scope = _SCOPE.search(clause.plain)
            within = scope["name"] if scope else clause.plain
            for part, matches in self.parts(clause):
                understood |= bool(matches)
                self.take(part, matches, self.calls.named_in(within), source, ask=ask)
        return understood

    def read_evidence(self, text: Written) -> None:
        """Let the words of an `Evidence:` line bring the calls that can fetch it."""
        for piece in text.split(LIST):
            clause = piece.bare()
            for rule in evidence_rules(self.registry):
                match = re.fullmatch(rule.clause.pattern, normal(clause.text), re.IGNORECASE)
                if match is not None and rule.clause.brings is not None:
                    new = self.calls.bring(rule.kind, filled(rule.clause.brings, match), clause)
                    brought = (rule.kind,) if new else ()
                    self.readings.append(
                        ClauseReading(clause.plain, "evidence", (rule.name,), brought=brought, span=clause.span)
                    )

    def parts(self, clause: Written) -> Iterator[tuple[Written, list[tuple[Rule, re.Match[str]]]]]:
        """The clause as a whole where a rule understands it, else without its parenthesis, else its parts.

        Where no part is understood either, the whole is one clause: half of a sentence is no better question.
        """
        whole = self.matches(clause)
        pieces = [clause]
        if not whole:
            tail = re.search(r"\s\(([^()]*)\)$", clause.text)
            if tail:
                pieces = [clause.cut(0, tail.start()), clause.cut(tail.start(1), tail.end(1))]
            else:
                pieces = clause.split(_PARTS)
        found = [(piece, self.matches(piece)) for piece in pieces]
        if not any(matches for _, matches in found):
            yield clause, whole
            return
        yield from found

    def matches(self, clause: Written) -> list[tuple[Rule, re.Match[str]]]:
        """Every rule that understands the clause; the first of each family or kind.

        A word that turns the meaning (`not`, `except`) must be one of the rule's own: a wide pattern overlooks none.
        """
        text, found, seen = normal(clause.text), [], set()
        turns = {word.lower() for word in _TURNS.findall(re.sub(r"`[^`]*`", "", text))}
        for rule in rules_for(self.registry, f"{self.hints} {text}", self.calls.kinds):
            match = re.fullmatch(rule.clause.pattern, text, re.IGNORECASE)
            if any(not re.search(rf"(?:\\\\b|(?<![a-z])){word}(?![a-z])", rule.clause.pattern) for word in turns):
                continue
            if match is not None and rule.name not in seen:
                seen.add(rule.name)
                found.append((rule, match))
        return found

    def take(
        self,
        clause: Written,
        matches: list[tuple[Rule, re.Match[str]]],
        calls: list[str],
        source: str,
        *,
        ask: bool,
    ) -> None:
        """Turn a clause into the criteria of the rules that understand it, or into a question."""
        if not matches:
            if ask:
                self.questions.append(record(clause.span, text=clause.plain, why=NO_RULE))
                self.readings.append(ClauseReading(clause.plain, source, why=NO_RULE, span=clause.span))
            return
        expressions: list[str] = []
        brought = []
        for rule, match in matches:
            if rule.clause.brings is not None and self.calls.bring(
                rule.kind, filled(rule.clause.brings, match), clause
            ):
                brought.append(rule.kind)
            for template in rule.clause.criteria:
                expression = _fill(template, match)
                expressions.append(expression)
                self.criterion(expression, clause, rule, calls)
        names = tuple(dict.fromkeys(rule.name for rule, _ in matches))
        self.readings.append(
            ClauseReading(
                clause.plain, source, names, tuple(dict.fromkeys(expressions)), brought=tuple(brought), span=clause.span
            )
        )

    def criterion(self, expression: str, clause: Written, rule: Rule, calls: list[str]) -> None:
        """Add a criterion once; one that asks what every command yields is asked of the calls its clause names."""
        of = calls if _OF_COMMANDS.match(expression) else []
        new = record(
            clause.span,
            expression=expression,
            clause=clause.plain,
            calls=of,
            documented=True if rule.clause.documented else None,
        )
        if all(known.data().get("expression") != expression for known in self.criteria):
            self.criteria.append(new)


def _fill(template: str, match: re.Match[str]) -> str:
    for name, value in match.groupdict().items():
        template = template.replace(f"{{{name}}}", value or "")
    return template


_NUMBER = re.compile(r"\{(\w+):number\}")


def filled(brings: Mapping[str, Any], match: re.Match[str]) -> dict[str, Any]:
    """The params that a clause brings, with the groups of its match in them."""

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            number = _NUMBER.fullmatch(value)
            return float(match[number[1]]) if number else _fill(value, match)
        if isinstance(value, Mapping):
            return {key: fill(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [fill(item) for item in value]
        return value

    return {key: fill(value) for key, value in brings.items()}
