"""The rate limit probe against real servers with real limits, and with none."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonogo.model.outcome import Outcome
from gonogo.probes import _burst
from tests.monitoring.servers import App
from tests.probes.conftest import Look, MemoryContext


class Limiter:
    """So many answers in a window of so many seconds; the headers say what `says` makes of limit, left and reset."""

    def __init__(self, limit: int, window: float, says: Any = None, refusal: int = 429) -> None:
        self.limit, self.window, self.refusal = limit, window, refusal
        self.says: Any = says or (lambda limit, left, reset: {})
        self.used, self.began = 0, time.monotonic()
        self.asked = 0

    def __call__(self) -> tuple[int, Mapping[str, str], str]:
        now = time.monotonic()
        if now - self.began >= self.window:
            self.used, self.began = 0, now
        self.used += 1
        self.asked += 1
        reset = self.began + self.window - now
        headers = self.says(self.limit, max(0, self.limit - self.used), reset)
        if self.used > self.limit:
            return self.refusal, headers, "slow down"
        return 200, headers, "ok"


def old(limit: int, left: int, reset: float) -> dict[str, str]:
    """As express-rate-limit does with `legacyHeaders`, and Retry-After where nothing is left."""
    more = {"Retry-After": str(max(1, round(reset)))} if not left else {}
    return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(left), **more}


def draft(limit: int, left: int, reset: float) -> dict[str, str]:
    """As in draft-ietf-httpapi-ratelimit-headers-08."""
    more = {"Retry-After": str(max(1, round(reset)))} if not left else {}
    return {"RateLimit-Policy": f'"x";q={limit};w=1', "RateLimit": f'"x";r={left};t={max(1, round(reset))}', **more}


@pytest.fixture
def app() -> Iterator[App]:
    made = App()
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("says", [old, draft], ids=["X-RateLimit", "draft 08"])
def test_a_limit_that_works(says: Any, look: Look, app: App) -> None:
    app.answer = Limiter(20, 2.0, says)
    seen = look("ratelimit", url=app.url, requests=20, window=2)
    assert seen.troubles == {}
    assert seen.values["ratelimit.works"] is True
    assert (seen.values["ratelimit.limit"], seen.values["ratelimit.declared"]) == (20, 20)
    assert seen.values["ratelimit.as_stated"] is True
    assert 1 <= seen.values["ratelimit.retry_after_seconds"] <= 2
    assert seen.values["ratelimit.recovers"] is True


def test_the_headers_alone_say_the_limit(look: Look, app: App) -> None:
    app.answer = Limiter(10, 2.0, draft)
    seen = look("ratelimit", url=app.url, recovers=0)
    assert (seen.values["ratelimit.works"], seen.values["ratelimit.as_stated"]) == (True, True)
    assert "ratelimit.recovers" not in seen.values


@pytest.mark.parametrize(("limit", "asked"), [(5, 20), (60, 20)], ids=["stricter", "looser"])
def test_a_limit_that_is_another_than_agreed(limit: int, asked: int, look: Look, app: App) -> None:
    app.answer = Limiter(limit, 60.0)
    seen = look("ratelimit", url=app.url, requests=asked, recovers=0)
    assert seen.values["ratelimit.works"] is False
    assert seen.values.get("ratelimit.as_stated", False) is False
    assert app.answer.asked <= 2 * asked + 1, "the burst is bounded"


def test_no_limit_at_all(look: Look, app: App) -> None:
    limiter = app.answer = Limiter(10**9, 60.0)
    seen = look("ratelimit", url=app.url, requests=10)
    assert seen.values == {"ratelimit.works": False}
    assert limiter.asked == 21
    nobody_says = look("ratelimit", url=app.url, most=30)
    assert nobody_says.troubles == {"limit-not-reached": Outcome.UNKNOWN}
    assert limiter.asked == 21 + 30


def test_a_server_that_breaks_instead_of_refusing(look: Look, app: App) -> None:
    app.answer = Limiter(10, 60.0, refusal=503)
    seen = look("ratelimit", url=app.url, requests=10)
    assert seen.values == {"ratelimit.works": False}
    assert any("it answers 503 by now" in note for note in seen.reading.notes)


def test_a_limit_that_never_lets_anybody_in_again(look: Look, app: App) -> None:
    app.answer = Limiter(5, 1000.0, lambda limit, left, reset: {"Retry-After": "1"} if not left else {})
    seen = look("ratelimit", url=app.url, requests=5, recovers=2)
    assert seen.values["ratelimit.works"] is True
    assert seen.values["ratelimit.recovers"] is False


def test_a_window_that_others_have_used_is_waited_for(look: Look, app: App) -> None:
    limiter = app.answer = Limiter(10, 1.0, draft)
    for _ in range(4):
        limiter()
    seen = look("ratelimit", url=app.url, requests=10, window=1)
    assert seen.values["ratelimit.works"] is True
    assert seen.values["ratelimit.limit"] == 10


@pytest.mark.parametrize("status", [302, 401, 404, 500])
def test_an_endpoint_that_does_not_serve_says_nothing(status: int, look: Look, app: App) -> None:
    app.answer = lambda: (status, {}, "")
    seen = look("ratelimit", url=app.url, requests=5)
    assert seen.troubles == {"not-served": Outcome.UNKNOWN}
    assert seen.values == {}


def test_told_to_stop_it_stops(look: Look, context: MemoryContext, app: App) -> None:
    app.answer = Limiter(5, 1000.0, lambda limit, left, reset: {"Retry-After": "60"} if not left else {})
    threading.Timer(0.5, context.stopped.set).start()
    start = time.monotonic()
    seen = look("ratelimit", url=app.url, requests=5)
    assert time.monotonic() - start < 20
    assert seen.troubles == {"interrupted": Outcome.ERROR}


@pytest.mark.parametrize(
    ("headers", "limit", "left", "window"),
    [
        ({}, None, None, None),
        ({"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "7"}, 100, 7, 60),
        ({"ratelimit": "limit=100, remaining=7, reset=50"}, 100, 7, None),
        ({"ratelimit": '"default";r=7;t=50', "ratelimit-policy": '"default";q=100;w=60'}, 100, 7, 60),
        ({"x-ratelimit-limit": "100", "x-ratelimit-remaining": "7"}, 100, 7, None),
        ({"x-ratelimit-limit": "none"}, None, None, None),
    ],
)
def test_what_headers_say(headers: dict[str, str], limit: int | None, left: int | None, window: float | None) -> None:
    assert (_burst.declared(headers), _burst.left(headers), _burst.window(headers)) == (limit, left, window)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30),
        ({"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}, 20),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "5", "ratelimit-reset": "50"}, 5),
        ({"x-ratelimit-reset": "50"}, 50),
        ({"x-ratelimit-reset": "1000000130"}, 1_000_000_030),
        ({"ratelimit": '"default";r=7;t=50'}, 50),
        ({}, None),
    ],
)
def test_when_headers_allow_more(headers: dict[str, str], seconds: float | None) -> None:
    assert _burst.reset(headers, 100.0) == seconds


@given(
    st.dictionaries(st.sampled_from(["ratelimit", "ratelimit-limit", "retry-after", "x-ratelimit-reset"]), st.text())
)
def test_no_header_breaks_it(headers: dict[str, str]) -> None:
    for read in (_burst.declared, _burst.left, _burst.window):
        read(headers)
    wait = _burst.reset(headers, 100.0)
    assert wait is None or wait >= 0
