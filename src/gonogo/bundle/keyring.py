"""Public keys that somebody trusts, from where they keep them: PEM files, people's files, or directories of both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gonogo.errors import InputError
from gonogo.evidence import sign

_PEM = re.compile(r"-----BEGIN [A-Z ]*PUBLIC KEY-----.*?-----END [A-Z ]*PUBLIC KEY-----", re.DOTALL)
_MOST_BYTES = 1 << 20
_ENDINGS = {".pem", ".pub", ".yaml", ".yml"}


def load(places: Iterable[Path]) -> dict[str, str]:
    """Key id -> name of the key, of every key at these places; revoked people's keys are left out.

    Raises:
        InputError: A place cannot be read, or holds no key.
    """
    found: dict[str, str] = {}
    for place in places:
        keys = dict(_at(place))
        if not keys:
            raise InputError.of(
                "no-public-key",
                f"`{place}` holds no public key that is trusted",
                help="name a PEM file, a person's file of `.gonogo/people`, or a directory of them",
            )
        found |= keys
    return found


def _at(place: Path) -> Iterator[tuple[str, str]]:
    try:
        if place.is_dir():
            paths = sorted(path for path in place.iterdir() if path.suffix in _ENDINGS and path.is_file())
        else:
            paths = [place]
        for path in paths:
            with path.open("rb") as file:
                yield from _in(path, file.read(_MOST_BYTES).decode("utf-8", "replace"))
    except OSError as error:
        raise InputError.of(
            "keys-unreadable", f"`{place}` cannot be read: {error.strerror}", help="name a file that can be read"
        ) from error


def _in(path: Path, text: str) -> Iterator[tuple[str, str]]:
    if path.suffix in {".yaml", ".yml"}:
        fields = _mapping(text)
        if fields.get("revoked"):
            return
        if fields.get("identity") and fields.get("issuer"):
            yield f"{fields['identity']}::{fields['issuer']}", path.stem
        text = str(fields.get("public_key") or "")
    for match in _PEM.finditer(text):
        try:
            yield sign.keyid(sign.public_key(match[0] + "\n")), path.stem
        except ValueError as error:
            raise InputError.of(
                "no-public-key", f"`{path}`: {error}", help="gonogo signs with ed25519; name such a key"
            ) from error


def _mapping(text: str) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        parsed = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
