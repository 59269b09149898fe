"""Two people with two keys, as they work: `gonogo keys`, `sign`, `ask`, `run --resume`."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gonogo.evidence import sign
from gonogo.owners import keys
from tests.cli.conftest import Gonogo, Repository, Said
from tests.repository import IDENTITY

CHECKLIST = """\
gonogo: 1
title: A small thing
roster:
  owners:
    Backend: [ada]
    DevOps: {people: [ben], quorum: 1}
sign_offs: [Backend, DevOps]
secret_files: [.env.staging]
input_files: [.env.staging]
phases:
  - id: "1"
    title: Look
    gates:
      - title: Says hello
        owners: [Backend]
        commands: [sh hello.sh]
        criteria: ["exit == 0"]
      - title: Dashboard
        owners: [DevOps]
        questions: [Does the dashboard look right?, Are the alerts quiet?]
  - id: "2"
    title: Deploy
    gates:
      - title: Ship
        owners: [DevOps]
        commands: [{run: echo shipped >> ../shipped, effect: write}]
        criteria: ["exit == 0"]
"""
PASSPHRASES = {"ada": "Sentinel-Phrase-Of-Ada-7f3c", "ben": "Sentinel-Phrase-Of-Ben-91d0"}


@dataclass
class Desk:
    """One person's terminal: keys and passphrase of their own, the same repository."""

    person: str
    home: Path
    gonogo: Gonogo
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *arguments: str) -> Said:
        self.monkeypatch.setenv(keys.DIRECTORY_VARIABLE, str(self.home / "keys"))
        self.monkeypatch.setenv(keys.PASSPHRASE_VARIABLE, str(self.home / "passphrase"))
        return self.gonogo(*arguments)


@pytest.fixture
def crew(repository: Repository, gonogo: Gonogo, monkeypatch: pytest.MonkeyPatch) -> dict[str, Desk]:
    """Ada and Ben with trusted keys, and a checklist that asks both."""
    monkeypatch.setattr(keys, "ROUNDS", 1)
    desks = {}
    for person, passphrase in PASSPHRASES.items():
        home = repository.root.parent / f"home-{person}"
        home.mkdir()
        (home / "passphrase").write_text(f"{passphrase}\n")
        desks[person] = Desk(person, home, gonogo, monkeypatch)
        said = desks[person]("keys", "new", person, "--name", person.title(), "--email", f"{person}@example.org")
        assert said.exit == 0, said.err
    repository.write("gonogo.yaml", CHECKLIST)
    repository.write(".gitignore", ".env.staging\n")
    repository.write(".env.staging", "DATABASE_PASSWORD=Sentinel-Value-5521-zz\n")
    repository.commit("feat: ask two people")
    return desks


def test_two_people_with_two_keys_take_a_run_from_hold_to_go(crew: dict[str, Desk], repository: Repository) -> None:
    ada, ben = crew["ada"], crew["ben"]
    first = ada("run", "--format", "json")
    assert first.exit == 3
    assert {g["id"]: g["outcome"] for g in json.loads(first.out)["gates"]} == {
        "says-hello": "PASS", "dashboard": "UNKNOWN", "ship": "NOT_RUN",
    }  # fmt: skip
    assert ben("sign", "--gate", "dashboard", "--question", "1", "--go", "-m", "looks right").exit == 0
    assert ben("run", "--resume").exit == 3
    assert not (repository.root.parent / "shipped").exists()
    assert ben("sign", "--gate", "dashboard", "--go", "-m", "alerts are quiet").exit == 0
    waiting = ada("run", "--resume", "--format", "json")
    assert {g["outcome"] for g in json.loads(waiting.out)["gates"]} == {"PASS"}
    assert waiting.exit == 3
    assert (repository.root.parent / "shipped").read_text() == "shipped\n"
    assert "still waiting: 1" in ada("sign", "--go", "-m", "good").err
    last = ben("sign", "--owner", "devops", "--go", "-m", "good")
    assert "everything that was waited for is in; decide anew with: gonogo run --resume" in last.err
    go = ben("run", "--resume", "--sign-as", "ben")
    assert (go.exit, "  GO  " in go.out) == (0, True), go.out + go.err
    assert (repository.root.parent / "shipped").read_text() == "shipped\n"
    assert ada("run", "--resume").exit == 4


