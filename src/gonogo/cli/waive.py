"""`gonogo waive`: write down that a named person accepts a finding, or a criterion up to a bound, until a day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from gonogo import criterion as criteria
from gonogo.checklist.source import slug
from gonogo.cli.failure import say
from gonogo.cli.place import Place, here, write
from gonogo.cli.show import gate_of
from gonogo.cli.waivers import today
from gonogo.config import git_output
from gonogo.errors import InputError, OperationError, Refused, nearest
from gonogo.frozen import dataclass
from gonogo.judge.waivers import stands_for
from gonogo.model.observation import Finding
from gonogo.model.outcome import Outcome
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Waiver
from gonogo.outputs.vex import product_names
from gonogo.owners import keys, vex
from gonogo.owners.blame import called
from gonogo.owners.waivers_edit import added
from gonogo.owners.waivers_file import FILE, MOST_DAYS, day, read
from gonogo.telling.words import number, safe

DAYS = 30
_LONGEST_ID = 60


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same of every waiver that one call writes."""

    owner: str
    approver: str
    reason: str
    link: str
    until: date


@dataclass(frozen=True, slots=True)
class Subject:
    """What one waiver is for: a finding of a gate, or a criterion in place of the gate's own."""

    gate: GateView
    finding: str = ""
    matches: int = 0
    criterion: str = ""
    reason: str = ""
    link: str = ""
    justification: str = ""


@click.command("waive")
@click.argument("findings", nargs=-1, metavar="[FINDING]...")
@click.option("--criterion", "criterion", default="", metavar="CEL", help="In its place: a criterion's looser bound.")
@click.option("--from-vex", type=click.Path(path_type=Path), metavar="FILE", help="What an OpenVEX document states.")
@click.option("--gate", "gate", default="", metavar="ID", help="The gate it is for.")
@click.option("--owner", default="", help="An owner of the gate.  [default: its only one]")
@click.option("--approver", default="", metavar="PERSON", help="Who accepts it: not who commits it.")
@click.option("--reason", "-m", default="", metavar="TEXT", help="Why it can be borne.")
@click.option("--link", default="", metavar="URL", help="Where it is tracked.")
@click.option("--until", default="", metavar="DATE", help=f"Its last day, UTC.  [default: {DAYS} days from now]")
@click.option("--days", type=click.IntRange(min=1), help="In its place: for so many days.")
@click.option("--run", "run", default="", metavar="RUN", help="The run it is a finding of.  [default: the last]")
def command(findings: tuple[str, ...], criterion: str, from_vex: Path | None, gate: str, **given: Any) -> int:
    """Write a waiver for each FINDING of the last run into `.gonogo/waivers.yaml`.

    A FINDING is named by its id, or by a part of it that no other has. Without one: lists what could be waived. A
    waiver counts once it is committed, by somebody other than its approver.
    """
    place = here()
    view = place.run_view(given.pop("run"))
    asked = [bool(findings), bool(criterion), from_vex is not None]
    if sum(asked) > 1:
        raise click.UsageError("name findings, or a criterion, or a VEX document")
    if not any(asked):
        write("".join(f"{text}\n" for text in waivable(view, gate)))
        return 0
    terms = Terms(until=_until(given.pop("until"), given.pop("days")), **given)
    if from_vex is not None:
        subjects = _stated(view, gate, from_vex, place)
    elif criterion:
        subjects = [_instead(view, gate, criterion, place)]
    else:
        subjects = [_found(view, gate, name) for name in dict.fromkeys(findings)]
    _write(place, subjects, terms, from_vex is not None)
    return 0


# --- what can be waived --------------------------------------------------------------------------------------


def waivable(view: RunView, gate: str = "") -> Iterator[str]:
    """A line for each finding and criterion that keeps a gate red and is not waived yet."""
    for one in [gate_of(view, gate)] if gate else view.gates:
        if one.outcome is not Outcome.FAIL:
            continue
        covered = {id_ for judgement in one.verdict.judgements for id_ in judgement.waived_by}
        done = {waiver.finding for waiver in view.waivers if waiver.id in covered}
        for finding in dict.fromkeys((f.id, f.severity) for f in one.verdict.findings if f.id not in done):
            yield safe(f"{one.gate.id}  {finding[1]}  {finding[0]}")
        for judgement in one.verdict.judgements:
            if judgement.outcome is Outcome.FAIL and not judgement.waived_by:
                yield safe(
                    f"{one.gate.id}  criterion  {judgement.criterion}  ({judgement.distance or judgement.value})"
                )


