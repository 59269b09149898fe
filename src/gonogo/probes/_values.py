"""Values of a configuration: which are secrets, which are too weak, which groups a checklist names."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from urllib.parse import urlsplit

from gonogo.frozen import dataclass

SHORTEST = 12
"""Characters that a secret has at least; a password within a URL eight (NIST SP 800-63B asks eight of people)."""
_SHORTEST_PASSWORD = 8
_FEWEST_CHARACTERS = 5
"""Different characters that a secret has at least: `aaaaaaaaaaaaaaaa` is long and says nothing."""

_SECRET = re.compile(
    r"(?i)passw|passphrase|secret|token|credential|private|api_?key|_key(?:_|$)|^key$|(?:^|_)(?:salt|pepper|code)(?:_|$)"
)
_PUBLIC = re.compile(r"(?i)public|_key_?id$|_url$|_uri$|_file$|_path$|_ttl$|_expir|_length$|_name$")
_COMMON = frozenset(
    {
        *("password", "passw0rd", "secret", "changeme", "admin", "letmein", "qwerty", "default", "example", "test"),
        *("development", "staging", "production", "postgres", "medianest", "supersecret", "secretsecret"),
    }
)
_URL_KEY = re.compile(r"(?i)(?:^|_)(?:url|uri|dsn)$")
_LADDER = "abcdefghijklmnopqrstuvwxyz0123456789012345678909876543210"


@dataclass(frozen=True, slots=True)
class Value:
    """One variable and where its value comes from."""

    key: str
    value: str = field(repr=False)
    source: str
    """`.env.staging`, `provider`, `environment`, the path of a secret file."""
    line: int = 0


def is_secret(key: str) -> bool:
    """Whether the name of a variable says that its value is a secret."""
    return bool(_SECRET.search(key)) and not _PUBLIC.search(key)


def weakness(key: str, value: str) -> str:
    """Why a value is too weak for what its name says it is; empty: it is not, or it is no secret."""
    if is_secret(key):
        return _weak(value, SHORTEST)
    password = _password(value)
    why = _weak(password, _SHORTEST_PASSWORD) if password else ""
    return f"its password {why.removeprefix('it ')}" if why else ""


def _weak(value: str, shortest: int) -> str:
    plain = re.sub(r"[^a-z0-9]", "", value.lower())
    if len(value) < shortest:
        return f"it has {len(value)} characters, fewer than {shortest}"
    if len(set(value)) < _FEWEST_CHARACTERS:
        return f"it has only {len(set(value))} different characters"
    if plain.rstrip("0123456789") in _COMMON or plain in _LADDER:
        return "it is a common word or row of characters"
    return ""


def secrets(found: Iterable[Value]) -> Iterator[str]:
    """The values that must reach no file: those whose names say so, and passwords in URLs, with their URLs."""
    for one in found:
        inside = _password(one.value)
        if one.value and (is_secret(one.key) or inside):
            yield one.value
        if inside:
            yield inside


def _password(value: str) -> str:
    try:
        return (urlsplit(value).password or "") if "://" in value else ""
    except ValueError:
        return ""


def reused(values: Iterable[Value]) -> Iterator[tuple[Value, Value]]:
    """Pairs of secrets with the same value, each later one with the first that has it."""
    first: dict[str, Value] = {}
    for one in values:
        if not one.value or not is_secret(one.key):
            continue
        earlier = first.setdefault(one.value, one)
        if earlier.key != one.key:
            yield earlier, one


def fingerprint(salt: bytes, key: str, value: str) -> str:
    """Twelve hex digits that change when the value does; they say nothing about it, nor whether two keys share it."""
    return hmac.new(salt, f"{key}\0{value}".encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:12]


def may_be_eaten(text: str, line: int) -> bool:
    """Whether Compose would put a variable's value into what stands on this line: `$NAME` outside single quotes."""
    lines = text.splitlines()
    value = lines[line - 1].partition("=")[2].strip() if 0 < line <= len(lines) else ""
    return not value.startswith("'") and re.search(r"(?<!\\)\$(?:\{|[A-Za-z_])", value) is not None


# --- groups ------------------------------------------------------------------------------------------------------

_NOUNS = frozenset({"url", "urls", "uri", "key", "keys", "secret", "secrets", "var", "vars", "variable", "variables"})
_WORDS = {
    "db": r"(?:^|_)(?:DB|DATABASE|POSTGRES\w*|PG\w*|MYSQL\w*|MONGO\w*)(?:_|$)",
    "nextauth": r"NEXT_?AUTH|(?:^|_)AUTH_(?:SECRET|URL)",
    "redis": r"REDIS|VALKEY",
    "encryption": r"ENCRYPT|CIPHER",
    "access": r"ACCESS",
}
_WORDS["database"] = _WORDS["db"]


def groups(text: str) -> list[str]:
    """`JWT, NextAuth, DB/Redis URLs, encryption keys` as five groups: `DB/Redis URLs` are two."""
    found = []
    for piece in re.split(r",\s*|\s+and\s+", text):
        head, _, noun = piece.strip().rpartition(" ")
        names = (head or noun).split("/")
        tail = f" {noun}" if head else ""
        found += [f"{name.strip()}{tail}" for name in names if name.strip()]
    return found


def members(group: str, keys: Iterable[str]) -> list[str]:
    """The variables of a group: those whose name has its words; of `DB URLs` only URLs, where there is one."""
    words = [word for word in re.findall(r"[a-z0-9]+", group.lower()) if word not in _NOUNS]
    patterns = [_WORDS.get(word, re.escape(word)) for word in words]
    found = [key for key in keys if patterns and all(re.search(p, key, re.IGNORECASE) for p in patterns)]
    if re.search(r"(?i)\bur[li]s?$", group):
        return [key for key in found if _URL_KEY.search(key)] or found
    return found


def by_group(names: Iterable[str], keys: Iterable[str]) -> Mapping[str, list[str]]:
    """Group -> its variables, in their order."""
    keys = list(keys)
    return {name: members(name, keys) for name in names}