def _everything(repository: Repository) -> bytes:
    """Every byte below the repository: files, names, git's objects unpacked."""
    found = [path.read_bytes() for path in sorted(repository.root.rglob("*")) if path.is_file()]
    found += [str(path).encode() for path in repository.root.rglob("*")]
    for name in repository.git("cat-file", "--batch-check=%(objectname)", "--batch-all-objects").split():
        found.append(repository.git("cat-file", "-p", name).encode("utf-8", "replace"))
    return b"\0".join(found)


def _forms(secret: bytes) -> list[bytes]:
    """A secret as it stands, in hex, in base64 at each of the three offsets, and backwards."""
    shifted = [base64.b64encode(b"\0" * n + secret)[4 if n else 0 : -4] for n in range(3)]
    return [secret, secret.hex().encode(), *shifted, secret[::-1]]


def test_no_private_key_and_no_passphrase_is_anywhere_in_the_repository_or_the_output(
    crew: dict[str, Desk], repository: Repository
) -> None:
    said = [
        crew["ada"]("run"),
        crew["ben"]("sign", "--gate", "dashboard", "--go", "-m", "right", "--attach", "hello.sh"),
        crew["ada"]("run", "--resume", "--sign-as", "ada"),
        crew["ada"]("sign", "--go", "-m", "good"),
        crew["ben"]("sign", "--no-go", "-m", f"{PASSPHRASES['ben'][:4]} no"),
        crew["ada"]("run", "--resume"),
        *(crew[person](*words) for person in crew for words in (["keys", "list", "--pem"], ["ask", "--all"], ["show"])),
        crew["ada"]("report", "--format", "json"),
    ]
    everything = _everything(repository) + "".join(one.out + one.err for one in said).encode()
    assert b"ada (Backend) says go" in everything
    for person, passphrase in PASSPHRASES.items():
        locked = (repository.root.parent / f"home-{person}/keys/{person}").read_bytes()
        body = b"".join(locked.splitlines()[1:-1])
        seed = _seed(crew[person], passphrase)
        assert len(seed) == 32
        for secret in (passphrase.encode(), body[:60], body[-60:], seed):
            for form in _forms(secret):
                assert form not in everything, f"{person}: {form!r}"
    assert b"PRIVATE KEY" not in everything
    assert b"Sentinel-Value-5521-zz" not in everything.replace((repository.root / ".env.staging").read_bytes(), b"")


def _seed(desk: Desk, passphrase: str) -> bytes:
    """The 32 bytes of the person's private key."""
    desk.monkeypatch.setenv(keys.DIRECTORY_VARIABLE, str(desk.home / "keys"))
    return keys.unlock(desk.person, lambda: passphrase).private.private_bytes_raw()


def test_a_secret_in_the_message_is_redacted_before_it_is_signed(crew: dict[str, Desk], repository: Repository) -> None:
    crew["ada"]("run")
    said = crew["ada"]("sign", "--no-go", "-m", "it logs Sentinel-Value-5521-zz in clear")
    assert said.exit == 0
    lines = next((repository.root / ".gonogo/state/signoffs").glob("*.jsonl")).read_bytes().splitlines()
    assert b"it logs [redacted] in clear" in sign.parse(lines[-1]).payload


# --- who may -------------------------------------------------------------------------------------------------


def test_nobody_signs_for_an_owner_they_are_not(crew: dict[str, Desk]) -> None:
    crew["ada"]("run")
    said = crew["ada"]("sign", "--owner", "DevOps", "--go")
    assert said.exit == 4
    assert "`ada` does not speak for `DevOps`" in said.err
    assert "sign for `Backend`" in said.err
    said = crew["ada"]("sign", "--gate", "dashboard", "--go")
    assert (said.exit, "`ada` speaks for no owner of gate `dashboard`" in said.err) == (4, True)
    said = crew["ada"]("sign", "--as", "ben", "--owner", "DevOps", "--go")
    assert (said.exit, "there is no private key of `ben` on this machine" in said.err) == (2, True)


