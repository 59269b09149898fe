"""One HTTP request with a hard end: seconds, bytes and redirects are bounded, and every failure is a trouble."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from dataclasses import field
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from gonogo.frozen import dataclass
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    """At most the bytes asked for."""
    cut: bool = False
    """The server had more to say."""
    seconds: float = 0.0
    redirects: tuple[str, ...] = ()
    """Places it sent us to, in order, where they were followed."""
    ends: str = ""
    """When the server's certificate ends, as TLS tells it: `Jun  1 12:00:00 2027 GMT`. Empty: no TLS."""


def bare(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def secrets_of(url: str, headers: Mapping[str, str]) -> list[str]:
    """What of a request must reach no record: the password in its URL, and credentials among its headers."""
    values = [value for name, value in headers.items() if name.lower() in {"authorization", "cookie"}]
    password = urlsplit(url).password
    return [*values, *([password] if password else [])]


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    timeout: float = 30.0,
    follow: int = 0,
    cap: int = MIB,
    body: bytes = b"",
) -> Answer | Trouble:
    """Ask once. `timeout` seconds bound the whole exchange, a server that drips single bytes included.

    No answer at all is UNKNOWN (`unreachable`); one that breaks off or never ends is ERROR; neither carries a status.
    """
    import asyncio

    import httpx2  # heavy, both: only a probe that really asks loads them

    try:
        options = {"timeout": None, "follow_redirects": follow > 0, "max_redirects": follow}
        return asyncio.run(_within(timeout, _ask(url, method, dict(headers or {}), options, (cap, body))))
    except TimeoutError:
        return _trouble(Outcome.ERROR, "timeout", f"no whole answer within {timeout:g} s", "see why it hangs")
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        return _trouble(Outcome.ERROR, "bad-url", f"not a URL to ask: {error}", "write it as `http://host/path`")
    except httpx2.TooManyRedirects:
        return _trouble(Outcome.UNKNOWN, "too-many-redirects", f"sent on more than {follow} times", "raise `follow`")
    except (httpx2.ConnectError, httpx2.ProxyError) as error:
        return _trouble(Outcome.UNKNOWN, "unreachable", f"no answer: {_words(error)}", "see that the server is up")
    except httpx2.HTTPError as error:
        return _trouble(
            Outcome.ERROR, "broken-answer", f"the answer broke off: {_words(error)}", "read the server's log"
        )


def _trouble(outcome: Outcome, slug: str, message: str, mend: str) -> Trouble:
    return Trouble(outcome, slug, message, mend)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


@cache
def trusted() -> Any:
    """The certificates that are trusted; read once, which takes longer than most requests."""
    import httpx2

    return httpx2.create_ssl_context()


async def _within(seconds: float, asked: Awaitable[Answer]) -> Answer:
    import asyncio

    async with asyncio.timeout(seconds):  # the client's own timeouts start anew with each byte
        return await asked


async def _ask(
    url: str, method: str, headers: dict[str, str], options: dict[str, Any], both: tuple[int, bytes]
) -> Answer:
    import httpx2

    cap, sent = both
    headers.setdefault("Accept-Encoding", "identity")  # so that the cap bounds what was sent, not what it unpacks to
    start = time.monotonic()
    async with (
        httpx2.AsyncClient(verify=trusted(), **options) as client,
        client.stream(method, url, headers=headers, content=sent or None) as response,
    ):
        tls = response.extensions["network_stream"].get_extra_info("ssl_object")
        certificate = tls.getpeercert() if tls is not None else None
        body, cut = await _body(response, cap)
    return Answer(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body,
        cut=cut,
        seconds=time.monotonic() - start,
        redirects=tuple(hop.headers.get("location", "") for hop in response.history),
        ends=str((certificate or {}).get("notAfter", "")),
    )


async def _body(response: Any, cap: int) -> tuple[bytes, bool]:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > cap:
            return bytes(body[:cap]), True
    return bytes(body), False
