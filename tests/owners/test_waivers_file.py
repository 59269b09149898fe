"""The text of the waivers: every mistake at once, with its place; and what is added leaves the rest alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from inline_snapshot import snapshot

from gonogo.errors import Diagnostic, InputError, Span, render
from gonogo.model.verdict import Waiver
from gonogo.owners.waivers_edit import added
from gonogo.owners.waivers_file import FILE, MAX_BYTES, day, read
from tests.criterion.observed import TYPES
from tests.owners.history import ONE

HEAD = ONE.partition("  - id")[0]
ENTRY = ONE.partition("waivers:\n")[2]
SECOND = Waiver("W2", "Backend", "Ben", "known: and # small", date(2026, 12, 31), finding="eqeqeq:src/b.ts", matches=2)


def mistakes(text: str | bytes) -> tuple[Diagnostic, ...]:
    with pytest.raises(InputError) as caught:
        read(text if isinstance(text, bytes) else text.encode(), TYPES)
    return caught.value.diagnostics


def told(text: str | bytes) -> list[tuple[str, int]]:
    """Slug and line of each mistake."""
    return [(one.slug, one.span.line if one.span else 0) for one in mistakes(text)]


def span(one: Diagnostic) -> Span:
    assert one.span is not None
    return one.span


def test_every_mistake_at_once_with_its_place() -> None:
    text = """\
gonogo: 2
waivers:
  - id: W1
    finding: a
    criterion: lint.warnings <= 42
    owner: Backend
    approver: Ben
    reason: "  "
    until: 2026-02-29
    untill: 2026-02-28
  - id: W2
    criterion: lint.warning <= 42
    owner: Backend
    reason: tracked
    link: ticket 7
    until: 2026-12-31
    justification: not_present
"""
    assert told(text) == [
        ("unknown-version", 1),
        ("waiver-of-what", 3),
        ("missing-field", 8),
        ("no-such-day", 9),
        ("unknown-field", 10),
        ("missing-field", 11),
        ("unknown-observation", 12),
        ("no-link", 15),
        ("unknown-word", 17),
    ]


def test_a_mistake_as_a_person_reads_it() -> None:
    assert render(mistakes(ONE.replace("2026-12-22", "22.12.2026"))[0]) == snapshot(
        """\
error: `22.12.2026` is no day [no-such-day]
 --> .gonogo/waivers.yaml:9:12
  |
9 |     until: 22.12.2026
  |            ^^^^^^^^^^
  |
  = help: write a day of the calendar as year-month-day, such as `2026-12-31`\
