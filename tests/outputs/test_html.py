from __future__ import annotations

import base64
import hashlib
import itertools
import re
from dataclasses import replace

import pytest

from gonogo.model.outcome import DecisionWord
from gonogo.model.run import RunState
from gonogo.model.verdict import Decision, Reason
from gonogo.outputs.html import html
from gonogo.outputs.surroundings import Surroundings
from tests.outputs.pages import AROUND, EVIL, HOSTILE_AROUND, VIEWS, people_view, read, rollout_view
from tests.outputs.runs import gate, green, mixed, run

HEADINGS = re.compile(r"h[1-6]")
MINIMUM_TEXT, MINIMUM_DRAWN = 4.5, 3.0
"""WCAG 2.2, 1.4.3 (AA) and 1.4.11."""


def page(name: str) -> str:
    return html(VIEWS[name](), HOSTILE_AROUND if name == "hostile" else AROUND)


@pytest.mark.parametrize("name", VIEWS)
def test_a_page_is_well_formed_with_headings_in_order_and_landmarks(name: str) -> None:
    tags = read(page(name)).tags
    names = [tag for tag, _ in tags]
    levels = [int(tag[1]) for tag in names if HEADINGS.fullmatch(tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert {"header", "nav", "main", "footer"} <= set(names)
    assert dict(tags)["html"]["lang"] == "en"


@pytest.mark.parametrize("name", VIEWS)
def test_every_link_inside_the_page_has_its_target_and_no_id_is_there_twice(name: str) -> None:
    tags = read(page(name)).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    inside = {str(a["href"])[1:] for tag, a in tags if tag == "a" and str(a["href"]).startswith("#")}
    assert len(inside) > 3
    assert inside <= set(ids)
    assert {a["aria-labelledby"] for _, a in tags if "aria-labelledby" in a} <= set(ids)


def test_foreign_text_stays_text() -> None:
    made = page("hostile")
    reader = read(made)
    assert not {tag for tag, _ in reader.tags} & {"script", "img", "iframe", "object", "form", "base", "input"}
    assert not [name for _, attributes in reader.tags for name in attributes if name.startswith("on") or name == "src"]
    said = "".join(reader.text)
    assert said.count(EVIL) > 20
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", made)
    links = [str(a["href"]) for tag, a in reader.tags if tag == "a"]
    assert all(link.startswith(("#", "evidence/")) for link in links), "only http links of waivers may be followed"


def test_its_policy_admits_its_own_style_and_nothing_else() -> None:
    made = page("mixed")
    style = made.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]+)"', made)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert f"style-src 'sha256-{digest}'" in policy[1]
    assert "style=" not in made
    assert "url(" not in style


def test_it_leads_with_the_decision_and_what_holds_it_the_worst_first() -> None:
    said = "".join(read(page("mixed")).text)
    order = [said.index(part) for part in ("NO-GO", "a required gate fails", "What holds it", "Gates", "Time line")]
    assert order == sorted(order)
    why = said[order[2] : order[3]]
    titles = ["Formatting & linting", "Docs build", "Unit tests", "Security", "Secrets set", "Deploy app"]
    assert [why.index(title) for title in titles] == sorted(why.index(title) for title in titles)
    assert why.count("phase 1 is not green") == 1


def test_a_short_gate_shows_distance_bar_source_and_what_it_printed() -> None:
    made = page("people")
    said = "".join(read(made).text)
    assert "lines coverage 57.85 %, needs >= 65 %, short by 7.15 points: 45 lines" in said
    assert "cover 45 lines more" in said
    assert '<rect class="value" x="0" y="3" width="57.85"' in made
    assert "return x == 1;" in said
    assert re.search(r"\n? {8}\xa0{11}\^", said), "the caret is below column 12"
    assert "Lines: 57.85 %" in said
    assert "report of vitest" in said
    assert f'href=".gonogo/state/evidence/33/{"3" * 64}"' in made


def test_pictures_stand_where_they_are_spoken_of_with_what_they_show_in_words() -> None:
    reader = read(page("rollout"))
    shown = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert [one["alt"] for one in shown] == [
        "Attached by ada, who says: all panels have data",
        "The dashboard `Staging`: error rate 0 %, p95 180 ms, no panel without data",
    ]
    assert all(str(one["src"]).startswith("data:image/png;base64,iVBORw0KGgo") for one in shown)
    without = read(html(rollout_view()))
    assert not [tag for tag, _ in without.tags if tag == "img"]


def test_what_a_probe_saw_can_be_read_in_the_page() -> None:
    said = "".join(read(page("rollout")).text)
    assert "What it saw" in said
    assert '"without_data": []' in said
    assert "What it saw" not in html(rollout_view())


def test_it_tells_what_it_changed() -> None:
    said = " ".join("".join(read(page("rollout")).text).split())
    changed = said[said.index("What it changed") : said.index("Who said what")]
    for part in ("Deploy app", "r8 in the place of r7: PASS after 41.9 s", "image api sha256:7777", "took 42 s"):
        assert part in changed
    assert "r7 in the place of r8: PASS after 12.3 s" in changed
    assert "Performance sanity" not in changed
    assert "What it changed" not in page("people")
    assert "Image apisha256:7777" in said.partition("Record")[2]