def _red(gate: GateView) -> GateView:
    """The gate, where it is red; nothing else is ever waived."""
    if gate.outcome is Outcome.FAIL:
        return gate
    if gate.outcome is Outcome.PASS:
        raise Refused(f"`{gate.gate.id}` passed: there is nothing to waive", help="run it again where that has changed")
    raise Refused(
        f"`{gate.gate.id}` is {gate.outcome}: what could not be seen cannot be waived",
        help=f"see why with `gonogo show {gate.gate.id}`, mend that and run it again",
    )


def _found(view: RunView, gate: str, name: str) -> Subject:
    """The finding that `name` means, in the gate that has it."""
    gates = [_red(gate_of(view, gate))] if gate else list(view.gates)
    ids = list(dict.fromkeys(f.id for one in gates for f in one.verdict.findings))
    meant = [name] if name in ids else [id_ for id_ in ids if name.casefold() in id_.casefold()]
    if len(meant) != 1:
        raise _not_one(view, name, meant, ids)
    holding = [one for one in gates if any(f.id == meant[0] for f in one.verdict.findings)]
    if len(holding) > 1:
        named = ", ".join(f"`{one.gate.id}`" for one in holding)
        raise InputError.of("which-gate", f"`{meant[0]}` was found by {named}", help="say which with `--gate`")
    return _of(holding[0], meant[0])


def _of(gate: GateView, finding: str, **more: str) -> Subject:
    count = sum(f.id == finding for f in _red(gate).verdict.findings)
    return Subject(gate, finding=finding, matches=count, **more)


def _not_one(view: RunView, name: str, meant: Sequence[str], ids: Sequence[str]) -> InputError:
    if meant:
        named = ", ".join(f"`{id_}`" for id_ in meant[:5])
        message = f"`{name}` is part of {number(len(meant), 'finding')}: {named}"
        return InputError.of("which-finding", message, help="name one by its whole id")
    near = nearest(name, ids)
    return InputError.of(
        "unknown-finding",
        f"run {view.id} found no `{name}`",
        help=f"did you mean `{near}`?" if near else "run `gonogo waive` to see what could be waived",
    )


def _instead(view: RunView, gate: str, expression: str, place: Place) -> Subject:
    """A looser bound for the criterion that asks the same, in the gate that has it."""
    types = place.registry.observation_types
    offered = criteria.compile(expression, types)
    if offered.warnings:
        raise InputError(offered.warnings)
    gates = [gate_of(view, gate)] if gate else [one for one in view.gates if one.outcome is Outcome.FAIL]
    fitting = [
        one
        for one in gates
        if any(stands_for(offered, criteria.compile(asked.expression, types)) for asked in one.gate.criteria)
    ]
    if not fitting:
        where = f"`{gate}`" if gate else "any red gate"
        message = f"`{expression}` is no looser bound of a criterion of {where}"
        raise InputError.of("waiver-of-what", message, help="run `gonogo waive` to see what could be waived")
    if len(fitting) > 1:
        named = ", ".join(f"`{one.gate.id}`" for one in fitting)
        raise InputError.of("which-gate", f"`{expression}` would do for {named}", help="say which with `--gate`")
    return Subject(_red(fitting[0]), criterion=expression)


