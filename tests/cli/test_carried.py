"""Words that travel: signed on another machine over a bundle, handed in where the run is."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gonogo.owners import keys
from tests.bundle import forge
from tests.cli.conftest import Gonogo, Repository
from tests.cli.test_sign import PASSPHRASES, Desk, crew
from tests.repository import IDENTITY

__all__ = ["crew"]  # the fixture


@pytest.fixture
def held(crew: dict[str, Desk], repository: Repository, tmp_path: Path) -> Path:
    """A run that waits for Ben, sealed by Ada."""
    assert crew["ada"]("run").exit == 3
    path = tmp_path / "hold.zip"
    assert crew["ada"]("bundle", "--output", str(path)).exit == 0
    return path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory that no repository is above."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    return place


def test_a_word_travels_to_the_run_and_counts(
    crew: dict[str, Desk], held: Path, elsewhere: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = crew["ada"], crew["ben"]
    monkeypatch.chdir(elsewhere)
    ben.home.rename(elsewhere / "home")  # a home directory is no repository: keys may lie below where one works
    ben.home = elsewhere / "home"
    asked = ben("ask", "--bundle", str(held))
    assert asked.exit == 0
    assert f"gonogo sign --bundle {held} --owner DevOps --gate dashboard --question dashboard.1" in asked.out
    said = ben("sign", "--bundle", str(held), "--gate", "dashboard", "--go", "-m", "both right", "--output", "word")
    assert said.exit == 0, said.err
    assert "gonogo sign --take word" in said.err
    assert sorted(path.name for path in elsewhere.iterdir()) == ["home", "word"]

    monkeypatch.chdir(repository.root)
    taken = ada("sign", "--take", str(elsewhere / "word"))
    assert taken.exit == 0, taken.err
    assert "ben says go for DevOps about gate dashboard: both right" in taken.err
    gates = json.loads(ada("run", "--resume", "--format", "json").out)["gates"]
    assert {g["id"]: g["outcome"] for g in gates} == {"says-hello": "PASS", "dashboard": "PASS", "ship": "PASS"}
    again = ada("sign", "--take", str(elsewhere / "word"))
    assert again.exit == 0
    assert len(json.loads(ada("report", "--format", "json").out)["sign_offs"]) == 1


def test_what_is_signed_elsewhere_can_be_looked_at_there(
    crew: dict[str, Desk], repository: Repository, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of a bundle shows evidence, and links none: it is gone once the page is written."""
    repository.write("hello.sh", "echo a line of evidence; exit 1\n")
    repository.commit("feat: be red")
    assert crew["ada"]("run").exit == 1
    assert crew["ada"]("bundle", "--output", str(elsewhere / "red.zip")).exit == 0
    monkeypatch.chdir(elsewhere)
    for kind in ("html", "markdown", "json", "sarif", "junit", "text"):
        said = crew["ben"]("report", "--bundle", "red.zip", "--format", kind, "--output", f"red.{kind}")
        assert said.exit == 0, said.err
    page = (elsewhere / "red.html").read_text()
    assert "a line of evidence" in page
    assert "/evidence/" not in page
    data = bytearray((elsewhere / "red.zip").read_bytes())
    data[-40] ^= 1
    (elsewhere / "red.zip").write_bytes(data)
    said = crew["ben"]("report", "--bundle", "red.zip", "--format", "html")
    assert (said.exit, said.out) == (5, ""), said.err


def test_a_word_over_the_run_is_void_once_the_run_has_gone_on(
    crew: dict[str, Desk], held: Path, tmp_path: Path
) -> None:
    ada, ben = crew["ada"], crew["ben"]
    word = tmp_path / "word"
    assert ben("sign", "--bundle", str(held), "--go", "-m", "fine", "--output", str(word)).exit == 0
    assert ben("sign", "--gate", "dashboard", "--go", "-m", "both right").exit == 0
    assert ada("run", "--resume").exit == 3
    late = ada("sign", "--take", str(word))
    assert late.exit == 0
    assert "void: the verdicts and the evidence have changed since; ask them to sign anew" in late.err


