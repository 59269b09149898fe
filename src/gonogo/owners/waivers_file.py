"""The text of `.gonogo/waivers.yaml`: its form, and every mistake in it with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import date

from gonogo import criterion
from gonogo.errors import InputError, Severity, Span
from gonogo.frozen import dataclass
from gonogo.model.observation import ObservationType
from gonogo.model.verdict import Waiver
from gonogo.text.form import Form, FormField
from gonogo.text.raw import Raw
from gonogo.text.reader import Reader
from gonogo.text.source import Problems, Source, decoded
from gonogo.text.yaml import parse

FILE = ".gonogo/waivers.yaml"
MOST_DAYS = 90
"""From the commit of a waiver's end to that end, unless the file says `most_days`."""
LONGEST = 366
"""What `most_days` may say at most: what never ends is no waiver."""
FORM_VERSION = 1
MAX_BYTES = 1 << 20

_ODD_LINE_END = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
"""What YAML takes for the end of a line and git does not: it would shift who wrote which."""

JUSTIFICATIONS = (
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
)
"""Why a vulnerability does no harm, in the words of OpenVEX 0.2.0."""
IMPACT = "impact_statement"
"""It does no harm, for the reason given: what OpenVEX calls so where none of the five words fits."""

WAIVER = Form(
    "waiver",
    "A named person's acceptance of one finding, or of one criterion up to a bound, until a day.",
    (
        FormField("id", "text", "What runs and reports call it; unique.", required=True),
        FormField("finding", "text", "The id of a finding, as `gonogo show GATE` prints it."),
        FormField("criterion", "text", "In place of `finding`: the gate's criterion with a looser bound."),
        FormField("gate", "text", "The gate it is for; any gate of its owner, unless given."),
        FormField("owner", "text", "Who owns the gate, in the words of the checklist.", required=True),
        FormField("approver", "text", "Who accepts it: not who wrote these lines.", required=True),
        FormField("reason", "text", "Why it can be borne.", required=True),
        FormField("link", "text", "Where it is tracked: a URL."),
        FormField("until", "date", "Its last day, to the end of it in UTC.", required=True),
        FormField("matches", "whole number, 1 or more", "How many of the finding there may be in one gate."),
        FormField(
            "justification", "text", "Why it does no harm, in a word of OpenVEX.", choices=("", *JUSTIFICATIONS, IMPACT)
        ),
    ),
)
FILE_FORM = Form(
    "waivers file",
    "What named people have accepted.",
    (
        FormField("gonogo", "whole number", "Version of this form: 1."),
        FormField("most_days", "whole number", f"The longest a waiver may last from its commit; {MOST_DAYS} days."),
        FormField("waivers", "list of waivers", "The waivers."),
    ),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A waiver as it is written, and where."""

    waiver: Waiver
    span: Span
    first: int
    last: int
    """Its lines, counted from 1, both included."""
    until: int
    """The line that says when it ends."""
    places: Mapping[str, Span] = field(default_factory=dict)
    """Field -> where its value stands."""


@dataclass(frozen=True, slots=True)
class Written:
    """A whole file."""

    entries: tuple[Entry, ...] = ()
    most_days: int = MOST_DAYS


def read(data: bytes, types: Mapping[str, ObservationType] | None = None) -> Written:
    """The waivers in the bytes of a file; raises `InputError` with every mistake in it.

    `types` holds every observation that a criterion may name; None: criteria are not looked at.
    """
    if len(data) > MAX_BYTES:
        raise InputError.of(
            "waivers-too-large", f"`{FILE}` has more than {MAX_BYTES:,} bytes", help="remove the waivers that ended"
        )
    text = decoded(FILE, data)
    problems, source = Problems(), Source.of(FILE, text)
    odd = _ODD_LINE_END.search(text)
    if odd is not None:
        line = text.count("\n", 0, odd.start())
        message = f"a line ends with U+{ord(odd[0]):04X}, so nobody can tell who wrote which"
        problems.error(
            "odd-line-end",
            message,
            Source(FILE, text, tuple(text.split("\n"))).span(line),
            help="end it with a line feed",
        )
        problems.raise_errors()
    raw = parse(source, problems)
    written = _Waivers(problems, source, types).file(raw) if raw is not None else Written()
    problems.raise_errors()
    return written


def day(text: str) -> date | None:
    """`2026-12-31` as a day; None where it is no day of the calendar, or written otherwise."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


class _Waivers(Reader):
    """Reads the file; what is wrong goes into `problems`."""

    def __init__(self, problems: Problems, source: Source, types: Mapping[str, ObservationType] | None) -> None:
        super().__init__(problems)
        self.source = source
        self.types = types

    def file(self, raw: Raw) -> Written:
        fields = self.mapping(raw, FILE_FORM) or {}
        version = fields.get("gonogo")
        if version is not None and version.value != FORM_VERSION:
            self.problems.error(
                "unknown-version", "this is not version 1 of the form", version.span, help="write `gonogo: 1`"
            )
        items = self.items(fields, "waivers")
        ends = self.ends(raw, items)
        found = [self.entry(item, last) for item, last in zip(items, ends, strict=True)]
        entries = tuple(entry for entry in found if entry is not None)
        self.distinct(entries)
        return Written(entries, self.days(fields))

    def days(self, fields: dict[str, Raw]) -> int:
        if "most_days" not in fields:
            return MOST_DAYS
        count = self.count(fields, "most_days")
        if isinstance(fields["most_days"].value, int) and not 1 <= count <= LONGEST:
            self.wrong(fields["most_days"], "most_days", f"a whole number from 1 to {LONGEST}")
        return count

    def ends(self, raw: Raw, items: Sequence[Raw]) -> list[int]:
        """The last line of each item: before whatever begins next, and before what says nothing."""
        starts = [item.span.line for item in items if item.span]
        starts += [span.line for span in raw.keys.values() if span]
        whole = len(self.source.lines)
        ends = [min((s - 1 for s in starts if item.span and s > item.span.line), default=whole) for item in items]
        return [self.last_said(end) for end in ends]

    def last_said(self, line: int) -> int:
        while line > 1 and self.source.lines[line - 1].lstrip()[:1] in ("", "#"):
            line -= 1
        return line

    def entry(self, raw: Raw, last: int) -> Entry | None:
        before = len(self.problems.found)
        fields = self.mapping(raw, WAIVER)
        if fields is None or raw.span is None:
            return None
        self.own_lines(raw, raw.span.line, last)
        self.one_thing(raw, fields)
        until = self.day(fields)
        waiver = Waiver(
            id=self.identity(fields, "id"),
            owner=self.text(fields, "owner"),
            approver=self.text(fields, "approver"),
            reason=self.text(fields, "reason"),
            until=until or date.min,
            finding=self.text(fields, "finding"),
            criterion=self.criterion(fields),
            gate=self.text(fields, "gate"),
            link=self.link(fields),
            matches=self.matches(fields),
            justification=self.choice(fields, "justification", ("", *JUSTIFICATIONS, IMPACT), ""),
        )
        self.says(fields, "reason", waiver.reason)
        if len(self.problems.found) > before:
            return None
        places = {name: value.span for name, value in fields.items() if value.span}
        return Entry(waiver, raw.span, raw.span.line, last, places["until"].line, places)

    def own_lines(self, raw: Raw, first: int, last: int) -> None:
        """Who wrote a waiver is asked of its lines: a value from elsewhere would hide its author."""
        for name, value in (raw.mapping or {}).items():
            if value.span is not None and not first <= value.span.line <= last:
                self.problems.error(
                    "waiver-elsewhere",
                    f"`{name}` of a waiver stands outside of its own lines",
                    raw.key_span(name),
                    help="write the value out, without anchors and aliases",
                )

    def one_thing(self, raw: Raw, fields: Mapping[str, Raw]) -> None:
        given = [name for name in ("finding", "criterion") if fields.get(name) and fields[name].value]
        if len(given) != 1:
            what = "both `finding` and `criterion`" if given else "neither `finding` nor `criterion`"
            self.problems.error(
                "waiver-of-what", f"a waiver names {what}", raw.span, help="name one finding, or one criterion"
            )
        elif given == ["criterion"] and "matches" in fields:
            self.problems.error(
                "unknown-field",
                "`matches` counts findings; a criterion has its bound",
                raw.key_span("matches"),
                help="remove it",
            )

    def says(self, fields: Mapping[str, Raw], name: str, text: str) -> None:
        if name in fields and isinstance(fields[name].value, str) and text and not text.strip():
            self.problems.error(
                "missing-field", f"a waiver with an empty `{name}`", fields[name].span, help=f"say the {name}"
            )

    def day(self, fields: dict[str, Raw]) -> date | None:
        raw = fields.get("until")
        if raw is None or raw.value in (None, ""):
            return None
        text = str(raw.value)
        found = day(raw.written or text)
        if found is None:
            self.problems.error(
                "no-such-day",
                f"`{raw.written or text}` is no day",
                raw.span,
                help="write a day of the calendar as year-month-day, such as `2026-12-31`",
            )
        return found

    def criterion(self, fields: dict[str, Raw]) -> str:
        text = self.text(fields, "criterion")
        if not text or self.types is None:
            return text
        try:
            compiled = criterion.compile(text, self.types, fields["criterion"].span)
        except InputError as error:
            self.problems.found.extend(error.diagnostics)
            return text
        for warning in compiled.warnings:
            self.problems.found.append(replace(warning, severity=Severity.ERROR))
        return text

    def link(self, fields: dict[str, Raw]) -> str:
        text = self.text(fields, "link")
        if text and not re.fullmatch(r"https?://[^\s/]\S*", text):
            self.problems.error(
                "no-link", f"`{text}` is no link", fields["link"].span, help="write a URL that begins with `https://`"
            )
        return text

    def matches(self, fields: dict[str, Raw]) -> int:
        count = self.count(fields, "matches")
        if "matches" in fields and count < 1 and isinstance(fields["matches"].value, int):
            self.wrong(fields["matches"], "matches", "a whole number, 1 or more")
        return count

    def distinct(self, entries: Sequence[Entry]) -> None:
        seen: dict[str, Entry] = {}
        for entry in entries:
            first = seen.setdefault(entry.waiver.id, entry)
            if first is not entry:
                self.problems.error(
                    "duplicate-id",
                    f"two waivers are called `{entry.waiver.id}`",
                    entry.places.get("id", entry.span),
                    label=f"first on line {first.first}",
                    help="give one another `id`",
                )
