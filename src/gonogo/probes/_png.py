"""PNG, as far as it is believed: that it is one, whole, and how large (PNG specification, sections 5 and 11)."""

from __future__ import annotations

import struct

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"IEND\xaeB`\x82"


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None: it is no PNG, or not all of one."""
    if not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR" or not data.endswith(_END):
        return None
    width, height = struct.unpack(">II", data[16:24])
    return int(width), int(height)
