"""The page in a real browser: Chromium, without a window."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gonogo.outputs.html import html
from tests.outputs.pages import AROUND, HOSTILE_AROUND, VIEWS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = "/usr/bin/chromium"
PHONE, NARROWEST = 375, 320
"""Pixels; 320 is what WCAG 2.2, 1.4.10 asks for."""

CONTRAST = """() => {
  const part = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const numbers = c => c.match(/[\\d.]+/g).map(Number);
  const luminance = c => { const [r, g, b] = numbers(c); return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b); };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const [r, g, b, a] = numbers(getComputedStyle(e).backgroundColor);
      if (a === undefined || a > 0) return `rgb(${r}, ${g}, ${b})`;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(0,0,0)' : 'rgb(255,255,255)';
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    const e = n.parentElement;
    if (!n.textContent.trim() || !e.checkVisibility()) continue;
    const [high, low] = [luminance(getComputedStyle(e).color), luminance(behind(e))].sort((a, b) => b - a);
    found.push([(high + 0.05) / (low + 0.05), n.textContent.trim().slice(0, 40)]);
  }
  return found;
}"""


def chromium() -> str:
    """The browser; installed first where CI asks for it and this user may. Skips the test where there is none."""
    known = CHROMIUM if Path(CHROMIUM).exists() else shutil.which("chromium")
    if known is None and os.environ.get("CI") == "true" and os.geteuid() == 0 and shutil.which("apt-get"):
        for argv in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", *argv], check=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        known = CHROMIUM
    if known is None:
        pytest.skip("no chromium on this machine")
    return known


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium())
        yield launched
        launched.close()


@dataclass
class Shown:
    """A page that is open, and what the browser had to say about it."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@dataclass
class Looker:
    browser: Browser
    directory: Path

    def at(self, name: str, *, width: int = 1280, scheme: str = "light") -> Shown:
        """The page of a run, at a width and in a scheme of colours."""
        file = self.directory / f"{name}.html"
        file.write_text(html(VIEWS[name](), HOSTILE_AROUND if name == "hostile" else AROUND), encoding="utf-8")
        dark = scheme == "dark"
        context = self.browser.new_context(
            viewport={"width": width, "height": 812}, color_scheme="dark" if dark else "light"
        )
        shown = Shown(context.new_page())
        shown.page.on("console", lambda message: shown.said.append(message.text))
        shown.page.on("pageerror", lambda error: shown.said.append(str(error)))
        shown.page.on("dialog", lambda dialog: shown.said.append(dialog.message))
        shown.page.on("request", lambda request: shown.asked.append(request.url))
        shown.page.goto(file.as_uri())
        return shown


@pytest.fixture
def look(browser: Browser, tmp_path: Path) -> Iterator[Looker]:
    yield Looker(browser, tmp_path)
    for context in browser.contexts:
        context.close()


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


@pytest.mark.parametrize("name", VIEWS)
def test_it_loads_nothing_runs_nothing_and_the_browser_has_nothing_to_say(look: Looker, name: str) -> None:
    shown = look.at(name)
    open_all(shown.page)
    shown.page.wait_for_load_state("networkidle")
    assert shown.said == []
    assert shown.asked == [shown.page.url]
    assert shown.page.evaluate("typeof hacked") == "undefined"


@pytest.mark.parametrize("width", [PHONE, NARROWEST])
@pytest.mark.parametrize("name", VIEWS)
def test_it_fits_a_phone(look: Looker, name: str, width: int) -> None:
    page = look.at(name, width=width).page
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        f"[...document.querySelectorAll('main *, header *')].filter(e => !e.closest('pre, svg')"
        f" && e.getBoundingClientRect().right > {width}).map(e => e.outerHTML.slice(0, 80))"
    )
    assert beyond == []


@pytest.mark.parametrize("name", ["mixed", "people", "rollout"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(look: Looker, name: str, scheme: str) -> None:
    page = look.at(name, scheme=scheme).page
    open_all(page)
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) > 40
    assert [text for ratio, text in ratios if ratio < 4.5] == []


def test_dark_is_dark_and_light_is_light(look: Looker) -> None:
    behind = {
        scheme: look.at("mixed", scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert behind["light"] == "rgb(255, 255, 255)"
    assert max(int(part) for part in behind["dark"][4:-1].split(",")) < 40


def test_the_keyboard_reaches_and_opens_every_part_that_is_closed(look: Looker) -> None:
    page = look.at("people").page
    wanted = page.locator("details > summary").count()
    assert wanted >= 5
    open_all(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = 0
    for _ in range(200):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            "(() => { const e = document.activeElement; const s = getComputedStyle(e);"
            " return [e.tagName, s.outlineStyle, parseFloat(s.outlineWidth), e.parentElement?.open] })()"
        )
        if seen[0] == "BODY":
            break
        assert seen[1] == "solid", f"{seen[0]} does not show that it has the keyboard"
        assert seen[2] >= 2
        if seen[0] == "SUMMARY":
            reached += 1
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.parentElement.open") is False
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.parentElement.open") is True
    assert reached == wanted


def test_what_scrolls_sideways_can_be_scrolled_with_the_keyboard(look: Looker) -> None:
    page = look.at("hostile", width=PHONE).page
    open_all(page)
    scrolling = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => e.scrollWidth > e.clientWidth + 1"
        " && getComputedStyle(e).overflowX === 'auto').map(e => [e.tagName, e.tabIndex, !!e.ariaLabel])"
    )
    assert scrolling
    assert all(seen == ["PRE", 0, True] for seen in scrolling)


def test_a_link_to_a_gate_leads_to_it(look: Looker) -> None:
    page = look.at("people", width=PHONE).page
    page.locator(".reasons a").first.click()
    assert page.evaluate("location.hash") == "#gate-coverage"
    top = page.locator("#gate-coverage").evaluate("e => e.getBoundingClientRect().top")
    assert 0 <= top < 100


def test_paper_shows_what_the_screen_keeps_closed(look: Looker) -> None:
    page = look.at("people", scheme="dark").page
    closed = page.locator("#gate-security .findings")
    assert not closed.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert closed.evaluate("e => e.getBoundingClientRect().height") > 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_pictures_are_drawn_and_named(look: Looker) -> None:
    shown = look.at("rollout", width=PHONE)
    open_all(shown.page)
    drawn = shown.page.evaluate("[...document.images].map(e => [e.complete, e.naturalWidth, e.width <= innerWidth])")
    assert drawn == [[True, 300, True], [True, 1600, True]]
    assert shown.page.get_by_role("img", name="Attached by ada").count() == 1
    assert shown.said == []


def test_a_reader_of_screens_hears_outcome_and_title(look: Looker) -> None:
    page = look.at("people").page
    heard = page.locator("body").aria_snapshot()
    assert 'heading "NO-GO a required gate fails" [level=1]' in heard
    assert "navigation" in heard
    assert "FAIL" in page.locator("#gate-coverage > summary").aria_snapshot()
    assert page.get_by_role("region", name="Who said what").count() == 1
