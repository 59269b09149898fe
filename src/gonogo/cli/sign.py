"""`gonogo sign`: a person's go or no-go, over the digest of exactly what that person sees."""

from __future__ import annotations

import hashlib
import mimetypes
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gonogo import engine
from gonogo.cli.ask import said_of, waiting_for
from gonogo.cli.carried import hand_in, run_in, send
from gonogo.cli.failure import say
from gonogo.cli.passphrase import unlocked
from gonogo.cli.place import Place, here
from gonogo.cli.show import gate_of
from gonogo.engine.poll import keep_seen
from gonogo.errors import InputError, IntegrityError, Refused, nearest
from gonogo.evidence import secrets
from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Store
from gonogo.model.capture import Blob
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import RunState, RunView
from gonogo.model.sign_off import SignOff, Word
from gonogo.owners import keyless, keys, sign_off
from gonogo.owners.sign_off import Saying, Signer
from gonogo.telling.words import WORDS, safe, short_commit, tally

_NEW = click.Path(path_type=Path, dir_okay=False)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_NOTHING_SEEN = {Outcome.NOT_RUN, Outcome.NOT_APPLICABLE}


@click.command("sign")
@click.option("--owner", default="", metavar="NAME", help="For whom you speak.  [default: the only one you can]")
@click.option("--go/--no-go", "go", default=None, help="What you say.")
@click.option("--message", "-m", default="", help="Why; with a no-go it is needed.")
@click.option("--gate", default="", metavar="ID", help="About this gate only.")
@click.option("--question", default="", metavar="ID", help="About this question of the gate only.")
@click.option("--run", default="", metavar="RUN", help="About which run.  [default: the last]")
@click.option("--attach", "files", multiple=True, metavar="FILE", type=_FILE, help="Keep this file with your word.")
@click.option("--as", "person", default="", metavar="PERSON", help="Who you are.  [default: whose key is here]")
@click.option("--bundle", metavar="BUNDLE", type=_FILE, help="About the run in this bundle, which is elsewhere.")
@click.option("--output", metavar="FILE", type=_NEW, help="Where your word goes, with --bundle.  [default: RUN.PERSON]")
@click.option("--take", metavar="FILE", type=_FILE, help="Hand in a word that was signed elsewhere, with --bundle.")
def command(*, take: Path | None, bundle: Path | None, output: Path | None, **given: Any) -> int:
    """Sign a go or a no-go for an owner: about a run, a gate of it, or a question of that gate.

    What is signed is the digest of what you see: plan, subject, verdicts, evidence and waivers. Any later change makes
    your word void, and says what changed. A no-go wins over any number of go.
    """
    if take is not None:
        return _take(take)
    if output is not None and bundle is None:
        raise click.UsageError("--output goes with --bundle")
    return _say(bundle=bundle, output=output, **given)


def _word(message: str, *, go: bool | None) -> Word:
    """What is said; a no-go says why."""
    if go is None:
        raise click.UsageError("say --go or --no-go")
    if not go and not message.strip():
        raise click.UsageError('a no-go needs a reason: -m "…"')
    return Word.GO if go else Word.NO_GO


def _say(
    *,
    go: bool | None,
    message: str,
    gate: str,
    question: str,
    files: tuple[Path, ...],
    bundle: Path | None,
    output: Path | None,
    **given: str,
) -> int:
    word = _word(message, go=go)
    if question and not gate:
        raise click.UsageError("--question is one of a gate: say --gate too")
    if bundle is not None and files:
        raise click.UsageError("--attach needs the repository that the run is in: evidence is kept there")
    place = here(repository=bundle is None)
    view = place.run_view(given["run"]) if bundle is None else run_in(bundle)
    _may_be_signed(view, word, gate)
    person = _person(place, view, given["person"])
    question = _question(view, gate, question, word)
    owner = _owner(view, person, given["owner"], gate)
    redactor = _redactor(place, view)
    if bundle is None:
        _intact(place, view, gate)
    saying = Saying(owner, word, redactor.text(message), gate, question, _attached(place, redactor, files))
    _tell_seen(view, saying, person)
    envelope, said = sign_off.make(view, saying, _signer(place, view, person), _now())
    if bundle is not None:
        carried = output or Path(f"{view.id}.{person}.intoto.jsonl")
        send(envelope, carried)
        say(f"signed: {said.digest}")
        say(f"send {carried} to where the run is, and hand it in there: gonogo sign --take {carried.name}")
        return 0
    keep_seen(place.state, sign_off.seen_document(view, gate))
    taken = engine.deliver(envelope, run_id=view.id, root=place.root, state=place.state)
    _tell_after(place, said, taken=taken)
    return 0


