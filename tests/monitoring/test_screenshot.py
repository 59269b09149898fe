"""Pictures of pages, by a real Chromium: what is on them, and what never is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gonogo.model.outcome import Outcome
from gonogo.probes import _chromium
from tests.monitoring.conftest import COMMIT
from tests.monitoring.servers import Stack, need
from tests.monitoring.serving import Answer, Serving
from tests.probes.conftest import Looked, MemoryContext, look_with

SECRET = "correct-horse"
STYLE = "<style>body{font:20px monospace}</style>"


@dataclass
class Site(Serving):
    """One page."""

    body: str = "<title>Board</title><h1>all is well</h1>"
    pages: dict[str, Answer] = field(default_factory=dict)
    seen: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.seen.append((path, headers))
        if path in self.pages:
            return self.pages[path]
        return (200, {"Content-Type": "text/html"}, STYLE + self.body) if path == "/" else (404, {}, "")


@pytest.fixture
def site() -> Iterator[Site]:
    need("chromium")
    with Site() as made:
        yield made


@pytest.fixture
def context(tmp_path: Path) -> MemoryContext:
    return MemoryContext(tmp_path, secrets=[SECRET])


def ask(context: MemoryContext, site: Site, **params: Any) -> Looked:
    return look_with("screenshot", context, **{"url": f"{site.url}/", "patience": 60, "height": 300, **params})


def picture(seen: Looked, context: MemoryContext) -> bytes:
    blob = seen.capture.blob("page.png")
    assert blob is not None, seen.troubles
    assert blob.media_type == "image/png"
    return context.blobs[blob.sha256]


def test_a_picture_and_what_it_shows(site: Site, context: MemoryContext) -> None:
    seen = ask(context, site, expect="All Is Well")
    assert (seen.values, seen.troubles) == ({"screenshots.taken": 1}, {})
    assert len(picture(seen, context)) > 1000
    words = seen.capture.blob("page.png.txt")
    assert words is not None
    assert context.blobs[words.sha256].decode().endswith("\nall is well")


COVERED = {
    "text": "<p>{} is it</p>",
    "a field": "<input value='{}'><textarea>{}</textarea>",
    "a shadow tree": "<div id=a></div><script>a.attachShadow({{mode: 'open'}}).innerHTML = '<p>{}</p>'</script>",
    "a frame": "<iframe srcdoc='<p>{}</p>'></iframe>",
}


@pytest.mark.parametrize("where", COVERED)
def test_a_secret_is_covered(where: str, site: Site, context: MemoryContext) -> None:
    """The picture is the very one of a page that has the mark in its place."""
    taken = {}
    for text in (SECRET, "***", "another-text"):
        site.body = COVERED[where].replace("{{", "{").replace("}}", "}").replace("{}", text)
        taken[text] = picture(ask(context, site), context)
    assert taken[SECRET] == taken["***"] != taken["another-text"]


DRAWN = "<canvas id=c></canvas><script>c.getContext('2d').fillText('{}', 20, 20)</script>"


@pytest.mark.parametrize("body", ["<p>corr<b>ect-</b>horse</p>", DRAWN.replace("{}", SECRET)], ids=["split", "drawn"])
def test_what_cannot_be_covered_is_not_pictured(body: str, site: Site, context: MemoryContext) -> None:
    site.body = body
    seen = ask(context, site)
    assert (seen.values, seen.troubles) == ({}, {"secret-shown": Outcome.UNKNOWN})
    assert seen.capture.blob("page.png") is None
    site.body = body.replace("horse", "cow")
    assert ask(context, site).troubles == {}


def test_it_waits_for_what_is_awaited(site: Site, context: MemoryContext) -> None:
    later = "<script>setTimeout(() => { document.body.innerHTML = '<p class=done>done</p>' }, 400)</script>"
    site.body = f"<p class=spins>…</p>{later}"
    assert ask(context, site, awaits=".done", gone=".spins", expect="done").troubles == {}
    assert ask(context, site, awaits=".never", patience=2).troubles == {"not-loaded": Outcome.UNKNOWN}


def test_a_page_that_lacks_what_is_expected(site: Site, context: MemoryContext) -> None:
    seen = ask(context, site, expect="release 4")
    assert (seen.values, seen.troubles) == ({}, {"not-expected": Outcome.UNKNOWN})


def test_an_error_page_is_no_page(site: Site, context: MemoryContext) -> None:
    assert ask(context, site, url=f"{site.url}/gone").troubles == {"refused": Outcome.UNKNOWN}


def test_credentials_follow_no_redirect(site: Site, context: MemoryContext) -> None:
    """The first look follows redirects as any client does, which sends `Authorization` to no other server."""
    with Site() as other:
        site.pages["/away"] = (302, {"Location": f"{other.url}/"}, "")
        url = site.url.replace("//", "//ada:swordfish@") + "/away"
        seen = ask(context, site, url=url, headers={"Cookie": "session=4711-4711"})
    assert seen.troubles == {}
    assert {headers.get("authorization", "")[:6] for _, headers in site.seen} == {"Basic "}
    assert not [headers for _, headers in other.seen if "authorization" in headers]
    assert b"swordfish" not in seen.stored


def test_a_page_that_hangs_the_browser_ends(
    site: Site, context: MemoryContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_chromium, "_START", 6.0)
    site.body = "<script>setTimeout(() => { while (true) {} }, 50)</script>"
    assert ask(context, site, patience=2).troubles == {"timeout": Outcome.ERROR}


@pytest.mark.parametrize("browser", ["/nowhere/chromium"])
def test_without_a_browser(browser: str, site: Site, context: MemoryContext) -> None:
    seen = ask(context, site, browser=browser)
    assert seen.troubles == {"chromium-missing": Outcome.ERROR}
    assert "`browser`" in seen.capture.troubles[0].help


def test_without_playwright(site: Site, context: MemoryContext, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "playwright.async_api", None)
    seen = ask(context, site)
    assert seen.troubles == {"playwright-missing": Outcome.ERROR}
    assert "`screenshots`" in seen.capture.troubles[0].help


def test_told_to_stop_it_stops(site: Site, context: MemoryContext) -> None:
    site.body = "<p>waiting</p>"
    context.stopped.set()
    assert ask(context, site, awaits=".never").troubles == {"interrupted": Outcome.ERROR}


def test_prometheus_own_graph(stack: Stack, tmp_path: Path) -> None:
    need("chromium")
    context = MemoryContext(tmp_path)
    seen = look_with("screenshot", context, url=stack.prometheus.url, query="app_build_info", patience=60)
    assert (seen.values, seen.troubles) == ({"screenshots.taken": 1}, {})
    words = seen.capture.blob("page.png.txt")
    assert words is not None
    text = context.blobs[words.sha256].decode()
    assert "app_build_info:\n" in text
    assert COMMIT in text
