"""`gonogo bundle`, `gonogo verify`, `gonogo schema verdict`: as a user types them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import jsonschema
import pytest

from gonogo.model.roster import Person
from gonogo.owners import keys
from tests.cli.conftest import CHECKLIST, Gonogo, Repository

HELLO = "        commands: [sh hello.sh]\n"
LISTED = CHECKLIST.replace(HELLO, f"{HELLO}        evidence: [hello.log, metrics.json]\n")
LISTED += """\
evidence_bundle:
  - group: Build
    items: [hello.log, metrics.json]
  - group: Monitoring
    items: [Grafana screenshots]
"""


@pytest.fixture
def sealed(repository: Repository, gonogo: Gonogo, tmp_path: Path) -> Path:
    assert gonogo("run").exit == 0
    path = tmp_path / "run.zip"
    assert gonogo("bundle", "--output", str(path)).exit == 0
    return path


@pytest.fixture
def ada(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Her key, trusted in a commit; its public half in PEM."""
    monkeypatch.setenv("GONOGO_KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(keys, "ROUNDS", 1)
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse battery\n")
    monkeypatch.setenv("GONOGO_PASSPHRASE_FILE", str(passphrase))
    pem = keys.create("ada", "correct horse battery")
    keys.write(repository.root, Person("ada", "Ada", pem, ("ada@example.org",)))
    repository.commit()
    return pem


# --- bundle --------------------------------------------------------------------------------------------------


def test_bundle_says_what_answers_each_name(repository: Repository, gonogo: Gonogo, tmp_path: Path) -> None:
    repository.write("gonogo.yaml", LISTED)
    repository.commit()
    gonogo("run")
    said = gonogo("bundle", "-o", str(tmp_path / "x.zip"))
    assert said.exit == 0
    assert said.out.splitlines() == [
        "Build",
        "  hello.log",
        "    stdout of `sh hello.sh`, sha256 5891b5b522d5",
        "  metrics.json",
        "    missing: gate `Says hello` is UNKNOWN: `metrics.json` was not written",
        "Monitoring",
        "  Grafana screenshots",
        "    missing: no gate of the checklist brings it",
    ]
    assert "(HOLD) into" in said.err
    assert "signed by nobody" in said.err


def test_bundle_has_a_name_of_its_own(sealed: Path, repository: Repository, gonogo: Gonogo) -> None:
    said = gonogo("bundle")
    assert said.exit == 0
    [path] = repository.root.glob("gonogo-*.zip")
    assert path.read_bytes() == sealed.read_bytes()
    assert path.stem.removeprefix("gonogo-") in said.err


def test_bundle_of_an_earlier_run(sealed: Path, gonogo: Gonogo, tmp_path: Path) -> None:
    first = json.loads(zipfile.ZipFile(sealed).read("manifest.json"))["run"]
    gonogo("run")
    assert gonogo("bundle", first, "-o", str(tmp_path / "again.zip")).exit == 0
    assert (tmp_path / "again.zip").read_bytes() == sealed.read_bytes()
    assert gonogo("bundle", "nope", "-o", str(tmp_path / "none.zip")).exit == 2


def test_bundle_before_any_run(repository: Repository, gonogo: Gonogo) -> None:
    said = gonogo("bundle")
    assert said.exit == 2
    assert "run `gonogo run`" in said.err


def test_bundle_of_altered_evidence_is_refused(repository: Repository, gonogo: Gonogo, tmp_path: Path) -> None:
    decision = json.loads(gonogo("run", "--format", "json").out)
    (repository.root / decision["gates"][0]["evidence"][0]["path"]).write_text("hullo\n")
    said = gonogo("bundle", "-o", str(tmp_path / "x.zip"))
    assert said.exit == 5
    assert "was altered after it was judged" in said.err


def test_bundle_signed(ada: str, repository: Repository, gonogo: Gonogo, tmp_path: Path) -> None:
    gonogo("run")
    said = gonogo("bundle", "-o", str(tmp_path / "x.zip"), "--key", "ada")
    assert said.exit == 0
    assert "signed by ada" in said.err
    pem = tmp_path / "ada.pem"
    pem.write_text(ada)
    for trust in (pem, repository.root / ".gonogo" / "people", repository.root / ".gonogo" / "people" / "ada.yaml"):
        proven = gonogo("verify", str(tmp_path / "x.zip"), "--trust", str(trust))
        assert proven.exit == 0
        assert "signed by ada" in proven.out


def test_bundle_with_a_key_that_is_not_here(ada: str, gonogo: Gonogo, repository: Repository) -> None:
    gonogo("run")
    said = gonogo("bundle", "--key", "ben")
    assert said.exit == 2
    assert "there is no private key of `ben` on this machine" in said.err
    assert not list(repository.root.glob("*.zip"))


# --- verify --------------------------------------------------------------------------------------------------


def test_verify_tells_every_claim(sealed: Path, gonogo: Gonogo) -> None:
    said = gonogo("verify", str(sealed))
    assert said.exit == 0
    assert [line[:2] for line in said.out.splitlines() if line[4:9] == "holds"] == [f"{n:>2}" for n in range(1, 10)]
    assert "proven: GO for" in said.out
    assert "signed by nobody" in said.out
    assert said.err == ""


def test_verify_as_json(sealed: Path, gonogo: Gonogo) -> None:
    told = json.loads(gonogo("verify", str(sealed), "--format", "json", "--rejudge").out)
    assert told["proven"] is True
    assert told["decision"] == "GO"
    assert told["signed_by"] == []
    assert [claim["result"] for claim in told["claims"]] == ["holds"] * 10


def test_verify_on_another_machine(
    sealed: Path, gonogo: Gonogo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No repository, no git on the PATH, no home."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    assert gonogo("verify", str(sealed), "--rejudge").exit == 0
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_verify_one_changed_character(sealed: Path, gonogo: Gonogo) -> None:
    content = sealed.read_bytes()
    sealed.write_bytes(content.replace(b"Says hello", b"Says hallo", 1))
    said = gonogo("verify", str(sealed))
    assert said.exit == 5
    assert " 1  BROKEN  it is packed in the one canonical way" in said.out
    assert "not proven: this is not a bundle as gonogo packs it: the checksum of" in said.out
    assert said.err.startswith("error: not proven")


def test_verify_demands(sealed: Path, gonogo: Gonogo, ada: str, tmp_path: Path) -> None:
    required = gonogo("verify", str(sealed), "--require", "Ada")
    assert required.exit == 5
    assert "10  BROKEN  Ada has said go" in required.out
    pem = tmp_path / "ada.pem"
    pem.write_text(ada)
    trusted = gonogo("verify", str(sealed), "--trust", str(pem))
    assert trusted.exit == 5
    assert "not proven: the bundle is signed by nobody (claim 10)" in trusted.out
    assert gonogo("verify", str(sealed), "--trust", str(tmp_path / "none.pem")).exit == 2


def test_verify_under_another_checklist(sealed: Path, gonogo: Gonogo, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(CHECKLIST.replace('contains("hello")', 'contains("goodbye")'))
    said = gonogo("verify", str(sealed), "--checklist", str(other))
    assert said.exit == 0, "the bundle is proven; what would change is shown"
    assert f"under {other}: GO -> NO-GO" in said.out
    assert "  Says hello: PASS -> FAIL" in said.out
    assert "  2 gates as before" in said.out
    told = json.loads(gonogo("verify", str(sealed), "--checklist", str(other), "--format", "json").out)
    assert told["under"]["after"] == "NO-GO"
    assert [gate["changed"] for gate in told["under"]["gates"]] == [True, False, False]


def test_verify_under_a_checklist_with_mistakes(sealed: Path, gonogo: Gonogo, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(CHECKLIST.replace("exit == 0", "exti == 0"))
    said = gonogo("verify", str(sealed), "--checklist", str(other))
    assert said.exit == 2
    assert "did you mean `exit`?" in said.err


def test_verify_a_file_that_is_not_there(gonogo: Gonogo, tmp_path: Path) -> None:
    said = gonogo("verify", str(tmp_path / "none.zip"))
    assert said.exit == 4
    assert "there is no file" in said.err


# --- schema --------------------------------------------------------------------------------------------------


def test_schema_of_a_verdict(sealed: Path, gonogo: Gonogo) -> None:
    said = gonogo("schema", "verdict")
    assert said.exit == 0
    attested = json.loads(zipfile.ZipFile(sealed).read("attestations/verdict.intoto.json"))
    schema = json.loads(said.out)
    assert attested["predicateType"] == schema["$id"]
    jsonschema.validate(attested["predicate"], schema)
