"""How the waivers of a checklist stand: ended, ending soon, nobody's, dead, or outgrown. Each with its own word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gonogo import criterion
from gonogo.errors import InputError
from gonogo.frozen import dataclass
from gonogo.judge.waivers import day, grown, live, stands_for
from gonogo.model.checklist import Gate
from gonogo.model.observation import ObservationType
from gonogo.model.outcome import Outcome
from gonogo.model.verdict import Verdict, Waiver

SOON = 14
"""Days before its end from which a waiver is spoken of."""
VERY_SOON = 7

_SEEN = {Outcome.PASS, Outcome.FAIL}


@dataclass(frozen=True, slots=True)
class Standing:
    """One remark about one waiver."""

    slug: str
    waiver: Waiver
    text: str
    """``waiver `W1` ended on 2026-11-21``."""
    help: str
    wrong: bool = False
    """It names a gate of this checklist at which it can never count: a mistake, where the others come with time."""


def standings(
    gates: Sequence[Gate],
    verdicts: Mapping[str, Verdict],
    waivers: Iterable[Waiver],
    *,
    as_of: str,
    types: Mapping[str, ObservationType],
) -> tuple[Standing, ...]:
    """What there is to say about the waivers, as of a moment (RFC 3339, or a day).

    Args:
        gates: Those of the checklist.
        verdicts: By gate id, as far as anything was judged; without them nothing is called dead or outgrown.
        waivers: All that are in force.
        as_of: The moment that they are measured against.
        types: Every observation that may be named.
    """
    return tuple(said for waiver in waivers for said in _of(waiver, gates, verdicts, as_of, types))


def _of(
    waiver: Waiver,
    gates: Sequence[Gate],
    verdicts: Mapping[str, Verdict],
    as_of: str,
    types: Mapping[str, ObservationType],
) -> Iterator[Standing]:
    nobody = _nobodys(waiver, gates)
    if nobody is not None:
        yield nobody
        return
    if not live(waiver, as_of):
        text = f"ended on {waiver.until.isoformat()}"
        yield _said("waiver-ended", waiver, text, "mend what it was for and remove it, or have it approved anew")
        return
    mine = [gate for gate in gates if (not waiver.gate or gate.id == waiver.gate) and waiver.owner in gate.owners]
    about = list(_asking(waiver, mine, types)) if waiver.criterion else [(gate, frozenset[str]()) for gate in mine]
    if not about:
        text = f"is dead: no criterion of {_named(mine)} may be waived by `{waiver.criterion}`"
        help_ = "write the gate's own criterion with a looser bound"
        yield _said("waiver-dead", waiver, text, help_, wrong=bool(waiver.gate))
        return
    remark = _finding(waiver, mine, verdicts) if waiver.finding else _criterion(waiver, about, verdicts)
    if remark is not None:
        yield remark
    if remark is None or remark.slug != "waiver-dead":
        yield from _ending(waiver, as_of)


def _said(slug: str, waiver: Waiver, text: str, help: str, *, wrong: bool = False) -> Standing:  # noqa: A002
    return Standing(slug, waiver, f"waiver `{waiver.id}` {text}", help, wrong)


def _named(gates: Sequence[Gate]) -> str:
    return ", ".join(f"`{gate.id}`" for gate in gates)


def _nobodys(waiver: Waiver, gates: Sequence[Gate]) -> Standing | None:
    """A waiver for a gate that is not there, or in the name of somebody who does not own it."""
    if waiver.gate and all(gate.id != waiver.gate for gate in gates):
        text = f"is for the gate `{waiver.gate}`, which this checklist does not have"
        return _said("waiver-unknown-gate", waiver, text, "name a gate of the checklist, unless it is for another one")
    mine = [gate for gate in gates if not waiver.gate or gate.id == waiver.gate]
    if any(waiver.owner in gate.owners for gate in mine):
        return None
    owners = sorted({owner for gate in mine for owner in gate.owners})
    where = f"`{waiver.gate}`" if waiver.gate else "any gate"
    wanted = ", ".join(f"`{owner}`" for owner in owners) or "nobody"
    text = f"does not count: {waiver.owner} is no owner of {where}"
    help_ = f"have it accepted by an owner: {wanted}"
    return _said("waiver-wrong-owner", waiver, text, help_, wrong=bool(waiver.gate))


def _asking(
    waiver: Waiver, gates: Sequence[Gate], types: Mapping[str, ObservationType]
) -> Iterator[tuple[Gate, frozenset[str]]]:
    """The gates with the criteria that the waiver's own may stand in for."""
    try:
        instead = criterion.compile(waiver.criterion, types)
    except InputError:
        return
    for gate in gates:
        found = frozenset(
            asked.expression
            for asked in gate.criteria
            if stands_for(instead, criterion.compile(asked.expression, types))
        )
        if found:
            yield gate, found


def _finding(waiver: Waiver, gates: Sequence[Gate], verdicts: Mapping[str, Verdict]) -> Standing | None:
    """Dead where every gate it may speak of was wholly seen without it; outgrown where one has more of it."""
    seen = [verdicts[gate.id] for gate in gates if gate.id in verdicts]
    for verdict in seen:
        more = grown(waiver, sum(finding.id == waiver.finding for finding in verdict.findings))
        if more:
            help_ = "mend what came since, or have it approved anew with the new number"
            return _said("waiver-outgrown", waiver, f"does not count any more: {more}", help_)
    whole = len(seen) == len(gates) and all(_whole(verdict) for verdict in seen)
    if whole and all(finding.id != waiver.finding for verdict in seen for finding in verdict.findings):
        text = f"is dead: `{waiver.finding}` was not found any more"
        return _said("waiver-dead", waiver, text, "remove it")
    return None


def _whole(verdict: Verdict) -> bool:
    """Whether all that the gate could have found is listed."""
    return verdict.outcome in _SEEN and not verdict.troubles and verdict.findings_total <= len(verdict.findings)


def _criterion(
    waiver: Waiver, about: Sequence[tuple[Gate, frozenset[str]]], verdicts: Mapping[str, Verdict]
) -> Standing | None:
    judged = [
        judgement
        for gate, asked in about
        if gate.id in verdicts
        for judgement in verdicts[gate.id].judgements
        if judgement.criterion in asked
    ]
    red = [judgement for judgement in judged if judgement.outcome is Outcome.FAIL]
    over = next((judgement for judgement in red if not judgement.waived_by), None)
    if over is not None:
        now = f", and it is {over.value} now" if over.value else ""
        text = f"does not count any more: it accepts `{waiver.criterion}`{now}"
        return _said("waiver-outgrown", waiver, text, "mend what came since, or have another bound approved")
    if judged and not red and all(judgement.outcome is Outcome.PASS for judgement in judged):
        text = f"is dead: `{judged[0].criterion}` holds without it"
        return _said("waiver-dead", waiver, text, "remove it")
    return None


def _ending(waiver: Waiver, as_of: str) -> Iterator[Standing]:
    left = (waiver.until - day(as_of)).days
    if left > SOON:
        return
    when = "today" if left == 0 else "tomorrow" if left == 1 else f"in {left} days"
    urgent = "; its gate turns red then" if left <= VERY_SOON else ""
    text = f"ends {when}, on {waiver.until.isoformat()}{urgent}"
    yield _said("waiver-ends-soon", waiver, text, "mend what it is for, or have it approved anew")
