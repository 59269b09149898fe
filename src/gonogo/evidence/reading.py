"""What one capture says: its stored bytes, read by probes' readers and parsers, combined into one reading.

Only stored (redacted) bytes are read, so that anybody who holds the evidence comes to the same reading.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO, Protocol

from gonogo.frozen import dataclass
from gonogo.model import codec
from gonogo.model.capture import Blob, Capture, ReportRef
from gonogo.model.observation import Combine, Finding, Observation, ObservationType, Reading, Trouble, Value
from gonogo.model.outcome import Outcome
from gonogo.plugins import ANSWER, Parser, Registry, Tool

MOST_FINDINGS = 1000
"""Findings kept for a capture; the counts are of all."""

OUTPUT_SHOWN = 1 << 20
"""Bytes of the head, and again of the tail, of what a command printed that become the observation `output`."""

_NOTHING_RAN = frozenset({126, 127})
"""What a shell exits with where it could not run the program: no exit code of the program, so none is observed."""
_MARKS = tuple(mark.encode() for mark in ("❌", "✅", "✗", "✓", "✖", "✔"))


class Opener(Protocol):
    """What is needed of the evidence store."""

    def open(self, sha256: str) -> BinaryIO:
        """The stored bytes of that digest."""


def read(
    capture: Capture, params: Any, store: Opener, registry: Registry, answer: bool | None = None
) -> tuple[Reading, str]:
    """The combined reading of a capture, and why its exit code is unexplained ("" where it is explained, or zero).

    Every report is read by its parser, the probe's facts by its reader; observations of several reports are combined
    as their declaration says. Whatever cannot be read is a trouble, never an exception: UNKNOWN at best. A report that
    the checklist declares speaks for its family instead of a report that a tool was asked for, except that what is
    bad stays counted in either. `answer` is what a person signed, where the probe asks one; None: nobody answered.
    """
    runs = _runs(capture, store, registry)
    facts = _facts(capture, params, store, registry, answer)
    printed, text = _printed(capture, store, _hidden(capture, runs))
    whole = _joined([facts, _reported(runs, registry), printed])
    troubles, notes, unexplained = _exits(capture, runs, text)
    every = dict.fromkeys((*capture.troubles, *whole.troubles, *troubles))
    noted = dict.fromkeys((*capture.notes, *whole.notes, *notes))
    if not every and not noted:
        return whole, unexplained
    return replace(whole, troubles=tuple(every), notes=tuple(noted)), unexplained


# --- reports -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Run:
    """One tool's run (all its reports together), or one declared report."""

    tool_name: str
    tool: Tool | None
    exit: int | None
    reading: Reading


def _runs(capture: Capture, store: Opener, registry: Registry) -> list[_Run]:
    groups: dict[object, list[ReportRef]] = {}
    for at, ref in enumerate(capture.reports):
        groups.setdefault((ref.tool, ref.params.get("run", at)) if ref.tool else at, []).append(ref)
    runs = []
    for refs in groups.values():
        readings = [_report(ref, capture, store, registry) for ref in refs]
        tool = registry.tools.get(refs[0].tool)
        combined = _combined(readings, registry.observation_types)
        doubt = tool.doubts(combined) if tool is not None and tool.doubts is not None else None
        if doubt is not None:
            combined = replace(combined, troubles=(*combined.troubles, doubt))
        runs.append(_Run(refs[0].tool, tool, refs[0].exit, combined))
    return runs


def _reported(runs: Sequence[_Run], registry: Registry) -> Reading:
    """What all reports say together."""
    if not runs:
        return Reading()
    types = registry.observation_types
    asked = _combined([run.reading for run in runs if run.tool_name], types)
    declared = _combined([run.reading for run in runs if not run.tool_name], types)
    return _preferred(declared, asked, types)


