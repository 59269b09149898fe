"""Put the release that was built and judged on the target, and go back by itself where it does not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gonogo.docker import written
from gonogo.frozen import dataclass
from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Finding, Observation, Reading, Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.release import Release, ReleaseState, TargetState
from gonogo.plugins import Clause, Context, Done, Look, Phrase, Target, action
from gonogo.probes import _backups as backups
from gonogo.probes._facts import count, flag, measure
from gonogo.rollout import record
from gonogo.rollout.deliver import Delivery, Patience, deliver
from gonogo.rollout.revert import Reverted, revert
from gonogo.stability import WRONG_ARTIFACT


@dataclass(frozen=True, slots=True)
class RolloutParams:
    """Where from, and how long to look. The target itself is declared under `targets:`."""

    files: tuple[str, ...] = ()
    """Compose files, as the command names them: they describe the target where the checklist declares none."""
    project: str = ""
    """Name of the Compose project, likewise."""
    env_file: str = ""
    """Env file for interpolation, likewise."""
    services: tuple[str, ...] = ()
    """Services that are released, likewise."""
    stable_seconds: float = 0.0
    """How long everything must hold without a break. 0: as long as the target says."""
    within: float = 300.0
    """Seconds from the start until that must have been so."""
    every: float = 1.0
    """Seconds between two looks."""
    away: float = 30.0
    """Seconds that the target may be out of reach, while its engine is started anew, before nothing is known."""
    revert: bool = True
    """Go back to the last stable release, once, where this one does not hold."""


_UP = re.compile(
    rf"`?docker compose{written.OPTIONS} up"
    r"(?P<flags>(?: -{1,2}[\w-]+(?:=\S+)?)*)(?P<services>(?: [A-Za-z0-9][\w.-]*)+)`?",
    re.IGNORECASE,
)


def _asked(match: re.Match[str]) -> Mapping[str, Any]:
    return {"services": match["services"].split(), **written.project(match["options"])}


def _describes(params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The Compose project that the command names."""
    told = {name: params[name] for name in ("files", "project", "env_file", "services") if params.get(name)}
    return {"kind": "compose", **told} if told else None


YIELDS = (
    flag("rollout.held", "the release came up, stayed up through the stability window, and is the one that was judged"),
    flag("rollout.unchanged", "the very same release was there already, and nothing was started anew"),
    flag("rollout.reverted", "the last stable release was put back, and holds"),
    count("rollout.release", "number of the release on its target"),
    measure("rollout.seconds", "from the start until it was proven, the stability window included", "s"),
    measure("rollout.back_seconds", "from the first sign of trouble until the earlier release was proven", "s"),
    count("services.unhealthy", "services that are stopped, unhealthy, or without a healthcheck", "unhealthy"),
    count("services.restarts", "restarts within the stability window"),
    count("services.wrong_image", "services that run another image than the one built", "wrong-image"),
)


def _read(facts: Mapping[str, Any], _params: RolloutParams) -> Reading:
    if "delivery" not in facts:
        return Reading()
    delivery, reverted = facts["delivery"], facts["reverted"]
    return Reading(
        tuple(Observation(name, value, "facts.json") for name, value in _observed(facts, delivery, reverted)),
        tuple(_findings(delivery)),
        tuple(_notes(facts, delivery, reverted)),
    )


def _observed(
    facts: Mapping[str, Any], delivery: Mapping[str, Any], reverted: Mapping[str, Any] | None
) -> Iterator[tuple[str, Any]]:
    yield "rollout.release", delivery["release"]
    yield "rollout.seconds", delivery["seconds"]
    if delivery["outcome"] in {"PASS", "FAIL"}:
        yield "rollout.held", delivery["outcome"] == "PASS"
        yield "rollout.unchanged", facts["unchanged"]
    if reverted is not None:
        yield "rollout.reverted", reverted["held"]
        yield "rollout.back_seconds", reverted["delivery"]["seconds"]
    watched = delivery["watched"]
    if watched is not None:
        wrong = {p["service"] for p in watched["problems"] if p["slug"] == WRONG_ARTIFACT}
        yield "services.unhealthy", len({p["service"] for p in watched["problems"]} - wrong | set(watched["unproven"]))
        yield "services.restarts", watched["restarts"]
        yield "services.wrong_image", len(wrong)


