"""One HTTP request that says something, and takes no answer but its number.

Redirects are not followed: the message is for whom it was addressed to. The answer's body is not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from gonogo.plugins import NotSent

if TYPE_CHECKING:
    import ssl

_SUCCESS = range(200, 300)
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that say "not now" (RFC 9110, RFC 6585, RFC 8470)."""
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What a shell can set (POSIX.1-2024, 8.1)."""


def check_variable(field: str, name: str) -> None:
    """Raise `ValueError` where what should be the name of a variable is none: a URL written there is a secret out."""
    if not VARIABLE.fullmatch(name):
        raise ValueError(
            f"`{field}` must be the name of a variable, such as `RELEASE_WEBHOOK_URL`; its value is a secret"
        )


def value_of(variables: Mapping[str, str], name: str) -> str:
    """The value of a variable; raises `NotSent` where it is not set."""
    value = variables.get(name, "").strip()
    if not value:
        raise NotSent(f"the variable `{name}` is not set")
    return value


def as_json(value: Any) -> bytes:
    """UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def prepare() -> None:
    """Import what sending takes, and read the certificates that are trusted."""
    _trusted()


@cache
def _trusted() -> ssl.SSLContext:
    """Reading them takes as long as twenty exchanges on a local network."""
    import httpx2  # only where something is sent

    return httpx2.create_ssl_context()


def send(url: str, body: bytes, headers: Mapping[str, str], seconds: float, *, method: str = "POST") -> None:
    """Send once; raises `NotSent` for any answer but 2xx and for none, never with the URL or a header in its text.

    Args:
        url: Where to; may hold secrets.
        body: What.
        headers: With its `Content-Type`; may hold secrets.
        seconds: For each of connecting, writing and waiting.
        method: `POST` or `PUT`.
    """
    import httpx2  # only where something is sent

    try:
        with (
            httpx2.Client(timeout=seconds, follow_redirects=False, verify=_trusted()) as client,
            client.stream(method, url, content=body, headers=dict(headers)) as answer,
        ):
            status = answer.status_code
    except httpx2.TimeoutException:
        raise NotSent(f"no answer within {seconds:g} s", again=True) from None
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError, ValueError):
        raise NotSent("its address is no `http://` or `https://` URL") from None
    except httpx2.ConnectError:
        raise NotSent("nothing can be reached at its address", again=True) from None
    except httpx2.HTTPError as error:
        raise NotSent(f"the exchange broke off ({type(error).__name__})", again=True) from None
    if status not in _SUCCESS:
        raise NotSent(f"the answer was {status}", again=status in _AGAIN)
