"""Many requests in a row over one connection, until one is refused or a bound is reached."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.probes._fetch import trusted

REFUSED = 429
"""Too Many Requests, RFC 6585 section 4."""
_BODY = 64 * 1024
"""Bytes of one answer that are read; a longer one costs the connection."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of a burst, without its body."""

    status: int
    at: float
    """Seconds since the burst began, when the answer was there."""
    headers: Mapping[str, str]
    """Those that speak of limits, names in lower case."""


def burst(
    url: str, headers: Mapping[str, str], *, most: int, seconds: float, timeout: float, stopped: Callable[[], bool]
) -> tuple[list[Hit], Trouble | None]:
    """Ask until one request is refused, `most` were sent, or `seconds` are over; and why no more of it was seen."""
    hits: list[Hit] = []
    try:
        asyncio.run(_burst(url, dict(headers), hits, most=most, seconds=seconds, timeout=timeout, stopped=stopped))
    except TimeoutError:
        return hits, Trouble(Outcome.ERROR, "timeout", f"no answer within {timeout:g} s", "see why it hangs")
    except Exception as error:
        return hits, _why(error)
    return hits, None


def _why(error: Exception) -> Trouble:
    import httpx2

    if isinstance(error, (httpx2.UnsupportedProtocol, httpx2.InvalidURL)):
        return Trouble(Outcome.ERROR, "bad-url", f"not a URL to ask: {error}", "write it as `http://host/path`")
    if isinstance(error, (httpx2.ConnectError, httpx2.ProxyError)):
        return Trouble(Outcome.UNKNOWN, "unreachable", f"no answer: {error}", "see that the server is up")
    if isinstance(error, httpx2.HTTPError):
        words = str(error) or type(error).__name__
        return Trouble(Outcome.ERROR, "broken-answer", f"the answer broke off: {words}", "read the server's log")
    raise error


async def _burst(
    url: str,
    headers: dict[str, str],
    hits: list[Hit],
    *,
    most: int,
    seconds: float,
    timeout: float,
    stopped: Callable[[], bool],
) -> None:
    import httpx2

    began = time.monotonic()
    async with httpx2.AsyncClient(timeout=None, verify=trusted()) as client:
        while len(hits) < most and time.monotonic() - began < seconds and not stopped():
            response = await _one(client, url, headers, timeout)
            said = {name.lower(): value for name, value in response.headers.items() if _speaks(name)}
            hits.append(Hit(response.status_code, round(time.monotonic() - began, 4), said))
            if response.status_code == REFUSED:
                return


async def _one(client: Any, url: str, headers: dict[str, str], timeout: float) -> Any:
    """One answer. A server may close a connection after any answer: what meets such an end is asked once more."""
    import httpx2

    async def once() -> Any:
        async with asyncio.timeout(timeout), client.stream("GET", url, headers=headers) as response:
            await _drain(response)
        return response

    try:
        return await once()
    except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
        return await once()


async def _drain(response: Any) -> None:
    read = 0
    async for chunk in response.aiter_raw():
        read += len(chunk)
        if read > _BODY:
            return


def _speaks(name: str) -> bool:
    return "ratelimit" in name.lower().replace("-", "") or name.lower() in {"retry-after", "date"}


# --- what the headers say ------------------------------------------------------------------------------------

_QUOTA = re.compile(r"(?:^|[;,]\s*)(?:q|quota)=(\d+)")
_LEFT = re.compile(r"(?:^|[;,]\s*)(?:r|remaining)=(\d+)")
_RESET = re.compile(r"(?:^|[;,]\s*)(?:t|reset)=(\d+)")
_WINDOW = re.compile(r"(?:^|[;,]\s*)w=(\d+)")


def declared(headers: Mapping[str, str]) -> int | None:
    """The limit that the headers name.

    `RateLimit-Policy: "default";q=100;w=60` (draft-ietf-httpapi-ratelimit-headers since 07), `RateLimit: limit=100`
    and `RateLimit-Limit: 100` (before), and `X-RateLimit-Limit`, which has no specification.
    """
    return _number(headers, ("ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit"), _QUOTA, r"limit=(\d+)")


def left(headers: Mapping[str, str]) -> int | None:
    """How many more requests the headers allow."""
    names = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
    return _number(headers, names, _LEFT, r"remaining=(\d+)")


def reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the headers allow more: `Retry-After` first; a moment is taken off `now`, seconds since 1970."""
    wait = retry_after(headers, now)
    if wait is not None:
        return wait
    names = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")
    number = _number(headers, names, _RESET, r"reset=(\d+)")
    if number is None:
        return None
    return float(number) if number < _A_MOMENT else max(0.0, number / (1000 if number > _MILLISECONDS else 1) - now)


_A_MOMENT = 10_000_000
"""A larger number of seconds is no duration but a moment since 1970."""
_MILLISECONDS = 100_000_000_000


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds of `Retry-After`, a number or a date (RFC 9110 section 10.2.3); None where it is neither."""
    from email.utils import parsedate_to_datetime

    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now) if text else None
    except ValueError:
        return None


def window(headers: Mapping[str, str]) -> float | None:
    """Seconds of the window that the headers name."""
    match = _WINDOW.search(headers.get("ratelimit-policy", "") or headers.get("ratelimit-limit", ""))
    return float(match[1]) if match else None


def _number(headers: Mapping[str, str], names: tuple[str, ...], modern: re.Pattern[str], older: str) -> int | None:
    for name in names:
        match = re.match(r"\s*(\d+)", headers.get(name, ""))
        if match:
            return int(match[1])
    for name in ("ratelimit", "ratelimit-policy"):
        match = modern.search(headers.get(name, "")) or re.search(rf"(?:^|[;,]\s*){older}", headers.get(name, ""))
        if match:
            return int(match[1])
    return None
