"""Judge a bundle again from its bytes: with the parsers that come with gonogo, and nothing from outside.

The same criteria must come to the same verdicts. Other criteria (`under`) may not, and what would change is shown. What
the engine saw beside the captures (a report that was stale, tracked files that changed) is in the verdict's troubles
and not in the bytes: it is taken over, and as it can only make an outcome worse, it makes nothing green.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, BinaryIO

from gonogo import plugins
from gonogo.bundle.pieces import FOLDER, Piece, capture_as_kept
from gonogo.bundle.proof import Proof, Unchecked
from gonogo.bundle.record import Judged, Record
from gonogo.bundle.verify import Proven
from gonogo.errors import InputError, IntegrityError
from gonogo.evidence import reading
from gonogo.frozen import dataclass
from gonogo.judge import decide, judge
from gonogo.judge.sign_offs import Answer, answers, declined, spoken
from gonogo.model.capture import Capture
from gonogo.model.checklist import Call, Checklist, Gate
from gonogo.model.codec import digest
from gonogo.model.observation import WAITING, Captured, Trouble
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.plan import Node, Plan
from gonogo.model.run import GateView
from gonogo.model.sign_off import SignOff
from gonogo.model.verdict import Verdict, Waiver
from gonogo.plan.inputs import substitute
from gonogo.plugins import Registry

_NOT_JUDGED = {Outcome.NOT_RUN, Outcome.NOT_APPLICABLE}


def rejudge(proof: Proof, proven: Proven) -> None:
    """The claim that the kept bytes come to the same verdicts."""
    proof.claim(
        "the evidence comes to the same verdicts",
        "kept bytes parsed again by gonogo's own parsers, and judged again",
        lambda: _same(Bench(proven)),
    )


def _same(bench: Bench) -> tuple[None, str]:
    again = 0
    for gate in bench.told.view.gates:
        if bench.was_judged(gate):
            _compare(gate.asked or gate.verdict, bench.first(gate))
            if gate.asked is not None:
                _compare(gate.verdict, bench.with_words(gate))
            again += 1
    return None, f"{again} of {len(bench.told.view.gates)} gates; the others were not judged in this run"


def _compare(kept: Verdict, again: Verdict) -> None:
    """Raise `IntegrityError` where two verdicts differ in anything that was judged."""
    if kept.outcome is not again.outcome:
        raise IntegrityError(
            f"gate `{kept.gate}` is {again.outcome} by its evidence, and the ledger says {kept.outcome}"
        )
    for one, other in zip(kept.judgements, again.judgements, strict=False):
        if _essence(one) != _essence(other):
            raise IntegrityError(
                f"gate `{kept.gate}`: `{other.criterion}` is {other.outcome} with {other.value or 'no value'} by its "
                f"evidence, and the ledger says {one.outcome} with {one.value or 'no value'}"
            )
    if len(kept.judgements) != len(again.judgements) or kept.waived != again.waived:
        raise IntegrityError(f"gate `{kept.gate}` has other judgements by its evidence than the ledger says")
    if kept.findings_total != again.findings_total:
        raise IntegrityError(
            f"gate `{kept.gate}` has {again.findings_total} findings by its evidence, and the ledger says "
            f"{kept.findings_total}"
        )


def _essence(judgement: Any) -> tuple[Any, ...]:
    """What must be the same; sentences for people may be worded anew by a later version."""
    return judgement.criterion, judgement.outcome, judgement.call, judgement.value, judgement.waived_by


# --- judging from a bundle -----------------------------------------------------------------------------------


class Bench:
    """A bundle with what is needed to judge it again."""

    def __init__(self, proven: Proven) -> None:
        self.told: Record = proven.record
        self.words: Sequence[SignOff] = proven.words
        self._packed = proven.packed
        self._cut: dict[str, Piece] = {piece.sha256: piece for piece in proven.pieces if piece.cut}
        self.registry: Registry = plugins.builtin()
        self.types = self.registry.observation_types

    def open(self, sha256: str) -> BinaryIO:
        """The bytes of that digest; what the parsers are given."""
        return self._packed.open(FOLDER + sha256)

    def was_judged(self, gate: GateView) -> bool:
        """Whether the run judged the gate; the plan or the time left the others out, and nothing can be judged."""
        return (gate.asked or gate.verdict).outcome not in _NOT_JUDGED and gate.gate.id in self.told.judged

    def first(self, gate: GateView) -> Verdict:
        """The gate judged again, as before any answer."""
        kept = gate.asked or gate.verdict
        node = self.told.view.plan.node(gate.gate.id)
        captured = self.captured(node, kept.captures)
        return self._judged(node.gate, captured, kept, self.told.judged[gate.gate.id])

    def with_words(self, gate: GateView) -> Verdict:
        """The gate judged again with what its owners said."""
        first = gate.asked or gate.verdict
        node = self.told.view.plan.node(gate.gate.id)
        when = self.told.answered[gate.gate.id]
        heard = self.words[: when.words]
        found = answers(node, self.told.view.plan, heard)
        extra = [trouble for trouble in first.troubles if trouble.slug != WAITING]
        extra += [Trouble(Outcome.FAIL, "declined", spoken(one)) for one in declined(node, heard)]
        captured = self.captured(node, first.captures, found)
        return self.judge(node.gate, captured, first, extra, waivers=when.waivers, day=_day(when.time), found=found)

    def _judged(self, gate: Gate, captured: list[Captured], kept: Verdict, when: Judged) -> Verdict:
        """Judged on the day it was judged: the ledger knows the moment of writing, a breath after the judging."""
        days = dict.fromkeys([_day(when.time), _ended(kept) or _day(when.time)])
        verdicts = []
        for day in days:
            again = self.judge(gate, captured, kept, (), waivers=when.waivers, day=day)
            extra = [trouble for trouble in kept.troubles if trouble not in again.troubles]
            if extra:
                again = self.judge(gate, captured, kept, extra, waivers=when.waivers, day=day)
            verdicts.append(again)
        same = (one for one in verdicts if (one.outcome, one.waived) == (kept.outcome, kept.waived))
        return next(same, verdicts[0])

    def judge(
        self,
        gate: Gate,
        captured: Sequence[Captured],
        kept: Verdict,
        extra: Sequence[Trouble],
        *,
        waivers: Sequence[Waiver],
        day: date,
        found: Mapping[str, Answer] | None = None,
    ) -> Verdict:
        """`gonogo.judge.judge` with the kinds that come with gonogo."""
        try:
            return judge(
                gate, captured, kept.captures, extra_troubles=extra, waivers=waivers, as_of=day, types=self.types,
                answers=found,
            )  # fmt: skip
        except InputError as error:
            raise Unchecked(f"gate `{gate.id}`: {error.message}: gonogo's own kinds do not say it") from error

    def captured(
        self, node: Node, captures: Sequence[Capture], found: Mapping[str, Answer] | None = None
    ) -> list[Captured]:
        """What the captures say, from the bundle's bytes."""
        calls = {call.id: call for call in _calls(node)}
        order = [call.id for call in node.gate.calls if call.id not in node.calls_left_out]
        heard = []
        for at, capture in enumerate(captures):
            id_ = capture.call or (order[at] if at < len(order) else "")
            self._known(node, capture, calls.get(id_))
            answer = (found or {}).get(f"{node.id}:{id_}")
            params = self._params(calls[id_]) if id_ in calls else {}
            kept = capture_as_kept(capture, self._cut)
            said = answer.agreed if answer is not None else None
            observed, unexplained = reading.read(kept, params, self, self.registry, said)
            heard.append(Captured(id_, capture.shown, observed, node.speaks.get(id_, ()), unexplained))
        return heard

    def _params(self, call: Call) -> Mapping[str, Any]:
        """With the inputs that are not secret; those that are, are in no record."""
        return substitute(call, self.told.view.plan.inputs, self.registry).params

    def _known(self, node: Node, capture: Capture, call: Call | None) -> None:
        """Raise `Unchecked` where a kind that read this capture did not come with gonogo."""
        kinds = [capture.kind, *([call.kind] if call is not None else [])]
        unknown = [f"probe `{kind}`" for kind in kinds if kind not in self.registry.probes]
        unknown += [f"parser `{ref.parser}`" for ref in capture.reports if ref.parser not in self.registry.parsers]
        unknown += [f"tool `{ref.tool}`" for ref in capture.reports if ref.tool and ref.tool not in self.registry.tools]
        if unknown:
            raise Unchecked(f"gate `{node.id}` was judged with the {unknown[0]}, which did not come with gonogo")


