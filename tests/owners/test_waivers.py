"""Waivers are read from the commit, and their history decides whether they count."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gonogo.errors import InputError, Severity
from gonogo.model.roster import Person
from gonogo.owners.waivers_file import FILE
from tests.everybody import as_everybody
from tests.owners.history import ADA, BEN, NOON, ONE, TODAY, History, ids, slugs


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path)
    made.git("init", "-q", "-b", "main")
    made.write("hello\n", "README")
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "feat: begin")
    return made


# --- committed or not ----------------------------------------------------------------------------------------


def test_a_committed_waiver_knows_who_wrote_it_and_when(history: History) -> None:
    commit = history.commit()
    loaded = history.load()
    assert (ids(loaded), loaded.remarks) == (["W1"], ())
    one = loaded.waivers[0]
    assert (one.authors, one.written, one.commit) == (("Ada <ada@example.org>",), "2026-11-22T12:00:00Z", commit)
    assert (one.finding, one.owner, one.approver, one.until) == (
        "no-console:src/a.ts", "Backend", "Ben", date(2026, 12, 22),
    )  # fmt: skip


def test_no_file_no_waivers_no_word(history: History) -> None:
    assert history.load() == history.present()
    assert (ids(history.load()), history.load().remarks) == ([], ())


def test_a_file_that_is_not_committed_is_ignored_with_the_reason(history: History) -> None:
    history.write(ONE)
    loaded = history.load()
    assert (ids(loaded), slugs(loaded)) == ([], ["waivers-not-committed"])
    assert loaded.notes == (f"`{FILE}` is not committed: none of its waivers counts",)
    assert loaded.remarks[0].severity is Severity.WARNING
    history.git("add", "-A")
    assert ids(history.load()) == []


def test_a_file_that_was_changed_since_is_ignored_with_the_reason(history: History) -> None:
    history.commit()
    history.write(ONE.replace("2026-12-22", "2026-12-23"))
    loaded = history.load()
    assert (ids(loaded), "was changed since the commit" in loaded.notes[0]) == ([], True)


def test_the_index_cannot_be_told_to_look_away(history: History) -> None:
    history.commit()
    history.git("update-index", "--assume-unchanged", FILE)
    history.write(ONE.replace("2026-12-22", "2026-12-23"))
    assert ids(history.load()) == []


def test_a_file_that_was_removed_or_replaced_by_a_link_is_ignored(history: History) -> None:
    history.commit()
    (history.root / FILE).unlink()
    assert (ids(history.load()), "not in the working tree" in history.load().notes[0]) == ([], True)
    history.write(ONE, "elsewhere.yaml")
    (history.root / FILE).symlink_to("../elsewhere.yaml")
    assert ids(history.load()) == []
    history.git("add", "-A")
    history.git("commit", "-q", "-m", "chore: link")
    assert (ids(history.load()), slugs(history.load())) == ([], ["waivers-not-committed"])


def test_line_ends_that_git_turns_are_no_change(history: History) -> None:
    history.git("config", "core.autocrlf", "true")
    history.commit()
    history.write(ONE.replace("\n", "\r\n"))
    assert ids(history.load()) == ["W1"]


def test_the_waivers_of_another_commit_are_not_those_of_this_one(history: History) -> None:
    begun = history.head
    history.commit()
    history.git("checkout", "-q", begun)
    assert (ids(history.load()), history.load().remarks) == ([], ())


def test_without_a_commit_nothing_counts(tmp_path: Path) -> None:
    from gonogo.owners import waivers

    fresh = History(tmp_path)
    fresh.git("init", "-q")
    fresh.write(ONE)
    loaded = waivers.load(tmp_path, "", as_of=TODAY)
    assert (ids(loaded), slugs(loaded)) == ([], ["waivers-not-committed"])


def test_looking_ahead_tells_what_is_not_committed_yet(history: History) -> None:
    history.write(ONE)
    loaded = history.present()
    assert (ids(loaded), slugs(loaded)) == (["W1"], ["waivers-not-committed"])
    history.commit()
    assert (ids(history.present()), slugs(history.present())) == (["W1"], [])


def test_mistakes_stop_a_run_where_they_are_committed(history: History) -> None:
    history.commit(ONE.replace("until: 2026-12-22", "until: soon"))
    with pytest.raises(InputError):
        history.load()


def test_a_file_that_cannot_be_read(history: History) -> None:
    history.commit()
    (history.root / FILE).chmod(0)
    with as_everybody(), pytest.raises(InputError, match="cannot read"):
        history.load()


# --- nobody approves their own -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who",
    [
        BEN,
        ("BEN", "other@example.org"),
        ("Somebody", "ben@example.org"),
        ("Somebody", "123+ben@users.noreply.example.org"),
    ],
)
def test_who_wrote_it_cannot_approve_it(history: History, who: tuple[str, str]) -> None:
    history.commit(who=who)
    loaded = history.load()
    assert (ids(loaded), slugs(loaded)) == ([], ["self-approved"])
    assert "waiver `W1` does not count: Ben wrote it" in loaded.notes[0]
    assert loaded.remarks[0].span is not None
    assert loaded.remarks[0].span.line == 7


def test_one_line_is_enough(history: History) -> None:
    history.commit()
    history.commit(ONE.replace("reason: tracked", "reason: tracked well"), who=BEN)
    assert slugs(history.load()) == ["self-approved"]


def test_a_line_of_another_waiver_is_not(history: History) -> None:
    second = ONE.partition("waivers:\n")[2].replace("W1", "W2").replace("approver: Ben", "approver: Ada")
    history.commit()
    history.commit(f"{ONE}  # of the build\n{second}\n# Ben was here\n", who=BEN)
    assert (ids(history.load()), history.load().remarks) == (["W1", "W2"], ())


def test_who_wrote_it_with_others_cannot_approve_it(history: History) -> None:
    history.commit(message="chore: waive\n\nCo-authored-by: B. <ben@example.org>")
    assert slugs(history.load()) == ["self-approved"]


def test_a_merge_is_not_the_author(history: History) -> None:
    history.git("checkout", "-q", "-b", "waive")
    history.commit()
    history.git("checkout", "-q", "main")
    history.git("merge", "-q", "--no-ff", "--no-edit", "waive", who=BEN)
    assert ids(history.load()) == ["W1"]


def test_a_clone_cannot_be_configured_to_hide_the_author(history: History) -> None:
    history.commit()
    hidden = history.commit(ONE.replace("2026-12-22", "2026-12-29"), who=BEN)
    history.write(f"{hidden}\n", "ignored-revisions")
    history.write("Ada <ada@example.org> <ben@example.org>\nAda <ada@example.org> Ben <ben@example.org>\n", ".mailmap")
    history.git("config", "blame.ignoreRevsFile", "ignored-revisions")
    history.git("config", "log.mailmap", "true")
    assert slugs(history.load()) == ["self-approved"]


def test_a_mailmap_that_joins_two_addresses_joins_them_here(history: History) -> None:
    history.write("Ben <ben@example.org> <b@home.example.org>\n", ".mailmap")
    history.commit(who=("B", "b@home.example.org"))
    assert slugs(history.load()) == ["self-approved"]


def test_where_the_history_is_cut_off_nobody_can_tell(history: History, tmp_path: Path) -> None:
    history.commit()
    clone = History(tmp_path / "clone")
    history.git("clone", "-q", "--depth", "1", f"file://{history.root}", str(clone.root))
    loaded = clone.load()
    assert (ids(loaded), slugs(loaded)) == ([], ["waiver-no-history"])
    assert "--unshallow" in loaded.remarks[0].help
    clone.git("fetch", "-q", "--unshallow")
    assert ids(clone.load()) == ["W1"]


# --- people with keys ----------------------------------------------------------------------------------------


def person(name: str, *emails: str, revoked: str = "") -> Person:
    return Person(name, name.title(), "", emails, (f"@{name}",), revoked=revoked)


def test_where_people_are_known_an_approver_is_one_of_them(history: History) -> None:
    history.commit()
    assert ids(history.load(people=[person("ben")])) == ["W1"]
    loaded = history.load(people=[person("benno"), person("cleo")])
    assert (ids(loaded), slugs(loaded)) == ([], ["unknown-approver"])
    assert "did you mean `benno`?" in loaded.remarks[0].label


def test_a_person_is_all_their_addresses(history: History) -> None:
    history.commit(who=("Somebody", "b@home.example.org"))
    assert ids(history.load()) == ["W1"]
    known = [person("ben", "ben@example.org", "b@home.example.org")]
    assert slugs(history.load(people=known)) == ["self-approved"]


def test_a_revoked_key_approves_nothing(history: History) -> None:
    history.commit()
    assert slugs(history.load(people=[person("ben", revoked="lost")])) == ["revoked-approver"]


# --- how long ------------------------------------------------------------------------------------------------


def until(day: str, head: str = "") -> str:
    return head + ONE.replace("2026-12-22", day)


@pytest.mark.parametrize(("day", "counts"), [("2027-02-20", True), ("2027-02-21", False), ("2026-11-01", True)])
def test_ninety_days_from_the_commit(history: History, day: str, counts: bool) -> None:
    history.commit(until(day))
    assert (ids(history.load()), slugs(history.load())) == ((["W1"], []) if counts else ([], ["waiver-too-long"]))


def test_too_long_says_how_long_it_may_be(history: History) -> None:
    history.commit(until("2027-06-01"))
    remark = history.load().remarks[0]
    assert "191 days from its commit" in remark.message
    assert "2027-02-20" in remark.help


def test_the_days_count_from_the_commit_of_the_end_alone(history: History) -> None:
    history.commit(until("2026-11-30"), when="2026-06-01T12:00:00+00:00")
    assert slugs(history.load()) == ["waiver-too-long"]
    history.commit(until("2026-11-30").replace("tracked", "tracked well"))
    assert slugs(history.load()) == ["waiver-too-long"]
    history.commit(until("2026-12-01"))
    assert ids(history.load()) == ["W1"]


@pytest.mark.parametrize(
    ("when", "last"),
    [("2026-11-22T23:30:00-05:00", "2027-02-20"), ("2026-11-22T03:00:00+14:00", "2027-02-19")],
)
def test_the_day_of_a_commit_is_that_of_utc(history: History, when: str, last: str) -> None:
    history.commit(until(last), when=when)
    later = date.fromisoformat(last).replace(day=date.fromisoformat(last).day + 1)
    assert ids(history.load()) == ["W1"]
    history.commit(until(later.isoformat()), when=when)
    assert slugs(history.load()) == ["waiver-too-long"]


def test_a_commit_dated_in_the_future_gains_nothing(history: History) -> None:
    history.commit(until("2027-02-21"), when="2030-01-01T00:00:00+00:00")
    assert slugs(history.load()) == ["waiver-too-long"]
    history.commit(until("2027-02-20"), when="2030-01-01T00:00:00+00:00")
    assert ids(history.load()) == ["W1"]


def test_over_a_leap_day(history: History) -> None:
    history.commit(until("2028-02-29"), when="2027-12-01T12:00:00+00:00")
    assert ids(history.load(as_of=date(2028, 2, 1))) == ["W1"]
    history.commit(until("2028-03-01"), when="2027-12-01T12:00:00+00:00")
    assert slugs(history.load(as_of=date(2028, 2, 1))) == ["waiver-too-long"]


def test_the_file_may_say_another_number(history: History) -> None:
    history.commit(until("2026-12-22", "most_days: 29\n"))
    assert slugs(history.load()) == ["waiver-too-long"]
    history.commit(until("2027-05-21", "most_days: 180\n"))
    assert ids(history.load()) == ["W1"]


def test_all_that_do_not_count_are_told_each_with_its_reason(history: History) -> None:
    second = ONE.partition("waivers:\n")[2].replace("W1", "W2").replace("approver: Ben", "approver: Ada")
    third = ONE.partition("waivers:\n")[2].replace("W1", "W3").replace("2026-12-22", "2029-12-22")
    history.commit(ONE + second + third, who=ADA, when=NOON)
    assert (ids(history.load()), slugs(history.load())) == (["W1"], ["self-approved", "waiver-too-long"])
    assert set(history.load().places) == {"W1", "W2", "W3"}