def _take(file: Path) -> int:
    place = here()
    for said, taken in hand_in(place, file):
        about = f" about gate {said.gate}" if said.gate else ""
        say(f"{safe(said.person)} says {said.word} for {safe(said.owner)}{about}: {safe(said.message)}")
        if said.void:
            say(f"void: {said.void}; ask them to sign anew")
        _tell_after(place, said, taken=taken)
    return 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# --- who, for whom, about what -------------------------------------------------------------------------------


def _may_be_signed(view: RunView, word: Word, gate: str) -> None:
    """A go needs something that was seen; a no-go may be said at any time."""
    if gate:
        outcome = gate_of(view, gate).outcome
        if word is Word.GO and outcome in _NOTHING_SEEN:
            raise Refused(f"gate `{gate}` is {WORDS[outcome]}: there is nothing to say go to", help="run it first")
    elif word is Word.GO and view.state is not RunState.FINISHED:
        raise Refused(
            f"run {view.id} is {view.state.value}: a go is about what was looked at",
            help="wait until it has decided, or go on with `gonogo run --resume`",
        )


def _person(place: Place, view: RunView, wanted: str) -> str:
    here_too = keys.mine(place.repository_root)
    trusted = [person.id for person in view.plan.people]
    if wanted:
        if wanted not in trusted:
            near = nearest(wanted, trusted)
            raise Refused(
                f"the key of `{wanted}` is not trusted at the subject's commit",
                help=f"did you mean `{near}`?" if near else f"commit `{keys.PEOPLE}/{wanted}.yaml`, and run again",
            )
        return wanted
    both = [person for person in here_too if person in trusted]
    if len(both) == 1:
        return both[0]
    if both:
        raise click.UsageError(f"say who you are: --as {' or --as '.join(both)}")
    told = f"commit `{keys.PEOPLE}/{here_too[0]}.yaml`, and run again" if here_too else "make a key: `gonogo keys new`"
    raise Refused("no key of a person who is trusted at the subject's commit is on this machine", help=told)


def _signer(place: Place, view: RunView, person: str) -> Signer:
    """The person's key, unlocked; of somebody who signs without one, their identity."""
    known = next(one for one in view.plan.people if one.id == person)
    if known.keyless:
        return keyless.Identity(person, known.identity, known.issuer)
    return unlocked(place.repository_root, person)


def _question(view: RunView, gate: str, question: str, word: Word) -> str:
    """The question's id; its number within the gate is enough."""
    if not gate:
        return ""
    asks = [one.id for one in view.plan.node(gate).asks]
    if not question:
        if not asks and word is Word.GO:
            raise InputError.of(
                "asks-nothing", f"gate `{gate}` asks nobody", help="leave out --gate to sign for the run as a whole"
            )
        return ""
    found = [one for one in asks if question in {one, one.removeprefix(f"{gate}.").removeprefix(f"{gate}:")}]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"`{one}`" for one in asks) or "nothing"
    raise InputError.of("unknown-question", f"gate `{gate}` asks no question `{question}`", help=f"it asks {known}")


