"""Pictures of pages, by a headless Chromium that Playwright drives. No secret is in a picture.

Before the picture every text of the page is put through the run's redaction: one that holds a secret is written over.
What cannot be written over (drawn on a canvas, split over several elements) makes the picture one that is not taken.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from gonogo.frozen import dataclass
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context
from gonogo.probes._api import Unanswered
from gonogo.probes._fetch import bare

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Programs that are a Chromium, the first found is taken."""
_TRIES = 3
_QUIET = 0.5
"""Seconds without a request after which a page is taken to have loaded."""
_START = 60.0
"""Seconds for the browser to start and for the picture itself, beyond the patience with the page."""
_REFUSED = 400
_KEPT = frozenset({"PATH", "HOME", "LANG", "TMPDIR", "TZ", "XDG_RUNTIME_DIR"})
"""The variables that the browser gets: none that may hold a secret."""
_DRAWN = """
window.gonogoDrawn = new Set();
for (const name of ['fillText', 'strokeText']) {
  const draw = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (text, ...rest) {
    window.gonogoDrawn.add(String(text));
    return draw.call(this, text, ...rest);
  };
}
"""
"""Keeps what is drawn on a canvas, which cannot be read back."""
_WRITE = (
    "(texts) => texts.forEach(([at, text]) => { const [node, name] = window.gonogoPlaces[at]; node[name] = text; })"
)


@dataclass(frozen=True, slots=True)
class Sight:
    """A page, and when it has loaded."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent to the server of `url` alone, not to others that the page asks."""
    width: int = 1280
    height: int = 800
    awaits: str = ""
    """CSS selector of what must be there."""
    gone: str = ""
    """CSS selector of what must not be there any more."""
    patience: float = 30.0
    """Seconds for the page to load."""
    browser: str = ""
    """Path of the browser; empty: the first of the usual ones."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture and what is on it."""

    png: bytes
    url: str
    """Where the page was in the end, without credentials."""
    title: str
    text: str
    """Its visible text, without secrets."""
    masked: int
    """Texts that were written over."""
    quiet: bool
    """Whether the page had stopped asking for more."""


def take(sight: Sight, context: Context) -> Shot:
    """The picture of a page; raises `Unanswered` where there is none, and says why."""
    try:
        import playwright.async_api as api  # an extra, and heavy
    except ImportError as error:
        mend = "install gonogo with the extra `screenshots`"
        raise Unanswered("playwright-missing", "Playwright is not installed", mend, Outcome.ERROR) from error
    try:
        return asyncio.run(asyncio.wait_for(_browse(sight, context), sight.patience + _START))
    except TimeoutError as error:
        message = f"no picture of {bare(sight.url)} within {sight.patience + _START:g} s"
        raise Unanswered("timeout", message, "see why the page hangs", Outcome.ERROR) from error
    except api.Error as error:
        # what it says may hold the whole URL, with its password
        network = re.search(r"net::ERR_\w+", error.message)
        slug = "unreachable" if network else "browser-failed"
        message = f"no picture of {bare(sight.url)}: {network[0] if network else _first(error.message, sight)}"
        raise Unanswered(slug, message, "see that the page opens in a browser") from error


def _first(said: str, sight: Sight) -> str:
    return said.replace(sight.url, bare(sight.url)).strip().split("\n")[0][:200]


def program(given: str = "") -> str:
    """The browser to start: the one that is given, or else on the PATH; empty: the one that Playwright brought."""
    return given or next((found for name in NAMES if (found := shutil.which(name))), "")


async def _browse(sight: Sight, context: Context) -> Shot:
    from playwright.async_api import async_playwright

    async with async_playwright() as play:
        path = program(sight.browser) or play.chromium.executable_path
        if not Path(path).is_file():
            mend = "install Chromium (`apt-get install chromium`), or name it as `browser`"
            raise Unanswered("chromium-missing", f"there is no browser at `{path}`", mend, Outcome.ERROR)
        browser = await play.chromium.launch(
            executable_path=path,
            env={name: value for name, value in os.environ.items() if name in _KEPT},
            chromium_sandbox=os.geteuid() != 0,  # as root it starts without only
        )
        try:
            return await _Looking(sight, context).look(browser)
        finally:
            await browser.close()


