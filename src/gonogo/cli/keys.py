"""`gonogo keys`: people's keys. Private halves stay in the user's own directory; trusting one is a reviewed commit."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gonogo.cli.failure import say
from gonogo.cli.passphrase import asked
from gonogo.cli.place import Place, here, write
from gonogo.config import git_output
from gonogo.errors import InputError, Refused, nearest
from gonogo.evidence import sign
from gonogo.model.roster import Person
from gonogo.owners import codeowners, keys
from gonogo.telling.words import safe

_SHOWN = 16
"""Digits of a key's id that a person compares."""


@click.group("keys")
def command() -> None:
    """Make, list, trust and revoke people's keys (ed25519).

    The private half is encrypted with a passphrase and lies in your own configuration directory, or it lies in the key
    store of your system; never in the repository. The public half lies in `.gonogo/people/`: committing it there is
    what makes a run trust it.
    """


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


@command.command("new")
@click.argument("person", required=False, default="")
@click.option("--name", default="", help="Your name.  [default: git's]")
@click.option(
    "--email", "emails", multiple=True, help="An address you commit with; may be given again.  [default: git's]"
)
@click.option("--handle", "handles", multiple=True, metavar="@NAME", help="What CODEOWNERS calls you.")
@click.option(
    "--store",
    type=click.Choice(["file", "os"]),
    default="file",
    show_default=True,
    help="Where the private half lies: in a file locked with a passphrase, or in the key store of the system.",
)
def new(person: str, name: str, emails: tuple[str, ...], handles: tuple[str, ...], store: str) -> int:
    """Make a key for PERSON and write its public half into `.gonogo/people/`.

    PERSON is how the checklist calls you: `ada`. Without it your address before the `@` is taken.
    """
    place = here()
    name = name or _git(place, "user.name")
    emails = emails or tuple(filter(None, [_git(place, "user.email")]))
    person = person or _id(emails[0].partition("@")[0] if emails else name)
    if any(known.id == person for known in keys.present(place.root)):
        raise Refused(f"there is a `{person}` in `{keys.PEOPLE}/` already", help="name the person another way")
    if store == "os":
        pem, where = keys.create_in_store(person, place.root)
        say(f"the private half is in the key store: {safe(where)}")
    else:
        pem = keys.create(person, asked(place.root, person, new=True), place.root)
    made = Person(person, name or person, pem, emails, handles, _today())
    _tell_written(_added(place, made), made, place)
    return 0


def _added(place: Place, made: Person) -> Path:
    """Write the person's file; where it makes two people one, it is taken away again and `InputError` says so."""
    path = keys.write(place.root, made)
    try:
        keys.present(place.root)
    except InputError:
        path.unlink()
        raise
    return path


def _git(place: Place, name: str) -> str:
    return (git_output(place.root, "config", name) or b"").decode("utf-8", "replace").strip()


