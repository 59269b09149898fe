from __future__ import annotations

from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from gonogo.model.capture import Blob, Capture
from gonogo.model.observation import Finding
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.run import RunView
from gonogo.outputs.markdown import LIMIT, markdown
from tests.outputs.pages import VIEWS, people_view, rollout_view
from tests.outputs.runs import gate, green, mixed, red, run, seen


def html(text: str) -> str:
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


def test_it_begins_with_the_decision() -> None:
    assert markdown(mixed()).startswith("# NO-GO: a required gate fails\n")
    assert markdown(run(green(gate("A")), decision=DecisionWord.GO)).startswith("# GO: ")
    assert markdown(run(green(gate("A")), decision=None)).startswith("# No decision: finished\n")


def test_every_gate_has_one_row_of_six_cells() -> None:
    shown = html(markdown(mixed()))
    table = shown[shown.index("<table>") : shown.index("</table>")]
    assert table.count("<tr>") == len(mixed().gates) + 1
    assert table.count("<td>") == len(mixed().gates) * 6


def test_foreign_text_stays_text() -> None:
    evil = "a | b <script>x</script> [link](http://e) @everyone *b* `c|d` &lt;b&gt;"
    shown = html(markdown(run(seen(gate("Odd | one"), Outcome.ERROR, evil))))
    assert "<script>" not in shown
    assert "href" not in shown
    assert "<td>Odd | one</td>" in shown
    assert "<code>c|d</code>" in shown
    assert "&amp;lt;b" in shown


@pytest.mark.parametrize(
    "text", ["@everyone", "https://example.org/x", "www.example.org", "o/r#12", "#7", "a@example.org", "GH-3"]
)
def test_what_github_would_link_or_notify_is_code(text: str) -> None:
    shown = html(markdown(run(seen(gate("One"), Outcome.ERROR, f"see {text} now"))))
    assert f"see <code>{text}</code> now" in shown


@pytest.mark.parametrize("text", ["- a list", "1. a list", "2) a list", "+ a list", "=== heading", "> a quotation"])
def test_text_that_begins_like_a_list_is_none(text: str) -> None:
    shown = html(markdown(run(seen(gate(text), Outcome.ERROR, text))))
    assert f"<li>{text.replace('>', '&gt;')}</li>" in shown
    assert "<ol>" not in shown
    assert "<blockquote>" not in shown


def test_details_are_closed_and_never_inside_each_other() -> None:
    for make in VIEWS.values():
        depth = 0
        for line in markdown(make()).split("\n"):
            depth += line.startswith("<details>") - (line == "</details>")
            assert depth in {0, 1}
        assert depth == 0


def test_it_names_distance_finding_owner_and_command() -> None:
    said = markdown(mixed())
    for words in (
        "lint errors 3, needs 0: 3 too many",
        "`backend/src/app.ts:12:7  Unexpected console statement`",
        "owner: Backend, Frontend, Shared",
        "`gonogo run READINESS.md --gate formatting-linting`",
        "Branch hygiene: this demo has no remote",
    ):
        assert words in said


def test_the_worst_come_first_and_the_rest_is_folded() -> None:
    said = markdown(mixed())
    first, _, folded = said.partition("<details>")
    told = [line for line in first.split("\n") if line.startswith("### ")]
    assert [line.split(":")[0].split()[-1] for line in told] == ["FAIL", "ERROR", "STALE"]
    assert folded.startswith("<summary>2 more gates that are not green</summary>")
    assert "### ? UNKNOWN: Security" in folded
    assert first.index("Formatting & linting") < first.index("Docs build")


def test_a_waived_gate_is_folded() -> None:
    first, _, folded = markdown(people_view()).partition("<details>")
    assert "### ✗ FAIL: Coverage" in first
    assert "Security" not in first
    assert "### ✗ FAIL, waived: Security" in folded


def test_it_tells_people_and_waivers() -> None:
    said = markdown(people_view())
    assert "- Ada Lovelace for DevOps said **go** about the run: seen it" in said
    assert "- Backend: 0 of 1 said go; ben may" in said
    assert "(void: the verdicts have changed since)" in said
    assert "`GHSA-1:left-pad:<2`: **30 days left** (until 2026-12-22), Backend, approved by Cleo" in said


def huge(gates: int, findings: int, width: int) -> RunView:
    """Red gates with many findings, notes, sentences and files, each text as wide as asked and all of it markup."""
    text = "*" * width
    made = []
    for index in range(gates):
        found = tuple(
            Finding("lint", f"{at}", "error", f"{text}{at}", f"src/{text}.ts", at + 1) for at in range(findings)
        )
        files = tuple(Blob(f"report/{at}", f"{at:064x}", 9, 9) for at in range(findings))
        made.append(
            red(
                gate(f"Gate {index} {text}", owners=(text,) * 9),
                findings=found,
                findings_total=findings,
                notes=(text,) * findings,
                questions=(text,) * findings,
                captures=(Capture("command", text, blobs=files),),
            )
        )
    return run(*made, notes=(text,) * findings)


@pytest.mark.parametrize(
    ("gates", "findings", "width"),
    [(1, 1, 10), (40, 30, 60), (400, 4, 20), (5, 900, 400), (3, 3, 200_000), (2_000, 1, 3_000)],
)
def test_it_is_never_too_long_to_be_posted(gates: int, findings: int, width: int) -> None:
    view = huge(gates, findings, width)
    said = markdown(view)
    assert len(said) <= 60_000 == LIMIT
    assert said.startswith("# NO-GO")
    assert "### ✗ FAIL: Gate 0" in said
    assert said.count("<details>") == said.count("</details>")
    assert ("Shortened to fit" in said) == (gates > 1)


def test_what_is_left_out_is_counted() -> None:
    said = markdown(huge(400, 4, 20))
    shown = said.count("### ✗ FAIL")
    assert f"And {400 - shown} more gates that are not green." in said


def test_a_run_that_fits_is_whole() -> None:
    view = mixed()
    assert all(one.gate.title.partition("&")[0] in markdown(view) for one in view.gates)
    assert "Shortened" not in markdown(replace(view, notes=("a note",)))


def test_it_tells_what_the_run_changed_and_with_which_images() -> None:
    told = markdown(rollout_view())
    assert "<summary>What it changed: 2 acts</summary>" in told
    assert "**Deploy app** (42 s): r8 on staging; r8 in the place of r7: PASS after 41.9 s" in told
    assert "r7 in the place of r8: PASS after 12.3 s" in told
    assert "<summary>1 image</summary>" in told
    assert f"- api: `sha256:{'7' * 64}`" in told
    assert "What it changed" not in markdown(mixed())
