from __future__ import annotations

from markdown_it import MarkdownIt

from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.outputs.markdown import markdown
from tests.outputs.runs import gate, green, mixed, run, seen


def html(text: str) -> str:
    return str(MarkdownIt("commonmark").enable("table").render(text))


def test_it_begins_with_the_decision() -> None:
    assert markdown(mixed()).startswith("# NO-GO: a required gate fails\n")
    assert markdown(run(green(gate("A")), decision=DecisionWord.GO)).startswith("# GO: ")


def test_every_gate_has_one_row_of_six_cells() -> None:
    rows = html(markdown(mixed())).split("<h3")[0].count("<tr>")
    assert rows == len(mixed().gates) + 1


def test_foreign_text_stays_text() -> None:
    evil = "a | b <script>x</script> [link](http://e) @everyone *b* `c|d`"
    shown = html(markdown(run(seen(gate("Odd | one"), Outcome.ERROR, evil))))
    assert "<script>" not in shown
    assert "href" not in shown
    assert "<td>Odd | one</td>" in shown
    assert "<code>c|d</code>" in shown


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
