"""`gonogo waive`, and what a run and `check` make of what it wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Gonogo, Repository

LINT = """\
gonogo: 1
title: A small thing
phases:
  - id: "1"
    title: Look
    gates:
      - title: Lint
        owners: [Backend]
        commands: [{run: sh lint.sh, reports: [{path: out.sarif, parser: sarif}]}]
        criteria: ["lint.errors == 0", {expression: "lint.warnings == 0", documented: true}]
"""
TERMS = ("--approver", "Ben", "--reason", "tracked")
FILE = ".gonogo/waivers.yaml"


def days(count: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=count)).isoformat()


def report(*ids: str, level: str = "warning", **run: Any) -> str:
    """SARIF of findings, `rule:path` each."""
    results = [
        {
            "ruleId": id_.split(":")[0],
            "level": level,
            "message": {"text": "m"},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": id_.split(":")[1]}}}],
        }
        for id_ in ids
    ]
    driver = {"name": "x", "rules": []}
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results, **run}]})


@pytest.fixture
def lint(repository: Repository) -> Repository:
    """A gate that is red for three warnings of two kinds."""
    repository.git("config", "user.name", "Ada")
    repository.git("config", "user.email", "ada@example.org")
    repository.write("gonogo.yaml", LINT)
    repository.write("lint.sh", "cp given.sarif out.sarif\n")
    repository.write(".gitignore", "out.sarif\n")
    repository.write("given.sarif", report("no-console:src/a.ts", "no-console:src/a.ts", "eqeqeq:src/b.ts"))
    repository.commit()
    return repository


def text(repository: Repository) -> str:
    return (repository.root / FILE).read_text()


def decided(gonogo: Gonogo) -> dict[str, Any]:
    """The decision of a new run."""
    told: dict[str, Any] = json.loads(gonogo("run", "--format", "json").out)
    return told


def test_without_a_name_it_lists_what_could_be_waived(lint: Repository, gonogo: Gonogo) -> None:
    gonogo("run")
    told = gonogo("waive")
    assert told.exit == 0
    assert told.out.splitlines() == [
        "lint  warning  no-console:src/a.ts",
        "lint  warning  eqeqeq:src/b.ts",
        "lint  criterion  lint.warnings == 0  (3 lint warnings, needs 0)",
    ]
    assert not (lint.root / FILE).exists()


def test_from_red_to_go(lint: Repository, gonogo: Gonogo) -> None:
    assert decided(gonogo)["decision"] == "NO-GO"
    told = gonogo("waive", "console", "eqeqeq:src/b.ts", *TERMS, "--link", "https://example.org/7")
    assert told.exit == 0, told.err
    assert "commit it, reviewed by Ben" in told.err
    assert "matches: 2" in text(lint)
    lint.commit("chore: bear it")
    run = decided(gonogo)
    assert (run["decision"], run["gates"][0]["outcome"], run["gates"][0]["waived"]) == ("GO", "FAIL", True)
    assert any(f"waived by Ben for Backend until {days(30)}" in reason["text"] for reason in run["remarks"])
    assert gonogo("waive").out == ""
    assert "30 days left" in gonogo("check").out


def test_the_run_keeps_its_waivers(lint: Repository, gonogo: Gonogo) -> None:
    gonogo("run")
    gonogo("waive", "eqeqeq", *TERMS, "--days", "60")
    lint.commit()
    gonogo("run")
    from gonogo.ledger import Ledger
    from gonogo.ledger.view import view

    kept = view(Ledger(lint.root / ".gonogo" / "state" / "ledger.db")).waivers
    assert [(one.id, one.matches, one.authors) for one in kept] == [("eqeqeq-src-b-ts", 1, ("Ada <ada@example.org>",))]


def test_until_it_is_committed_it_does_not_count_and_the_run_says_so(lint: Repository, gonogo: Gonogo) -> None:
    gonogo("run")
    gonogo("waive", "console", "eqeqeq", *TERMS)
    run = decided(gonogo)
    assert run["decision"] == "NO-GO"
    assert f"`{FILE}` is not committed: none of its waivers counts" in run["notes"]
    checked = gonogo("check")
    assert (checked.exit, "waivers-not-committed" in checked.err) == (0, True)


def test_a_further_one_leaves_the_rest_as_it_was(lint: Repository, gonogo: Gonogo) -> None:
    gonogo("run")
    gonogo("waive", "eqeqeq", *TERMS)
    before = text(lint).replace("reason: tracked", "reason: tracked  # see 7")
    lint.write(FILE, before)
    assert gonogo("waive", "console", *TERMS, "--owner", "Backend", "--until", days(3)).exit == 0
    assert text(lint).startswith(before)
    again = gonogo("waive", "console", *TERMS)
    assert (again.exit, "already" in again.err) == (4, True)


def test_a_bound_in_place_of_the_criterion(lint: Repository, gonogo: Gonogo) -> None:
    gonogo("run")
    told = gonogo("waive", "--criterion", "lint.warnings <= 3", *TERMS)
    assert told.exit == 0, told.err
    assert "matches" not in text(lint)
    lint.commit()
    assert decided(gonogo)["decision"] == "GO"
    lint.write("given.sarif", report(*["no-console:src/a.ts"] * 4))
    lint.commit()
    run = decided(gonogo)
    assert run["decision"] == "NO-GO"
    assert any("does not count any more" in note and "it is 4" in note for note in run["notes"])


@pytest.mark.parametrize(
    ("arguments", "exit_", "words"),
    [
        (("nothing-like-it", *TERMS), 2, "found no `nothing-like-it`"),
        (("no-consol:src/a.ts", *TERMS), 2, "did you mean `no-console:src/a.ts`?"),
        (("src", *TERMS), 2, "part of 2 findings"),
        (("eqeqeq", "--reason", "x"), 2, "--approver"),
        (("eqeqeq", "--approver", "Ben"), 2, "--reason"),
        (("eqeqeq", "--approver", "ada@example.org", "--reason", "x"), 4, "nobody approves what they wrote"),
        (("eqeqeq", *TERMS, "--owner", "DevOps"), 2, "DevOps is no owner of `lint`"),
        (("eqeqeq", *TERMS, "--until", "2026-02-30"), 2, "is no day"),
        (("eqeqeq", *TERMS, "--until", "2020-01-01"), 2, "not within the next 90 days"),
        (("eqeqeq", *TERMS, "--days", "91"), 2, "not within the next 90 days"),
        (("eqeqeq", *TERMS, "--days", "9", "--until", "2027-01-01"), 2, "not both"),
        (("eqeqeq", *TERMS, "--link", "ticket"), 2, "is no link"),
        (("eqeqeq", *TERMS, "--gate", "lnt"), 2, "did you mean `lint`?"),
        (("eqeqeq", "--criterion", "lint.warnings <= 3", *TERMS), 2, "or a criterion"),
        (("--criterion", "lint.warnings >= 0", *TERMS), 2, "holds"),
        (("--criterion", "lint.errors >= 3", *TERMS), 2, "no looser bound"),
        (("--criterion", "lint.warnigs <= 3", *TERMS), 2, "did you mean `lint.warnings`?"),
        (("--from-vex", "nothing.json", *TERMS), 2, "cannot read"),
    ],
)
def test_what_is_refused(lint: Repository, gonogo: Gonogo, arguments: tuple[str, ...], exit_: int, words: str) -> None:
    gonogo("run")
    told = gonogo("waive", *arguments)
    assert (told.exit, words in told.err) == (exit_, True), told.err
    assert not (lint.root / FILE).exists()


def test_what_could_not_be_seen_cannot_be_waived(lint: Repository, gonogo: Gonogo) -> None:
    gonogo("run")
    gonogo("waive", "console", "eqeqeq", *TERMS)
    lint.write("given.sarif", report(invocations=[{"executionSuccessful": False}]))
    lint.commit()
    run = decided(gonogo)
    assert (run["gates"][0]["outcome"], run["decision"]) == ("UNKNOWN", "HOLD")
    for arguments in (("eqeqeq", "--gate", "lint"), ("--criterion", "lint.warnings <= 3", "--gate", "lint")):
        told = gonogo("waive", *arguments, *TERMS)
        assert (told.exit, "cannot be waived" in told.err) == (4, True), told.err


def test_a_green_gate_has_nothing_to_waive(lint: Repository, gonogo: Gonogo) -> None:
    lint.write("given.sarif", report())
    lint.commit()
    gonogo("run")
    told = gonogo("waive", "--criterion", "lint.warnings <= 3", "--gate", "lint", *TERMS)
    assert (told.exit, "nothing to waive" in told.err) == (4, True)
    assert gonogo("waive").out == ""


def test_without_a_run_there_is_nothing_to_waive(lint: Repository, gonogo: Gonogo) -> None:
    assert (gonogo("waive").exit, "gonogo run" in gonogo("waive").err) == (2, True)


def test_an_approver_is_somebody_known_where_people_are(lint: Repository, gonogo: Gonogo) -> None:
    from tests.owners.people import BEN

    lint.write(
        ".gonogo/people/ben.yaml",
        f"name: Ben\nemails: [ben@example.org]\npublic_key: {json.dumps(BEN.public_key)}\n",
    )
    lint.commit()
    gonogo("run")
    told = gonogo("waive", "eqeqeq", "--approver", "bem", "--reason", "x")
    assert (told.exit, "did you mean `ben`?" in told.err) == (2, True), told.err
    assert gonogo("waive", "eqeqeq", "--approver", "ben@example.org", "--reason", "x").exit == 0


# --- how they stand ------------------------------------------------------------------------------------------


def waived(lint: Repository, **more: str) -> None:
    """Two waivers, committed by Ada; `more` replaces what their lines say."""
    told = {"gate": "lint", "owner": "Backend", "approver": "Ben", "reason": "tracked", "until": days(60), **more}
    body = "".join(f"    {key}: {value}\n" for key, value in told.items())
    lint.write(
        FILE, f"waivers:\n  - id: W1\n    finding: no-console:src/a.ts\n{body}"
        f"  - id: W2\n    finding: eqeqeq:src/b.ts\n{body}",
    )  # fmt: skip
    lint.commit("chore: bear it")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"until": days(-1)}, ("waiver-ended", f"ended on {days(-1)}", 0)),
        ({"owner": "DevOps"}, ("waiver-wrong-owner", "DevOps is no owner of `lint`", 2)),
        ({"gate": "lnt"}, ("waiver-unknown-gate", "which this checklist does not have", 0)),
        ({"approver": "Ada"}, ("self-approved", "Ada wrote it", 2)),
        ({"until": days(91)}, ("waiver-too-long", "91 days from its commit", 2)),
    ],
)
def test_s83_each_has_its_own_word_in_the_run_and_in_check(
    lint: Repository, gonogo: Gonogo, more: dict[str, str], told: tuple[str, str, int]
) -> None:
    slug, note, exit_ = told
    waived(lint, **more)
    run = decided(gonogo)
    assert run["decision"] == "NO-GO"
    assert sum(note in one for one in run["notes"]) == 2, run["notes"]
    checked = gonogo("check")
    assert (checked.exit, checked.err.count(f"[{slug}]")) == (exit_, 2), checked.err
    assert f"{FILE}:" in checked.err


def test_dead_and_outgrown_as_the_last_run_saw_it(lint: Repository, gonogo: Gonogo) -> None:
    waived(lint, matches="1")
    lint.write("given.sarif", report("no-console:src/a.ts", "no-console:src/a.ts"))
    lint.commit()
    assert "waiver-" not in gonogo("check").err
    run = decided(gonogo)
    assert run["decision"] == "NO-GO"
    assert any("`W1` does not count any more" in note and "there are 2 now" in note for note in run["notes"])
    assert any("`W2` is dead" in note for note in run["notes"])
    checked = gonogo("check")
    assert (checked.exit, "[waiver-outgrown]" in checked.err, "[waiver-dead]" in checked.err) == (0, True, True)


def test_before_the_end_the_run_says_so(lint: Repository, gonogo: Gonogo) -> None:
    waived(lint, until=days(14))
    run = decided(gonogo)
    assert run["decision"] == "GO"
    assert f"waiver `W1` ends in 14 days, on {days(14)}" in run["notes"]
    waived(lint, until=days(7))
    assert f"waiver `W1` ends in 7 days, on {days(7)}; its gate turns red then" in decided(gonogo)["notes"]


def test_mistakes_in_the_file_stop_run_and_check_with_all_of_them(lint: Repository, gonogo: Gonogo) -> None:
    waived(lint, until="soon", gate="[lint]")
    for command in ("run", "check"):
        told = gonogo(command)
        assert (told.exit, told.err.count("[no-such-day]"), told.err.count("[wrong-type]")) == (2, 2, 2), told.err
        assert "4 mistakes" in told.err


def test_a_resumed_run_has_the_same_waivers(lint: Repository, gonogo: Gonogo) -> None:
    waived(lint)
    lint.write("lint.sh", "test -e now || { touch now; kill -TERM $PPID; sleep 5; }; cp given.sarif out.sarif\n")
    lint.write(".gitignore", "out.sarif\nnow\n")
    lint.commit()
    stopped = lint.started("run")
    stopped.communicate(timeout=120)
    assert stopped.returncode == 143
    resumed = gonogo("run", "--resume", "--format", "json")
    assert json.loads(resumed.out)["decision"] == "GO", resumed.err


# --- from a VEX document -------------------------------------------------------------------------------------

HOLES = (("minimist", "<1.2.6", "GHSA-xvch-5gv4-984h"), ("qs", "<6.9.7", "GHSA-hrpp-h998-j3pp"))
AUDIT = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        name: {"severity": "moderate", "range": range_, "via": [{
            "url": f"https://github.com/advisories/{id_}", "range": range_, "title": "a hole", "severity": "moderate",
        }]}
        for name, range_, id_ in HOLES
    },
    "metadata": {"vulnerabilities": {"moderate": 2}, "dependencies": {"total": 9}},
}  # fmt: skip


def stated(name: str, **more: Any) -> dict[str, Any]:
    told = {"status": "not_affected", "justification": "vulnerable_code_not_present"}
    return {"vulnerability": {"name": name}, "products": [{"@id": "pkg:generic/thing"}], **told, **more}


@pytest.fixture
def audited(lint: Repository) -> Repository:
    """A gate that is red for two medium vulnerabilities."""
    gate = LINT.replace("lint.errors == 0", "vulnerabilities.high == 0")
    gate = gate.replace("lint.warnings == 0", "vulnerabilities.medium == 0").replace("sarif", "json")
    lint.write("gonogo.yaml", gate.replace("parser: json", "parser: npm_audit"))
    lint.write("lint.sh", "cp given.json out.json\n")
    lint.write(".gitignore", "out.json\n*.vex\n")
    lint.write("given.json", json.dumps(AUDIT))
    lint.commit()
    return lint


def vex_file(repository: Repository, *statements: dict[str, Any]) -> Path:
    head = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "V", "version": 1}
    repository.write("given.vex", json.dumps({**head, "timestamp": "2026-11-20T09:00:00Z", "statements": statements}))
    return repository.root / "given.vex"


def test_a_vex_document_becomes_waivers_and_comes_back_as_one(audited: Repository, gonogo: Gonogo) -> None:
    gonogo("run")
    file = vex_file(audited, stated("GHSA-xvch-5gv4-984h"), stated("GHSA-hrpp-h998-j3pp", status_notes="never parsed"))
    told = gonogo("waive", "--from-vex", str(file), "--approver", "Ben", "--days", "30")
    assert told.exit == 0, told.err
    assert "justification: vulnerable_code_not_present" in text(audited)
    assert "reason: never parsed" in text(audited)
    audited.commit()
    assert decided(gonogo)["decision"] == "GO"
    document = json.loads(gonogo("report", "--format", "vex").out)
    assert sorted((one["vulnerability"]["name"], one["status"]) for one in document["statements"]) == [
        ("GHSA-hrpp-h998-j3pp", "not_affected"), ("GHSA-xvch-5gv4-984h", "not_affected"),
    ]  # fmt: skip


def test_what_a_vex_document_does_not_accept_is_left_out_with_the_reason(audited: Repository, gonogo: Gonogo) -> None:
    gonogo("run")
    file = vex_file(
        audited,
        stated("GHSA-xvch-5gv4-984h"),
        stated("GHSA-hrpp-h998-j3pp", status="under_investigation"),
        stated("GHSA-0000-0000-0000"),
    )
    told = gonogo("waive", "--from-vex", str(file), *TERMS)
    assert told.exit == 0, told.err
    assert "GHSA-hrpp-h998-j3pp is `under_investigation`" in told.err
    assert "GHSA-0000-0000-0000 is no finding" in told.err
    assert (text(audited).count("- id:"), "reason: tracked" in text(audited)) == (1, True)
    audited.commit()
    assert decided(gonogo)["decision"] == "NO-GO"


def test_a_vex_document_that_accepts_nothing_writes_nothing(audited: Repository, gonogo: Gonogo) -> None:
    gonogo("run")
    told = gonogo("waive", "--from-vex", str(vex_file(audited, stated("GHSA-0000-0000-0000"))), *TERMS)
    assert (told.exit, (audited.root / FILE).exists()) == (4, False)
    told = gonogo("waive", "--from-vex", str(vex_file(audited, stated("x", status="so so"))), *TERMS)
    assert (told.exit, "so so" in told.err) == (2, True)
