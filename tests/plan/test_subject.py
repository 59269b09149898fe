from __future__ import annotations

from pathlib import Path

import pytest

from gonogo.config import repository_root, state_directory
from gonogo.errors import InputError
from gonogo.plan.subject import authors, look
from tests.engine.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root = tmp_path / "r"
    root.mkdir()
    made = Place(root)
    made.git("init", "-q", "-b", "main")
    return made


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is in no git working tree"):
        look(tmp_path)
    with pytest.raises(InputError, match="is in no git working tree"):
        repository_root(tmp_path)


def test_no_commit_yet(place: Place) -> None:
    place.write("a.txt", "")
    subject = look(place.root)
    assert (subject.commit, subject.branch, subject.dirty, subject.remote, subject.pushed) == (
        "", "main", ("a.txt",), "", None,
    )  # fmt: skip


def test_a_clean_commit(place: Place) -> None:
    place.commit()
    subject = look(place.root)
    assert subject.commit == place.git("rev-parse", "HEAD").strip()
    assert subject.clean


def test_every_kind_of_dirt(place: Place) -> None:
    for name in ("changed", "staged", "removed", "moved", "spaced name", "umläut\n"):
        place.write(name, f"{name}\n")
    place.write(".gitignore", "ignored\n")
    place.commit()
    place.write("changed", "x")
    place.write("staged", "x")
    place.git("add", "staged")
    (place.root / "removed").unlink()
    place.git("mv", "moved", "moved too")
    place.write("spaced name", "x")
    place.write("umläut\n", "x")
    place.write("ignored", "x")
    place.write("new/deep file", "x")
    place.write(".gonogo/state/ledger.db", "x")
    place.write(".gonogo/plugins/mine.py", "x")
    assert look(place.root).dirty == tuple(
        sorted(
            (
                ".gonogo/plugins/mine.py",
                "changed",
                "moved",
                "moved too",
                "new/deep file",
                "removed",
                "spaced name",
                "staged",
                "umläut\n",
            )
        )
    )


def test_looking_does_not_touch_the_index(place: Place) -> None:
    place.write("a", "x")
    place.commit()
    (place.root / "a").touch()
    before = (place.root / ".git/index").stat().st_mtime_ns
    look(place.root)
    assert (place.root / ".git/index").stat().st_mtime_ns == before


def test_detached(place: Place) -> None:
    place.commit()
    place.git("checkout", "-q", "--detach")
    assert look(place.root).branch == ""


def test_pushed_or_not_and_without_credentials(place: Place, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    place.git("init", "-q", "--bare", str(bare))
    place.commit()
    place.git("remote", "add", "origin", str(bare))
    assert look(place.root).pushed is False
    place.git("push", "-q", "-u", "origin", "main")
    assert look(place.root).pushed is True
    place.commit()
    assert look(place.root).pushed is False
    place.git("remote", "set-url", "origin", "https://ada:geheim@example.org/r.git")
    assert look(place.root).remote == "https://example.org/r.git"
    place.git("remote", "set-url", "origin", "git@example.org:r.git")
    assert look(place.root).remote == "git@example.org:r.git"


def test_a_branch_that_follows_a_local_one_is_not_pushed(place: Place) -> None:
    place.commit()
    place.git("checkout", "-q", "-b", "topic", "--track", "main")
    assert look(place.root).pushed is None


def test_worktrees_share_the_state(place: Place, tmp_path: Path) -> None:
    place.commit()
    place.git("worktree", "add", "-q", str(tmp_path / "other"), "--detach")
    assert state_directory(tmp_path / "other") == place.root / ".gonogo" / "state"
    assert state_directory(place.root) == place.root / ".gonogo" / "state"
    (place.root / "sub").mkdir()
    assert repository_root(place.root / "sub") == place.root


# --- who wrote it, for four eyes -----------------------------------------------------------------------------


def _commit(place: Place, email: str, message: str = "feat: x", *more: str) -> None:
    place.git(
        "-c", f"user.email={email}", "commit", "-q", "--allow-empty", f"--author=X <{email}>", "-m", message, *more
    )


def test_the_authors_are_those_of_the_branch(place: Place) -> None:
    _commit(place, "old@example.org")
    place.git("switch", "-q", "-c", "topic")
    _commit(place, "Ada@Example.org")
    _commit(
        place,
        "ben@example.org",
        "feat: y\n\nCo-authored-by: Cleo C <cleo@example.org>\nCo-Authored-By: Dan <dan@example.org>",
    )
    assert authors(place.root) == ("ada@example.org", "ben@example.org", "cleo@example.org", "dan@example.org")


def test_on_the_main_branch_they_are_those_of_what_came_last(place: Place) -> None:
    _commit(place, "old@example.org")
    assert authors(place.root) == ("old@example.org",)
    _commit(place, "ada@example.org")
    assert authors(place.root) == ("ada@example.org",)


def test_who_merges_is_no_author(place: Place) -> None:
    _commit(place, "old@example.org")
    place.git("switch", "-q", "-c", "topic")
    _commit(place, "ada@example.org")
    _commit(place, "ben@example.org")
    place.git("switch", "-q", "main")
    place.git("merge", "-q", "--no-ff", "--no-commit", "topic")
    _commit(place, "cleo@example.org", "merge it")
    assert authors(place.root) == ("ada@example.org", "ben@example.org")


def test_without_a_commit_nobody_wrote_it(place: Place) -> None:
    assert authors(place.root) == ()