def _calls(node: Node) -> list[Call]:
    return [each for call in node.gate.calls for each in (call, *call.alternatives)]


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).date()


def _ended(verdict: Verdict) -> date | None:
    if not verdict.started:
        return None
    return (datetime.fromisoformat(verdict.started) + timedelta(seconds=verdict.seconds)).date()


# --- under other criteria ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One gate under another checklist."""

    gate: str
    title: str
    before: str
    """Its outcome in the bundle; empty: the run had no such gate."""
    after: str
    """Its outcome under the other checklist; empty: that has no such gate."""
    why: str

    @property
    def changed(self) -> bool:
        """Whether the outcome differs."""
        return self.before != self.after

    def data(self) -> dict[str, str | bool]:
        """As plain JSON data."""
        return {**dataclasses.asdict(self), "changed": self.changed}


@dataclass(frozen=True, slots=True)
class Replay:
    """A run judged under another checklist."""

    changes: tuple[Change, ...]
    """Every gate of either checklist."""
    before: DecisionWord
    after: DecisionWord


def under(proven: Proven, checklist: Checklist) -> Replay:
    """Judge the evidence of a bundle under another checklist; nothing is run.

    A gate's evidence speaks for the other checklist's gate of the same id as far as both make the same calls. A call
    that the run did not make was not looked at, and says nothing.

    Raises:
        Unchecked: A gate was judged with kinds that did not come with gonogo.
    """
    bench = Bench(proven)
    view = bench.told.view
    old = {gate.gate.id: gate for gate in view.gates}
    nodes, verdicts, changes = [], {}, []
    for gate in checklist.gates:
        node, verdict = _replayed(bench, gate, old.get(gate.id))
        nodes.append(node)
        verdicts[gate.id] = verdict
        before = old[gate.id].outcome.value if gate.id in old else ""
        changes.append(Change(gate.id, gate.title, before, verdict.outcome.value, _reason(verdict)))
    kept = {gate.id for gate in checklist.gates}
    changes += [
        Change(gate.gate.id, gate.gate.title, gate.outcome.value, "", "the other checklist has no such gate")
        for gate in view.gates
        if gate.gate.id not in kept
    ]
    plan = _plan(view.plan, checklist, nodes)
    assert view.decision is not None
    after = decide(plan, verdicts, waivers=view.waivers, as_of=view.decision.as_of, sign_offs=bench.words)
    return Replay(tuple(changes), view.decision.word, after.word)


