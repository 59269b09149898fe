"""What differs between two runs, and which of it a gate depends on. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gonogo.judge.comparison import Cause, Change, Pair, Side
from gonogo.judge.waivers import live
from gonogo.model import codec
from gonogo.model.checklist import Gate
from gonogo.model.outcome import Outcome
from gonogo.model.plan import Plan
from gonogo.model.run import RunView
from gonogo.model.verdict import Waiver

_AROUND = ("tree", "target", "input", "machine")
"""Kinds of causes that any gate may depend on."""
_UNDER_ALL = ("node", "npm", "gonogo")
"""Tools that stand below others."""
_ACCEPTANCE = (".gonogo/waivers.yaml", ".gonogo/people/")
_BRIEF, _FEW = 20, 3


def of_run(before: Side, after: Side, files: Sequence[str] | None) -> Iterator[Cause]:
    """What differs between the runs as a whole; `files` are the paths that differ between their commits."""
    old, new = before.view.plan, after.view.plan
    if old.subject.commit != new.subject.commit:
        many = f", {len(files)} {'file' if len(files) == 1 else 'files'}: {_few(files)}" if files else ""
        yield Cause("commit", f"{_commits(old, new)}{many}")
    if old.subject.dirty != new.subject.dirty or old.subject.dirty:
        paths = sorted({*old.subject.dirty, *new.subject.dirty})
        yield Cause("tree", f"uncommitted changes: {_few(paths)}")
    if old.target != new.target:
        yield Cause("target", f"target {old.target} → {new.target}")
    if old.checklist_digest != new.checklist_digest:
        yield Cause("checklist", f"checklist {old.checklist_digest[:12]} → {new.checklist_digest[:12]}")
    yield from _versions(before, after)
    yield from _waivers(before.view, after.view)
    for noun, was, is_ in (("input", old.inputs, new.inputs), ("input file", old.input_files, new.input_files)):
        for name in sorted({*was, *is_}):
            follows = (was.get(name), is_.get(name)) == (old.subject.commit, new.subject.commit)
            if was.get(name) != is_.get(name) and not follows:
                yield Cause("input", f"{noun} `{name}`: {_brief(was.get(name))} → {_brief(is_.get(name))}")
    hosts = (before.view.holder.get("host"), after.view.holder.get("host"))
    if hosts[0] != hosts[1]:
        yield Cause("machine", f"machine {hosts[0]} → {hosts[1]}")


def _versions(before: Side, after: Side) -> Iterator[Cause]:
    old, new = _all_versions(before), _all_versions(after)
    for name in sorted(old.keys() & new.keys()):
        if old[name] != new[name]:
            yield Cause("tool", f"{name} {old[name]} → {new[name]}")


_NOTED = re.compile(r"([a-z][a-z0-9._-]*) v?(\d+(?:\.\d+)+[\w.+-]*)")


def _all_versions(side: Side) -> dict[str, str]:
    """Versions from lock files, from remarks that are nothing else (`node 20.20.2`), and gonogo's own."""
    found = dict(side.tools)
    notes = (note for gate in side.view.gates for note in gate.verdict.notes)
    found.update({match[1]: match[2] for note in notes if (match := _NOTED.fullmatch(note))})
    version = side.view.holder.get("version")
    return {**found, "gonogo": str(version)} if version else found


def _waivers(before: RunView, after: RunView) -> Iterator[Cause]:
    old, new = _in_force(before), _in_force(after)
    listed = {waiver.id: waiver for waiver in (*before.waivers, *after.waivers)}
    for id_, waiver in sorted(listed.items()):
        what = f"waiver `{id_}` for `{waiver.finding or waiver.criterion}`"
        if id_ in new and id_ not in old:
            yield Cause("waiver", f"{what} is in force now, until {waiver.until}")
        elif id_ in old and id_ not in new:
            ended = any(one.id == id_ for one in after.waivers)
            yield Cause("waiver", f"{what} " + (f"ended on {waiver.until}" if ended else "is not there any more"))
        elif id_ in old and codec.dump(old[id_]) != codec.dump(new[id_]):
            yield Cause("waiver", f"{what} reads otherwise now")