def _findings(delivery: Mapping[str, Any]) -> Iterator[Finding]:
    for problem in (delivery["watched"] or {}).get("problems", ()):
        severity = "wrong-image" if problem["slug"] == WRONG_ARTIFACT else "unhealthy"
        yield Finding("services", f"{problem['service']}:{problem['slug']}", severity, problem["message"])


def _notes(facts: Mapping[str, Any], delivery: Mapping[str, Any], reverted: Mapping[str, Any] | None) -> Iterator[str]:
    if facts["unchanged"]:
        yield f"r{delivery['release']} was there already: nothing was started anew"
    yield from (delivery["watched"] or {}).get("notes", ())
    if delivery["why"]:
        yield f"r{delivery['release']}: {delivery['why']}"
    if reverted is not None:
        state = "holds" if reverted["held"] else "does NOT hold"
        yield f"went back to r{reverted['to']}, which {state}, {reverted['delivery']['seconds']:.1f} s"
    if facts["broken"]:
        yield f"BROKEN: {facts['broken']}"


def look(_params: RolloutParams, context: Context) -> Look:
    """How far it had come when it was cut off: as far as its steps tell; it goes on from there."""
    if not context.recorded:
        return Look(Done.NOT_DONE, "no step of it was taken")
    return Look(Done.HALF_DONE, f"it had come to `{context.recorded[-1][0]}`, and goes on from there")


@action(
    "rollout",
    yields=YIELDS,
    reader=_read,
    look=look,
    releases=True,
    describes=_describes,
    clauses=(
        Clause(
            r"(?:the )?(?:new )?release (?:is )?(?:up and )?(?:stable|holds)",
            ("rollout.held",),
            "release holds",
        ),
    ),
    phrases=(
        Phrase(
            _UP.pattern,
            _asked,
            "`docker compose -f docker-compose.yml --env-file .env.staging up -d --build backend frontend`",
        ),
    ),
)
def rollout(params: RolloutParams, context: Context) -> Capture:
    """Put the subject's release on the target, prove that it holds, and go back to the last stable one if it does not.

    What is put there are the artifacts that this run built and judged, by their exact identity: nothing is built or
    pulled here, even where the command says `--build`. Every copy of every service is watched on a monotonic clock for
    `stable_seconds` without a break; an exit code of Compose proves nothing. Where the release does not hold, what may
    be gone later is captured first (state, logs, health log, events), then the last *stable* release is put back, at
    most once, by the very same way, with the smoke checks. Where it could only not be seen, nothing is reverted: a
    broken verifier is no broken release.

    Each step is in the ledger before it is taken. The act is on the target before anything is started there; only the
    release's artifacts and configuration are kept ahead of that, which is safe to repeat. After `kill -9` it goes on
    from the last step.

    Source: failures S1, S2, S14 to S26, S34 to S47; facts about Docker Compose 2.20 to 5.x.
    """
    target = context.reach()
    return _Rollout(params, context, target).run()