"""
    )


@pytest.mark.parametrize(
    ("line", "slug"),
    [
        ("matches: 0", "wrong-type"),
        ("matches: some", "wrong-type"),
        ("justification: [a]", "wrong-type"),
        ("link: ftp://example.org", "no-link"),
        ("link: 'https://'", "no-link"),
        ("id: W1", "duplicate-key"),
        ("criterion: lint.warnings <= 42", "waiver-of-what"),
    ],
)
def test_fields_that_do_not_fit(line: str, slug: str) -> None:
    assert [slug_ for slug_, _ in told(f"{ONE}    {line}\n")] == [slug]


@pytest.mark.parametrize("name", ["id", "finding", "owner", "approver", "reason", "until"])
def test_what_no_waiver_does_without(name: str) -> None:
    lines = [line for line in ONE.splitlines() if not line.lstrip(" -").startswith(f"{name}:")]
    text = "\n".join(lines)
    if name == "id":
        text = text.replace("    finding", "  - finding")
    wanted = "waiver-of-what" if name == "finding" else "missing-field"
    assert wanted in [slug for slug, _ in told(text)]


@pytest.mark.parametrize("until", ["2027-02-29", "2026-13-01", "20261231", "2026-W52-4", "tomorrow", "5", "[2026]"])
def test_days_that_are_none(until: str) -> None:
    assert [slug for slug, _ in told(ONE.replace("2026-12-22", until))] == ["no-such-day"]
    assert day("2028-02-29") == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("offered", "slug"),
    [
        ("lint.warnings <=", "syntax"),
        ("lint.warnings", "not-boolean"),
        ("lint.warnings >= 0", "cannot-fail"),
        ("1 == 1", "cannot-fail"),
    ],
)
def test_a_criterion_that_cannot_stand(offered: str, slug: str) -> None:
    found = mistakes(ONE.replace("finding: no-console:src/a.ts", f"criterion: {offered}"))
    assert [one.span.line for one in found if one.span] == [4], found
    assert found[0].slug == slug


def test_two_of_one_name_and_most_days_without_bound() -> None:
    assert told(f"most_days: 367\n{ONE}{ENTRY}") == [("wrong-type", 1), ("duplicate-id", 11)]
    assert told(f"most_days: 0\n{ONE}") == [("wrong-type", 1)]


def test_a_value_from_elsewhere_would_hide_its_author() -> None:
    text = ONE.replace("waivers:", "most_days: &days 90\nwaivers:").replace("reason: tracked", "reason: *days")
    assert ("waiver-elsewhere", 9) in told(text)
    second = ENTRY.replace("W1", "W2").replace("2026-12-22", "*end")
    assert told(ONE.replace("until: 2026", "until: &end 2026") + second) == [("waiver-elsewhere", 16)]


@pytest.mark.parametrize("odd", ["\r", "\x85", "\u2028", "\u2029"])
def test_line_ends_that_git_does_not_know_would_shift_who_wrote_which(odd: str) -> None:
    assert told(f"# a{odd}# b\n{ONE}") == [("odd-line-end", 1)]


def test_what_is_no_waivers_file() -> None:
    assert [slug for slug, _ in told("waivers: {a: 1}")] == ["wrong-type"]
    assert [slug for slug, _ in told("- a")] == ["wrong-type"]
    assert [slug for slug, _ in told("waivers: [")] == ["yaml-syntax"]
    assert [slug for slug, _ in told(b"waivers: \xff")] == ["not-utf8"]
    assert [slug for slug, _ in told(b" " * (MAX_BYTES + 1))] == ["waivers-too-large"]
    assert read(b"").entries == read(b"waivers:\n").entries == read(b"# nothing yet\n").entries == ()


def test_the_lines_of_a_waiver_end_before_the_remarks_of_the_next() -> None:
    text = f"{HEAD}  # first\n{ENTRY}\n  # second\n{ENTRY.replace('W1', 'W2')}\nmost_days: 30\n"
    entries = read(text.encode()).entries
    lines = text.split("\n")
    assert [(lines[e.first - 1].strip(), lines[e.last - 1].strip(), lines[e.until - 1].strip()) for e in entries] == [
        ("- id: W1", "until: 2026-12-22", "until: 2026-12-22"),
        ("- id: W2", "until: 2026-12-22", "until: 2026-12-22"),
    ]


# --- adding one ----------------------------------------------------------------------------------------------


def waivers(text: str) -> list[Waiver]:
    return [entry.waiver for entry in read(text.encode()).entries]


def test_a_new_file() -> None:
    found = added(None, [SECOND])
    assert waivers(found) == [SECOND]
    assert found.startswith("# What named people")
    assert added(found, [replace(SECOND, id="W3")]).startswith(found)


ODD = """\
# who reads this?
gonogo: 1
waivers:   # the list

-   id: 'W1'        # odd, and kept
    finding: "no-console:src/a.ts"
    owner:     Backend
    approver: Ben
    reason: >-
      tracked, and
      told at length
    until:  2026-12-22   # a Tuesday

# the last word
"""


@pytest.mark.parametrize("text", [ONE, ODD, ONE.replace("\n", "\r\n"), ONE.rstrip("\n"), f"\ufeff{ONE}"])
def test_every_line_that_is_there_stays(text: str) -> None:
    found = added(text, [SECOND])
    assert [one.id for one in waivers(found)] == ["W1", "W2"]
    assert waivers(found)[1] == SECOND
    rest = iter(found.splitlines())
    assert all(line in rest for line in text.splitlines()), found
    assert ("\r\n" in found) == ("\r\n" in text)


@pytest.mark.parametrize(
    "text",
    ["", "# mine\n", "gonogo: 1\n# mine\nwaivers: []  # none\n", "# mine\nwaivers:\n", "# mine\nmost_days: 30\n"],
)
def test_a_list_that_was_empty_keeps_the_remarks(text: str) -> None:
    found = added(text, [SECOND])
    assert waivers(found) == [SECOND]
    assert ("# mine" in found) == ("# mine" in text)
    assert ("most_days: 30" in found) == ("most_days" in text)


def test_a_list_in_flow_style() -> None:
    flow = "waivers: [{id: W1, finding: a, owner: B, approver: C, reason: d, until: 2026-12-31}]  # mine\n"
    assert [one.id for one in waivers(added(flow, [SECOND]))] == ["W1", "W2"]


def test_a_file_with_mistakes_is_not_touched() -> None:
    with pytest.raises(InputError):
        added(ONE.replace("until", "til"), [SECOND])


def test_texts_that_yaml_could_misread_come_back_as_they_were() -> None:
    for text in ("yes", "1.10", "- a", "a: b # c", '"', "'", "ä 日本", "a\\nb", "{}", "*a", "2026-01-01", " edge "):
        one = Waiver("W9", text, text, text, date(2026, 12, 31), finding=text)
        assert waivers(added(ONE, [one]))[1] == one
    assert FILE == ".gonogo/waivers.yaml"