def _report(ref: ReportRef, capture: Capture, store: Opener, registry: Registry) -> Reading:
    blob = capture.blob(ref.blob)
    shown = blob.path if blob and blob.path else ref.blob
    parser = registry.parsers.get(ref.parser)
    if blob is None:
        return _silent("no-report", f"the report `{shown}` is not among the evidence")
    if parser is None:
        return _silent(
            "unknown-parser", f"no parser called `{ref.parser}` reads `{shown}`", "install the plugin that has it"
        )
    if blob.cut:
        return _silent("report-cut", f"`{shown}` is larger than what is kept: {blob.size:,} of {blob.total:,} bytes")
    with store.open(blob.sha256) as stream:
        reading = parse(parser, stream, {**ref.params, "exit": ref.exit}, shown)
    sourced = tuple(o if o.source else replace(o, source=shown) for o in reading.observations)
    return replace(reading, observations=sourced)


def parse(parser: Parser, stream: BinaryIO, params: Mapping[str, Any], shown: str) -> Reading:
    """The parser's reading; a parser that cannot make sense of the bytes yields the trouble `unreadable-report`.

    `shown` is the report's name for people. `exit` among the params is the exit code of the tool that wrote it.
    """
    try:
        return parser.function(stream, params)
    except Exception as error:  # whatever a parser trips over, the report has not been read
        named = str(error) if type(error).__name__ == "Unreadable" else f"{type(error).__name__}: {error}"
        return _silent(
            "unreadable-report", f"`{shown}` cannot be read as {parser.name}: {named}", "look at the report itself"
        )


def _silent(slug: str, message: str, help: str = "") -> Reading:  # noqa: A002 - the reader's word for it
    return Reading(troubles=(Trouble(Outcome.UNKNOWN, slug, message, help),))


def _facts(capture: Capture, params: Any, store: Opener, registry: Registry, answer: bool | None) -> Reading:
    """What the probe's own reader makes of its stored facts."""
    probe = registry.probes.get(capture.kind)
    blob = capture.blob("facts.json")
    if probe is None or probe.reader is None:
        return Reading()
    if blob is None:
        return Reading() if capture.troubles else _silent("no-facts", f"`{capture.shown}` brought no facts")
    if blob.cut:
        return _silent("report-cut", "the facts are larger than what is kept")
    try:
        given = codec.load(probe.params, params) if isinstance(params, Mapping) else params  # as a plan keeps them
        with store.open(blob.sha256) as stream:
            facts = json.load(stream)
        if probe.asks:
            facts = {**facts, ANSWER: answer}
        return probe.reader(facts, given)
    except Exception as error:  # facts that do not fit their reader say nothing
        return _silent(
            "unreadable-facts", f"the facts of `{capture.shown}` cannot be read: {type(error).__name__}: {error}"
        )


# --- combining -----------------------------------------------------------------------------------------------


def _combined(readings: Sequence[Reading], types: Mapping[str, ObservationType]) -> Reading:
    """Several reports as one: each observation by its own rule."""
    values: dict[str, list[Observation]] = {}
    for reading in readings:
        for observation in reading.observations:
            values.setdefault(observation.name, []).append(observation)
    merged: dict[str, Observation] = {}
    for name, several in values.items():
        rule = types[name].combine if name in types else Combine.SUM
        if len(several) == 1:
            merged[name] = several[0]
        elif rule is not Combine.PERCENT:
            source = ", ".join(dict.fromkeys(o.source for o in several if o.source))
            merged[name] = Observation(name, _merge([o.value for o in several], rule), source)
    for name, several in values.items():
        if len(several) > 1 and name in types and types[name].combine is Combine.PERCENT:
            percent = _percent(name, several, values, merged)
            if percent is not None:
                merged[name] = percent
    ordered = tuple(merged[name] for name in values if name in merged)
    joined = _joined(readings)
    return replace(joined, observations=ordered)


def _percent(
    name: str, several: list[Observation], values: Mapping[str, list[Observation]], merged: Mapping[str, Observation]
) -> Observation | None:
    """100 * covered / total of all reports; None where one of them gives a percentage without its counts."""
    stem = name.removesuffix(".pct")
    covered, total = merged.get(f"{stem}.covered"), merged.get(f"{stem}.total")
    counted = len(values.get(f"{stem}.total", ())) == len(several) == len(values.get(f"{stem}.covered", ()))
    if not counted or covered is None or total is None or not total.value:
        return None
    return Observation(name, 100 * float(str(covered.value)) / float(str(total.value)), covered.source)