@dataclass
class _Rollout:
    params: RolloutParams
    context: Context
    target: Target
    blobs: tuple[Blob, ...] = ()
    broken: str = ""

    @property
    def patience(self) -> Patience:
        return Patience.of(self.params, self.target)

    def run(self) -> Capture:
        state = self.target.load()
        in_the_way = record.unfinished_of_others(state, self.context)
        if in_the_way:
            mend = "finish it with `gonogo run --resume`, or put a release there by name: `gonogo rollback --to r1`"
            return self._capture(None, None, trouble=Trouble(Outcome.ERROR, "unfinished-act", in_the_way, mend))
        since = self.target.since()
        before = dict(self.context.recorded)
        begun = before.get("begin", {})
        release = state.release(int(begun.get("number", 0)))
        if release is not None and "revert" in before:
            why = Delivery(release, Outcome.FAIL, str(before["revert"].get("why", "")))
            return self._capture(why, self._revert(release, int(begun["back"])))
        if release is not None:
            back, unchanged = int(begun["back"]), bool(begun["unchanged"])
        else:
            release, back, unchanged = self._begin(state)
        delivery = self._put(release, start=not unchanged)
        if delivery.outcome is Outcome.PASS:
            become = {release.number: self._state(release)}
            snapshot = delivery.snapshot
            state = record.end(self.target, self.context, current=release.number, become=become, seen=snapshot)
            record.forget_old(self.target, self.context, state)
            return self._capture(delivery, None, unchanged=unchanged)
        return self._not_held(release, back, delivery, since)

    def _not_held(self, release: Release, back: int, delivery: Delivery, since: str) -> Capture:
        """Keep what tells why; then go back, if it is known to be bad and there is something to go back to."""
        if delivery.interrupted is not None:
            return self._capture(delivery, None, trouble=delivery.interrupted)
        self.blobs += self.target.autopsy(since)
        if delivery.outcome is not Outcome.FAIL:
            record.end(self.target, self.context, current=release.number)
            mend = "see what keeps gonogo from looking; the release was left where it is"
            lost = Trouble(Outcome.UNKNOWN, "release-not-seen", delivery.why or "it could not be seen", mend)
            return self._capture(delivery, None, trouble=lost)
        if self.params.revert and back:
            self.context.record("revert", why=delivery.why)
            return self._capture(delivery, self._revert(release, back))
        record.end(self.target, self.context, current=release.number, become={release.number: ReleaseState.FAILED})
        self.broken = "" if back else "there is no stable release to go back to"
        return self._capture(delivery, None)

    def _state(self, release: Release) -> ReleaseState:
        """One that was stable before stays so when it is found unchanged."""
        return ReleaseState.STABLE if release.state is ReleaseState.STABLE else ReleaseState.DEPLOYED

    def _begin(self, state: TargetState) -> tuple[Release, int, bool]:
        draft = self.target.draft()
        there = state.release(state.current)
        same = there is not None and (there.artifacts, there.config) == (draft.artifacts, draft.config)
        untouched = all(one.change == "untouched" for one in self.target.differences(draft)) if same else False
        back = record.way_back(state, apart_from=there.number if same and there is not None else 0)
        number = back.number if back is not None else 0
        if same and untouched and there is not None:
            self.context.record("begin", number=there.number, back=number, unchanged=True)
            record.begin(self.target, self.context, "rollout", into=there.number, back=number)
            return there, number, True
        last = max((one.number for one in state.releases), default=0)
        release = replace(
            draft,
            number=last + 1,
            run=self.context.run_id,
            made=record.now(),
            state=ReleaseState.DEPLOYING,
            backup=backups.of_run(self.context),
        )
        self.context.record("begin", number=release.number, back=number, unchanged=False)
        self.context.record("keep", number=release.number)
        release = self.target.keep(release)
        record.begin(self.target, self.context, "rollout", into=release.number, back=number, at="up", release=release)
        return release, number, False

    def _put(self, release: Release, *, start: bool) -> Delivery:
        if start:
            self.context.record("up", number=release.number)
        delivery = deliver(self.target, self.context, release, patience=self.patience, smoke=False, start=start)
        self.blobs += delivery.blobs
        return delivery

    def _revert(self, bad: Release, back: int) -> Reverted:
        """Go back, once; the step is in the ledger already."""
        reverted = revert(self.target, self.context, bad, back, self.patience)
        self.blobs += reverted.delivery.blobs
        self.broken = reverted.broken
        return reverted

    def _capture(
        self,
        delivery: Delivery | None,
        reverted: Reverted | None,
        *,
        unchanged: bool = False,
        trouble: Trouble | None = None,
    ) -> Capture:
        if reverted is not None and trouble is None:
            trouble = reverted.delivery.interrupted
        facts: dict[str, Any] = {"unchanged": unchanged, "broken": self.broken, "reverted": None}
        if delivery is not None:
            facts |= {"delivery": delivery.facts(), "reverted": reverted.facts() if reverted is not None else None}
        shown = f"put {delivery.release.id} on `{self.context.target}`" if delivery is not None else "rollout"
        return Capture(
            kind="rollout",
            shown=shown,
            blobs=(self.context.keep_facts(facts), *self.blobs),
            troubles=(trouble,) if trouble is not None else (),
        )
