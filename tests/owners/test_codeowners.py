"""CODEOWNERS as a roster."""

from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.errors import InputError
from gonogo.model.checklist import Checklist
from gonogo.model.roster import Roster, Seat
from gonogo.owners import codeowners, roster
from tests.owners.people import ADA, BEN, CLEO

GITHUB = """\
# who looks at what
*                 @ada ben@example.org
/backend/         @ada   # the API
/src/frontend/*.ts @ben
/deploy/          @org/ops @cleo
*.md              @dan
/Makefile         @dan
/no-owner/
"""

GITLAB = """\
* @ada

[DevOps][2] @ben
/deploy/ @cleo
/charts/

^[Docs] @org/writers
*.md
"""


def seats(text: str) -> dict[str, Seat]:
    return {seat.owner: seat for seat in codeowners.read(text)[0].seats}


def test_directories_are_owners_and_the_star_is_all() -> None:
    found = seats(GITHUB)
    assert set(found) == {"All", "backend", "frontend", "deploy", "Makefile"}
    assert found["All"].people == ("@ada", "ben@example.org")
    assert found["backend"] == Seat("backend", ("@ada",))
    assert found["deploy"] == Seat("deploy", ("@cleo",), ("@org/ops",))


def test_sections_are_owners_with_their_count() -> None:
    found = seats(GITLAB)
    assert found["DevOps"] == Seat("DevOps", ("@ben", "@cleo"), quorum=2)
    assert found["Docs"] == Seat("Docs", (), ("@org/writers",))
    assert set(found) == {"All", "DevOps", "Docs"}


def test_of_two_directories_of_one_name_the_nearer_to_the_top_counts() -> None:
    """Whoever owns `/tools/backend` must not speak for the backend."""
    for text in ("/backend/ @ada\n/tools/backend/ @eve\n", "/tools/backend/ @eve\n/backend/ @ada\n"):
        assert seats(text)["backend"].people == ("@ada",)


def test_owners_are_found_in_any_case_and_people_by_handle_address_or_id() -> None:
    found, _ = codeowners.read(GITHUB)
    assert [p.id for p in found.speakers("Backend", [ADA, BEN, CLEO])] == ["ada"]
    assert [p.id for p in found.speakers("All", [ADA, BEN, CLEO])] == ["ada", "ben"]


def test_a_team_needs_its_people_from_the_checklist() -> None:
    found, _ = codeowners.read("/deploy/ @org/ops\n")
    assert found.speakers("deploy", [ADA, BEN]) == ()
    own = Roster(groups={"@org/ops": ("ben",)}, source="CODEOWNERS")
    assert [p.id for p in roster.merged(own, found).speakers("deploy", [ADA, BEN])] == ["ben"]


def test_what_names_nobody_is_a_warning_with_its_place() -> None:
    found, warnings = codeowners.read("/backend/ @ada nobody\n", ".github/CODEOWNERS")
    assert found.seats[0].people == ("@ada",)
    (warning,) = warnings
    assert warning.span is not None
    assert (warning.slug, warning.span.line, warning.span.column) == ("codeowners-word", 1, 16)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only a remark\n", "[", "[]", "\\ \n", "*\n", "[x\n", "^[", "\x00 \x00"]
)
def test_any_text_is_read(text: str) -> None:
    assert codeowners.read(text)[0].seats == ()


def test_the_checklists_own_seats_win(tmp_path: Path) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/CODEOWNERS").write_text(GITHUB)
    own = Roster((Seat("Backend", ("ben",), quorum=1),), four_eyes=True, source="CODEOWNERS")
    crew = roster.at(Checklist("t", (), roster=own), tmp_path, "")
    assert [p.id for p in crew.roster.speakers("backend", [ADA, BEN])] == ["ben"]
    assert crew.roster.four_eyes
    assert [p.id for p in crew.roster.speakers("frontend", [ADA, BEN])] == ["ben"]


def test_a_roster_from_a_file_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    asked = Checklist("t", (), roster=Roster(source="CODEOWNERS"))
    with pytest.raises(InputError, match="there is none"):
        roster.at(asked, tmp_path, "")
    (tmp_path / "CODEOWNERS").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        roster.at(asked, tmp_path, "")
    assert roster.at(Checklist("t", ()), tmp_path, "").roster == Roster()