def _stated(view: RunView, gate: str, file: Path, place: Place) -> list[Subject]:
    """What a VEX document says of the run's vulnerabilities; what is left out is told, with the reason."""
    try:
        statements = vex.read(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError.of(
            "vex-unreadable", f"cannot read `{file}`: {error}", help="name an OpenVEX document"
        ) from None
    names = (*product_names(view.plan), place.root.name)
    gates = [gate_of(view, gate)] if gate else [one for one in view.gates if one.outcome is Outcome.FAIL]
    subjects: dict[tuple[str, str], Subject] = {}
    for statement in statements:
        if statement.status != "not_affected":
            say(f"left out: {safe(statement.shown)} is `{statement.status}` there, and only `not_affected` accepts it")
            continue
        about = [(one, f) for one in gates for f in one.verdict.findings if vex.speaks_of(statement, f, names)]
        if not about:
            say(f"left out: {safe(statement.shown)} is no finding of a red gate here, in that package and version")
        for one, finding in about:
            told = {"reason": statement.reason, "link": statement.link, "justification": statement.justification}
            subjects.setdefault((one.gate.id, finding.id), _of(one, finding.id, **told))
    if not subjects:
        raise Refused(
            "nothing in that document accepts a finding of this run", help="see what is red with `gonogo waive`"
        )
    return list(subjects.values())


# --- writing it down -----------------------------------------------------------------------------------------


def _until(text: str, days: int | None) -> date:
    if text and days:
        raise click.UsageError("give `--until` or `--days`, not both")
    if not text:
        return today() + timedelta(days=days or DAYS)
    found = day(text)
    if found is None:
        raise InputError.of("no-such-day", f"`{text}` is no day", help="write year-month-day, such as `2026-12-31`")
    return found


def _write(place: Place, subjects: Sequence[Subject], terms: Terms, vex_only: bool) -> None:
    path = place.root / FILE
    text = _text(path)
    known = read(text.encode()) if text is not None else None
    longest = known.most_days if known is not None else MOST_DAYS
    _check_terms(place, terms, longest, vex_only)
    taken = {entry.waiver.id for entry in known.entries} if known is not None else set()
    existing = {(e.waiver.gate, e.waiver.finding, e.waiver.criterion) for e in known.entries} if known else set()
    fresh: list[Waiver] = []
    for subject in subjects:
        made = _waiver(subject, terms, taken)
        if (made.gate, made.finding, made.criterion) in existing:
            raise Refused(
                f"`{FILE}` has a waiver for `{made.finding or made.criterion}` already",
                help="change its `until`, and have that approved",
            )
        taken.add(made.id)
        fresh.append(made)
    found = added(text, fresh)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(found.encode())
    except OSError as error:
        raise OperationError(f"cannot write `{FILE}`: {error.strerror}", help="make its directory writable") from error
    for made in fresh:
        write(f"{made.id}: {safe(made.finding or made.criterion)} until {made.until.isoformat()}\n")
    say(f"wrote {FILE}: commit it, reviewed by {safe(terms.approver)}; until then it does not count")


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError.of("waivers-unreadable", f"cannot read `{FILE}`: {error}", help=f"mend {FILE}") from None


def _check_terms(place: Place, terms: Terms, longest: int, vex_only: bool) -> None:
    """Whatever a run would refuse later is refused now."""
    if not terms.approver.strip():
        raise InputError.of("no-approver", "nobody approves it", help="say who with `--approver`: not who commits it")
    if not terms.reason.strip() and not vex_only:
        raise InputError.of("no-reason", "it gives no reason", help="say why it can be borne with `--reason`")
    latest = today() + timedelta(days=longest)
    if not today() <= terms.until <= latest:
        raise InputError.of(
            "waiver-too-long", f"{terms.until.isoformat()} is not within the next {number(longest, 'day')}",
            help=f"give a day up to {latest.isoformat()}",
        )  # fmt: skip
    if terms.link and not re.fullmatch(r"https?://[^\s/]\S*", terms.link):
        raise InputError.of("no-link", f"`{terms.link}` is no link", help="write a URL that begins with `https://`")
    people = keys.present(place.root)
    person = next((one for one in people if one.called(terms.approver)), None)
    if people and person is None:
        near = nearest(terms.approver, [one.id for one in people])
        order = f"did you mean `{near}`?" if near else "name somebody whose key is in `.gonogo/people/`"
        raise InputError.of("unknown-approver", f"`{terms.approver}` is nobody known here", help=order)
    if called(terms.approver, person) & _me(place):
        raise Refused(
            f"you are {terms.approver}, and nobody approves what they wrote",
            help="have somebody else approve it, or write it",
        )


def _me(place: Place) -> frozenset[str]:
    """All that git would call the author of a commit made here and now."""
    from gonogo.owners.blame import names_of

    told = (git_output(place.root, "var", "GIT_AUTHOR_IDENT") or b"").decode("utf-8", "replace")
    match = re.match(r"(.*?) ?<(.*?)>", told)
    return names_of([(match[1], match[2])]) if match else frozenset()


def _waiver(subject: Subject, terms: Terms, taken: Iterable[str]) -> Waiver:
    gate = subject.gate.gate
    owner = terms.owner or (gate.owners[0] if len(gate.owners) == 1 else "")
    if owner not in gate.owners:
        listed = ", ".join(f"`{name}`" for name in gate.owners) or "nobody"
        message = f"{owner} is no owner of `{gate.id}`" if owner else f"`{gate.id}` has several owners"
        raise InputError.of("wrong-owner", message, help=f"say one of {listed} with `--owner`")
    return Waiver(
        id=_id(subject, taken),
        owner=owner,
        approver=terms.approver.strip(),
        reason=" ".join((terms.reason or subject.reason).split()),
        until=terms.until,
        finding=subject.finding,
        criterion=subject.criterion,
        gate=gate.id,
        link=terms.link or subject.link,
        matches=subject.matches,
        justification=subject.justification,
    )


def _id(subject: Subject, taken: Iterable[str]) -> str:
    """A short name that tells what it is for: `ghsa-xvch-5gv4-984h-minimist`."""
    known = vex.advisory(Finding(vex.FAMILY, subject.finding, "", ""))
    text = f"{known.name} {known.package}" if known is not None else subject.finding or subject.criterion
    base = slug(text)[:_LONGEST_ID].strip("-") or "waiver"
    name, count, used = base, 1, set(taken)
    while name in used:
        count += 1
        name = f"{base}-{count}"
    return name