def _merge(values: list[Value], rule: Combine) -> Value:
    numbers: list[Any] = values
    if all(isinstance(value, tuple) for value in values):
        return tuple(item for value in numbers for item in value)
    if rule is Combine.JOIN or any(isinstance(value, str) for value in values):
        return "\n".join(str(value) for value in values)
    merged: Value = _MERGES.get(rule, sum)(numbers)
    return merged


_MERGES: dict[Combine, Callable[[list[Any]], Any]] = {
    Combine.MAX: max,
    Combine.MIN: min,
    Combine.ALL: all,
    Combine.ANY: any,
}


def _joined(readings: Iterable[Reading]) -> Reading:
    """One reading after the other; findings of all, at most `MOST_FINDINGS`."""
    several = list(readings)
    findings = [finding for reading in several for finding in reading.findings]
    notes = dict.fromkeys(note for reading in several for note in reading.notes)
    troubles = dict.fromkeys(trouble for reading in several for trouble in reading.troubles)
    left = len(findings) - MOST_FINDINGS
    if left > 0:
        notes[f"{left:,} more findings are counted but not listed"] = None
    return Reading(
        tuple(o for reading in several for o in reading.observations),
        tuple(_worst_first(findings)[:MOST_FINDINGS]),
        tuple(notes),
        tuple(troubles),
    )


_MILD = ("warning", "low", "info", "flaky")


def _worst_first(findings: list[Finding]) -> list[Finding]:
    """As listed, with what is mild after what is not, where some must go."""
    if len(findings) <= MOST_FINDINGS:
        return findings
    return sorted(findings, key=lambda finding: finding.severity in _MILD)


def _preferred(declared: Reading, asked: Reading, types: Mapping[str, ObservationType]) -> Reading:
    """Declared reports speak for their families; a count of bad things is the larger of both."""
    families = {observation.name.partition(".")[0] for observation in declared.observations}
    spoken = {observation.name: observation for observation in asked.observations}
    chosen = []
    for observation in declared.observations:
        other = spoken.get(observation.name)
        bad = observation.name in types and types[observation.name].counts
        worse = other is not None and bad and _number(other.value) > _number(observation.value)
        chosen.append(other if other is not None and worse else observation)
    rest = [o for o in asked.observations if o.name.partition(".")[0] not in families]
    told = set(declared.findings)
    untold = tuple(finding for finding in asked.findings if finding not in told)
    joined = _joined([declared, replace(asked, findings=untold)])
    return replace(joined, observations=(*chosen, *rest))


def _number(value: Value) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


# --- exit code and output ------------------------------------------------------------------------------------


def _hidden(capture: Capture, runs: Sequence[_Run]) -> _Run | None:
    """A tool that did not exit clean behind a command that exits 0: `ruff check . || true`."""
    loud = (r for r in runs if r.exit and (r.tool is None or r.tool.exits.get(r.exit) != "clean"))
    return next(loud, None) if capture.exit == 0 else None


def _printed(capture: Capture, store: Opener, hidden: _Run | None) -> tuple[Reading, str]:
    """`exit` and `output` of a command, and its text for the tools that explain their exit codes by it."""
    streams = [blob for blob in (capture.blob("stdout"), capture.blob("stderr")) if blob is not None]
    if not streams:
        return Reading(), ""
    text = _text(streams, store)
    exit_ = None if capture.exit in _NOTHING_RAN else hidden.exit if hidden else capture.exit
    found = [] if exit_ is None else [Observation("exit", exit_, "exit code")]
    notes: tuple[str, ...] = (
        (f"`{hidden.tool_name}` exited {hidden.exit}, and the command line hid it",) if hidden else ()
    )
    if any(blob.cut for blob in streams):
        size = sum(blob.total for blob in streams)
        notes += (f"the output of {size:,} bytes was not kept whole, so nothing is judged by it",)
    else:
        found.append(Observation("output", text, "stdout, stderr"))
    return Reading(tuple(found), notes=notes), text


