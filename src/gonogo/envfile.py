"""Env files: keys, values and lines, as shells and dotenv libraries read them; what is an example, what is public."""

from __future__ import annotations

import re
from dataclasses import field
from pathlib import PurePath
from urllib.parse import urlsplit

from gonogo.frozen import dataclass

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<key>[A-Za-z_][\w.-]*)\s*(?P<sign>=|:(?=\s))(?P<rest>.*)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$", "`": "`"}
_LONGEST_VALUE = 200  # lines; a PEM key has about 50. A quote that nobody closes ends with its own line
_PLACEHOLDER = r"""
      <[^<>]+>                                            # <generate-with-openssl>, postgres://app:<password>@db
    | (?<![a-z0-9]) change [-_ ]? (?:me|this|it) (?![a-z0-9])
    | (?<![a-z0-9]) your [-_ ] \w
    | (?<![a-z0-9]) x{3,} (?![a-z0-9])
    | (?<![a-z0-9]) (?:todo|fixme|tbd|placeholder) (?![a-z0-9])
    | (?<![a-z0-9]) replace [-_ ]? (?:me|this|with) (?![a-z0-9])
    | ^ (?:insert|enter|put|generate|set) [-_ ] \w
    | \{\{ .* \}\}
    | ^ \.{3,} $
    | ^ \[ .+ \] $
    """
_TEMPLATE = re.compile(r"(?:^|[._-])(?:example|sample|template|dist|defaults?)(?:[._-]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment of an env file."""

    key: str
    value: str = field(repr=False)
    line: int
    """Counted from 1."""


def parse(text: str, *, tolerant: bool = False) -> tuple[tuple[Entry, ...], tuple[int, ...]]:
    """The assignments in their order, and the numbers of lines that are neither assignment, comment nor blank.

    Reads `export KEY=…`, single, double and back quotes over several lines, comments behind an unquoted value, CRLF
    and a byte order mark. Where it is `tolerant`, whatever one of the libraries takes for a value is one: `KEY: value`,
    and the `#text` of `KEY= #text`.
    """
    lines = text.lstrip("\ufeff").splitlines()
    entries: list[Entry] = []
    unread: list[int] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        match = _ASSIGNMENT.match(line)
        if match and (tolerant or match["sign"] == "="):
            number = at
            rest = match["rest"].lstrip() if tolerant else match["rest"]
            value, used = _value(rest, lines[at : at + _LONGEST_VALUE])
            entries.append(Entry(match["key"], value, number))
            at += used
        elif line.strip() and not line.lstrip().startswith("#"):
            unread.append(at)
    return tuple(entries), tuple(unread)


def _value(rest: str, following: list[str]) -> tuple[str, int]:
    """The value that begins with `rest`, and how many of the following lines belong to it."""
    first = rest.lstrip()
    quote = first[:1]
    if not quote or quote not in "\"'`":
        return re.split(r"\s#", rest, maxsplit=1)[0].strip(), 0
    text, used = first[1:], 0
    while (end := _closing(text, quote)) < 0 and used < len(following):
        text += "\n" + following[used]
        used += 1
    if end < 0:
        return first[1:].strip(), 0
    body = text[:end]
    if quote == '"':
        body = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), body)
    return body, used


def _closing(text: str, quote: str) -> int:
    """Where the quote closes; -1: not in this text. Only double quotes know a backslash."""
    if quote != '"':
        return text.find(quote)
    match = re.match(r'(?:[^"\\]|\\.)*+"', text, re.DOTALL)
    return match.end() - 1 if match else -1


def is_placeholder(value: str) -> bool:
    """Whether the value asks to be replaced: `<generate-…>`, `changeme`, `your-…`, `xxx`, `TODO`."""
    return re.search(_PLACEHOLDER, value.strip(), re.IGNORECASE | re.VERBOSE) is not None


def is_template(path: str | PurePath) -> bool:
    """Whether the file's name says that it holds examples: `.env.example`, `.env.staging.sample`."""
    return bool(_TEMPLATE.search(PurePath(path).name))


_PUBLIC_VALUE = re.compile(
    r"""(?ix) \s* (?:
        | true | false | yes | no | on | off | null | none | undefined
        | [+-]? \d{1,5} (?:\.\d+)? (?: ms | s | m | h | d | kb | mb | gb | k | % )?
        | (?:\d{1,3}\.){3}\d{1,3} (?: :\d+ )? | localhost (?: :\d+ )?
        | development | production | staging | test(?:ing)? | debug | info | warn(?:ing)? | error | trace
        | <[^<>]*> | \$\{?\w+\}? | \.{3} | change[-_ ]?me | your[-_ ][\w -]* | x{3,}
    ) \s*"""
)
SECRET_KEY = re.compile(
    r"(?i)passw|passphrase|secret|token|credential|private|api_?key|access_?key|(?:^|_)(?:auth|pass|pwd|salt|pepper|dsn"
    r"|signature|cookie|session|webhook)(?:_|$)|_key(?:_|$)|^key$"
)
"""Names of variables that say that their value is secret."""
_PUBLIC_KEY = re.compile(
    r"(?i)(?:^|_)(?:node_env|env|port|host|hostname|level|tz|timezone|lang|region|mode|ttl|timeout|version|domain|name"
    r"|db|database|dir|path|format|enabled|debug|locale|branch)$|^(?:next_public|vite|react_app)_"
)
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9_./@:+, -]{0,120}")


def public(key: str, value: str) -> bool:
    """Whether the value is plainly public: a truth, a small number, a plain URL, a name under a key that says so."""
    if _PUBLIC_VALUE.fullmatch(value):
        return True
    if SECRET_KEY.search(key):
        return False
    if "://" in value:
        return _plain_url(value)
    return bool(_PUBLIC_KEY.search(key) and _PLAIN_WORDS.fullmatch(value) and not drawn_by_lot(value))


def _plain_url(value: str) -> bool:
    """Whether it is a URL, or several, without user, password, query or a piece that looks drawn by lot."""
    for url in re.split(r"[\s,]+", value.strip()):
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        if not parts.scheme or "@" in parts.netloc or parts.query or parts.fragment:
            return False
        if any(drawn_by_lot(piece) for piece in parts.path.split("/")):
            return False
    return True


_FEWEST_CHARACTERS = 8
"""Different characters that a run drawn by lot has at least."""

_LONG_WORD = re.compile(r"[A-Za-z0-9+=]{16,}")


def drawn_by_lot(value: str) -> bool:
    """Whether it holds a long run of letters and digits mixed, as no name does."""
    return any(
        re.search(r"\d", run) and re.search(r"[A-Za-z]", run) and len(set(run)) >= _FEWEST_CHARACTERS
        for run in _LONG_WORD.findall(value)
    )
