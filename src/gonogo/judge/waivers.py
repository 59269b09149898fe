"""What a named person has accepted, and whether that covers a criterion that is false."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from gonogo import criterion
from gonogo.errors import InputError
from gonogo.frozen import dataclass
from gonogo.judge.criteria import Judged
from gonogo.model.checklist import Gate
from gonogo.model.observation import Captured, Finding, ObservationType, Reading
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
    captured: Sequence[Captured],
    as_of: date,
    types: Mapping[str, ObservationType],
) -> Waived:
    """Mark each false criterion that is covered. Nothing but FAIL is ever waived, and no outcome changes."""
    if all(j.judgement.outcome is not Outcome.FAIL for j in judged):
        return Waived(tuple(judged), ())
    counts = Counter(finding.id for one in captured for finding in one.reading.findings)
    why = {w.id: refusal(w, gate, as_of) or grown(w, counts[w.finding]) for w in waivers}
    good = [w for w in waivers if not why[w.id]]
    marked: list[Judged] = []
    for item in judged:
        covered = _covering(item, good, types) if item.judgement.outcome is Outcome.FAIL else ()
        marked.append(replace(item, judgement=replace(item.judgement, waived_by=covered)))
    return Waived(tuple(marked), _ignored(gate, judged, waivers, why, types))


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


def grown(waiver: Waiver, count: int) -> str:
    """Why a waiver for a finding does not count where there are `count` of it now; empty where it does."""
    if not waiver.finding or not waiver.matches or count <= waiver.matches:
        return ""
    return f"it was written for {waiver.matches} of `{waiver.finding}`, and there are {count} now"


def _ignored(
    gate: Gate,
    judged: Sequence[Judged],
    waivers: Sequence[Waiver],
    why: Mapping[str, str],
    types: Mapping[str, ObservationType],
) -> tuple[str, ...]:
    """The waivers that somebody may have counted on here, with the reason why they are ignored."""
    failed = [j for j in judged if j.judgement.outcome is Outcome.FAIL]
    ids = {finding.id for item in failed for finding in item.reading.findings}
    notes = []
    for waiver in waivers:
        reason = why[waiver.id]
        about = [item for item in failed if waiver.criterion and _instead(waiver, item, types) is not None]
        if not reason and waiver.gate == gate.id and waiver.finding and waiver.finding not in ids:
            reason = f"no finding is called `{waiver.finding}`"
        if not reason and about and not any(_holds_instead(waiver, item, types) for item in about):
            reason = f"`{waiver.criterion}` does not hold either: {_measured(about[0])}"
        meant = waiver.gate == gate.id or (not waiver.gate and (waiver.finding in ids or about))
        if reason and meant:
            notes.append(f"waiver `{waiver.id}` does not count: {reason}")
    return tuple(notes)


def _measured(item: Judged) -> str:
    return f"it is {item.judgement.value} now" if item.judgement.value else item.judgement.distance


def _covering(item: Judged, waivers: Sequence[Waiver], types: Mapping[str, ObservationType]) -> tuple[str, ...]:
    direct = tuple(sorted(w.id for w in waivers if w.criterion and _holds_instead(w, item, types)))
    return direct or _through_findings(item, waivers, types)


_LOOSER = {"<=": {"<=", "<", "=="}, "<": {"<=", "<", "=="}, ">=": {">=", ">", "=="}, ">": {">=", ">", "=="}}
_LOOSER["=="] = {"<=", "<", "==", ">=", ">"}


def _holds_instead(waiver: Waiver, item: Judged, types: Mapping[str, ObservationType]) -> bool:
    """Whether the waiver's criterion asks the same with a looser bound, and holds."""
    instead = _instead(waiver, item, types)
    return instead is not None and instead.evaluate(item.reading).outcome is Outcome.PASS


def _instead(waiver: Waiver, item: Judged, types: Mapping[str, ObservationType]) -> criterion.Compiled | None:
    """The waiver's criterion, where it asks the same as the gate's with a bound in the same direction; else None."""
    try:
        instead = criterion.compile(waiver.criterion, types)
    except InputError:
        return None
    return instead if stands_for(instead, item.compiled) else None


def stands_for(instead: criterion.Compiled, asked: criterion.Compiled) -> bool:
    """Whether a waiver's criterion may stand in for the gate's: the same question, no bound in the other direction."""
    if instead.warnings or set(instead.names) != set(asked.names):
        return False
    if set(instead.severities) != set(asked.severities) or instead.marks != asked.marks:
        return False
    bound, offered = asked.bounded, instead.bounded
    if bound is None:
        return True
    return offered is not None and offered[1] in _LOOSER[bound[1]] and not _turned_away(instead, asked)


def _turned_away(instead: criterion.Compiled, asked: criterion.Compiled) -> bool:
    """Whether, in place of `x == 0`, it would accept all from 3 up: such a bound bounds nothing."""
    exact, bound = asked.limit, instead.limit
    if asked.bounded is None or asked.bounded[1] != "==" or instead.bounded is None or exact is None or bound is None:
        return False
    operator = instead.bounded[1]
    return (operator in {"<=", "<"} and bound < exact) or (operator in {">=", ">"} and bound > exact)


def _through_findings(item: Judged, waivers: Sequence[Waiver], types: Mapping[str, ObservationType]) -> tuple[str, ...]:
    """The waivers that together cover every finding that makes the criterion false; empty where any is left over.

    An observation is covered where the report lists at least as many findings as it counts, and each is waived. The
    criterion is covered where it would hold with those counts at zero.
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
    """The findings behind a count; None where the report lists fewer than it counts, or none.

    It may list more: npm counts a package once, however many advisories speak of it.
    """
    listed = [f for f in reading.findings if f.family == type_.family and f.severity in type_.counts]
    counted = reading.value(type_.name)
    return listed if listed and isinstance(counted, int) and counted <= len(listed) else None


def _without(reading: Reading, cleared: set[str], gone: set[Finding]) -> Reading:
    observations = tuple(replace(o, value=0) if o.name in cleared else o for o in reading.observations)
    return replace(reading, observations=observations, findings=tuple(f for f in reading.findings if f not in gone))