def _id(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._") or "me"


def _tell_written(path: Path, person: Person, place: Place) -> None:
    relative = path.relative_to(place.root)
    mark = f"as {safe(person.identity)}" if person.keyless else f"key {keys.keyid(person)[:_SHOWN]}"
    say(f"wrote {relative}: {safe(person.name)}, {mark}")
    if not person.emails:
        say("no address of theirs is known, so that no commit can be told to be theirs: say --email")
    say(f"it is trusted once it is committed: git add {relative} && git commit, and let somebody review that")


@command.command("list")
@click.option("--pem", is_flag=True, help="Print the public keys themselves.")
def list_(pem: bool) -> int:
    """List the people of this repository, whether their keys are trusted, and which private halves are here.

    With a CODEOWNERS file: also the owners it names, and who of them has no key yet.
    """
    place = here()
    trusted = {person.id: person for person in keys.committed(place.root, place.subject().commit)}
    here_too = set(keys.mine(place.root))
    lines = []
    for person in keys.present(place.root):
        lines.append(_line(person, trusted.get(person.id), private=person.id in here_too))
        lines += [person.public_key.strip()] if pem and not person.keyless else []
    known = {person.id for person in keys.present(place.root)}
    lines += [f"{person:<16}private half here, and no file in `{keys.PEOPLE}/`" for person in sorted(here_too - known)]
    write("".join(f"{line}\n" for line in [*lines, *_codeowners(place)]) or f"nobody yet: `{keys.PEOPLE}/` is empty\n")
    return 0


def _line(person: Person, trusted: Person | None, *, private: bool) -> str:
    if person.revoked:
        state = f"revoked: {safe(person.revoked)}"
    elif trusted is None:
        state = "not committed yet"
    elif keys.keyid(trusted) != keys.keyid(person):
        state = "changed, and not committed yet"
    else:
        state = f"trusted since {person.since}" if person.since else "trusted"
    who = f"{safe(person.name)} <{safe(', '.join(person.emails))}>"
    here_too = ", private half here" if private else ""
    mark = "without a key   " if person.keyless else keys.keyid(person)[:_SHOWN]
    who += f", as {safe(person.identity)} of {safe(person.issuer)}" if person.keyless else ""
    return f"{person.id:<16}{mark}  {state}{here_too}  {who}"


def _codeowners(place: Place) -> list[str]:
    try:
        found, _ = codeowners.find(place.root)
    except InputError:
        return []
    people = keys.present(place.root)
    lines = ["", "CODEOWNERS"]
    for seat in found.seats:
        for token in found.tokens(seat) or seat.groups:
            person = next((one for one in people if one.called(token)), None)
            lines.append(f"  {seat.owner:<14}{token:<24}{person.id if person else 'nobody with a key'}")
    return lines


@command.command("trust")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--person", default="", help="How the checklist calls them.  [default: the file's name]")
@click.option("--name", default="", help="Their name.")
@click.option("--email", "emails", multiple=True, help="An address they commit with; may be given again.")
@click.option("--handle", "handles", multiple=True, metavar="@NAME", help="What CODEOWNERS calls them.")
@click.option("--identity", default="", help="Without a key: whom Sigstore's certificate must name.")
@click.option("--issuer", default="", metavar="URL", help="Who vouches for that identity.")
def trust(file: Path | None, person: str, identity: str, issuer: str, **about: Any) -> int:
    """Write somebody's public key, in PEM in FILE, into `.gonogo/people/`, for a reviewed commit.

    With `--identity` and `--issuer`, and no FILE: somebody who signs with Sigstore and has no key (extra `keyless`).
    """
    if (file is None) is not bool(identity and issuer):
        raise click.UsageError("name a FILE with a public key, or both --identity and --issuer")
    place = here()
    pem = _pem_in(file) if file is not None else ""
    person = person or _id(file.stem if file is not None else identity.partition("@")[0])
    known = {one.id: one for one in keys.present(place.root)}
    made = Person(
        person, about["name"] or person, pem, about["emails"], about["handles"], _today(), "", identity, issuer
    )
    if person in known and keys.keyid(known[person]) != keys.keyid(made):
        raise Refused(f"`{person}` has another key already", help=f"revoke that: `gonogo keys revoke {person}`")
    _tell_written(_added(place, made), made, place)
    return 0


def _pem_in(file: Path) -> str:
    try:
        pem = file.read_text(encoding="utf-8")
        sign.public_key(pem)
    except (OSError, ValueError) as error:
        raise InputError.of("no-public-key", f"`{file}`: {error}", help="ask for their public key in PEM") from error
    return pem


@command.command("revoke")
@click.argument("person")
@click.option("--message", "-m", required=True, help="Why.")
def revoke(person: str, message: str) -> int:
    """Say that PERSON's key is no longer to be trusted; from now on nothing it signed counts in any run.

    It counts at once, committed or not. A new key needs another PERSON: what was signed stays told apart.
    """
    place = here()
    known = {one.id: one for one in keys.present(place.root)}
    if person not in known:
        near = nearest(person, known)
        raise InputError.of(
            "unknown-person",
            f"nobody is called `{person}`",
            help=f"did you mean `{near}`?" if near else "run `gonogo keys list`",
        )
    revoked = dataclasses.replace(known[person], revoked=f"{_today()}, {message}")
    path = keys.write(place.root, revoked)
    say(f"revoked in {path.relative_to(place.root)}; commit it, so that everybody knows")
    return 0
