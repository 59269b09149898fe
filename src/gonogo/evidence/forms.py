"""Every spelling in which a secret may turn up in what a program prints, and which values are too plain to look for."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

MARK = b"[redacted]"
"""What stands where a secret stood."""

SHORTEST = 6
"""Characters; a shorter value turns up by chance, and redacting it would destroy the log."""

_COMMON_WORDS = """
localhost password passwd secret secrets default example changeme change-me change_me root-user
postgres postgresql mysql mariadb mongodb sqlite redis rabbitmq docker
production prod staging development develop testing backend frontend shared server client worker
enabled disabled required optional undefined string number object boolean
username administrator anonymous public private 127.0.0.1 0.0.0.0
verbose warning combined info-level silent
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_NUMBER = re.compile(r"[+-]?\d{1,5}(?:\.\d+)?")
_PEM_BORDER = re.compile(r"-----(?:BEGIN|END) [A-Z0-9 ]+-----")
_FEWEST_CHARACTERS = 3


def weakness(value: str, common: Collection[str] = ()) -> str:
    """Why a value is no good as a redaction key; empty: it is good.

    `common` holds more words that are no secret anywhere, in lower case: the project's own names.
    """
    bare = value.strip()
    lowered = bare.lower()
    if len(bare) < SHORTEST:
        return f"shorter than {SHORTEST} characters"
    if _NUMBER.fullmatch(bare):
        return "a small number"
    if lowered in _COMMON or lowered in common:
        return "a common word"
    if len(set(bare)) < _FEWEST_CHARACTERS:
        return "the same characters over and over"
    if lowered in MARK.decode() or MARK.decode() in lowered:
        return "part of the mark that stands for a secret"
    return ""


def parts(value: str) -> Iterator[str]:
    """The value and what of it may be printed by itself: its lines, and a URL's password."""
    yield value
    yield value.strip()
    lines = value.splitlines()
    if len(lines) > 1:
        yield "\n".join(lines)
        yield "\r\n".join(lines)
        for line in lines:
            if not _PEM_BORDER.fullmatch(line.strip()):
                yield line.strip()
    password = _url_password(value.strip())
    if password:
        yield password
        yield unquote(password)


def _url_password(value: str) -> str:
    if "://" not in value:
        return ""
    try:
        return urlsplit(value).password or ""
    except ValueError:
        return ""


def spellings(value: str) -> set[bytes]:
    """The value as bytes: plain, and as URLs, base64, hex, JSON, XML, shells and compose files write it."""
    raw = value.encode("utf-8", "surrogateescape")
    found = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    found.update(text.encode("utf-8", "surrogateescape") for text in _escaped(value))
    found.update(_base64(raw))
    return {spelling for spelling in found if len(spelling) >= SHORTEST}


def _escaped(value: str) -> Iterator[str]:
    yield from _percent(value)
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield once.replace("/", "\\/")
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    yield repr(value)[1:-1]
    yield shlex.quote(value).strip("'")
    yield value.replace("'", "'\\''")
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)
    yield re.sub(r'([\\"$`])', r"\\\1", value)
    yield value.replace("$", "$$")
    import html  # only where there is a secret: it brings a table of two thousand names

    with_quotes = html.escape(value)
    yield from (html.escape(value, quote=False), with_quotes, with_quotes.replace("&#x27;", "&#39;"))
    yield with_quotes.replace("&#x27;", "&apos;")


def _percent(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "surrogateescape")
    for escaped in (quote(raw, safe=""), quote(raw), quote(raw, safe="!'()*~"), quote_plus(raw)):
        yield escaped
        yield re.sub(r"%[0-9A-F]{2}", lambda m: m.group().lower(), escaped)


_LINE_WIDTHS = (64, 76)
"""Columns at which PEM and MIME break base64 text."""

_SHORTEST_PIECE = 16
"""Characters of a last line of broken base64 that are looked for by themselves."""


def _base64(raw: bytes) -> Iterator[bytes]:
    """Base64 of the value alone and of the value inside longer bytes.

    Inside longer bytes the value starts at one of three alignments. Characters that share bits with a neighbouring
    byte differ from text to text; those between them are always the same, and they are what is looked for.
    """
    for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
        alone = encode(raw)
        yield alone
        for width in _LINE_WIDTHS:
            if len(alone) > width:
                pieces = (alone[at : at + width] for at in range(0, len(alone), width))
                yield from (piece for piece in pieces if len(piece) >= _SHORTEST_PIECE)
        for before in range(3):
            first, end = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
            yield encode(b"\0" * before + raw)[first:end]


def keys(values: Iterable[str], common: Collection[str] = ()) -> tuple[set[bytes], list[str]]:
    """The byte strings to look for, and the values that are too plain to be looked for, in their order."""
    wanted: set[bytes] = set()
    weak: list[str] = []
    for value in values:
        if weakness(value, common):
            if value.strip() and value not in weak:
                weak.append(value)
            continue
        for part in dict.fromkeys(parts(value)):
            if not weakness(part, common):
                wanted |= spellings(part)
    return wanted, weak