def test_a_key_that_is_not_committed_says_nothing(crew: dict[str, Desk], repository: Repository) -> None:
    repository.git("rm", "-q", "--cached", ".gonogo/people/ben.yaml")
    repository.git("commit", "-q", "-m", "feat: forget ben")
    crew["ada"]("run")
    said = crew["ben"]("sign", "--owner", "DevOps", "--go")
    assert (said.exit, "is trusted at the subject's commit" in said.err) == (4, True)
    assert "nobody: no trusted person speaks for DevOps" in crew["ada"]("ask", "--all").out


def test_a_revoked_key_says_nothing_any_more(crew: dict[str, Desk], repository: Repository) -> None:
    assert crew["ada"]("keys", "revoke", "ben", "-m", "laptop stolen").exit == 0
    assert "revoked: " in crew["ada"]("keys", "list").out
    repository.commit("fix: revoke ben")
    crew["ada"]("run")
    said = crew["ben"]("sign", "--owner", "DevOps", "--go")
    assert (said.exit, "was revoked" in said.err, "laptop stolen" in said.err) == (4, True, True)


def test_a_wrong_passphrase_signs_nothing(crew: dict[str, Desk], repository: Repository) -> None:
    crew["ada"]("run")
    (crew["ada"].home / "passphrase").write_text("not the one\n")
    said = crew["ada"]("sign", "--go")
    assert (said.exit, "does not open with this passphrase" in said.err) == (2, True)
    assert not list((repository.root / ".gonogo/state/signoffs").glob("*.jsonl"))


def test_without_a_terminal_and_without_a_file_it_says_so(
    crew: dict[str, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    crew["ada"]("run")
    monkeypatch.delenv(keys.PASSPHRASE_VARIABLE)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    said = crew["ada"].gonogo("sign", "--go")
    assert (said.exit, "there is no terminal to ask at" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "say --go or --no-go"),
        (["--no-go"], "a no-go needs a reason"),
        (["--go", "--question", "1"], "say --gate too"),
        (["--go", "--gate", "dashbord"], "did you mean `dashboard`?"),
        (["--go", "--gate", "dashboard", "--question", "9", "--as", "ben"], "asks no question `9`"),
        (["--go", "--gate", "says-hello"], "asks nobody"),
        (["--go", "--gate", "ship"], "there is nothing to say go to"),
        (["--go", "--as", "eve"], "the key of `eve` is not trusted"),
        (["--go", "--run", "nope"], "no run is called so"),
        (["--go", "--attach", "missing.png"], "missing.png"),
    ],
)
def test_what_cannot_be_signed_is_told(crew: dict[str, Desk], arguments: list[str], words: str) -> None:
    crew["ada"]("run")
    said = crew["ada"]("sign", *arguments)
    assert said.exit in {2, 4}
    assert words in said.err


def test_a_run_that_is_not_finished_gets_no_go_only(crew: dict[str, Desk], repository: Repository) -> None:
    repository.write("hello.sh", "sleep 60\n")
    repository.commit("feat: be slow")
    running = repository.started("run")
    try:
        _until(lambda: "running" in crew["ada"]("status").out.lower())
        said = crew["ada"]("sign", "--go")
        assert (said.exit, "a go is about what was looked at" in said.err) == (4, True)
        said = crew["ada"]("sign", "--no-go", "-m", "stop")
        assert (said.exit, "takes your word in by itself" in said.err) == (0, True)
    finally:
        running.terminate()
        running.communicate(timeout=120)


def _until(holds: Callable[[], bool]) -> None:
    import time

    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


# --- what was seen -------------------------------------------------------------------------------------------


def test_s80_nobody_signs_for_altered_evidence(crew: dict[str, Desk], repository: Repository) -> None:
    decision = json.loads(crew["ada"]("run", "--format", "json").out)
    evidence = next(g for g in decision["gates"] if g["id"] == "says-hello")["evidence"][0]
    (repository.root / evidence["path"]).write_bytes(b"goodbye\n")
    said = crew["ada"]("sign", "--go")
    assert said.exit == 5
    assert f"evidence `{evidence['name']}` of gate `says-hello` is missing or was altered" in said.err


def test_s8_evidence_that_is_gone_is_told_as_such(crew: dict[str, Desk], repository: Repository) -> None:
    crew["ada"]("run")
    shutil.rmtree(repository.root / ".gonogo/state/evidence")
    assert crew["ada"]("sign", "--go").exit == 5


