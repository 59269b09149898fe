"""One run from its first event to its decision."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from gonogo.config import Settings, prepare_state
from gonogo.engine import baselines, keeping, leftovers, orders
from gonogo.engine.attempt import now
from gonogo.engine.board import Board
from gonogo.engine.context import Workshop
from gonogo.engine.ending import Assignment
from gonogo.engine.guard import Guard
from gonogo.engine.hold import Hold
from gonogo.engine.interrupts import Interrupts
from gonogo.engine.journal import Journal
from gonogo.engine.listener import Listener, Silent
from gonogo.engine.poll import Poll, goes_on, post
from gonogo.engine.scheduler import Scheduler
from gonogo.engine.tree import Tree
from gonogo.engine.turn import lease, whole
from gonogo.errors import Refused
from gonogo.evidence import secrets
from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Store
from gonogo.judge import decide, standings
from gonogo.ledger import Ledger, new_run_id
from gonogo.ledger.view import Fold, find_run, fold
from gonogo.model.codec import canonical
from gonogo.model.outcome import EXIT_OF_DECISION, DecisionWord
from gonogo.model.plan import Plan
from gonogo.model.run import RunView
from gonogo.model.verdict import Waiver
from gonogo.owners import sign_off
from gonogo.owners.keys import PRIVATE_VARIABLES, Key
from gonogo.plan.inputs import refuse_missing
from gonogo.plan.subject import head, look
from gonogo.plugins import Registry
from gonogo.testing import crash_point

_LOOK_FOR_WORDS = 0.5
"""Seconds between looks at the file of sign-offs while a run waits for them."""


def run(
    plan: Plan,
    *,
    root: Path,
    state: Path,
    registry: Registry,
    settings: Settings,
    listener: Listener | None = None,
    waivers: Sequence[Waiver] = (),
    remarks: Sequence[str] = (),
    secret_inputs: Mapping[str, str] | None = None,
    wait: float = 0.0,
    signer: Key | None = None,
) -> RunView:
    """Run a plan to its decision, or until somebody says stop; `exit_code` of the view is what the process returns.

    Args:
        plan: What `gonogo.plan.compile` froze.
        root: The checkout, absolute.
        state: The state directory; made where it is not there.
        registry: Every kind.
        settings: What a person set.
        listener: Told what happens; None: nobody.
        waivers: Those that are in force; recorded with the run.
        remarks: What the run's notes must say from the start: waivers that are ignored, and why.
        secret_inputs: Values of the inputs that the plan does not hold.
        wait: Seconds to stay for people's words once nothing else is left to do.
        signer: Signs the decision; None: nobody does.

    Raises:
        InputError: An input has no value, or one that cannot be put where it stands. Nothing has started then.
        Refused: Another run holds the ledger.
        OperationError: The ledger cannot be written.
    """
    given = {**plan.inputs, **(secret_inputs or {})}
    refuse_missing(plan, secret_inputs)
    recipes = orders.recipes(plan, given, registry)
    prepare_state(state)
    work = Assignment(plan, root, state, settings, listener or Silent(), waivers, given, recipes, remarks, wait, signer)
    with closing(Ledger(state / "ledger.db")) as ledger:
        run_id = new_run_id()
        with lease(ledger, run_id, root) as begin:
            journal = Journal(ledger, Fold(run_id))
            begun = {**begin, "settings": _said(settings), "plan": plan, "evidence": _kept(state)}
            journal.record("run-started", {**begun, "waivers": tuple(waivers)})
            return _through(work, journal, registry, Path(begin["scratch"]))


def resume(
    run_id: str = "",
    *,
    root: Path,
    state: Path,
    registry: Registry,
    settings: Settings,
    listener: Listener | None = None,
    waivers: Sequence[Waiver] = (),
    remarks: Sequence[str] = (),
    secret_inputs: Mapping[str, str] | None = None,
    wait: float = 0.0,
    signer: Key | None = None,
) -> RunView:
    """Go on with a run that was cut off: finished gates stay, an unfinished read is tried again, an act never is.

    A decided run goes on where it waited for people, or where somebody has spoken since; it is then decided anew.

    Args:
        run_id: Which; its beginning is enough. Absent: the latest.
        root: As for `run`, and so all the others.
        state: As for `run`.
        registry: As for `run`.
        settings: As for `run`.
        listener: As for `run`.
        waivers: As for `run`.
        remarks: As for `run`.
        secret_inputs: As for `run`: they are in no record, so they are given again.
        wait: As for `run`.
        signer: As for `run`.

    Raises:
        InputError: There is no such run, or a secret input has no value.
        Refused: It is decided already, another run holds the ledger, or the tree is no longer what it was.
        IntegrityError: The ledger was altered.
        OperationError: The ledger cannot be written.
    """
    prepare_state(state)
    with closing(Ledger(state / "ledger.db")) as ledger:
        found = find_run(ledger, run_id)
        with lease(ledger, found, root) as begin:
            whole(ledger)
            folded = fold(ledger.events(found), found)
            decided = folded.finished
            if folded.plan is None or (decided and not goes_on(folded, state)):
                raise Refused(f"run {found} is decided already", help="start a new one with `gonogo run`")
            plan = folded.plan
            given = {**(secret_inputs or {}), **plan.inputs}
            refuse_missing(plan, secret_inputs)
            _same_tree(plan, root)
            recipes = orders.recipes(plan, given, registry)
            work = Assignment(
                plan, root, state, settings, listener or Silent(), waivers, given, recipes, remarks, wait, signer
            )
            journal = Journal(ledger, folded)
            journal.record("run-resumed", {**begin, "settings": _said(settings), "waivers": tuple(waivers)})
            return _through(work, journal, registry, Path(begin["scratch"]), again=decided)


def _same_tree(plan: Plan, root: Path) -> None:
    """Refuse to judge one run on two states of the tree."""
    subject = look(root)
    dirty = tuple(path for path in subject.dirty if path not in plan.input_files)
    if subject.commit != plan.subject.commit:
        raise Refused(
            f"the run looked at {plan.subject.commit[:12] or 'no commit'}; {subject.commit[:12]} is checked out now",
            help="check that commit out again, or start a new run",
        )
    if dirty != plan.subject.dirty:
        raise Refused(
            "the tree is not as it was when the run began: "
            + ", ".join(f"`{path}`" for path in sorted(set(dirty) ^ set(plan.subject.dirty))[:10]),
            help="put it back as it was, or start a new run",
        )


def _said(settings: Settings) -> dict[str, object]:
    return {"jobs": settings.workers, "keep_going": settings.keep_going, "time_budget": settings.time_budget}


def _kept(state: Path) -> str:
    return str(state / "evidence")


def _through(work: Assignment, journal: Journal, registry: Registry, scratch: Path, *, again: bool = False) -> RunView:
    """Work through the plan, and decide unless somebody said stop.

    Args:
        work: What a person asked.
        journal: Where every event goes.
        registry: Every kind.
        scratch: Private directory of this process.
        again: The run was decided before, and goes on because of what people said.
    """
    crash_point("run-started")
    run_id = journal.fold.run
    tree = Tree(work.root)
    redactor = _redactor(work)
    workshop = Workshop(
        store=Store(work.state / "evidence", redactor),
        redactor=redactor,
        registry=registry,
        scratch=scratch,
        tracked=tree.tracked,
        environ=environ(run_id),
        progress=work.state / "progress" / run_id,
        history=partial(baselines.known, work.state),
        hold=Hold(run_id, work.settings.lock_wait or 0.0),
    )
    workshop.store.sweep()
    interrupts = Interrupts(run_id, workshop.stop.set)
    guard = Guard(tree, work.state / "aside" / run_id / "copies")
    poll = Poll(work, journal, workshop)
    work.listener.run_started(journal.view())
    weak = secrets.too_weak(_secret_files(work), [work.root.name])
    _note(work, journal, [*work.remarks, *(text.replace(f"{work.root}/", "") for text in weak)])
    if poll.hear(tell=False) or again or journal.fold.asked:
        poll.reopen()
    try:
        with interrupts.heard():
            holds = _rounds(work, journal=journal, workshop=workshop, guard=guard, interrupts=interrupts, poll=poll)
    finally:
        _note(work, journal, workshop.hold.give_back())
    if interrupts.signal:
        journal.record("run-stopped", {"signal": interrupts.signal, "exit_code": int(interrupts.exit_code)})
        view = journal.fold.view(alive=False)
    else:
        view = _decided(work, journal, registry, holds, poll)
        shutil.rmtree(workshop.progress, ignore_errors=True)
    shutil.rmtree(work.state / "aside" / run_id, ignore_errors=True)
    work.listener.run_finished(view)
    return _with_untold(work, journal, view)


def _with_untold(work: Assignment, journal: Journal, view: RunView) -> RunView:
    """The run as it ended, with what could not be told to others: a note of it, on which no decision rests."""
    texts = [text for text in work.listener.untold() if text not in journal.fold.untold]
    journal.record_all([("untold", "", {"text": text}) for text in texts])
    for text in texts:
        work.listener.note(text)
    return dataclasses.replace(view, notes=(*view.notes, *texts)) if texts else view


def _rounds(
    work: Assignment, *, journal: Journal, workshop: Workshop, guard: Guard, interrupts: Interrupts, poll: Poll
) -> list[str]:
    """Work through the plan, and once more wherever a word that came in lets a gate go on; why it cannot be GO."""
    claims = {gate: recipe.claims for gate, recipe in work.recipes.items()}
    until, again = time.monotonic() + work.wait, False
    while True:
        board = Board(work.plan, journal.fold.verdicts, claims, keep_going=work.settings.keep_going)
        scheduler = Scheduler(
            work, journal=journal, workshop=workshop, board=board, guard=guard, interrupts=interrupts,
            refusal=poll.refusal, again=again,
        )  # fmt: skip
        scheduler.work()
        again = True
        if time.monotonic() < until and not interrupts.signal and not poll.news and poll.waits():
            work.listener.run_waiting(journal.view())
        while not interrupts.signal and not poll.news and poll.waits() and time.monotonic() < until:
            workshop.stop.wait(_LOOK_FOR_WORDS)
        if interrupts.signal or not poll.news:
            scheduler.settle(at_the_end=True)
            return [*scheduler.holds, *keeping.holds(work.plan, journal.fold.verdicts, scheduler.registry)]
        if poll.hear():
            poll.reopen()


def _redactor(work: Assignment) -> Redactor:
    """Knows the values of every env file named, of variables whose names say so, and of secret inputs."""
    values = [*secrets.harvest(_secret_files(work)), *secrets.from_variables(os.environ)]
    values += [value for name, value in work.given.items() if name not in work.plan.inputs]
    values += secrets.from_watching(os.environ, [name for spec in work.plan.notify for name in spec.variables])
    return Redactor(values, common=[work.root.name])


def _secret_files(work: Assignment) -> list[Path]:
    return [work.root / path for path in work.plan.secret_files]


def _note(work: Assignment, journal: Journal, texts: Sequence[str]) -> None:
    """Put remarks about the whole run into its record, each once, and tell them."""
    for text in texts:
        if text not in journal.fold.notes:
            journal.record("note", {"text": text})
            work.listener.note(text)


def _waiver_notes(work: Assignment, folded: Fold, as_of: str, registry: Registry) -> list[str]:
    """Waivers that ended, end soon, cover nothing or no longer enough: each says so in the run."""
    gates = [node.gate for node in work.plan.nodes]
    told = standings(gates, folded.verdicts, work.waivers, as_of=as_of, types=registry.observation_types)
    return [one.text for one in told]


def _decided(work: Assignment, journal: Journal, registry: Registry, holds: Sequence[str], poll: Poll) -> RunView:
    crash_point("before-decision")
    folded, as_of, holds = journal.fold, now(), [*holds, *_moved_on(work)]
    _note(work, journal, _waiver_notes(work, folded, as_of, registry))
    words, refused = poll.standing()
    decision = decide(
        work.plan,
        folded.verdicts,
        waivers=work.waivers,
        as_of=as_of,
        notes=[*folded.notes, *refused],
        holds=holds,
        sign_offs=words,
    )
    told: dict[str, Any] = {"decision": decision, "exit_code": int(EXIT_OF_DECISION[decision.word])}
    told |= {"manifest": write_manifest(work.state, folded), "sign_offs": words}
    envelope = None
    if words or work.signer is not None:
        envelope = sign_off.decision_envelope(journal.view(), decision, words, work.signer)
        told["envelope"] = envelope.data()
    stable = (
        keeping.kept(work.plan, folded.verdicts, registry) if work.plan.closing else decision.word is DecisionWord.GO
    )
    added = baselines.entries(work.plan, folded.verdicts) if stable else []
    journal.record_all([*added, ("run-finished", "", told)], durable=True)
    crash_point("decided")
    if envelope is not None:
        post(work.state, folded.run, envelope)
    return journal.view()


def _moved_on(work: Assignment) -> list[str]:
    """Whether another commit is checked out than the one the run is about (`failures.md` S84)."""
    commit = head(work.root)
    before = work.plan.subject.commit
    return [] if commit == before else [f"while it ran, {commit[:12]} was checked out in the place of {before[:12]}"]


def environ(run_id: str) -> dict[str, str]:
    """The variables that processes of a run are started with: ours, without what opens private keys."""
    outer = os.environ.get(leftovers.MARKER, "")
    seen = {name: value for name, value in os.environ.items() if name not in PRIVATE_VARIABLES}
    return {**seen, leftovers.MARKER: f"{outer}/{run_id}" if outer else run_id}


def write_manifest(state: Path, folded: Fold) -> str:
    """Every piece of evidence of the run, by gate, in one file beside the ledger; returns its sha256."""
    text = canonical({"run": folded.run, "evidence": sign_off.evidence_entries(folded.verdicts)}) + b"\n"
    directory = state / "manifests"
    directory.mkdir(exist_ok=True)
    temporary = directory / f".{folded.run}.tmp"
    temporary.write_bytes(text)
    temporary.replace(directory / f"{folded.run}.json")
    return hashlib.sha256(text).hexdigest()