def _text(streams: Sequence[Blob], store: Opener) -> str:
    """Standard output, then standard error: all of it up to twice `OUTPUT_SHOWN`, else head, marked lines and tail."""
    whole = sum(blob.size for blob in streams) <= 2 * OUTPUT_SHOWN
    head, marked, tail, skipped = bytearray(), bytearray(), bytearray(), False
    for line in _lines(streams, store):
        if whole or (not tail and len(head) + len(line) <= OUTPUT_SHOWN):
            head += line
            continue
        tail += line
        if len(tail) > 4 * OUTPUT_SHOWN:
            left_out = bytes(tail[:-OUTPUT_SHOWN])
            marked += _marked(left_out)
            del tail[:-OUTPUT_SHOWN]
            skipped = True
    if len(tail) > OUTPUT_SHOWN:
        marked += _marked(bytes(tail[:-OUTPUT_SHOWN]))
        del tail[:-OUTPUT_SHOWN]
        skipped = True
    gap = b"\n[...]\n" + bytes(marked) if skipped else b""
    return (bytes(head) + gap + bytes(tail)).decode("utf-8", "replace")


def _lines(streams: Sequence[Blob], store: Opener) -> Iterator[bytes]:
    """Lines, and pieces of lines longer than 64 KiB."""
    for blob in (blob for blob in streams if blob.size):
        with store.open(blob.sha256) as stream:
            while line := stream.readline(1 << 16):
                yield line


def _marked(text: bytes) -> bytes:
    """The lines that carry a mark: what `output.marked` asks for must not get lost between head and tail."""
    kept = [line for line in text.split(b"\n") if any(mark in line for mark in _MARKS)]
    return b"".join(line + b"\n" for line in kept)


@dataclass(frozen=True, slots=True)
class _Exit:
    """What the exit code of one tool's run amounts to."""

    trouble: Trouble | None = None
    unexplained: str = ""
    explains: bool = False
    """Whether it explains a non-zero exit of the whole command."""
    note: str = ""


def _exits(capture: Capture, runs: Sequence[_Run], text: str) -> tuple[tuple[Trouble, ...], tuple[str, ...], str]:
    """Troubles and notes that exit codes amount to, and why a non-zero exit is unexplained."""
    exits = [_exit_of(run, text) for run in runs]
    troubles = tuple(one.trouble for one in exits if one.trouble)
    notes = tuple(one.note for one in exits if one.note)
    why = next((one.unexplained for one in exits if one.unexplained), "")
    if capture.exit in _NOTHING_RAN and not capture.troubles:
        what = "could not be executed" if capture.exit == 126 else "was not found"  # noqa: PLR2004 - the shell's codes
        message = f"`{capture.shown}`: a program {what} (exit {capture.exit})"
        missing = Trouble(Outcome.ERROR, "tool-missing", message, "install it, or mend the command")
        return (*troubles, missing), notes, why
    explained = any(one.explains for one in exits) or bool(capture.troubles)
    if capture.exit and not explained and not why:
        why = f"exit {capture.exit}, which no report and no known exit code explains"
    return troubles, notes, why


def _exit_of(run: _Run, text: str) -> _Exit:
    if run.tool is None or run.exit is None:
        return _Exit(explains=_shows_something(run.reading) or bool(run.reading.troubles))
    meaning = run.tool.exits.get(run.exit, "")
    if run.exit == 0 or meaning == "clean":
        return _Exit()
    if meaning not in {"", "findings"}:
        message = f"{run.tool_name}: {meaning} (exit {run.exit})"
        return _Exit(Trouble(Outcome.ERROR, "tool-looked-at-nothing", message), explains=True)
    if run.reading.troubles or (meaning == "findings" and _shows_something(run.reading)):
        return _Exit(explains=True)
    explanation = run.tool.explain(run.exit, run.reading, text) if run.tool.explain else None
    if explanation:
        return _Exit(explains=True, note=f"{run.tool_name} exited {run.exit}: {explanation}")
    return _Exit(unexplained=f"{run.tool_name} exited {run.exit}, but its report shows nothing that explains it")


def _shows_something(reading: Reading) -> bool:
    """Whether a report shows anything that a tool could have failed for."""
    return any(finding.severity not in {"flaky", "info"} for finding in reading.findings)