def test_s84_a_go_is_for_one_commit(crew: dict[str, Desk], repository: Repository) -> None:
    crew["ben"]("run")
    crew["ben"]("sign", "--gate", "dashboard", "--go")
    crew["ben"]("run", "--resume")
    crew["ada"]("sign", "--go")
    crew["ben"]("sign", "--owner", "DevOps", "--go")
    repository.write("hello.sh", "echo something else\n")
    repository.commit("feat: change it")
    assert crew["ada"]("run", "--resume").exit == 4
    anew = crew["ada"]("run", "--format", "json")
    assert anew.exit == 3
    assert any("0 of 1 said go" in reason["text"] for reason in json.loads(anew.out)["reasons"])


def test_a_file_is_kept_with_the_answer(crew: dict[str, Desk], repository: Repository) -> None:
    crew["ada"]("run")
    picture = repository.root.parent / "dashboard.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    assert crew["ben"]("sign", "--gate", "dashboard", "--go", "--attach", str(picture)).exit == 0
    lines = next((repository.root / ".gonogo/state/signoffs").glob("*.jsonl")).read_bytes().splitlines()
    (attached,) = json.loads(sign.parse(lines[-1]).payload)["predicate"]["attachments"]
    assert (attached["name"], attached["media_type"]) == ("dashboard.png", "image/png")
    kept = repository.root / ".gonogo/state/evidence" / attached["sha256"][:2] / attached["sha256"]
    assert kept.read_bytes() == picture.read_bytes()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
