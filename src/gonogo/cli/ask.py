"""`gonogo ask`: what waits for people, and what to type."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from gonogo.cli.place import Place, here, write
from gonogo.engine.poll import posted
from gonogo.errors import IntegrityError, Refused
from gonogo.frozen import dataclass
from gonogo.judge.sign_offs import answers, lacking, refusals, spoken
from gonogo.model.outcome import State
from gonogo.model.plan import Node
from gonogo.model.run import RunView
from gonogo.model.sign_off import SignOff, Word
from gonogo.owners import keys, sign_off
from gonogo.telling.words import safe, short_commit

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@dataclass(frozen=True, slots=True)
class Open:
    """One thing that waits for somebody."""

    owners: tuple[str, ...]
    """Any of them may answer."""
    people: tuple[str, ...]
    """Ids of those who may, and have not."""
    text: str
    gate: str = ""
    question: str = ""
    said: str = ""
    """What is there already, or what has become void."""

    def command(self, where: str, owner: str) -> str:
        """What to type."""
        about = f" --gate {self.gate} --question {shlex.quote(self.question)}" if self.gate else ""
        return f'gonogo sign {where} --owner {shlex.quote(owner)}{about} --go -m "…"   (or --no-go)'


@click.command("ask")
@click.argument("run", required=False, default="", metavar="[RUN]")
@click.option("--as", "person", default="", metavar="PERSON", help="Whose list.  [default: whose key is here]")
@click.option("--all", "everybody", is_flag=True, help="What waits for anybody.")
@click.option("--bundle", metavar="BUNDLE", type=_FILE, help="In the run in this bundle, which is elsewhere.")
@click.option("--format", "kind", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(run: str, person: str, everybody: bool, bundle: Path | None, kind: str) -> int:
    """List what waits for my answer or my word in RUN, and what to type; without a name, in the last run."""
    place = here(repository=bundle is None)
    view = place.run_view(run) if bundle is None else _run_in(bundle)
    me = {person} if person else {one.id for one in view.plan.people} & set(keys.mine(place.repository_root))
    said = said_of(place, view) if bundle is None else sign_off.still(view, view.sign_offs)
    waiting = list(waiting_for(view, said))
    mine = waiting if everybody or not me else [one for one in waiting if me & set(one.people)]
    if kind == "json":
        write(
            json.dumps({"run": view.id, "waiting": [asdict(one) for one in mine]}, indent=2, ensure_ascii=False) + "\n"
        )
    else:
        where = f"--bundle {shlex.quote(str(bundle))}" if bundle is not None else f"--run {view.id}"
        goes_on = going_on(place, view) if bundle is None else ""
        lines = _lines(view, where, mine, waiting, me) if waiting else [f"nothing waits in run {view.id}{goes_on}"]
        write("".join(f"{line}\n" for line in lines))
    return 0


def _run_in(bundle: Path) -> RunView:
    from gonogo.cli.carried import run_in  # proving a bundle loads much; most never need it

    return run_in(bundle)


def said_of(place: Place, view: RunView) -> tuple[SignOff, ...]:
    """What people said of a run, void or not; what a run at work has not taken in yet, too."""
    known = {one.digest for one in view.sign_offs}
    found = list(view.sign_offs)
    for envelope in posted(place.state, view.id)[0]:
        if envelope.digest not in known:
            try:
                found.append(sign_off.admit(envelope, view))
            except (IntegrityError, Refused):
                continue
    revoked = keys.revoked_now(place.root)
    return sign_off.still(view, [one for one in found if one.person not in revoked])


def waiting_for(view: RunView, said: Iterable[SignOff]) -> Iterator[Open]:
    """Everything of a run that waits for somebody."""
    said = tuple(said)
    for gate in view.gates:
        node = view.plan.node(gate.gate.id)
        if gate.verdict.state is State.WAITING:
            yield from _questions(view, node, said)
    plan = view.plan
    whole = tuple(one for one in said if not one.gate)
    for owner in plan.roster.demanded(plan.sign_offs):
        mine = tuple(one for one in whole if one.owner.casefold() == owner.casefold())
        going = tuple(one for one in mine if one.stands and one.word is Word.GO)
        if refusals(mine) or not (missing := lacking(plan, owner, going)):
            continue
        void = [f"{one.person}'s {one.word} is void: {one.void}" for one in mine if one.void]
        text = f"the word of {owner} for {short_commit(plan.subject.commit)} on {plan.target}"
        people = _who(view, (owner,), {one.person for one in going})
        yield Open((owner,), people, text, said="; ".join([missing, *void]))


def _questions(view: RunView, node: Node, said: tuple[SignOff, ...]) -> Iterator[Open]:
    known = answers(node, view.plan, said)
    for question in node.asks:
        if question.id in known:
            continue
        about = [one for one in said if one.gate == node.id and one.question in {question.id, ""}]
        there = "; ".join(spoken(one) + (f" (void: {one.void})" if one.void else "") for one in about)
        people = _who(view, node.gate.owners, {one.person for one in about if one.stands})
        yield Open(node.gate.owners, people, f"{node.gate.title}: {question.text}", node.id, question.id, there)


def _who(view: RunView, owners: Iterable[str], spoke: set[str]) -> tuple[str, ...]:
    speakers = (one.id for owner in owners for one in view.plan.roster.speakers(owner, view.plan.people))
    return tuple(dict.fromkeys(person for person in speakers if person not in spoke))


def _lines(view: RunView, where: str, mine: list[Open], waiting: list[Open], me: set[str]) -> Iterator[str]:
    if not me:
        yield f"no key of a trusted person is on this machine (`{keys.PEOPLE}/`, `gonogo keys new`); all that waits:"
    elif not mine:
        yield f"nothing waits for {', '.join(sorted(me))} in run {view.id}; --all shows {len(waiting)} for others"
    for one in mine:
        yield f"{safe(one.text)}"
        yield f"  may answer: {', '.join(one.people) or _nobody(one)}"
        if one.said:
            yield f"  so far: {safe(one.said)}"
        owner = next((owner for owner in one.owners if _speaks(view, owner, me)), one.owners[0] if one.owners else "")
        yield f"  {one.command(where, owner)}"


def _nobody(one: Open) -> str:
    owners = " or ".join(one.owners) or "an owner; the gate has none"
    return f"nobody: no trusted person speaks for {owners}"


def _speaks(view: RunView, owner: str, me: set[str]) -> bool:
    return any(person.id in me for person in view.plan.roster.speakers(owner, view.plan.people))


def going_on(place: Place, view: RunView) -> str:
    """How to go on, where everything that was waited for is in and the decision does not know it yet."""
    uncounted = len(said_of(place, view)) > 0 and view.decision is not None
    return f"; decide anew with: gonogo run --resume {view.id}" if uncounted and view.decision else ""
