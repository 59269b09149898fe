"""Private halves in the system's own key store: Keychain, Secret Service, KWallet, Windows' vault (extra `keystore`).

A file beside the others says that a key is there and which one it is, so that `gonogo keys list` need not ask a store
that cannot list. A backend that would only hide the key, or keep nothing, is refused: `keyring` falls back to such
ones without a word.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from gonogo.errors import InputError, IntegrityError, OperationError, Refused
from gonogo.evidence import sign

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SERVICE = "gonogo"
"""Under what name the store shows it; the account is `<person>:<first digits of the key's id>`."""
MARK = "gonogo key store: "
"""How the file of a key begins whose private half is in the store; the key's id follows."""
INSTALL = "pip install 'gonogo[keystore]'"

_DIGITS = 16


def note(keyid: str) -> bytes:
    """The text of the file that says where the key is."""
    return f"{MARK}{keyid}\n".encode()


def noted(text: bytes) -> str:
    """The id of the key that the store has, from that file; empty: the file is a key itself."""
    told = text.decode("utf-8", "replace")
    return told.removeprefix(MARK).strip() if told.startswith(MARK) else ""


def ready() -> str:
    """The name of the store that would be used.

    Raises:
        InputError: The extra is not installed.
        Refused: There is no store here, or none that keeps a secret.
    """
    return _name(_backend())


def keep(person: str, keyid: str, private: bytes) -> str:
    """Keep a private half; returns the name of the store.

    Raises:
        InputError: The extra is not installed.
        Refused: There is no store here, or none that keeps a secret.
        OperationError: The store said no.
    """
    backend = _backend()
    text = base64.b64encode(private).decode()
    try:
        backend.set_password(SERVICE, _account(person, keyid), text)
        kept = backend.get_password(SERVICE, _account(person, keyid))
    except Exception as error:  # whatever a store's own library raises: locked, denied, gone
        raise _said_no(backend, error) from None
    if kept != text:
        raise Refused(
            f"the key store `{_name(backend)}` did not keep the key",
            help="choose another one in keyring's settings, or leave out `--store os`",
        )
    return _name(backend)


def fetch(person: str, keyid: str) -> Ed25519PrivateKey:
    """The private half.

    Raises:
        InputError: The extra is not installed, or the store has no such key.
        Refused: There is no store here, or none that keeps a secret.
        OperationError: The store said no.
        IntegrityError: What it has is not that key.
    """
    backend = _backend()
    try:
        text = backend.get_password(SERVICE, _account(person, keyid))
    except Exception as error:  # whatever a store's own library raises: locked, denied, gone
        raise _said_no(backend, error) from None
    if text is None:
        raise InputError.of(
            "no-private-key",
            f"the key store `{_name(backend)}` has no key of `{person}`",
            help="unlock the store it was kept in, or make a new key for another person: `gonogo keys new`",
        )
    private = _key(text)
    if private is None or sign.keyid(private.public_key()) != keyid:
        raise IntegrityError(f"the key store has something else of `{person}` than the key that was kept there")
    return private


def _key(text: str) -> Ed25519PrivateKey | None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None


def _account(person: str, keyid: str) -> str:
    return f"{person}:{keyid[:_DIGITS]}"


def _name(backend: Any) -> str:
    name = getattr(backend, "name", "") or type(backend).__name__
    return str(name)


def _said_no(backend: Any, error: Exception) -> OperationError:
    """Never the library's text: it may quote what it was given."""
    return OperationError(
        f"the key store `{_name(backend)}` said no ({type(error).__name__})", help="unlock it, then try again"
    )


def _backend() -> Any:
    try:
        from keyring import backend, core
        from keyring.backends import chainer, fail, null
    except ImportError:
        raise InputError.of("no-keyring", "the key store needs the extra `keystore`", help=f"run: {INSTALL}") from None
    try:
        chosen = core.load_env() or core.load_config()
    except Exception as error:  # a setting that names a backend which is not there or cannot be loaded
        raise Refused(
            f"keyring's settings name a key store that cannot be used ({type(error).__name__})",
            help="mend `PYTHON_KEYRING_BACKEND` or keyringrc.cfg (`keyring diagnose` says where it is)",
        ) from None
    good = [b for b in backend.get_all_keyring() if core.recommended(b) and not isinstance(b, chainer.ChainerBackend)]
    found = chosen or max(good, key=backend.by_priority, default=None)
    if found is None or isinstance(found, (fail.Keyring, null.Keyring)):
        raise Refused(
            "there is no key store of the system here",
            help="start one (Secret Service, KWallet), or leave out `--store os`: a passphrase locks the key then",
        )
    return found
