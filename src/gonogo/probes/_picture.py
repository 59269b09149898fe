"""Pictures as evidence: what is the same for a dashboard and for any page."""

from __future__ import annotations

import hashlib

from gonogo.model.capture import Blob
from gonogo.plugins import Context
from gonogo.probes._api import Unanswered
from gonogo.probes._png import size_of


def keep(context: Context, name: str, png: bytes, text: str) -> tuple[Blob, Blob]:
    """Store a picture and what it shows in words; raises `Unanswered` where what is stored is no picture."""
    if size_of(png) is None:
        raise Unanswered("no-picture", f"`{name}` is no whole PNG", "see who answers there")
    picture = context.keep(name, png, "image/png")
    if picture.sha256 != hashlib.sha256(png).hexdigest():
        message = f"the bytes of `{name}` hold what looks like a secret: they were changed, and are no picture any more"
        raise Unanswered("secret-shown", message, "take the picture again")
    return picture, context.keep(f"{name}.txt", text.encode(), "text/plain")
