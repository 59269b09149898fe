"""Go back to an earlier release: for good, or as a drill that comes forward again to the very same release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gonogo.errors import nearest
from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Finding, Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Release, ReleaseState, TargetState
from gonogo.plugins import Clause, Context, Done, Look, Phrase, Target, action
from gonogo.probes._facts import count, flag, measure
from gonogo.rollout import record
from gonogo.rollout.deliver import Delivery, Patience, deliver
from gonogo.rollout.rows import lost, rows


@dataclass(frozen=True, slots=True)
class RollbackParams:
    """What to put back."""

    to: str = ""
    """Release to go back to, such as `r7`. Empty: the last stable one that is not there now."""
    drill: bool = True
    """Come forward again. False: stay there."""
    stable_seconds: float = 0.0
    """How long everything must hold without a break, at each step. 0: as long as the target says."""
    within: float = 300.0
    """Seconds from each start until that must have been so."""
    every: float = 1.0
    """Seconds between two looks."""
    away: float = 30.0
    """Seconds that the target may be out of reach, while its engine is started anew, before nothing is known."""


def _asked(_match: object) -> Mapping[str, Any]:
    return {}


def _read(facts: Mapping[str, Any], _params: RollbackParams) -> Reading:
    back, forward = facts.get("back"), facts.get("forward")
    if back is None:
        return Reading()
    return Reading(
        tuple(Observation(name, value, "facts.json") for name, value in _observed(facts, back, forward)),
        tuple(Finding("rollback", f"lost:{text.split('`')[1]}", "lost", text) for text in facts["lost"] or ()),
        tuple(_notes(facts, back, forward)),
    )


def _observed(
    facts: Mapping[str, Any], back: Mapping[str, Any], forward: Mapping[str, Any] | None
) -> Iterator[tuple[str, Any]]:
    yield "rollback.release", back["release"]
    if _told(back["watched_outcome"]):
        yield "rollback.healthy", back["watched_outcome"] == "PASS"
    smoke = back["smoke"]
    if smoke is not None and _told(smoke["outcome"]):
        yield "rollback.smoke_ok", smoke["outcome"] == "PASS"
    if back["outcome"] == "PASS":
        yield "rollback.seconds_to_safety", back["seconds"]
    if forward is not None and _told(forward["outcome"]):
        yield "rollback.forward_ok", forward["outcome"] == "PASS" and facts["same"]
    if facts["lost"] is not None:
        yield "rollback.rows_lost", len(facts["lost"])


def _told(outcome: str) -> bool:
    return outcome in {"PASS", "FAIL"}


def _notes(facts: Mapping[str, Any], back: Mapping[str, Any], forward: Mapping[str, Any] | None) -> Iterator[str]:
    yield f"r{back['release']} in the place of r{facts['from']}: {back['outcome']} after {back['seconds']:.1f} s"
    for step in (back, forward):
        if step is not None and step["why"]:
            yield f"r{step['release']}: {step['why']}"
    if forward is not None:
        yield f"forward again to r{forward['release']}: {forward['outcome']} after {forward['seconds']:.1f} s"
    if facts["lost"] is None:
        yield "no database was looked at, so whether data was kept is not told"
    if facts["broken"]:
        yield f"BROKEN: {facts['broken']}"


def look(_params: RollbackParams, context: Context) -> Look:
    """How far it had come when it was cut off: as far as its steps tell; it goes on to the release that it meant."""
    if not context.recorded:
        return Look(Done.NOT_DONE, "no step of it was taken")
    return Look(Done.HALF_DONE, f"it had come to `{context.recorded[-1][0]}`, and goes on from there")


@action(
    "rollback",
    yields=(
        flag("rollback.healthy", "the previous release was healthy after the rollback"),
        flag("rollback.smoke_ok", "the smoke checks passed on the previous release"),
        flag("rollback.forward_ok", "the new release is back, the very same artifacts, and healthy"),
        count("rollback.release", "number of the release that was put back"),
        measure("rollback.seconds_to_safety", "from the first step back until the earlier release was proven", "s"),
        count("rollback.rows_lost", "tables with fewer rows than before", "lost"),
    ),
    reader=_read,
    look=look,
    rehearses=True,
    clauses=(
        Clause(
            r"previous (?:version|release|tag) (?:is )?healthy ?(?:\+|and|,) ?smoke (?:checks? )?pass(?:es)?",
            ("rollback.healthy", "rollback.smoke_ok", "rollback.forward_ok"),
            "Previous version healthy + smoke pass",
            brings={},
        ),
    ),
    phrases=(
        Phrase(
            r"re-?deploy (?:the )?previous (?:tag|version|release)(?: via .+)?",
            _asked,
            "Redeploy previous tag via compose image override",
        ),
    ),
)
def rollback(params: RollbackParams, context: Context) -> Capture:
    """Put an earlier release back by the way of every rollout, prove it, and in a drill come forward again.

    Goes to the target's last *stable* release, as the target itself remembers it: never to the newest by date, nor to
    whatever a tag points to now. The release must be present and unchanged before anything is touched; its own
    configuration comes back with it. At each step everything is watched for `stable_seconds` and the plan's smoke
    checks are done, with that release's own identity. Rows of every table are counted before and after.

    A drill ends at exactly the release it began with. Where the earlier one does not hold, it comes forward at once;
    where that does not hold either, it says BROKEN and stops: no flip-flop.

    Source: failures S10, S36 to S46.
    """
    return _Rollback(params, context, context.reach()).run()


@dataclass
class _Rollback:
    params: RollbackParams
    context: Context
    target: Target
    blobs: tuple[Blob, ...] = ()
    broken: str = ""

    def run(self) -> Capture:
        state = self.target.load()
        in_the_way = record.unfinished_of_others(state, self.context)
        if in_the_way and (self.params.drill or not self.params.to):
            mend = "finish it with `gonogo run --resume`, or put a release there by name: `gonogo rollback --to r1`"
            return self._trouble(Outcome.ERROR, "unfinished-act", in_the_way, mend)
        chosen = self._chosen(state)
        if isinstance(chosen, Capture):
            return chosen
        here, earlier = chosen
        steps = [step for step, _ in self.context.recorded]
        if "back" not in steps:
            gone = self.target.present(earlier)
            if gone is not None:
                return self._trouble(Outcome.FAIL, gone.slug, gone.message, gone.help)
        before = self._rows_before()
        act = "drill" if self.params.drill else "rollback"
        self.context.record("back", **{"from": here.number, "to": earlier.number, "rows": before})
        record.begin(self.target, self.context, act, into=earlier.number, back=here.number, at="back")
        went_back = self._put(earlier)
        return self._onward(here, earlier, went_back, before)

    def _chosen(self, state: TargetState) -> tuple[Release, Release] | Capture:
        """What is there and what to put back, as this act chose them when it began; or why there is nothing to do."""
        begun = next((data for step, data in self.context.recorded if step == "back"), None)
        here = state.release(int(begun["from"]) if begun is not None else state.current)
        if here is None:
            return self._trouble(
                Outcome.UNKNOWN, "nothing-there", "no release that gonogo knows of is on the target", "deploy one first"
            )
        if begun is not None:
            earlier = state.release(int(begun["to"]))
        elif self.params.to:
            earlier = next((one for one in state.releases if one.id == self.params.to), None)
            if earlier is None:
                known = [one.id for one in state.releases]
                near = nearest(self.params.to, known)
                mend = f"did you mean `{near}`?" if near else f"name one of {', '.join(f'`{name}`' for name in known)}"
                return self._trouble(
                    Outcome.ERROR, "unknown-release", f"the target knows no release `{self.params.to}`", mend
                )
        else:
            earlier = record.way_back(state, apart_from=here.number)
        if earlier is None:
            return self._trouble(
                Outcome.UNKNOWN,
                "no-earlier-release",
                f"the target has no stable release before {here.id}: there is nothing to go back to",
                "deploy once more after this one has become stable; then the way back can be drilled",
            )
        return here, earlier

    def _rows_before(self) -> dict[str, int] | None:
        begun = next((data for step, data in self.context.recorded if step == "back"), None)
        return begun["rows"] if begun is not None else rows(self.target, self.context, "rows-before")

    def _onward(self, here: Release, earlier: Release, back: Delivery, before: dict[str, int] | None) -> Capture:
        held = back.outcome is Outcome.PASS
        if back.interrupted is not None:
            return self._capture(here, back, None, before)
        if not self.params.drill and held:
            become = {here.number: ReleaseState.REVERTED}
            record.end(self.target, self.context, current=earlier.number, become=become, seen=back.snapshot)
            return self._capture(here, back, None, before)
        if not held:
            self.blobs += self.target.autopsy(self.target.since())
        self.context.record("forward", to=here.number)
        record.at(self.target, self.context, "forward")
        forward = self._put(here)
        if forward.interrupted is not None:
            return self._capture(here, back, forward, before)
        proven = forward.outcome is Outcome.PASS
        if not proven and not held:
            self.broken = f"neither {earlier.id} nor {here.id} is proven: {forward.why}"
        elif not proven:
            self.broken = f"{here.id} did not come back: {forward.why}"
        record.end(self.target, self.context, current=here.number, seen=forward.snapshot if proven else None)
        return self._capture(here, back, forward, before)

    def _put(self, release: Release) -> Delivery:
        patience = Patience.of(self.params, self.target)
        delivery = deliver(self.target, self.context, release, patience=patience, smoke=True)
        self.blobs += delivery.blobs
        return delivery

    def _same(self, here: Release) -> bool:
        """Whether exactly the artifacts of the release run again, each of them (`failures.md` S42)."""
        there = {(one.service, one.artifact) for one in self.target.instances() if not one.one_shot}
        return there >= set(here.artifacts.items()) and {service for service, _ in there} >= set(here.artifacts)

    def _capture(
        self, here: Release, back: Delivery, forward: Delivery | None, before: dict[str, int] | None
    ) -> Capture:
        after = rows(self.target, self.context, "rows-after") if before is not None else None
        facts: dict[str, Any] = {
            "from": here.number,
            "back": {**back.facts(), "watched_outcome": self._watched(back)},
            "forward": forward.facts() if forward is not None else None,
            "same": forward is not None and self._same(here),
            "lost": lost(before, after) if before is not None and after is not None else None,
            "broken": self.broken,
        }
        shown = f"back to {back.release.id}" + (f" and forward to {here.id}" if forward is not None else "")
        stops = [step.interrupted for step in (back, forward) if step is not None and step.interrupted is not None]
        blobs = (self.context.keep_facts(facts), *self.blobs)
        return Capture("rollback", shown, blobs=blobs, troubles=tuple(stops))

    @staticmethod
    def _watched(delivery: Delivery) -> str:
        """The outcome of the watch alone; that of the whole delivery where it never came to a watch."""
        if delivery.watched is None:
            return delivery.outcome.value
        if delivery.watched.stable:
            return Outcome.PASS.value
        return Outcome.FAIL.value if delivery.watched.problems else Outcome.UNKNOWN.value

    def _trouble(self, outcome: Outcome, slug: str, message: str, mend: str) -> Capture:
        return Capture("rollback", "rollback", troubles=(Trouble(outcome, slug, message, mend),))
