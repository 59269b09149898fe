"""Who said what about a run, whose word is missing, and what was waived until when: rows for outputs."""

from __future__ import annotations

from gonogo.frozen import dataclass
from gonogo.judge.sign_offs import lacking
from gonogo.judge.standing import SOON
from gonogo.judge.waivers import day
from gonogo.model.run import RunView
from gonogo.model.sign_off import SignOff, Word
from gonogo.model.verdict import Waiver
from gonogo.telling.words import number


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sign-off with what it is about in words."""

    sign_off: SignOff
    about: str
    """`the run`, a gate's title, or a question of it."""
    name: str
    """The person's name, where the plan knows it; else the id."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """An owner whose word the decision needs."""

    owner: str
    missing: str
    """What is missing; empty: the word is there."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One waiver of the run, measured against the decision's own moment."""

    waiver: Waiver
    days: int
    """Whole days left after that moment's day; negative: it has ended."""
    left: str
    """`30 days left`, `ends today`, `ended 3 days ago`."""
    soon: bool
    """Whether it is time to speak of its end."""
    covers: tuple[str, ...]
    """Titles of the gates in which it covers something."""


def spoken(view: RunView) -> list[Spoken]:
    """Every sign-off, in the order it came in."""
    titles = {gate.gate.id: gate.gate.title for gate in view.gates}
    questions = {(node.id, ask.id): ask.text for node in view.plan.nodes for ask in node.asks}
    names = {person.id: person.name for person in view.plan.people}
    found = []
    for one in view.sign_offs:
        title = titles.get(one.gate, one.gate)
        asked = questions.get((one.gate, one.question), one.question)
        about = f"{title}: {asked}" if asked else title or "the run"
        found.append(Spoken(one, about, names.get(one.person) or one.person))
    return found


def awaited(view: RunView) -> list[Awaited]:
    """The owners whose word the checklist demands, with what is missing of it."""
    plan = view.plan
    whole = [one for one in view.sign_offs if not one.gate and one.stands and one.word is Word.GO]
    found = []
    for owner in plan.roster.demanded(plan.sign_offs):
        latest = {one.person: one for one in whole if one.owner.casefold() == owner.casefold()}
        found.append(Awaited(owner, lacking(plan, owner, tuple(latest.values()))))
    return found


def accepted(view: RunView) -> list[Accepted]:
    """Every waiver that the run was judged with, the one that ends first first."""
    today = day(view.decision.as_of if view.decision else view.ended or view.started)
    rows = []
    for waiver in sorted(view.waivers, key=lambda one: (one.until, one.id)):
        left = (waiver.until - today).days
        covers = tuple(
            gate.gate.title
            for gate in view.gates
            if any(waiver.id in judgement.waived_by for judgement in gate.verdict.judgements)
        )
        rows.append(Accepted(waiver, left, days_left(left), 0 <= left <= SOON, covers))
    return rows


def days_left(days: int) -> str:
    """`30 days left`; its last day counts as none left, because it is good to the end of it."""
    if days < 0:
        return f"ended {number(-days, 'day')} ago"
    return "ends today" if days == 0 else f"{number(days, 'day')} left"