def test_nobody_signs_a_bundle_that_is_not_proven(crew: dict[str, Desk], held: Path) -> None:
    data = bytearray(held.read_bytes())
    data[data.index(b"hello") + 1] ^= 1
    held.write_bytes(data)
    said = crew["ben"]("sign", "--bundle", str(held), "--go", "-m", "fine")
    assert said.exit == 5
    assert "is not proven" in said.err


def test_nobody_signs_a_bundle_whose_ledger_was_forged(crew: dict[str, Desk], held: Path) -> None:
    """Packed and listed as it should be: only its chain tells."""

    def greener(data: dict[str, Any]) -> None:
        data["verdict"]["attempts"] = 7

    files = forge.edited(forge.unpacked(held.read_bytes()), "verdict", greener, rehash=False)
    held.write_bytes(forge.repacked(forge.stated_anew(forge.listed_anew(files))))
    said = crew["ben"]("sign", "--bundle", str(held), "--go", "-m", "fine")
    assert (said.exit, "is not proven: event" in said.err) == (5, True), said.err


@pytest.mark.parametrize("change", ["another word", "another person", "nothing", "noise"])
def test_a_word_that_was_changed_on_the_way_is_refused(
    crew: dict[str, Desk], held: Path, tmp_path: Path, change: str
) -> None:
    word = tmp_path / "word"
    assert crew["ben"]("sign", "--bundle", str(held), "--no-go", "-m", "too early", "--output", str(word)).exit == 0
    envelope = json.loads(word.read_bytes())
    payload = base64.b64decode(envelope["payload"])
    if change == "another word":
        payload = payload.replace(b'"word":"no-go"', b'"word":"go"')
    if change == "another person":
        payload = payload.replace(b'"person":"ben"', b'"person":"ada"')
    envelope["payload"] = base64.b64encode(payload).decode()
    text = json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    word.write_bytes({"nothing": b"", "noise": b"{}\n"}.get(change, text))
    said = crew["ada"]("sign", "--take", str(word))
    assert said.exit == {"nothing": 2}.get(change, 5), said.err
    assert json.loads(crew["ada"]("report", "--format", "json").out)["sign_offs"] == []


def test_a_word_of_somebody_who_is_not_trusted_here_is_refused(
    crew: dict[str, Desk], held: Path, tmp_path: Path, gonogo: Gonogo, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = tmp_path / "word"
    assert crew["ben"]("sign", "--bundle", str(held), "--go", "-m", "fine", "--output", str(word)).exit == 0
    assert crew["ada"]("keys", "revoke", "ben", "-m", "lost").exit == 0
    said = crew["ada"]("sign", "--take", str(word))
    assert (said.exit, "was revoked" in said.err) == (4, True), said.err


def test_a_run_that_is_not_here_is_told(
    crew: dict[str, Desk], held: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = tmp_path / "word"
    assert crew["ben"]("sign", "--bundle", str(held), "--go", "-m", "fine", "--output", str(word)).exit == 0
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=other, env=IDENTITY, check=True)
    monkeypatch.chdir(other)
    said = crew["ada"]("sign", "--take", str(word))
    assert (said.exit, "nothing has been run here yet" in said.err) == (2, True), said.err


@pytest.mark.parametrize("wrong", [["--attach"], ["--output"]])
def test_what_does_not_go_together_is_told(
    crew: dict[str, Desk], held: Path, wrong: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bundle = ["--bundle", str(held)] if wrong == ["--attach"] else []
    said = crew["ben"]("sign", "--go", *with_bundle, *wrong, str(held))
    assert said.exit == 2


def test_the_way_leaves_no_key_behind(crew: dict[str, Desk], held: Path, tmp_path: Path) -> None:
    word = tmp_path / "word"
    assert crew["ben"]("sign", "--bundle", str(held), "--go", "-m", "fine", "--output", str(word)).exit == 0
    everything = word.read_bytes() + held.read_bytes()
    monkey = crew["ben"].monkeypatch
    monkey.setenv(keys.DIRECTORY_VARIABLE, str(crew["ben"].home / "keys"))
    seed = keys.unlock("ben", lambda: PASSPHRASES["ben"]).private.private_bytes_raw()
    for secret in (PASSPHRASES["ben"].encode(), seed, base64.b64encode(seed), seed.hex().encode()):
        assert secret not in everything
