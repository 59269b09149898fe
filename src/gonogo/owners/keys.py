"""People's keys: the public half in the repository, where trusting it is a reviewed commit; the private half never.

`.gonogo/people/<id>.yaml` holds name, addresses and the public key. The private half lies in the user's own
configuration directory, in OpenSSH's form: its bcrypt makes each guess at the passphrase dear, which the PKCS #8 that
`cryptography` writes does not (2,048 rounds of PBKDF2). Or it lies in the system's own key store (`key_store.py`).
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gonogo.config import git_output
from gonogo.errors import Diagnostic, GonogoError, InputError, OperationError, Refused, Span, nearest
from gonogo.evidence import sign
from gonogo.evidence.sign import Envelope
from gonogo.frozen import dataclass
from gonogo.model.roster import Person
from gonogo.owners import key_store, keyless

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PEOPLE = ".gonogo/people"
DIRECTORY_VARIABLE = "GONOGO_KEYS"
PASSPHRASE_VARIABLE = "GONOGO_PASSPHRASE_FILE"
PRIVATE_VARIABLES = (DIRECTORY_VARIABLE, PASSPHRASE_VARIABLE)
"""Variables that no process of a run may see."""

ROUNDS = 64
"""Rounds of bcrypt for the private half: about half a second for each guess."""
SHORTEST_PASSPHRASE = 8

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FIELDS = ("name", "emails", "handles", "since", "public_key", "identity", "issuer", "revoked")
_MOST_BYTES = 64 * 1024


# --- public halves, in the repository ------------------------------------------------------------------------


def committed(root: Path, commit: str) -> tuple[Person, ...]:
    """The people whose keys the repository holds at `commit`, by id; revoked ones too, with the reason.

    A revocation counts as soon as the working tree says so, trust only once it is committed.

    Raises:
        InputError: With every mistake in their files.
    """
    names = _files(root, commit) if commit else ()
    problems: list[Diagnostic] = []
    found = []
    for name in names:
        data = git_output(root, "cat-file", "blob", f"{commit}:{name}") or b""
        person = _read(name, data, problems)
        if person is not None:
            found.append(person)
    _distinct(found, problems)
    if problems:
        raise InputError(problems)
    now = {person.id: person for person in _working_tree(root)}
    return tuple(_revoked_since(person, now) for person in found)


@cache
def _files(root: Path, commit: str) -> tuple[str, ...]:
    """The people's files of a commit, which never change; a command asks several times."""
    listed = git_output(root, "ls-tree", "-z", "--name-only", commit, f"{PEOPLE}/") or b""
    return tuple(name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name.endswith(".yaml"))


def _revoked_since(person: Person, now: Mapping[str, Person]) -> Person:
    other = now.get(person.id)
    if person.revoked or other is None or not other.revoked:
        return person
    return replace(person, revoked=other.revoked)


def present(root: Path) -> tuple[Person, ...]:
    """The people of the working tree, committed or not; raises `InputError` with every mistake in their files."""
    problems: list[Diagnostic] = []
    found = list(_working_tree(root, problems))
    _distinct(found, problems)
    if problems:
        raise InputError(problems)
    return tuple(found)


def _working_tree(root: Path, problems: list[Diagnostic] | None = None) -> Iterable[Person]:
    """Those whose files can be read; mistakes go into `problems` where that is given."""
    mistakes: list[Diagnostic] = problems if problems is not None else []
    for path in sorted((root / PEOPLE).glob("*.yaml")):
        try:
            data = path.read_bytes()
        except OSError as error:
            mistakes.append(Diagnostic("person-unreadable", f"`{path}` cannot be read: {error.strerror}"))
            continue
        person = _read(path.relative_to(root).as_posix(), data, mistakes)
        if person is not None:
            yield person


def revoked_now(root: Path) -> dict[str, str]:
    """Id -> why, of everybody whose key the working tree calls revoked; unreadable files revoke nobody."""
    return {person.id: person.revoked for person in _working_tree(root) if person.revoked}


