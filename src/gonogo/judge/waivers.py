"""What a named person has accepted, and whether that covers a criterion that is false."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from gonogo import criterion
from gonogo.errors import InputError
from gonogo.judge.criteria import Judged
from gonogo.model.checklist import Gate
from gonogo.model.observation import Finding, ObservationType, Reading
from gonogo.model.outcome import Outcome
from gonogo.model.verdict import Waiver


def day(moment: date | str) -> date:
    """The UTC day of a moment: a date, a datetime, or RFC 3339 text. Without an offset it is UTC already."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    return moment


def live(waiver: Waiver, as_of: date | str) -> bool:
    """Whether it still holds: until the end of its last day, UTC."""
    return day(as_of) <= waiver.until


@dataclass(frozen=True, slots=True)
class Waived:
    """The judgements with the waivers that cover them, and why others do not count."""

    judged: tuple[Judged, ...]
    notes: tuple[str, ...]


def waive(
    gate: Gate,
    judged: Sequence[Judged],
    waivers: Sequence[Waiver],
    *,
    as_of: date,
    types: Mapping[str, ObservationType],
) -> Waived:
    """Mark each false criterion that is covered. Nothing but FAIL is ever waived, and no outcome changes."""
    if all(j.judgement.outcome is not Outcome.FAIL for j in judged):
        return Waived(tuple(judged), ())
    good = [w for w in waivers if not refusal(w, gate, as_of)]
    marked: list[Judged] = []
    for item in judged:
        covered = _covering(item, good, types) if item.judgement.outcome is Outcome.FAIL else ()
        marked.append(replace(item, judgement=replace(item.judgement, waived_by=covered)))
    return Waived(tuple(marked), _ignored(gate, judged, waivers, as_of))


def refusal(waiver: Waiver, gate: Gate, as_of: date) -> str:
    """Why a waiver does not count at this gate; empty where it does."""
    if waiver.gate and waiver.gate != gate.id:
        return f"it is for the gate `{waiver.gate}`"
    if waiver.owner not in gate.owners:
        return f"{waiver.owner or 'nobody'} is no owner of this gate"
    if not live(waiver, as_of):
        return f"it ended on {waiver.until.isoformat()}"
    if not waiver.reason.strip():
        return "it gives no reason"
    return ""


def _ignored(gate: Gate, judged: Sequence[Judged], waivers: Sequence[Waiver], as_of: date) -> tuple[str, ...]:
    """The waivers that somebody may have counted on here, with the reason why they are ignored."""
    failed = [j for j in judged if j.judgement.outcome is Outcome.FAIL]
    ids = {finding.id for item in failed for finding in item.reading.findings}
    asked = {name for item in failed for name in item.compiled.names}
    notes = []
    for waiver in waivers:
        why = refusal(waiver, gate, as_of)
        meant = waiver.gate == gate.id or (
            not waiver.gate and (waiver.finding in ids or any(name in waiver.criterion for name in asked))
        )
        if not why and waiver.gate == gate.id and waiver.finding and waiver.finding not in ids:
            why = f"no finding is called `{waiver.finding}`"
        if why and meant:
            notes.append(f"waiver `{waiver.id}` does not count: {why}")
    return tuple(notes)


def _covering(item: Judged, waivers: Sequence[Waiver], types: Mapping[str, ObservationType]) -> tuple[str, ...]:
    direct = tuple(sorted(w.id for w in waivers if w.criterion and _holds_instead(w, item, types)))
    return direct or _through_findings(item, waivers, types)


_LOOSER = {"<=": {"<=", "<", "=="}, "<": {"<=", "<", "=="}, ">=": {">=", ">", "=="}, ">": {">=", ">", "=="}}
_LOOSER["=="] = {"<=", "<", "==", ">=", ">"}


def _holds_instead(waiver: Waiver, item: Judged, types: Mapping[str, ObservationType]) -> bool:
    """Whether the waiver's criterion asks the same with a looser bound, and holds."""
    try:
        instead = criterion.compile(waiver.criterion, types)
    except InputError:
        return False
    if instead.warnings or set(instead.names) != set(item.compiled.names):
        return False
    if set(instead.severities) != set(item.compiled.severities) or instead.marks != item.compiled.marks:
        return False
    asked, offered = item.compiled.bounded, instead.bounded
    if asked is not None and (offered is None or offered[1] not in _LOOSER[asked[1]]):
        return False
    return instead.evaluate(item.reading).outcome is Outcome.PASS


def _through_findings(item: Judged, waivers: Sequence[Waiver], types: Mapping[str, ObservationType]) -> tuple[str, ...]:
    """The waivers that together cover every finding that makes the criterion false; empty where any is left over.

    An observation is covered where the report lists as many findings as it counts, and each is waived. The criterion
    is covered where it would hold with those counts at zero.
    """
    by_finding: dict[str, list[str]] = {}
    for waiver in waivers:
        if waiver.finding:
            by_finding.setdefault(waiver.finding, []).append(waiver.id)
    used: set[str] = set()
    cleared: set[str] = set()
    gone: set[Finding] = set()
    for type_ in _counting(item, types):
        counted = _counted_findings(type_, item.reading)
        if counted is None or not all(finding.id in by_finding for finding in counted):
            continue
        cleared.add(type_.name)
        gone.update(counted)
        used.update(w for finding in counted for w in by_finding[finding.id])
    if not cleared or item.compiled.evaluate(_without(item.reading, cleared, gone)).outcome is not Outcome.PASS:
        return ()
    return tuple(sorted(used))


def _counting(item: Judged, types: Mapping[str, ObservationType]) -> list[ObservationType]:
    """The observations of the reading that the criterion counts findings with."""
    severities = set(item.compiled.severities)
    return [
        type_
        for observation in item.reading.observations
        if (type_ := types.get(observation.name)) is not None
        and type_.counts
        and (type_.name in item.compiled.names or severities.intersection(type_.counts))
    ]


def _counted_findings(type_: ObservationType, reading: Reading) -> list[Finding] | None:
    """The findings behind a count; None where the report lists fewer or more than it counts, or counts none."""
    listed = [f for f in reading.findings if f.family == type_.family and f.severity in type_.counts]
    return listed if listed and reading.value(type_.name) == len(listed) else None


def _without(reading: Reading, cleared: set[str], gone: set[Finding]) -> Reading:
    observations = tuple(replace(o, value=0) if o.name in cleared else o for o in reading.observations)
    return replace(reading, observations=observations, findings=tuple(f for f in reading.findings if f not in gone))