def _owner(view: RunView, person: str, owner: str, gate: str) -> str:
    """The owner as the checklist spells it; the only one this person can speak for here where none is named."""
    own = sign_off.owners_of(view, person)
    if gate:
        of_gate = {name.casefold() for name in view.plan.node(gate).gate.owners}
        known = [name for name in own if name.casefold() in of_gate]
    else:
        known = [name for name in own if name in view.plan.roster.demanded(view.plan.sign_offs)] or list(own)
    if owner:
        return next((name for name in (*known, *own) if name.casefold() == owner.casefold()), owner)
    if len(known) == 1:
        return known[0]
    where = f"gate `{gate}`" if gate else "this checklist"
    if not known:
        raise Refused(f"`{person}` speaks for no owner of {where}", help="leave it to those who do: `gonogo ask --all`")
    raise click.UsageError(f"say for whom: --owner {' or --owner '.join(known)}")


# --- what is signed ------------------------------------------------------------------------------------------


def _redactor(place: Place, view: RunView) -> Redactor:
    files = [place.root / path for path in view.plan.secret_files]
    return Redactor([*secrets.harvest(files), *secrets.from_variables(os.environ)], common=[place.root.name])


def _intact(place: Place, view: RunView, gate: str) -> None:
    """Nobody signs for evidence that is no longer what it was; raises `IntegrityError` naming it."""
    store = place.state / "evidence"
    verdicts = {one.gate.id: one.verdict for one in view.gates if one.gate.id == gate or not gate}
    for entry in sign_off.evidence_entries(verdicts):
        path = store / entry["sha256"][:2] / entry["sha256"]
        try:
            with path.open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == entry["sha256"]
        except OSError:
            whole = False
        if not whole:
            named = entry["path"] or entry["name"]
            raise IntegrityError(
                f"evidence `{named}` of gate `{entry['gate']}` is missing or was altered: {path}", help="run again"
            )


def _attached(place: Place, redactor: Redactor, files: tuple[Path, ...]) -> tuple[Blob, ...]:
    if not files:
        return ()  # making a store makes a directory, and a word over a bundle needs none
    store = Store(place.state / "evidence", redactor)
    found = []
    for file in files:
        media = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        try:
            found.append(store.put_file(file.name, file, media))
        except OSError as error:
            raise InputError.of(
                "cannot-attach", f"`{file}` cannot be read: {error.strerror}", help="name another file"
            ) from error
    return tuple(found)


def _tell_seen(view: RunView, saying: Saying, person: str) -> None:
    """What the person is about to sign, before the passphrase is asked for."""
    subject = view.plan.subject
    state = "clean" if subject.clean else f"{len(subject.dirty)} uncommitted"
    say(f"{safe(view.plan.title)}: {short_commit(subject.commit)} ({state}) on {safe(view.plan.target)}, run {view.id}")
    images = (view.subject_at(saying.gate) if saying.gate else view.subject).images
    for service, digest in sorted(images.items()):
        say(f"  image {safe(service)} {safe(digest)}")
    if saying.gate:
        gate = gate_of(view, saying.gate)
        say(f"  gate {saying.gate}: {WORDS[gate.outcome]}")
        for question in view.plan.node(saying.gate).asks:
            if saying.question in {"", question.id}:
                say(f"  {question.id}: {safe(question.text)}")
    else:
        decision = view.decision.word.value if view.decision else "no decision yet"
        say(f"  {decision}: {tally(view.gates)}")
    say(f"  seen: {sign_off.seen_digest(view, saying.gate)[0]}")
    say(f"  {person} signs {saying.word} for {safe(saying.owner)}")


def _tell_after(place: Place, said: SignOff, *, taken: bool) -> None:
    say(f"signed: {said.digest}")
    if not taken:
        say("a run is at work here; it takes your word in by itself, or `gonogo run --resume` does")
        return
    view = place.run_view(said.run)
    waiting: list[Any] = list(waiting_for(view, said_of(place, view)))
    anew = f"decide anew with: gonogo run --resume {said.run}"
    if said.word is Word.NO_GO:
        was = view.decision.word if view.decision else None
        say(f"the run was decided {was.value}; {anew}" if was and was is not DecisionWord.NO_GO else anew)
    elif waiting:
        people = ", ".join(dict.fromkeys(person for one in waiting for person in one.people))
        say(f"still waiting: {len(waiting)} (`gonogo ask --all`){f': {people}' if people else ''}")
    else:
        say(f"everything that was waited for is in; {anew}")