def test_the_moment_is_utc_wherever_it_is_signed(crew: dict[str, Desk], repository: Repository, zone: str) -> None:
    """+14 and -12 hours: the same moment, and the run decides on it from yet another zone."""
    from datetime import UTC, datetime, timedelta

    crew["ada"]("run")
    environ = {
        **os.environ,
        "TZ": zone,
        keys.DIRECTORY_VARIABLE: str(crew["ada"].home / "keys"),
        keys.PASSPHRASE_VARIABLE: str(crew["ada"].home / "passphrase"),
    }
    command = [sys.executable, "-m", "gonogo", "sign", "--go", "-m", "fine"]
    done = subprocess.run(command, cwd=repository.root, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = next((repository.root / ".gonogo/state/signoffs").glob("*.jsonl")).read_bytes().splitlines()
    at = datetime.fromisoformat(json.loads(sign.parse(lines[-1]).payload)["predicate"]["at"])
    assert at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
    assert "ada (Backend) says go: fine" in crew["ben"]("run", "--resume", "--format", "json").out


def test_four_eyes_ask_for_somebody_who_did_not_write_it(crew: dict[str, Desk], repository: Repository) -> None:
    solo = CHECKLIST.replace("roster:\n", "roster:\n  four_eyes: true\n").replace(
        "sign_offs: [Backend, DevOps]", "sign_offs: [Backend]"
    )
    repository.write("gonogo.yaml", re.sub(r"      - title: Dashboard(?:\n        .*)*", "", solo))
    repository.commit("feat: ask for four eyes")
    assert IDENTITY["GIT_AUTHOR_EMAIL"] == "ada@example.org"
    crew["ada"]("run")
    crew["ada"]("sign", "--go")
    mine = crew["ada"]("run", "--resume")
    assert mine.exit == 3
    assert "only authors of the subject's commits said go" in mine.out


# --- what waits ----------------------------------------------------------------------------------------------


def test_ask_lists_what_waits_for_me_and_what_to_type(crew: dict[str, Desk]) -> None:
    assert crew["ada"]("ask").exit == 2
    crew["ada"]("run")
    mine, his = crew["ada"]("ask").out, crew["ben"]("ask").out
    assert "Dashboard" not in mine
    assert "the word of Backend" in mine
    assert his.count("Dashboard: ") == 2
    assert "--owner DevOps --gate dashboard --question dashboard.2 --go -m" in his
    data = json.loads(crew["ben"]("ask", "--format", "json").out)
    assert [one["question"] for one in data["waiting"]] == ["dashboard.1", "dashboard.2", ""]
    crew["ben"]("sign", "--gate", "dashboard", "--question", "2", "--go")
    assert crew["ben"]("ask").out.count("Dashboard: ") == 1
    assert (
        json.loads(crew["ada"]("ask", "--format", "json", "--as", "ben").out)["waiting"][0]["question"] == "dashboard.1"
    )


def test_ask_without_a_key_shows_everything(
    crew: dict[str, Desk], gonogo: Gonogo, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew["ada"]("run")
    monkeypatch.setenv(keys.DIRECTORY_VARIABLE, str(crew["ada"].home / "none"))
    said = gonogo("ask")
    assert "no key of a trusted person is on this machine" in said.out
    assert said.out.count("may answer: ") == 4


def test_ask_says_how_to_go_on_once_everything_is_in(crew: dict[str, Desk]) -> None:
    crew["ada"]("run")
    crew["ben"]("sign", "--gate", "dashboard", "--go")
    crew["ben"]("run", "--resume")
    crew["ada"]("sign", "--go")
    crew["ben"]("sign", "--owner", "DevOps", "--go")
    assert "nothing waits in run" in crew["ada"]("ask").out
    assert "gonogo run --resume" in crew["ada"]("ask").out


# --- keys ----------------------------------------------------------------------------------------------------


def test_keys_list_says_who_is_trusted_and_whom_codeowners_names(crew: dict[str, Desk], repository: Repository) -> None:
    repository.write("CODEOWNERS", "/backend/ @ada\n/deploy/ @org/ops\n")
    said = crew["ada"]("keys", "list").out
    assert re.search(
        r"ada +[0-9a-f]{16}  trusted since \d{4}-\d\d-\d\d, private half here  Ada <ada@example.org>", said
    )
    assert re.search(r"ben +[0-9a-f]{16}  trusted since \d{4}-\d\d-\d\d  Ben", said)
    assert re.search(r"backend +@ada +ada", said)
    assert re.search(r"deploy +@org/ops +nobody with a key", said)


def test_keys_trust_takes_a_public_key_and_nothing_else(crew: dict[str, Desk], repository: Repository) -> None:
    from tests.owners.people import CLEO

    file = repository.root.parent / "cleo.pem"
    file.write_text(CLEO.public_key)
    assert crew["ada"]("keys", "trust", str(file), "--name", "Cleo", "--email", "cleo@example.org").exit == 0
    assert "not committed yet" in crew["ada"]("keys", "list").out
    assert crew["ada"]("keys", "trust", str(crew["ada"].home / "keys/ada"), "--person", "eve").exit == 2
    assert crew["ada"]("keys", "trust", str(file), "--person", "ben").exit == 4
    again = crew["ada"]("keys", "trust", str(file), "--person", "cleo2")
    assert (again.exit, "have the same key" in again.err) == (2, True)
    assert not (repository.root / ".gonogo/people/cleo2.yaml").exists()


def test_keys_new_refuses_a_place_in_the_repository(
    repository: Repository, gonogo: Gonogo, monkeypatch: pytest.MonkeyPatch
) -> None:
    passphrase = repository.root.parent / "passphrase"
    passphrase.write_text("long enough a phrase\n")
    monkeypatch.setenv(keys.PASSPHRASE_VARIABLE, str(passphrase))
    monkeypatch.setenv(keys.DIRECTORY_VARIABLE, str(repository.root / "keys"))
    said = gonogo("keys", "new", "ada")
    assert (said.exit, "would lie in the repository" in said.err) == (4, True)
    assert not (repository.root / ".gonogo/people").exists()
    assert not (repository.root / "keys").exists()


def test_keys_new_takes_name_and_address_from_git(
    repository: Repository, gonogo: Gonogo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "ROUNDS", 1)
    passphrase = repository.root.parent / "passphrase"
    passphrase.write_text("long enough a phrase\n")
    monkeypatch.setenv(keys.PASSPHRASE_VARIABLE, str(passphrase))
    monkeypatch.setenv(keys.DIRECTORY_VARIABLE, str(repository.root.parent / "keys"))
    repository.git("config", "user.name", "Grace Höpper")
    repository.git("config", "user.email", "Grace.H@example.org")
    assert gonogo("keys", "new").exit == 0
    (person,) = keys.present(repository.root)
    assert (person.id, person.name, person.emails) == ("grace.h", "Grace Höpper", ("Grace.H@example.org",))
    assert gonogo("keys", "new").exit == 4