def _in_force(view: RunView) -> dict[str, Waiver]:
    moment = view.decision.as_of if view.decision else view.ended or view.started
    return {waiver.id: waiver for waiver in view.waivers if live(waiver, moment)}


def of_gate(
    change: Change, pair: Pair, sides: tuple[Side, Side], whole: Sequence[Cause], files: Sequence[str] | None
) -> Iterator[Cause]:
    """What a change of a gate may come from, the nearest first; at least one."""
    own = list(_own(pair, sides, whole))
    yield from own
    commits = [cause for cause in whole if cause.kind == "commit" and _may_matter(files)]
    if commits:
        touched = sorted({f.path for f in (*change.appeared, *change.gone) if f.path in (files or ())})
        plans = (sides[0].view.plan, sides[1].view.plan)
        yield Cause("commit", f"{_commits(*plans)}, in {_few(touched)}") if touched else commits[0]
    around = [cause for cause in whole if cause.kind in _AROUND]
    yield from around
    if not (own or commits or around):
        text = "nothing that the two runs recorded: the world outside, time, or a check that is not steady"
        yield Cause("outside", text)


def _may_matter(files: Sequence[str] | None) -> bool:
    """Whether commits may change more than who accepts what, which is a cause of its own."""
    return not files or any(not path.startswith(_ACCEPTANCE) for path in files)


def _own(pair: Pair, sides: tuple[Side, Side], whole: Sequence[Cause]) -> Iterator[Cause]:
    """What differs of this very gate: how it is written, its tools, waivers, answers, and whether it was reached."""
    old, new = pair.old, pair.new
    if old is None or new is None:
        yield Cause("checklist", "the gate is new" if old is None else "the checklist has this gate no more")
        return
    parts = _written(old.gate, new.gate)
    if parts:
        yield Cause("checklist", f"the checklist changed its {', '.join(parts)}")
    for gate in (new, old):
        if gate.outcome in {Outcome.NOT_RUN, Outcome.NOT_APPLICABLE} and old.outcome is not new.outcome:
            when = "" if gate is new else "before: "
            yield Cause("order", f"{when}{gate.verdict.reason or 'it was not reached'}")
    tools = {report.tool for gate in (old, new) for capture in gate.verdict.captures for report in capture.reports}
    yield from (c for c in whole if c.kind == "tool" and c.text.split()[0] in {*tools, *_UNDER_ALL})
    used = {id_ for gate in (old, new) for j in gate.verdict.judgements for id_ in j.waived_by}
    yield from (c for c in whole if c.kind == "waiver" and any(f"`{id_}`" in c.text for id_ in used))
    yield from _words(new.gate.id, sides[0].view, sides[1].view)


def _written(old: Gate, new: Gate) -> list[str]:
    """The fields in which two readings of a gate differ, as its author calls them."""
    was, is_ = codec.dump(old), codec.dump(new)
    names = {"calls": "commands", "passes": "Pass line", "ci_jobs": "CI jobs", "max_age": "age"}
    return [names.get(name, name.replace("_", " ")) for name in was if was[name] != is_[name]]


def _words(gate: str, before: RunView, after: RunView) -> Iterator[Cause]:
    """Words of people about the gate that stand in one run only."""
    for view, when in ((after, ""), (before, "before: ")):
        other = before if view is after else after
        known = {(s.person, s.word, s.question) for s in other.sign_offs if s.gate == gate and s.stands}
        for one in view.sign_offs:
            if one.gate == gate and one.stands and (one.person, one.word, one.question) not in known:
                yield Cause("word", f"{when}{one.person} ({one.owner}) says {one.word}")


def _commits(old: Plan, new: Plan) -> str:
    return f"commit {_short(old.subject.commit)} → {_short(new.subject.commit)}"


def _short(commit: str) -> str:
    return commit[:7] or "no commit"


def _brief(value: str | None) -> str:
    return "nothing" if value is None else value if len(value) <= _BRIEF else f"{value[:_BRIEF]}…"


def _few(items: Sequence[str]) -> str:
    return ", ".join(items[:_FEW]) + (f" and {len(items) - _FEW} more" if len(items) > _FEW else "")