def _read(name: str, data: bytes, problems: list[Diagnostic]) -> Person | None:
    """The person in one file; mistakes go into `problems`."""
    before = len(problems)
    identity = Path(name).stem

    def wrong(slug: str, message: str, help: str) -> None:  # noqa: A002 - the reader's word for it
        problems.append(Diagnostic(slug, message, Span(name, 1), help=help))

    fields = _yaml(data)
    if fields is None:
        wrong("person-unreadable", f"`{name}` is no small YAML mapping", "write it with `gonogo keys trust`")
        return None
    for field in fields:
        if field not in _FIELDS:
            near = nearest(str(field), _FIELDS)
            wrong("unknown-field", f"unknown field `{field}` of a person", f"use one of: {', '.join(_FIELDS)}"
                  if near is None else f"write `{near}`")  # fmt: skip
    if not _ID.fullmatch(identity):
        wrong("person-id", f"`{identity}` cannot name a person", "use small letters, digits, `.`, `_` and `-`")
    for slug, message, mend in keyless.mistakes(identity, fields):
        wrong(slug, message, mend)
    emails, handles = _texts(fields.get("emails")), _texts(fields.get("handles"))
    if emails is None or handles is None:
        wrong(
            "wrong-type", f"`emails` and `handles` of `{identity}` must be lists of texts", "write `[ada@example.org]`"
        )
    if len(problems) > before:
        return None
    return Person(
        id=identity,
        name=str(fields.get("name") or identity),
        public_key=str(fields.get("public_key") or ""),
        identity=str(fields.get("identity") or ""),
        issuer=str(fields.get("issuer") or ""),
        emails=emails or (),
        handles=handles or (),
        since=str(fields.get("since") or ""),
        revoked=str(fields.get("revoked") or ""),
    )


def _yaml(data: bytes) -> dict[str, Any] | None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if len(data) > _MOST_BYTES:
        return None
    try:
        parsed = YAML(typ="safe", pure=True).load(data.decode())
    except (YAMLError, ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        return None
    return tuple(value)


def _distinct(people: Iterable[Person], problems: list[Diagnostic]) -> None:
    """Nobody is two people: no key and no name stands for two of them."""
    seen: dict[str, str] = {}
    for person in people:
        names = [person.id, *person.emails, *person.handles]
        for mark in dict.fromkeys([keyid(person), *(name.casefold() for name in names)]):
            other = seen.setdefault(mark, person.id)
            if other != person.id:
                what = "have the same key" if mark == keyid(person) else f"are both called `{mark}`"
                message = f"`{other}` and `{person.id}` {what}"
                span = Span(f"{PEOPLE}/{person.id}.yaml", 1)
                problems.append(Diagnostic("same-person-twice", message, span, help="keep one of the two files"))


def keyid(person: Person) -> str:
    """sha256 of the person's public key (SubjectPublicKeyInfo, DER), in hex; or who signs for it without one."""
    if person.keyless:
        return f"{person.identity}::{person.issuer}"
    return sign.keyid(sign.public_key(person.public_key))


def write(root: Path, person: Person) -> Path:
    """Write the person's file into the working tree; committing it is what makes others trust it."""
    if not _ID.fullmatch(person.id):
        raise InputError.of(
            "person-id", f"`{person.id}` cannot name a person", help="use small letters, digits, `.`, `_` and `-`"
        )
    path = root / PEOPLE / f"{person.id}.yaml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_written(person), encoding="utf-8")
    except OSError as error:
        raise OperationError(f"cannot write `{path}`: {error.strerror}", help="make the directory writable") from error
    return path


def _written(person: Person) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import LiteralScalarString

    fields: dict[str, Any] = {"name": person.name, "emails": list(person.emails)}
    if person.handles:
        fields["handles"] = list(person.handles)
    fields["since"] = person.since
    if person.keyless:
        fields |= {"identity": person.identity, "issuer": person.issuer}
    else:
        fields["public_key"] = LiteralScalarString(person.public_key.strip() + "\n")
    if person.revoked:
        fields["revoked"] = person.revoked
    stream = io.StringIO()
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 1 << 16
    yaml.dump(fields, stream)
    return stream.getvalue()


# --- private halves, outside the repository ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A person's private half, unlocked. Its text form shows no secret."""

    person: str
    private: Ed25519PrivateKey

    @property
    def keyid(self) -> str:
        """sha256 of its public half."""
        return sign.keyid(self.private.public_key())

    def sign(self, payload: bytes) -> Envelope:
        """The payload in an envelope with this key's signature."""
        return sign.sign(payload, self.private)

    def __repr__(self) -> str:
        return f"Key({self.person!r})"


def directory(root: Path | None = None) -> Path:
    """Where private halves lie: `$GONOGO_KEYS`, else `keys` in the user's configuration directory for gonogo.

    Raises:
        Refused: It lies below `root`, the repository: a private half must never be there.
    """
    given = os.environ.get(DIRECTORY_VARIABLE)
    if given:
        place = Path(given)
    else:
        from platformdirs import user_config_path

        place = user_config_path("gonogo", appauthor=False) / "keys"
    place = place.resolve()
    if root is not None and place.is_relative_to(root.resolve()):
        raise Refused(
            f"private keys would lie in the repository: `{place}`",
            help=f"set {DIRECTORY_VARIABLE} to a directory outside of it",
        )
    return place


def mine(root: Path | None = None) -> tuple[str, ...]:
    """Ids of the people whose private half lies on this machine."""
    return tuple(sorted(path.name for path in directory(root).glob("*") if _ID.fullmatch(path.name)))


def create(person: str, passphrase: str, root: Path | None = None) -> str:
    """Make a key for `person` and keep its private half; returns the public half in PEM.

    Raises:
        InputError: The id cannot name a person, or the passphrase is too short.
        Refused: There is a key of that name already, or it would lie in the repository.
    """
    from cryptography.hazmat.primitives import serialization as form

    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise InputError.of(
            "passphrase-short",
            f"the passphrase has fewer than {SHORTEST_PASSPHRASE} characters",
            help="take a longer one",
        )
    private = _made(person)
    locked = form.PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(ROUNDS).build(passphrase.encode())
    _keep(directory(root) / person, private.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, locked))
    return _pem(private)


