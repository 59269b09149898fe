"""XML as a stream of events, in constant memory, without entities of the document's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO
from xml.parsers import expat

from gonogo.parsers._gather import Unreadable

_CHUNK = 1 << 16


def read(
    stream: BinaryIO,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] = lambda _: None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Feed the document to the callbacks; raises `Unreadable` where it is not well formed, empty or declares entities.

    Names lose their namespace. An entity declaration is refused before anything is expanded ("billion laughs").
    """
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition("}")[2], attributes)
    parser.EndElementHandler = lambda name: end(name.rpartition("}")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    parser.EntityDeclHandler = _refuse
    seen = False
    try:
        while chunk := stream.read(_CHUNK):
            seen = True
            parser.Parse(chunk, False)  # noqa: FBT003 - expat takes it by position only
        if not seen:
            raise Unreadable("it is empty")
        parser.Parse(b"", True)  # noqa: FBT003 - as above
    except expat.ExpatError as error:
        raise Unreadable(f"it is no XML, or ends too early: {error}") from error


def _refuse(*_: object) -> None:
    raise Unreadable("it declares entities of its own, which no report needs")
