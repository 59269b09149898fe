"""What k6's own formats share: which endpoint a request belongs to, and what may be said of one."""

from __future__ import annotations

import re
from collections.abc import Collection

from gonogo.families import LOAD
from gonogo.model.observation import ObservationType

FIGURES = {"avg": "avg", "med": "med", "p90": "p(90)", "p95": "p(95)", "p99": "p(99)", "max": "max"}
"""Our figure -> k6's name for it."""

_LONGEST_KEY = 200
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*(?P<path>[^?#]*)", re.IGNORECASE)


def yields(*names: str, each: bool = True) -> tuple[ObservationType, ...]:
    """The observations of the family of these names, and with `each` those of scenarios and endpoints."""
    chosen: Collection[str] = frozenset(names)
    return tuple(t for t in LOAD.types if t.name in chosen or (each and t.each))


def endpoint(name: str) -> str:
    """The endpoint of a `name` tag: a name as it is; of a URL, which is k6's default, the path alone.

    Host and query differ between targets and requests, and a query may hold what is secret.
    """
    url = _URL.match(name)
    return ((url["path"] or "/") if url else name)[:_LONGEST_KEY]
