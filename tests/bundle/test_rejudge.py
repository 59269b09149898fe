"""The kept bytes judged again: under the same criteria, and under others."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gonogo import checklist, plugins
from gonogo.bundle.proof import Finding, Proof, Stopped
from gonogo.bundle.rejudge import Change, Replay, rejudge, under
from gonogo.bundle.verify import open_bundle, prove
from gonogo.model import codec
from gonogo.model.outcome import DecisionWord
from tests.bundle import forge
from tests.bundle.conftest import LARGE, SMALL, repository_at


def judged_again(path: Path) -> Proof:
    proof = Proof()
    try:
        with open_bundle(path, proof) as packed:
            rejudge(proof, prove(proof, packed))
    except Stopped:
        pass
    return proof


def replayed(path: Path, text: str, tmp_path: Path) -> Replay:
    other = tmp_path / "other.yaml"
    other.write_text(text)
    loaded = checklist.load(other, plugins.builtin())
    proof = Proof()
    with open_bundle(path, proof) as packed:
        return under(prove(proof, packed), loaded.checklist)


def changes(replay: Replay) -> dict[str, tuple[str, str]]:
    return {change.gate: (change.before, change.after) for change in replay.changes if change.changed}


@pytest.mark.parametrize(("bundle", "gates"), [("unsigned", "1 of 1"), ("signed", "3 of 3")])
def test_the_same_verdicts(bundle: str, gates: str, request: pytest.FixtureRequest) -> None:
    """Also of a gate that people answered, and of one whose log was cut."""
    proof = judged_again(request.getfixturevalue(bundle))
    assert proof.broken is None
    assert proof.claims[-1].told.startswith(gates)


def forged(path: Path, tmp_path: Path, event: str, edit: Any, **files: bytes) -> Path:
    """A chain of its own, consistent in itself, signed by nobody."""
    content = forge.unpacked(path.read_bytes())
    made = tmp_path / "forged.zip"
    made.write_bytes(forge.repacked(forge.all_anew({**forge.edited(content, event, edit, rehash=True), **files})))
    return made


def test_a_forged_verdict_that_the_bytes_do_not_bear_out(tmp_path: Path) -> None:
    """A red run made green in a whole new chain: claims 1 to 9 hold, the bytes say otherwise."""
    red = repository_at(tmp_path / "thing", SMALL.replace("sh hello.sh", "sh hello.sh; exit 1"))
    assert red.run() == 1
    red.seal(tmp_path / "red.zip")

    def green(data: dict[str, Any]) -> None:
        data["verdict"] |= {"outcome": "PASS", "troubles": []}
        for judgement in data["verdict"]["judgements"]:
            judgement["outcome"] = "PASS"

    def go(data: dict[str, Any]) -> None:
        data["decision"] = {**data["decision"], "word": "GO", "reasons": []}

    once = forged(tmp_path / "red.zip", tmp_path, "verdict", green)
    twice = forged(once, tmp_path, "run-finished", go)
    broken = judged_again(twice).broken
    assert broken is not None
    assert (broken.number, broken.found) == (10, Finding.BROKEN)
    assert broken.told == "gate `says-hello` is FAIL by its evidence, and the ledger says PASS"


def test_a_forged_value(unsigned: Path, tmp_path: Path) -> None:
    def nicer(data: dict[str, Any]) -> None:
        data["verdict"]["judgements"][0]["value"] = "7"

    broken = judged_again(forged(unsigned, tmp_path, "verdict", nicer)).broken
    assert broken is not None
    assert "`exit == 0` is PASS with 0 by its evidence, and the ledger says PASS with 7" in broken.told


def test_a_kind_that_did_not_come_with_gonogo_is_not_taken_for_proof(tmp_path: Path) -> None:
    """Its plugin is not loaded, so that the claim stays open: exit 4, not 0."""
    made = repository_at(tmp_path / "thing", SMALL.replace("commands: [sh hello.sh]", "commands: [{kind: dice}]"))
    made.write("gonogo.yaml", (made.root / "gonogo.yaml").read_text().replace(", 'output.contains(\"hello\")'", ""))
    made.write(
        ".gonogo/plugins/dice.py",
        "from dataclasses import dataclass\n"
        "from gonogo.model.capture import Capture\n"
        "from gonogo.plugins import Context, probe\n"
        "@dataclass(frozen=True)\n"
        "class Params:\n    pass\n"
        "@probe('dice')\n"
        "def dice(params: Params, context: Context) -> Capture:\n"
        "    'Throw one.'\n"
        "    return Capture('dice', 'dice')\n",
    )
    made.commit()
    made.run()
    made.seal(tmp_path / "x.zip")
    proof = judged_again(tmp_path / "x.zip")
    assert proof.broken is not None
    assert proof.broken.found is Finding.OPEN
    assert "was judged with the probe `dice`, which did not come with gonogo" in proof.broken.told
    assert proof.exit_code == 4


# --- under other criteria ------------------------------------------------------------------------------------


def test_the_same_checklist_changes_nothing(signed: Path, tmp_path: Path) -> None:
    replay = replayed(signed, LARGE, tmp_path)
    assert changes(replay) == {}
    assert (replay.before, replay.after) == (DecisionWord.GO, DecisionWord.GO)


def test_a_stricter_criterion(signed: Path, tmp_path: Path) -> None:
    replay = replayed(signed, LARGE.replace("tests.passed > 0", "tests.passed >= 10"), tmp_path)
    assert changes(replay) == {"unit-tests": ("PASS", "FAIL")}
    assert replay.after is DecisionWord.NO_GO
    [change] = [change for change in replay.changes if change.changed]
    assert "3" in change.why


def test_a_criterion_nothing_was_measured_for(signed: Path, tmp_path: Path) -> None:
    text = LARGE.replace("tests.passed > 0", "tests.passed > 0 && coverage.lines.pct >= 65")
    assert changes(replayed(signed, text, tmp_path)) == {"unit-tests": ("PASS", "UNKNOWN")}


def test_a_call_the_run_did_not_make_says_nothing(unsigned: Path, tmp_path: Path) -> None:
    replay = replayed(unsigned, SMALL.replace("sh hello.sh", "sh other.sh"), tmp_path)
    assert changes(replay) == {"says-hello": ("PASS", "UNKNOWN")}


def test_gates_that_are_new_or_gone(unsigned: Path, tmp_path: Path) -> None:
    replay = replayed(unsigned, SMALL.replace("Says hello", "Says goodbye"), tmp_path)
    assert replay.changes == (
        Change("says-goodbye", "Says goodbye", "", "NOT_RUN", "the run had no such gate"),
        Change("says-hello", "Says hello", "PASS", "", "the other checklist has no such gate"),
    )
    assert replay.after is DecisionWord.HOLD


def test_another_condition_can_only_be_told_by_a_run(unsigned: Path, tmp_path: Path) -> None:
    text = SMALL + '        when: {expression: target == "moon", reason: only there}\n'
    assert changes(replayed(unsigned, text, tmp_path)) == {"says-hello": ("PASS", "NOT_RUN")}


def test_a_red_run_under_looser_criteria(tmp_path: Path) -> None:
    strict = SMALL.replace('output.contains("hello")', 'output.contains("goodbye")')
    made = repository_at(tmp_path / "thing", strict)
    assert made.run() == 1
    made.seal(tmp_path / "red.zip")
    replay = replayed(tmp_path / "red.zip", SMALL, tmp_path)
    assert changes(replay) == {"says-hello": ("FAIL", "PASS")}
    assert (replay.before, replay.after) == (DecisionWord.NO_GO, DecisionWord.GO)


def test_what_the_engine_saw_stays(tmp_path: Path) -> None:
    """A check that changes tracked files is red, whatever is asked of it."""
    made = repository_at(tmp_path / "thing", SMALL)
    made.write("hello.sh", "echo hello; echo more >> tests.sh\n")
    made.commit()
    assert made.run() == 1
    made.seal(tmp_path / "red.zip")
    assert judged_again(tmp_path / "red.zip").broken is None
    replay = replayed(tmp_path / "red.zip", SMALL.replace(", 'output.contains(\"hello\")'", ""), tmp_path)
    assert changes(replay) == {}
    assert replay.after is DecisionWord.NO_GO


def test_other_sign_offs_demanded(signed: Path, tmp_path: Path) -> None:
    replay = replayed(signed, LARGE.replace("sign_offs: [DevOps]", "sign_offs: [DevOps, Backend]"), tmp_path)
    assert changes(replay) == {}
    assert replay.after is DecisionWord.HOLD


def test_as_plain_data() -> None:
    change = Change("a", "A", "PASS", "FAIL", "why")
    assert json.loads(codec.canonical(change.data())) == {**dataclasses.asdict(change), "changed": True}


def test_a_run_with_a_waiver(tmp_path: Path) -> None:
    """Red, waived, GO; and so it comes out of the bytes, on the day it was judged."""
    made = repository_at(tmp_path / "thing", SMALL.replace("sh hello.sh", "sh hello.sh; exit 1").replace("==", "<="))
    until = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    made.write(
        ".gonogo/waivers.yaml",
        "gonogo: 1\nwaivers:\n  - id: exit-one\n    criterion: exit <= 1\n    gate: says-hello\n    owner: Ada\n"
        f"    approver: ada@example.org\n    reason: it is known\n    until: {until}\n",
    )
    made.commit()
    assert made.run() == 0
    path = tmp_path / "waived.zip"
    made.seal(path)
    proof = judged_again(path)
    assert proof.broken is None
    files = forge.unpacked(path.read_bytes())
    assert [waiver["id"] for waiver in json.loads(files["waivers.json"])] == ["exit-one"]
    gate = json.loads(files["attestations/verdict.intoto.json"])["predicate"]["gates"][0]
    assert (gate["outcome"], gate["waived"]) == ("FAIL", True)

    def without(data: dict[str, Any]) -> None:
        data["waivers"] = []

    broken = judged_again(forged(path, tmp_path, "run-started", without)).broken
    assert broken is not None
    assert broken.told == "the verdicts come to NO-GO, and the ledger says GO"
