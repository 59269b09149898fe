"""Which values are secrets: those of env files, and from variables whose names say so.

Every value of an env file is taken for a secret unless it is plainly public. When in doubt, it is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from gonogo.envfile import Entry, is_template, parse
from gonogo.evidence.forms import weakness

_LARGEST_FILE = 4 * 1024 * 1024
"""Bytes of an env file that are read; nobody writes a longer one."""


_PUBLIC_VALUE = re.compile(
    r"""(?ix) \s* (?:
        | true | false | yes | no | on | off | null | none | undefined
        | [+-]? \d{1,5} (?:\.\d+)? (?: ms | s | m | h | d | kb | mb | gb | k | % )?
        | (?:\d{1,3}\.){3}\d{1,3} (?: :\d+ )? | localhost (?: :\d+ )?
        | development | production | staging | test(?:ing)? | debug | info | warn(?:ing)? | error | trace
        | <[^<>]*> | \$\{?\w+\}? | \.{3} | change[-_ ]?me | your[-_ ][\w -]* | x{3,}
    ) \s*"""
)
_SECRET_KEY = re.compile(
    r"(?i)passw|passphrase|secret|token|credential|private|api_?key|access_?key|(?:^|_)(?:auth|pass|pwd|salt|pepper|dsn"
    r"|signature|cookie|session|webhook)(?:_|$)|_key(?:_|$)|^key$"
)
_PUBLIC_KEY = re.compile(
    r"(?i)(?:^|_)(?:node_env|env|port|host|hostname|level|tz|timezone|lang|region|mode|ttl|timeout|version|domain|name"
    r"|db|database|dir|path|format|enabled|debug|locale|branch)$|^(?:next_public|vite|react_app)_"
)
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9_./@:+, -]{0,120}")


def public(key: str, value: str) -> bool:
    """Whether the value is plainly public: a truth, a small number, a plain URL, a name under a key that says so."""
    if _PUBLIC_VALUE.fullmatch(value):
        return True
    if _SECRET_KEY.search(key):
        return False
    if "://" in value:
        return _plain_url(value)
    return bool(_PUBLIC_KEY.search(key) and _PLAIN_WORDS.fullmatch(value) and not _random(value))


def _plain_url(value: str) -> bool:
    """Whether it is a URL, or several, without user, password, query or a piece that looks drawn by lot."""
    for url in re.split(r"[\s,]+", value.strip()):
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        if not parts.scheme or "@" in parts.netloc or parts.query or parts.fragment:
            return False
        if any(_random(piece) for piece in parts.path.split("/")):
            return False
    return True


_FEWEST_CHARACTERS = 8
"""Different characters that a run drawn by lot has at least."""

_PATH = re.compile(r"(?:/[\w.@-]+){2,}/?")
_LONG_WORD = re.compile(r"[A-Za-z0-9+=]{16,}")


def _random(value: str) -> bool:
    """Whether it holds a long run of letters and digits mixed, as no name does."""
    return any(
        re.search(r"\d", run) and re.search(r"[A-Za-z]", run) and len(set(run)) >= _FEWEST_CHARACTERS
        for run in _LONG_WORD.findall(value)
    )


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
    return [entry for entry in found if _random(entry.value)] if is_template(path) else found


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
        if _SECRET_KEY.search(key) and not public(key, value) and not _PATH.fullmatch(value)
    ]


def too_weak(paths: Iterable[Path], common: Collection[str] = ()) -> list[str]:
    """A sentence for each value that is too short or too common to be redacted, under a key that says it is secret.

    It names no value. `STORE=memory` is no secret and needs no warning; `DB_PASSWORD=app` does (S75).
    """
    found = []
    for path in paths:
        for entry in read(path):
            why = weakness(entry.value, common)
            if why and _SECRET_KEY.search(entry.key):
                found.append(f"`{entry.key}` in {path}:{entry.line} cannot be redacted by value: {why}")
    return found
