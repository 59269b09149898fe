"""The waivers as commands need them: those in force for a run, and how they all stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from gonogo.cli.place import Place
from gonogo.errors import Diagnostic, GonogoError, InputError, Severity
from gonogo.judge import standings
from gonogo.model.checklist import Checklist
from gonogo.model.verdict import Verdict, Waiver
from gonogo.owners import keys, waivers
from gonogo.owners.waivers import Loaded
from gonogo.telling.sheet import Line, line
from gonogo.telling.words import number, safe, wrap


def today() -> date:
    """The day, UTC."""
    return datetime.now(UTC).date()


def in_force(place: Place, commit: str) -> Loaded:
    """The waivers of the subject's commit; raises `InputError` with every mistake in their file."""
    people = keys.committed(place.root, commit)
    types = place.registry.observation_types
    return waivers.load(place.root, commit, as_of=today(), people=people, types=types)


def looked_at(place: Place, checklist: Checklist) -> tuple[tuple[Waiver, ...], tuple[Diagnostic, ...]]:
    """The waivers of the working tree, and everything there is to say about them.

    What only a run can tell, that one is dead or outgrown, comes from the last run of this checklist, if there was one.
    A mistake that could never have counted is an error; what time brought is a warning. Raises `InputError` where the
    file itself cannot be read.
    """
    if not place.repository:
        return (), ()
    commit = place.subject().commit
    types = place.registry.observation_types
    people = keys.present(place.root)
    loaded = waivers.present(place.root, commit, as_of=today(), people=people, types=types)
    said = standings(checklist.gates, _last(place, checklist), loaded.waivers, as_of=today().isoformat(), types=types)
    told = [
        Diagnostic(
            one.slug,
            one.text,
            loaded.places.get(one.waiver.id),
            help=one.help,
            severity=Severity.ERROR if one.wrong else Severity.WARNING,
        )
        for one in said
    ]
    return loaded.waivers, (*loaded.remarks, *told)


def _last(place: Place, checklist: Checklist) -> Mapping[str, Verdict]:
    """The verdicts of the last run, of the gates that still ask what they asked then."""
    try:
        view = place.run_view()
    except (GonogoError, ValueError):  # no run, or one that another version wrote: there is nothing to compare with
        return {}
    now = {gate.id: gate for gate in checklist.gates}
    return {
        gate.gate.id: gate.verdict
        for gate in view.gates
        if gate.gate.id in now and gate.gate.criteria == now[gate.gate.id].criteria
    }


def refuse_mistakes(told: Sequence[Diagnostic]) -> None:
    """Raise `InputError` with all of them, if a mistake is among them."""
    if any(one.severity is Severity.ERROR for one in told):
        raise InputError(told)


def section(found: Sequence[Waiver], width: int) -> list[Line]:
    """The waivers as a page of a report: what, whose, and how long still."""
    if not found:
        return []
    page = [line(), line("waivers", "head")]
    for one in sorted(found, key=lambda waiver: waiver.until):
        left = (one.until - today()).days
        days = f"{number(left, 'day')} left" if left >= 0 else "ended"
        text = (
            f"{one.id}: {one.finding or one.criterion}, by {one.approver} for {one.owner}, until {one.until} ({days})"
        )
        first, *rest = wrap(safe(text), max(20, width - 4))
        page += [line(f"  · {first}"), *(line(f"    {more}") for more in rest)]
    return page