def _plan(plan: Plan, checklist: Checklist, nodes: Sequence[Node]) -> Plan:
    return dataclasses.replace(plan, nodes=tuple(nodes), sign_offs=checklist.sign_offs)


def _replayed(bench: Bench, gate: Gate, old: GateView | None) -> tuple[Node, Verdict]:
    if old is None:
        return Node(gate), _unseen(gate, "the run had no such gate")
    node = bench.told.view.plan.node(gate.id)
    if gate.when != old.gate.when:
        return Node(gate), _unseen(gate, "its condition is another one, which only a run can tell")
    if not bench.was_judged(old):
        again = dataclasses.replace(node, gate=gate)
        return again, dataclasses.replace(old.verdict, phase=gate.phase)
    names = _same_calls(node, gate)
    kept = old.asked or old.verdict
    captures = tuple(
        dataclasses.replace(capture, call=names[capture.call]) for capture in kept.captures if capture.call in names
    )
    again = dataclasses.replace(
        node,
        gate=gate,
        speaks={names[call]: speaks for call, speaks in node.speaks.items() if call in names},
        calls_left_out={names[call]: why for call, why in node.calls_left_out.items() if call in names},
    )
    found = answers(again, bench.told.view.plan, bench.words)
    captured = bench.captured(again, captures, found)
    when = bench.told.judged[gate.id]
    extra = _beside(bench, old)
    extra += [Trouble(Outcome.FAIL, "declined", spoken(one)) for one in declined(again, bench.words)]
    shown = dataclasses.replace(kept, captures=captures)
    verdict = bench.judge(gate, captured, shown, extra, waivers=when.waivers, day=_day(when.time), found=found)
    return again, verdict


def _beside(bench: Bench, old: GateView) -> list[Trouble]:
    """What the engine saw beside the captures: no reading of them says it."""
    kept = old.asked or old.verdict
    captured = bench.captured(bench.told.view.plan.node(old.gate.id), kept.captures)
    said = bench.judge(old.gate, captured, kept, (), waivers=(), day=date.min).troubles
    return [trouble for trouble in kept.troubles if trouble not in said]


def _same_calls(node: Node, gate: Gate) -> dict[str, str]:
    """Id of a call of the run -> id of the same call in the other checklist."""
    ours = {_mark(call): call.id for call in _calls(node)}
    new = Node(gate)
    return {ours[_mark(call)]: call.id for call in _calls(new) if _mark(call) in ours}


def _mark(call: Call) -> str:
    return digest({"kind": call.kind, "params": call.params})


def _unseen(gate: Gate, why: str) -> Verdict:
    return Verdict(gate.id, gate.phase, Outcome.NOT_RUN, reason=why, attempts=0)


def _reason(verdict: Verdict) -> str:
    causes = [
        one.distance or one.reason or one.criterion for one in verdict.judgements if one.outcome is verdict.outcome
    ]
    causes += [trouble.message for trouble in verdict.troubles if trouble.outcome is verdict.outcome]
    if verdict.outcome is Outcome.UNKNOWN:
        causes += [f"waits for an answer: {question}" for question in verdict.questions]
    return causes[0] if causes and verdict.outcome is not Outcome.PASS else verdict.reason