def test_without_surroundings_it_names_the_place_and_links_nothing() -> None:
    made = html(people_view())
    assert "backend/src/app.ts:13:12" in made
    assert "return x == 1;" not in made
    assert "evidence/33/" not in made


def test_a_source_that_ends_before_the_line_of_a_finding_is_not_shown() -> None:
    made = html(people_view(), Surroundings(sources={"backend/src/app.ts": "one\n"}))
    assert "<pre" not in made


def test_it_tells_who_said_what_whose_word_is_missing_and_what_is_void() -> None:
    said = " ".join("".join(read(page("people")).text).split())
    assert "✓ is there the word of DevOps" in said
    assert "waits the word of Backend: 0 of 1 said go; ben may" in said
    assert "Ada Lovelace for DevOps, about the run “seen it”" in said.replace("seen it", "“seen it”")
    assert "go void Ben for Backend, about the run the verdicts have changed since" in said
    assert "no-go Ben for Backend, about Coverage" in said


def test_waivers_come_with_the_days_they_have_left_the_first_to_end_first() -> None:
    said = " ".join("".join(read(page("people")).text).split())
    waivers = said[said.index("Waivers") :]
    assert [waivers.index(left) for left in ("ended 2 days ago", "7 days left", "30 days left")] == sorted(
        waivers.index(left) for left in ("ended 2 days ago", "7 days left", "30 days left")
    )
    assert "approved by Cleo" in waivers
    assert "covers something in Security" in waivers
    assert "covers nothing in this run" in waivers
    assert '<a href="https://example.org/issues/7"' in page("people")


def test_red_gates_are_open_and_green_and_waived_ones_are_closed() -> None:
    gates = {str(a["id"]): "open" in a for tag, a in read(page("people")).tags if tag == "details" and "id" in a}
    assert gates == {"gate-tooling": False, "gate-coverage": True, "gate-security": False}


@pytest.mark.parametrize(("state", "word"), [(RunState.RUNNING, "RUNNING"), (RunState.INTERRUPTED, "INTERRUPTED")])
def test_a_run_without_a_decision_never_looks_like_one(state: RunState, word: str) -> None:
    made = html(run(green(gate("A")), decision=None, state=state))
    assert f'<span class="word">{word}</span>' in made
    assert not re.search(r"\bGO\b", "".join(read(made).text))


def test_an_outcome_is_a_symbol_and_a_word() -> None:
    said = " ".join("".join(read(html(mixed())).text).split())
    for outcome in ("✗ FAIL", "! ERROR", "~ STALE", "? UNKNOWN", "✓ pass", "– n/a", "· not run"):  # noqa: RUF001
        assert outcome in said
    assert "✓ pass, flaky" in said


def test_a_hold_that_waits_for_people_says_for_whom() -> None:
    view = people_view()
    reasons = (Reason("", "waits for the word of Backend: 0 of 1 said go; ben may"),)
    decision = Decision(DecisionWord.HOLD, reasons, "2026-11-22T10:00:21Z")
    said = html(replace(view, gates=view.gates[:1], decision=decision))
    assert '<span class="meaning">waits for the word of Backend</span>' in said
    spent = Decision(DecisionWord.HOLD, (Reason("", "the time budget is spent"),), "2026-11-22T10:00:21Z")
    assert "the run as a whole holds it" in html(replace(run(green(gate("A"))), decision=spent))


def test_the_same_run_gives_the_same_page() -> None:
    assert html(people_view(), AROUND) == html(people_view(), AROUND)


def test_a_go_says_what_it_does_not_wait_for() -> None:
    made = html(run(green(gate("A")), decision=DecisionWord.GO))
    assert '<span class="word">GO</span>' in made
    assert "What holds it" not in made


# --- contrast, from the style sheet itself -------------------------------------------------------------------


def colours() -> dict[str, dict[str, str]]:
    """The named colours of each scheme."""
    style = page("mixed").partition("<style>")[2].partition("</style>")[0]
    light, dark, printed = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    named = {}
    for scheme, text in (("light", light), ("dark", dark), ("print", printed)):
        named[scheme] = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", text))
    return named


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_ratio_is_that_of_the_standard() -> None:
    assert ratio("#000000", "#ffffff") == pytest.approx(21)
    assert ratio("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_and_drawings_stand_out_from_what_is_behind_them(scheme: str) -> None:
    named = colours()[scheme]
    for text in ("ink", "soft", "link", "pass", "fail", "warn", "calm"):
        for behind in ("paper", "raised"):
            assert ratio(named[text], named[behind]) >= MINIMUM_TEXT, f"{text} on {behind}"
    for drawn in ("pass", "fail", "warn", "calm", "ink"):
        for behind in ("paper", "track", "good"):
            assert ratio(named[drawn], named[behind]) >= MINIMUM_DRAWN, f"{drawn} on {behind}"
