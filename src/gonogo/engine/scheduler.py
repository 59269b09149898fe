"""The loop in the middle: hands ready gates to workers, and is the only one who writes what came of them."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gonogo.engine import attempt, freshness, keeping, orders, process, worktree
from gonogo.engine.acts import ActEntry
from gonogo.engine.board import Board
from gonogo.engine.context import Workshop
from gonogo.engine.ending import Assignment, Ended, Ending, budget_text
from gonogo.engine.guard import CHANGED, Guard
from gonogo.engine.interrupts import Interrupts
from gonogo.engine.journal import Journal
from gonogo.engine.lines import Lines
from gonogo.engine.order import Order
from gonogo.engine.pool import Pool
from gonogo.engine.tree import Tree
from gonogo.ledger.view import still_verdict
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Node
from gonogo.model.verdict import Verdict
from gonogo.plugins import Registry
from gonogo.testing import crash_point

_LOOK_AROUND = 0.2
"""Seconds between looks at the clock and at signals while nothing happens."""
_RETRIED = {Outcome.FAIL, Outcome.ERROR}


class Scheduler:
    """Works through a plan's board; use it once, in the thread that owns the ledger."""

    def __init__(
        self,
        work: Assignment,
        *,
        journal: Journal,
        workshop: Workshop,
        board: Board,
        guard: Guard,
        interrupts: Interrupts,
        refusal: Callable[[], str] = str,
        again: bool = False,
    ) -> None:
        """Take the parts of a run.

        Args:
            work: What a person asked.
            journal: Where every event goes.
            workshop: What attempts share.
            board: Which gate may start.
            guard: Watches the tree.
            interrupts: Whether somebody told the run to stop.
            refusal: Asked before each phase: why nothing may follow, or empty text.
            again: Another round of the same process: what was told before is not told again.
        """
        self._given = work
        self._refusal = refusal
        self._again = again
        self._journal = journal
        self._workshop = workshop
        self._board = board
        self._guard = guard
        self._interrupts = interrupts
        self._inbox: queue.SimpleQueue[Ended | ActEntry | str] = queue.SimpleQueue()
        workshop.acts.send = self._inbox.put
        self._lines = Lines(self._inbox)
        self._active: dict[str, Order] = {}
        self._firsts: dict[str, int] = {}
        self._untold: list[Verdict] = []
        self._ending = Ending(work, journal.fold, workshop, guard)
        self._until = None if work.settings.time_budget is None else time.monotonic() + work.settings.time_budget
        self.holds: list[str] = []
        """Why the decision cannot be GO, beside the gates."""

    # --- the loop --------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Run phase after phase until all is done, the budget is spent, or a signal came."""
        self._settle_cut_off()
        with Pool[Order](self._given.settings.workers, self._worker) as pool:
            try:
                while not self._stopped and not self._spent:
                    refused = self._refusal()
                    phase = self._board.open_phase() if not refused else None
                    if refused:
                        self._finish([(node, _not_run(node, refused)) for node in self._board.drain()])
                    if phase is None:
                        break
                    self._announce(phase)
                    self._phase(pool)
                    if self._board.phase_through:
                        self._board.close_phase(phase)
                        self.settle(at_the_end=False)
                self._wait_for_running()
            except BaseException:  # whatever ends the loop, no process outlives it, and no act begins
                self._workshop.acts.closed.set()
                self._workshop.stop.set()
                process.stop_all()
                raise
        if self._spent and not self._stopped:
            self._give_up_the_rest()

    @property
    def registry(self) -> Registry:
        """Every kind."""
        return self._workshop.registry

    def settle(self, *, at_the_end: bool) -> None:
        """Keep the release that was put there as soon as all that must hold behind it has been looked at.

        What is kept is looked at once more, and may be red; then, and at the end of the run for whatever gate is red,
        the last stable release is put back.
        """
        while not self._stopped:
            verdicts = self._journal.fold.verdicts
            node = keeping.choose(self._given.plan, verdicts, self.registry)
            if node is None or not (at_the_end or keeping.settles_early(self._given.plan, verdicts, self.registry)):
                return
            self.close(node)
            closed = verdicts.get(node.id)
            if closed is None or closed.outcome is not Outcome.FAIL:
                return

    def close(self, node: Node) -> None:
        """Do one of the plan's closing nodes, when every phase is through."""
        with Pool[Order](1, self._worker) as pool:
            try:
                self._launch(pool, self._enter([self._order(node, self._attempts(node) + 1)]))
                while self._active and not self._stopped:
                    self._hear(pool)
                self._wait_for_running()
            except BaseException:  # as in `work`
                self._workshop.acts.closed.set()
                self._workshop.stop.set()
                process.stop_all()
                raise

    def _phase(self, pool: Pool[Order]) -> None:
        while not self._stopped and not self._spent:
            self._never_run()
            self._start_ready(pool)
            if self._board.phase_through:
                return
            if self._board.running:
                self._hear(pool)

    def _start_ready(self, pool: Pool[Order]) -> None:
        """Start what may start. All their events are in the ledger, in one transaction, before any of them acts."""
        self._launch(pool, self._enter(self._ready()))

    def _ready(self) -> list[Order]:
        """The orders of those that may start now; they count as running at once."""
        free = self._given.settings.workers - len(self._active)
        fresh = [node for node in self._board.start(free) if not self._reuse(node)]
        return [self._order(node, self._attempts(node) + 1) for node in fresh]

    def _attempts(self, node: Node) -> int:
        return self._journal.fold.attempts.get(node.id, 0)

    def _enter(self, ordered: list[Order]) -> list[Order]:
        """Write down that these begin; gives them back."""
        entries = [
            (
                "attempt-started",
                order.gate,
                {
                    "attempt": order.attempt,
                    "acts": order.node.acts,
                    "root": order.root,
                    "aside": [[item.path, item.kept] for item in order.aside],
                },
            )
            for order in ordered
        ]
        self._journal.record_all(entries, durable=any(order.node.acts for order in ordered))
        self._active.update({order.gate: order for order in ordered})
        return ordered

    def _launch(self, pool: Pool[Order], ordered: list[Order]) -> None:
        """Let workers begin, once the ledger knows."""
        for order in ordered:
            crash_point("attempt-started", order.gate)
            self._given.listener.gate_started(order.gate, order.attempt)
            pool.hand_out(order)

    def _worker(self, order: Order) -> None:
        """In a worker: do the attempt and read what it brought."""
        try:
            if order.worktree:
                worktree.add(self._given.root, Path(order.root), order.subject.commit)
                self._ending.worktrees[order.gate] = Tree(Path(order.root))
            brought = attempt.perform(order, self._workshop, self._lines.of(order.gate))
            done = Ended(order, brought, attempt.read(order, brought, self._workshop))
        except BaseException as error:  # the loop tells it, or ends the run with it
            done = Ended(order, broke=error)
        self._inbox.put(done)

    def _hear(self, pool: Pool[Order]) -> None:
        """Wait for something to happen, and take in everything that did."""
        try:
            message = self._inbox.get(timeout=self._patience())
        except queue.Empty:
            return
        ended: list[Ended] = []
        while True:
            if isinstance(message, Ended):
                ended.append(message)
            elif isinstance(message, ActEntry):
                self._write(message)
            else:
                self._given.listener.gate_output(message, self._lines.take(message))
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                break
        if self._stopped:  # it may have come while we waited: what it cut off is no verdict
            for done in ended:
                self._dismiss(done)
        else:
            self._take_in(pool, ended)

    def _write(self, entry: ActEntry) -> None:
        """Write a step of an act, on the disk, before its worker takes it."""
        self._journal.record(entry.event, entry.data, gate=entry.gate, durable=True)
        entry.written.set()

    def _patience(self) -> float:
        left = _LOOK_AROUND if self._until is None else self._until - time.monotonic()
        return max(0.01, min(_LOOK_AROUND, left))

    def _wait_for_running(self) -> None:
        """After a signal or past the budget nothing starts; what runs is ended, or comes to its own end."""
        while self._active:
            if self._stopped:
                process.stop_all()
            try:
                message = self._inbox.get(timeout=_LOOK_AROUND)
            except queue.Empty:
                continue
            if isinstance(message, ActEntry):
                self._write(message)
            elif isinstance(message, Ended):
                if self._stopped:
                    self._dismiss(message)
                else:
                    self._take_in(None, [message])

    def _dismiss(self, done: Ended) -> None:
        """What was cut off by a signal has no verdict; a resume tries it again, if it was a read."""
        if done.whole:
            self._take_in(None, [done])
            return
        self._release(done.order)
        if not done.order.node.acts:
            self._journal.record("attempt-ended", {"attempt": done.order.attempt, "outcome": ""}, gate=done.order.gate)

    @property
    def _stopped(self) -> bool:
        return bool(self._interrupts.signal)

    @property
    def _spent(self) -> bool:
        return self._until is not None and time.monotonic() >= self._until

    # --- one gate --------------------------------------------------------------------------------------------

    def _order(self, node: Node, number: int) -> Order:
        work, run_id = self._given, self._journal.fold.run
        apart = node.gate.isolation == "worktree"
        name = f"{node.id}-{number}"
        order = orders.order(
            work.recipes[node.id],
            work.plan,
            run=run_id,
            attempt=number,
            root=work.state / "worktrees" / run_id / name if apart else work.root,
            worktree=apart,
            tree=self._guard.tree,
            aside_directory=f"{work.state}/aside/{run_id}/{name}",
            values=work.given,
            budget=None if self._until is None else max(0.0, self._until - time.monotonic()),
            before=self._journal.fold.acts.get(node.id),
            verdicts=self._journal.fold.verdicts,
        )
        if not apart:
            self._guard.before(order)
        return order

    def _take_in(self, pool: Pool[Order] | None, ended: list[Ended]) -> None:
        """Judge what ended, write it down, tell it; then try again what may be tried again, and start what follows.

        What ended and what starts is one transaction: half as many as there are events.
        """
        if not ended:
            return
        entries: list[tuple[str, str, Mapping[str, Any]]] = []
        verdicts, again = [], []
        for done in ended:
            verdict = self._ending.verdict(done, self._active)
            self._release(done.order)
            if pool is not None and self._retry(done, verdict):
                again.append(done.order)
                data = {"attempt": done.order.attempt, "outcome": verdict.outcome.value}
                entries.append(("attempt-ended", done.order.gate, data))
                continue
            self._board.done(done.order.gate)
            verdicts.append(verdict)
            entries.append(("verdict", done.order.gate, self._verdict_data(done.order.node, verdict)))
        ordered: list[Order] = []
        with self._journal.together():
            self._journal.record_all(entries, durable=any(done.order.node.acts for done in ended))
            self._untold += verdicts
            if pool is not None:
                ordered = self._enter([self._order(order.node, order.attempt + 1) for order in again])
                if not self._stopped and not self._spent:
                    self._never_run()
                    ordered += self._enter(self._ready())
        for verdict in verdicts:
            crash_point("verdict-appended", verdict.gate)
        self._tell()
        if pool is not None:
            self._launch(pool, ordered)

    def _retry(self, done: Ended, verdict: Verdict) -> bool:
        tried = done.order.attempt - self._first_attempt(done.order.gate)
        return (
            verdict.outcome in _RETRIED
            and tried < done.order.node.gate.retries
            and not done.order.node.acts
            and not self._spent
            and not self._stopped
            and not any(trouble.slug == CHANGED for trouble in verdict.troubles)
        )

    def _first_attempt(self, gate: str) -> int:
        return self._firsts.setdefault(gate, 1)

    def _release(self, order: Order) -> None:
        self._active.pop(order.gate, None)
        if order.worktree:
            worktree.remove(self._given.root, Path(order.root))

    # --- gates that do not run -------------------------------------------------------------------------------

    def _settle_cut_off(self) -> None:
        """On a resume: what was cut off is tried again; each act in it is looked at before anything is done."""
        for gate, begun in tuple(self._journal.fold.begun.items()):
            self._journal.record("attempt-ended", {"attempt": begun.attempt, "outcome": ""}, gate=gate)
        self._firsts = {gate: number + 1 for gate, number in self._journal.fold.attempts.items()}

    def _announce(self, phase: str) -> None:
        """Write and tell what is known of a phase before it begins: gates left out, and those of an earlier process."""
        known = self._journal.fold.verdicts
        fresh = []
        for node in self._given.plan.nodes:
            if node.gate.phase == phase and node.id not in known:
                verdict = still_verdict(node)
                fresh += [(node, verdict)] if verdict is not None else []
            elif node.gate.phase == phase and not self._again:
                self._given.listener.gate_finished(known[node.id])
        self._finish(fresh)

    def _never_run(self) -> None:
        self._finish([(node, _not_run(node, reason)) for node, reason in self._board.never()])

    def _give_up_the_rest(self) -> None:
        """Past the time budget."""
        self.holds.append(budget_text(self._given))
        self._finish([(node, _not_run(node, budget_text(self._given))) for node in self._board.drain()])

    def _reuse(self, node: Node) -> bool:
        """Let an earlier pass stand for the gate, where it may."""
        if node.gate.max_age is None:
            return False
        found = freshness.reusable(
            node, self._given.plan, self._digest(node), self._journal.ledger, self._workshop.store
        )
        if found is None:
            return False
        verdict, run_id = found
        self._board.done(node.id)
        self._finish([(node, verdict)], reused_from=run_id)
        return True

    def _finish(self, verdicts: list[tuple[Node, Verdict]], *, reused_from: str = "", tell: bool = True) -> None:
        """Write verdicts that came without an attempt, and tell them."""
        self._journal.record_all(
            [("verdict", node.id, self._verdict_data(node, verdict, reused_from)) for node, verdict in verdicts]
        )
        if tell:
            self._untold += [verdict for _, verdict in verdicts]
        if not self._journal.open:
            self._tell()

    def _tell(self) -> None:
        """Tell the verdicts that the ledger has by now."""
        untold, self._untold = self._untold, []
        for verdict in untold:
            self._given.listener.gate_finished(verdict)

    def _digest(self, node: Node) -> str:
        return freshness.gate_digest(node, self._given.plan, self._given.given)

    def _verdict_data(self, node: Node, verdict: Verdict, reused_from: str = "") -> dict[str, object]:
        data: dict[str, object] = {"verdict": verdict}
        if node.gate.max_age is not None:
            subject = self._given.plan.subject
            data |= {"digest": self._digest(node), "commit": subject.commit, "clean": subject.clean}
        return data | ({"reused_from": reused_from} if reused_from else {})


def _not_run(node: Node, reason: str) -> Verdict:
    return Verdict(node.id, node.gate.phase, Outcome.NOT_RUN, reason=reason, attempts=0)