def create_in_store(person: str, root: Path | None = None) -> tuple[str, str]:
    """Make a key whose private half the system's key store keeps; returns the public half in PEM, and the store's name.

    Raises:
        InputError: The id cannot name a person, or the extra `keyring` is not installed.
        Refused: There is no key store here, a key of that name already, or its note would lie in the repository.
        OperationError: The store said no.
    """
    private, place = _made(person), directory(root) / person
    key = Key(person, private)
    key_store.ready()
    _keep(place, key_store.note(key.keyid))
    try:
        store = key_store.keep(person, key.keyid, private.private_bytes_raw())
    except GonogoError:
        place.unlink()
        raise
    return _pem(private), store


def _made(person: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not _ID.fullmatch(person):
        raise InputError.of("person-id", f"`{person}` cannot name a person", help="use small letters, digits and `-`")
    return Ed25519PrivateKey.generate()


def _pem(private: Ed25519PrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _keep(path: Path, data: bytes) -> None:
    """Write it for its owner's eyes only; never over another key."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise Refused(
            f"there is a private key `{path}` already", help="name another person, or move it away"
        ) from error
    except OSError as error:
        raise OperationError(f"cannot keep the key in `{path}`: {error.strerror}", help="make it writable") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def unlock(person: str, ask: Callable[[], str], root: Path | None = None) -> Key:
    """The private half of `person`; `ask` gives its passphrase, where the key store of the system has it not.

    Raises:
        InputError: There is no such key here, or the passphrase is wrong.
        Refused: The key store that has it is not here.
        IntegrityError: The key store has another key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    path = directory(root) / person
    if not _ID.fullmatch(person) or not path.is_file():
        here = mine(root)
        told = (
            f"the keys here are of {', '.join(f'`{one}`' for one in here)}" if here else "make one: `gonogo keys new`"
        )
        raise InputError.of("no-private-key", f"there is no private key of `{person}` on this machine", help=told)
    try:
        text = path.read_bytes()
        stored = key_store.noted(text)
        private = key_store.fetch(person, stored) if stored else load_ssh_private_key(text, ask().encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # never the library's text: it may quote what it was given
        private = None
    except OSError as error:
        raise OperationError(f"cannot read `{path}`: {error.strerror}", help="make it readable for you") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError.of(
            "wrong-passphrase", f"the key of `{person}` does not open with this passphrase", help="try again"
        )
    return Key(person, private)