@dataclass(slots=True)
class _Looking:
    """One look at one page."""

    sight: Sight
    context: Context
    asked: int = 0
    busy: float = 0.0
    """When a request began or ended the last time."""
    masked: int = 0

    async def look(self, browser: Any) -> Shot:
        from playwright import async_api as api

        size = {"width": self.sight.width, "height": self.sight.height}
        place = await browser.new_context(viewport=size, service_workers="block", accept_downloads=False)
        with suppress(api.Error):  # a browser that does not know this permission asks for none
            await place.grant_permissions(["local-network-access"])  # a page that is handed on counts as a public one
        await place.add_init_script(_DRAWN)
        page = await place.new_page()
        url, headers = _credentials(self.sight)
        if headers:
            await page.route(_same_server(url), _sending(headers))
        self._count(page)
        patience = self.sight.patience * 1000
        answer = await page.goto(url, wait_until="domcontentloaded", timeout=patience)
        if answer is not None and answer.status >= _REFUSED:
            message = f"{bare(url)} answers {answer.status}"
            raise Unanswered("refused", message, "correct the URL, or give `headers: {Authorization: …}`")
        quiet = await self._loaded(page)
        png = await self._picture(page)
        said = await self._read(page)
        lines = "\n".join(line for one in said for line in one["lines"].splitlines() if line.strip())
        return Shot(png, bare(page.url), await page.title(), self._redacted(lines), self.masked, quiet)

    def _count(self, page: Any) -> None:
        """Count the requests that are under way."""

        def change(by: int) -> Callable[[Any], None]:
            def changed(_: Any) -> None:
                self.asked, self.busy = max(0, self.asked + by), time.monotonic()

            return changed

        for event, by in (("request", 1), ("requestfinished", -1), ("requestfailed", -1)):
            page.on(event, change(by))

    async def _loaded(self, page: Any) -> bool:
        """Wait until what is awaited is there; whether the page asks for nothing more by then."""
        until = time.monotonic() + self.sight.patience
        while True:
            missing = self.sight.awaits and not await page.locator(self.sight.awaits).count()
            loading = self.sight.gone and await page.locator(self.sight.gone).count()
            quiet = not self.asked and time.monotonic() - self.busy >= _QUIET
            if quiet and not missing and not loading:
                return True
            if time.monotonic() >= until:
                break
            if not self.context.wait(0):
                raise Unanswered("interrupted", "ended because gonogo was told to stop", "", Outcome.ERROR)
            await asyncio.sleep(0.1)
        if missing or loading:
            what = f"`{self.sight.awaits}` is not there" if missing else f"{loading} parts are still loading"
            message = f"{bare(self.sight.url)} has not loaded after {self.sight.patience:g} s: {what}"
            raise Unanswered("not-loaded", message, "open it in a browser, see what it waits for, or raise `patience`")
        return False

    async def _picture(self, page: Any) -> bytes:
        """The picture, once no secret is on the page before and after it was taken."""
        for _ in range(_TRIES):
            await self._mask(page)
            png: bytes = await page.screenshot(type="png", animations="disabled", timeout=_START * 1000)
            if not self._shows(await self._read(page)):
                return png
        message = f"{bare(self.sight.url)} shows a secret that cannot be covered: the picture was not kept"
        raise Unanswered("secret-shown", message, "take the secret off the page")

    async def _mask(self, page: Any) -> None:
        for frame in page.frames:
            said = await frame.evaluate(_script())
            safe = [(at, text, self._redacted(text)) for at, text in enumerate(said["texts"])]
            over = [[at, other] for at, text, other in safe if other != text]
            if over:
                self.masked += len(over)
                await frame.evaluate(_WRITE, over)

    async def _read(self, page: Any) -> list[dict[str, Any]]:
        return [await frame.evaluate(_script()) for frame in page.frames]

    def _shows(self, said: list[dict[str, Any]]) -> bool:
        """Whether any text of any frame holds a secret."""
        texts = {text for one in said for text in (*one["texts"], *one["drawn"], *one["lines"].splitlines())}
        return any(self._redacted(text) != text for text in texts)

    def _redacted(self, text: str) -> str:
        return self.context.redacted(text.encode(errors="replace")).decode(errors="replace")


@cache
def _script() -> str:
    return Path(__file__).with_name("_chromium.js").read_text(encoding="utf-8").partition("\n")[2].rstrip(";\n")


def _credentials(sight: Sight) -> tuple[str, dict[str, str]]:
    """The URL without user and password, and the headers that stand for them."""
    parts, headers = urlsplit(sight.url), dict(sight.headers)
    if parts.username is not None:
        both = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers.setdefault("Authorization", f"Basic {base64.b64encode(both).decode()}")
    return bare(sight.url), headers


def _same_server(url: str) -> Callable[[str], bool]:
    mine = urlsplit(url)
    return lambda other: urlsplit(other)[:2] == mine[:2]


def _sending(headers: Mapping[str, str]) -> Callable[[Any], Any]:
    """Sends headers along. Redirects go back to the page, so that what is sent reaches no other server."""

    async def send(route: Any) -> None:
        answer = await route.fetch(headers={**route.request.headers, **headers}, max_redirects=0)
        await route.fulfill(response=answer)

    return send
