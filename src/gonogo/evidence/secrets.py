"""Which values are secrets: those of env files, and from variables whose names say so.

Every value of an env file is taken for a secret unless it is plainly public. When in doubt, it is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gonogo.config import WATCHING_HEADERS, WATCHING_SECRETS
from gonogo.envfile import SECRET_KEY, Entry, drawn_by_lot, is_template, parse, public
from gonogo.evidence.forms import weakness

__all__ = ["from_variables", "from_watching", "harvest", "public", "read", "too_weak"]

_PATH = re.compile(r"(?:/[\w.@-]+){2,}/?")
_LARGEST_FILE = 4 * 1024 * 1024
"""Bytes of an env file that are read; nobody writes a longer one."""


def read(path: Path) -> list[Entry]:
    """The secret entries of an env file, in their order; of a template only what looks drawn by lot.

    A file that is not there holds none. Raises `OSError` where it is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE).decode("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return []
    found = [entry for entry in parse(text, tolerant=True)[0] if not public(entry.key, entry.value)]
    return [entry for entry in found if drawn_by_lot(entry.value)] if is_template(path) else found


def harvest(paths: Iterable[Path]) -> list[str]:
    """The secret values of env files, each once, in their order."""
    return list(dict.fromkeys(entry.value for path in paths for entry in read(path)))


def from_variables(variables: Mapping[str, str]) -> list[str]:
    """The values of those variables whose names say that they are secret: `GITHUB_TOKEN`, `DB_PASSWORD`.

    Paths are none (`SSH_AUTH_SOCK`): redacting them would hide where things are.
    """
    return [
        value
        for key, value in variables.items()
        if SECRET_KEY.search(key) and not public(key, value) and not _PATH.fullmatch(value)
    ]


def from_watching(variables: Mapping[str, str], named: Iterable[str]) -> list[str]:
    """What gives access to those who are told of a run: the URLs in the variables `named`, and OTLP headers."""
    found = [variables.get(name, "").strip() for name in (*WATCHING_SECRETS, *named)]
    for name in WATCHING_HEADERS:
        values = [pair.partition("=")[2].strip() for pair in variables.get(name, "").split(",")]
        found += [*values, *map(unquote, values)]
    found += [password for url in found if "://" in url and (password := _password(url))]
    return [value for value in dict.fromkeys(found) if value]


def _password(url: str) -> str:
    """The password in a URL; empty where it has none or is none."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def too_weak(paths: Iterable[Path], common: Collection[str] = ()) -> list[str]:
    """A sentence for each value that is too short or too common to be redacted, under a key that says it is secret.

    It names no value. `STORE=memory` is no secret and needs no warning; `DB_PASSWORD=app` does (S75).
    """
    found = []
    for path in paths:
        for entry in read(path):
            why = weakness(entry.value, common)
            if why and SECRET_KEY.search(entry.key):
                found.append(f"`{entry.key}` in {path}:{entry.line} cannot be redacted by value: {why}")
    return found
