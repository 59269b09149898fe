"""Keys: public halves trusted by a commit, private halves locked and outside the repository."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonogo.cli import passphrase
from gonogo.errors import InputError, Refused
from gonogo.evidence import sign
from gonogo.model.roster import Person
from gonogo.owners import keys
from tests.cli.conftest import Repository
from tests.owners.people import ADA, BEN

PASSPHRASE = "correct horse battery"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    root = tmp_path / "thing"
    root.mkdir()
    made = Repository(root)
    made.git("init", "-q", "-b", "main")
    made.commit("feat: start")
    return made


def head(repository: Repository) -> str:
    return repository.git("rev-parse", "HEAD").strip()


def slugs(error: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [diagnostic.slug for diagnostic in error.value.diagnostics]


# --- private halves ------------------------------------------------------------------------------------------


def test_a_private_half_opens_with_its_passphrase_only(key_directory: Path) -> None:
    pem = keys.create("ada", PASSPHRASE)
    key = keys.unlock("ada", lambda: PASSPHRASE)
    assert key.keyid == sign.keyid(sign.public_key(pem))
    assert keys.mine() == ("ada",)
    with pytest.raises(InputError, match="does not open with this passphrase"):
        keys.unlock("ada", lambda: PASSPHRASE + "x")


def test_it_is_locked_and_for_its_owners_eyes_only(key_directory: Path) -> None:
    keys.create("ada", PASSPHRASE)
    kept = key_directory / "ada"
    assert oct(kept.stat().st_mode & 0o777) == "0o600"
    assert oct(key_directory.stat().st_mode & 0o777) == "0o700"
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    with pytest.raises((ValueError, TypeError)):
        load_ssh_private_key(kept.read_bytes(), None)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")
def test_ssh_keygen_can_change_its_passphrase(key_directory: Path) -> None:
    keys.create("ada", PASSPHRASE)
    command = ["ssh-keygen", "-q", "-p", "-f", str(key_directory / "ada"), "-P", PASSPHRASE, "-N", "another one"]
    subprocess.run(command, check=True, capture_output=True)
    assert keys.unlock("ada", lambda: "another one").person == "ada"


def test_a_short_passphrase_is_refused(key_directory: Path) -> None:
    with pytest.raises(InputError, match="fewer than 8 characters"):
        keys.create("ada", "1234567")
    assert keys.mine() == ()


def test_a_key_is_never_written_over(key_directory: Path) -> None:
    keys.create("ada", PASSPHRASE)
    before = (key_directory / "ada").read_bytes()
    with pytest.raises(Refused, match="already"):
        keys.create("ada", PASSPHRASE)
    assert (key_directory / "ada").read_bytes() == before


def test_a_private_half_never_lies_in_the_repository(
    repository: Repository, key_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = repository.root.parent / "link"
    link.symlink_to(repository.root)
    for place in (repository.root / "keys", repository.root / ".gonogo" / "keys", link / "keys"):
        monkeypatch.setenv(keys.DIRECTORY_VARIABLE, str(place))
        with pytest.raises(Refused, match="would lie in the repository"):
            keys.create("ada", PASSPHRASE, repository.root)
    assert not list(repository.root.rglob("ada"))


def test_without_a_variable_it_is_the_users_configuration_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(keys.DIRECTORY_VARIABLE, raising=False)
    place = keys.directory()
    assert place.name == "keys"
    assert Path.home() in place.parents or os.environ.get("XDG_CONFIG_HOME", "") in str(place)


@pytest.mark.parametrize("name", ["../ada", "/etc/passwd", "", "Ada", "a b", ".hidden"])
def test_a_name_that_leads_elsewhere_is_refused(key_directory: Path, name: str) -> None:
    with pytest.raises(InputError):
        keys.create(name, PASSPHRASE)
    with pytest.raises(InputError, match="no private key"):
        keys.unlock(name, lambda: PASSPHRASE)


def test_the_passphrase_comes_from_a_file_outside_the_repository(
    repository: Repository, key_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert passphrase.from_file(repository.root) is None
    outside = repository.root.parent / "passphrase"
    outside.write_text(f"{PASSPHRASE}\r\nsecond line\n")
    monkeypatch.setenv(keys.PASSPHRASE_VARIABLE, str(outside))
    assert passphrase.from_file(repository.root) == PASSPHRASE
    repository.write("passphrase", PASSPHRASE)
    monkeypatch.setenv(keys.PASSPHRASE_VARIABLE, str(repository.root / "passphrase"))
    with pytest.raises(Refused, match="lies in the repository"):
        passphrase.from_file(repository.root)
    for wrong in ("missing", "empty"):
        (repository.root.parent / "empty").write_text("\n")
        monkeypatch.setenv(keys.PASSPHRASE_VARIABLE, str(repository.root.parent / wrong))
        with pytest.raises(InputError, match="no passphrase can be read"):
            passphrase.from_file(repository.root)


def test_no_text_form_shows_the_key(key_directory: Path) -> None:
    keys.create("ada", PASSPHRASE)
    assert repr(keys.unlock("ada", lambda: PASSPHRASE)) == "Key('ada')"


# --- public halves -------------------------------------------------------------------------------------------


def test_a_key_is_trusted_once_it_is_committed(repository: Repository) -> None:
    path = keys.write(repository.root, ADA)
    assert path == repository.root / ".gonogo/people/ada.yaml"
    assert keys.present(repository.root) == (ADA,)
    assert keys.committed(repository.root, head(repository)) == ()
    repository.commit()
    assert keys.committed(repository.root, head(repository)) == (ADA,)
    assert keys.committed(repository.root, "") == ()
    assert keys.committed(repository.root, f"{head(repository)}^") == (), "trust is that of the commit, not of today"


def test_what_the_working_tree_says_is_not_trusted(repository: Repository) -> None:
    keys.write(repository.root, ADA)
    repository.commit()
    first = head(repository)
    keys.write(repository.root, dataclasses.replace(ADA, public_key=BEN.public_key))
    assert keys.committed(repository.root, first) == (ADA,)
    repository.commit()
    assert keys.committed(repository.root, first) == (ADA,)
    assert keys.committed(repository.root, head(repository))[0].public_key == BEN.public_key


def test_a_revocation_counts_at_once_and_for_good(repository: Repository) -> None:
    keys.write(repository.root, ADA)
    repository.commit()
    keys.write(repository.root, dataclasses.replace(ADA, revoked="2026-11-22, lost"))
    assert keys.revoked_now(repository.root) == {"ada": "2026-11-22, lost"}
    assert keys.committed(repository.root, head(repository))[0].revoked == "2026-11-22, lost"
    repository.commit()
    keys.write(repository.root, ADA)  # taking it back in the working tree alone does not help
    assert keys.committed(repository.root, head(repository))[0].revoked == "2026-11-22, lost"


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
    .map(str.strip)
    .filter(bool),
    st.lists(st.emails(), max_size=3, unique_by=str.casefold),
    st.dates().map(str),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30).map(str.strip),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_person_written_and_read_again_is_the_same(
    tmp_path: Path, name: str, emails: list[str], since: str, revoked: str
) -> None:
    made = Person("ada", name, ADA.public_key, tuple(emails), ("@ada",), since, revoked)
    keys.write(tmp_path, made)
    assert keys.present(tmp_path) == (made,)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("- 1\n", "person-unreadable"),
        ("a: [", "person-unreadable"),
        ("\x00", "person-unreadable"),
        ("name: Ada\npublic_key: " + "x" * 70_000, "person-unreadable"),
        ("name: Ada\n", "no-public-key"),
        ("public_key: |\n  -----BEGIN PRIVATE KEY-----\n", "no-public-key"),
        ("key: x\n", "unknown-field"),
        ("emails: ada@example.org\n", "wrong-type"),
        ("a: &a [*a]\n", "unknown-field"),
    ],
)
def test_bad_files_are_told_and_nobody_is_trusted_by_them(repository: Repository, text: str, slug: str) -> None:
    repository.write(".gonogo/people/ada.yaml", text)
    with pytest.raises(InputError) as present:
        keys.present(repository.root)
    assert slug in slugs(present)
    repository.commit()
    with pytest.raises(InputError) as committed:
        keys.committed(repository.root, head(repository))
    assert slug in slugs(committed)


def test_all_mistakes_are_told_at_once(repository: Repository) -> None:
    repository.write(".gonogo/people/Ada.yaml", "name: 1\n")
    repository.write(".gonogo/people/ben.yaml", "x: 1\n")
    with pytest.raises(InputError) as error:
        keys.present(repository.root)
    assert sorted(slugs(error)) == ["no-public-key", "no-public-key", "person-id", "unknown-field"]


def test_nobody_is_two_people(repository: Repository) -> None:
    keys.write(repository.root, ADA)
    keys.write(repository.root, dataclasses.replace(ADA, id="ada2", emails=("other@example.org",)))
    keys.write(repository.root, dataclasses.replace(BEN, emails=("ADA@example.org",)))
    with pytest.raises(InputError) as error:
        keys.present(repository.root)
    assert slugs(error) == ["same-person-twice", "same-person-twice"]


def test_a_link_in_the_commit_is_nobody(repository: Repository) -> None:
    keys.write(repository.root, ADA)
    (repository.root / ".gonogo/people/eve.yaml").symlink_to("ada.yaml")
    repository.commit()
    with pytest.raises(InputError):
        keys.committed(repository.root, head(repository))
