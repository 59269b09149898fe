"""Sealing: the same run gives the same bytes; what was altered since is never sealed."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import sqlite3
import time
import zipfile
from pathlib import Path

import pytest

from gonogo.bundle import pieces
from gonogo.bundle.seal import seal
from gonogo.bundle.verify import verify
from gonogo.errors import InputError, IntegrityError, Refused
from gonogo.ledger import Ledger
from gonogo.ledger.store import data_digest
from gonogo.model import codec
from tests.bundle import forge
from tests.bundle.conftest import SMALL, People, Repository, repository_at


@pytest.fixture
def copy(small: Repository, tmp_path: Path) -> Repository:
    root = tmp_path / "thing"
    shutil.copytree(small.root, root)
    return Repository(root)


def test_the_same_run_gives_the_same_bytes(small: Repository, copy: Repository, tmp_path: Path) -> None:
    small.seal(tmp_path / "one.zip")
    small.seal(tmp_path / "two.zip")
    copy.seal(tmp_path / "three.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "three.zip").read_bytes()


def test_the_time_zone_of_the_machine_is_no_part_of_it(
    small: Repository, unsigned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        for zone in ("Pacific/Auckland", "America/Los_Angeles"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            small.seal(tmp_path / "x.zip")
            assert (tmp_path / "x.zip").read_bytes() == unsigned.read_bytes()
            assert verify(tmp_path / "x.zip").broken is None
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_signed_too(large: Repository, decided: str, people: People, tmp_path: Path) -> None:
    for name in ("one", "two"):
        large.seal(tmp_path / name, people.ada, people.ben, run=decided)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert verify(tmp_path / "one").facts["signed_by"] == ["ada", "ben"]


def test_a_later_run_changes_nothing(copy: Repository, tmp_path: Path) -> None:
    first = copy.seal(tmp_path / "one.zip")
    copy.run()
    again = copy.seal(tmp_path / "two.zip", run=first.manifest.run)
    assert again.sha256 == first.sha256
    assert copy.seal(tmp_path / "three.zip").manifest.run != first.manifest.run


def test_s80_evidence_altered_after_the_run(copy: Repository, tmp_path: Path) -> None:
    blob = next(path for path in (copy.state / "evidence").glob("??/*") if path.stat().st_size)
    blob.chmod(0o600)
    blob.write_bytes(b"hullo\n")
    with pytest.raises(IntegrityError, match=r"`stdout` of gate `says-hello` .* was altered after it was judged"):
        copy.seal(tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_s8_evidence_gone(copy: Repository, tmp_path: Path) -> None:
    shutil.rmtree(copy.state / "evidence")
    with pytest.raises(IntegrityError, match="is gone"):
        copy.seal(tmp_path / "x.zip")


def test_a_ledger_that_was_altered(copy: Repository, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(copy.state / "ledger.db")) as db:
        db.execute("DROP TRIGGER events_stay")
        db.execute("UPDATE events SET data = replace(data, '\"PASS\"', '\"FAIL\"') WHERE event = 'verdict'")
        db.commit()
    with pytest.raises(IntegrityError, match="was altered"):
        copy.seal(tmp_path / "x.zip")


def test_s81_a_run_that_is_not_decided(copy: Repository, tmp_path: Path) -> None:
    with contextlib.closing(Ledger(copy.state / "ledger.db")) as ledger:
        started = ledger.events(ledger.last_run())[0]
        ledger.take("20990101T000000Z-000000")
        ledger.append("20990101T000000Z-000000", "run-started", started.value)
        ledger.give_back()
        with pytest.raises(Refused, match="is not decided"):
            seal(ledger, "", copy.state, tmp_path / "x.zip")


def test_no_such_run(copy: Repository, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run is called so"):
        copy.seal(tmp_path / "x.zip", run="nope")


def test_what_is_in_it(signed: Path) -> None:
    names = zipfile.ZipFile(signed).namelist()
    assert {name for name in names if "/" not in name} == {
        "decision.json",
        "evidence.json",
        "ledger.jsonl",
        "manifest.json",
        "plan.json",
        "readme.txt",
        "sign-offs.intoto.jsonl",
        "verdicts.json",
        "waivers.json",
    }
    poll = zipfile.ZipFile(signed).read("sign-offs.intoto.jsonl").splitlines()
    assert [set(json.loads(line)) for line in poll] == [{"payload", "payloadType", "signatures"}] * 3


def test_a_long_log_is_cut_and_a_judged_one_is_not(signed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(signed) as archive:
        listed = json.loads(archive.read("evidence.json"))["pieces"]
        log = next(one for one in listed if one["gate"] == "talks-much" and one["name"] == "stdout")
        text = archive.read(log["file"])
    assert log["size"] > 2 * pieces.LOG_CAP
    assert len(text) == log["kept"] < pieces.LOG_CAP + 100
    assert text.startswith(b"1\n2\n")
    assert text.endswith(b"399999\n400000\n")
    assert f"[gonogo left out {log['size'] - pieces.LOG_CAP} bytes here]".encode() in text
    assert "1 long logs cut to head and tail" in verify(signed).claims[5].told
    judged = SMALL.replace("sh hello.sh", "sh talk.sh").replace("hello", "400000")
    made = repository_at(tmp_path / "thing", judged)
    made.run()
    made.seal(tmp_path / "whole.zip")
    assert verify(tmp_path / "whole.zip").claims[5].told == "2 pieces"


def test_a_judged_piece_that_was_cut_is_refused(unsigned: Path, tmp_path: Path) -> None:
    files = forge.unpacked(unsigned.read_bytes())
    listed = json.loads(files["evidence.json"])
    piece = next(one for one in listed["pieces"] if one["size"])
    short = files.pop(piece["file"])[:-1]
    digest = data_digest(short.decode())
    piece |= {"file": f"evidence/{digest}", "kept": len(short)}
    files |= {piece["file"]: short, "evidence.json": codec.canonical(listed)}
    (tmp_path / "x.zip").write_bytes(forge.repacked(forge.all_anew(files)))
    broken = verify(tmp_path / "x.zip").broken
    assert broken is not None
    assert broken.told == "`stdout` of gate `says-hello` was judged, and the bundle holds only a part of it"


def test_no_private_key_and_no_passphrase_in_it(signed: Path) -> None:
    content = signed.read_bytes()
    assert b"PRIVATE KEY" not in content
    assert b"correct horse" not in content


def test_no_secret_in_it(tmp_path: Path) -> None:
    secret = "s3cr3t-Zq8vXw2LrT"
    made = repository_at(tmp_path / "thing", SMALL.replace("sh hello.sh", "sh hello.sh; cat .env.staging >&2"))
    made.write(".gitignore", ".gonogo/state/\n.env.staging\n")
    made.commit()
    made.write(".env.staging", f"DATABASE_PASSWORD={secret}\n")
    assert made.run() == 0
    made.seal(tmp_path / "x.zip")
    content = (tmp_path / "x.zip").read_bytes()
    assert b"DATABASE_PASSWORD=[redacted]" in content
    assert secret.encode() not in content
    assert base64.b64encode(secret.encode()) not in content
