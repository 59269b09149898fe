"""One entry of a gate's commands in prose -> a call, with its label, directory, condition and alternatives."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any

from gonogo.checklist.fields import DEFAULT_KIND
from gonogo.checklist.source import Written, code_spans, only_code
from gonogo.plugins import Probe, Registry
from gonogo.text.raw import Raw, record

WORDS_ONLY = "a command in words only"
CONDITIONAL = "a condition only a person can answer"

_LABEL = re.compile(r"^([A-Za-z][\w /-]{0,40}?):\s+")
_VERIFY = re.compile(r"^(?:and |then )?(?P<label>verify) with\s+", re.IGNORECASE)
_LEAD = re.compile(r"^(?:run|then|execute|first|finally)?\s*$", re.IGNORECASE)
_FROM = re.compile(r"\s*\(?(?:from|in|inside) (?:the )?`(?P<cwd>[^`]+?)/?`(?: directory| folder)?\)?", re.IGNORECASE)
_OR_PAREN = re.compile(r"\s*\(or (?P<inner>[^()]*(?:`[^`]*`[^()]*)*)\)", re.IGNORECASE)
_OR = re.compile(r"\s*,?\s*or (?P<inner>`[^`]*`(?:\s*\((?!if |when )[^()]*\))?)", re.IGNORECASE)
_IF = re.compile(r"\s*\((?P<inner>(?:if|when|unless) [^()]*)\)|\s*,?\s*(?P<bare>(?:if|when|unless) .+)$", re.IGNORECASE)


@dataclass(slots=True)
class EntryReading:
    """What became of one entry."""

    call: Raw | None = None
    unread: list[Written] = field(default_factory=list)
    questions: list[Raw] = field(default_factory=list)


def read_entry(entry: Written, number: int, registry: Registry) -> EntryReading:
    """Read one entry; `number` counts the gate's calls from 1 and is the call's id where it has no label."""
    entry = entry.bare()
    label, rest = _labelled(entry)
    reading = EntryReading()
    fields = _phrase(rest, registry)
    if fields is None:
        fields = _command(rest, reading, registry)
        if fields is not None and label:
            fields = _by_label(label, fields, registry)
    if fields is None:
        reading.unread.append(entry)
        reading.questions.append(record(entry.span, text=entry.plain, why=WORDS_ONLY))
        return reading
    from gonogo.checklist.source import slug

    condition = fields.get("condition")
    if condition:
        reading.questions.append(record(entry.span, text=f"{entry.plain}", why=CONDITIONAL))
    identity = slug(label) or str(number)
    reading.call = record(entry.span, id=identity, label=label, **fields)
    return reading


def _labelled(entry: Written) -> tuple[str, Written]:
    verify = _VERIFY.match(entry.text)
    if verify:
        return verify["label"].lower(), entry.cut(verify.end())
    label = _LABEL.match(entry.text)
    if label:
        return label[1].strip(), entry.cut(label.end())
    return "", entry


def _phrase(text: Written, registry: Registry) -> dict[str, Any] | None:
    """The entry as a call of a probe or an action whose phrase matches all of it; None where none does."""
    found = phrase_of(text.plain, registry)
    if found is None:
        return None
    probe, params = found
    return {"kind": probe.name, **params, "text": only_code(text.text) or text.plain}


def phrase_of(text: str, registry: Registry) -> tuple[Probe, dict[str, Any]] | None:
    """The probe or action that understands the whole text, and the params it takes from it."""
    for probe in registry.probes.values():
        for phrase in probe.phrases:
            match = re.fullmatch(phrase.pattern, text, re.IGNORECASE)
            if match is not None:
                return probe, dict(phrase.params(match))
    return None


def _command(text: Written, reading: EntryReading, registry: Registry) -> dict[str, Any] | None:
    """`command` (or `other`) (from `dir/`) (if …); None where words around the command change its meaning."""
    spans = code_spans(text.text)
    if not spans or not _LEAD.match(text.text[: spans[0].start()]):
        return None
    core = text.cut(spans[0].start(), spans[0].end())
    run = only_code(core.text) or ""
    found = phrase_of(core.plain, registry)
    fields: dict[str, Any] = (
        {"kind": found[0].name, **found[1], "text": run} if found else {"kind": DEFAULT_KIND, "run": run}
    )
    _tail(text.cut(spans[0].end()), fields, reading, registry)
    return fields


def _by_label(label: str, fields: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """The command as a call of the kind that its label names (`Backup:`), where there is one; its text stays."""
    named = (p for p in registry.probes.values() if p.labels and re.fullmatch(p.labels, label, re.IGNORECASE))
    probe = next(named, None)
    if probe is None or fields["kind"] != DEFAULT_KIND:
        return fields
    line = next(field.name for field in dataclasses.fields(probe.params) if field.metadata.get("shell"))
    others = [_of_kind(other, probe.name, line) for other in fields.get("alternatives", ())]
    more = {key: value for key, value in fields.items() if key not in {"run", "alternatives"}}
    return {**more, "kind": probe.name, line: fields["run"], "text": fields["run"], "alternatives": others}


def _of_kind(other: Raw, kind: str, line: str) -> Raw:
    """An alternative that is a command as a call of that kind."""
    written = other.data()
    if written.get("kind") != DEFAULT_KIND:
        return other
    return record(other.span, kind=kind, **{line: written["run"]}, text=written["run"])


def _tail(rest: Written, fields: dict[str, Any], reading: EntryReading, registry: Registry) -> None:
    """Read what follows a command; what is no directory, condition or alternative stays as text."""
    while rest.text:
        from_, either, or_, if_ = (p.match(rest.text) for p in (_FROM, _OR_PAREN, _OR, _IF))
        match = from_ or either or or_ or if_
        if match is None:
            reading.unread.append(rest)
            return
        piece = rest.cut(0, match.end())
        if from_ and not _in_directory(fields, from_["cwd"], registry):
            reading.unread.append(piece)
        elif if_ and not (from_ or either or or_):
            fields["condition"] = (if_["inner"] or if_["bare"]).strip()
        elif not from_:
            alternative = _alternative(rest.cut(match.start("inner"), match.end("inner")), registry, piece)
            if alternative is None:
                reading.unread.append(piece)
            else:
                fields.setdefault("alternatives", []).append(alternative)
        rest = rest.cut(match.end())


def _in_directory(fields: dict[str, Any], directory: str, registry: Registry) -> bool:
    probe = registry.probes.get(str(fields["kind"]))
    if probe is None or "cwd" not in {f.name for f in dataclasses.fields(probe.params)}:
        return False
    fields["cwd"] = directory.rstrip("/") or "."
    return True


def _alternative(text: Written, registry: Registry, piece: Written) -> Raw | None:
    """An alternative as a call; None where it is more than one command, or words: it is not guessed."""
    found = phrase_of(text.plain, registry)
    run = only_code(text.text)
    if found is not None:
        return record(piece.span, kind=found[0].name, **found[1], text=run or text.plain)
    return record(piece.span, kind=DEFAULT_KIND, run=run) if run else None
