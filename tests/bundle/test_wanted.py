"""The names a checklist has for its evidence, and what answers them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from gonogo.bundle.pieces import Piece, whole
from gonogo.bundle.wanted import Wanted, mapped
from gonogo.model.capture import Blob, Capture
from gonogo.model.checklist import Call, Evidence, EvidenceItem, Gate
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.model.run import GateView, RunView
from tests.outputs import runs

MEDIANEST = (
    EvidenceItem("Build", ("build-output.log", "build-metrics.json")),
    EvidenceItem("Tests", ("test-results/coverage-results.json", "backend/playwright-report/")),
    EvidenceItem("Security", ("`security-audit-results.json` (redacted)",)),
    EvidenceItem("Infra", ("Migration logs", "backup artifact name/hash")),
    EvidenceItem("Deploy", ("`docker compose ps` output", "curl checks")),
    EvidenceItem("Monitoring", ("Grafana screenshots", "alert status")),
)
"""The list of the checklist document, as it is read."""


def blob(name: str, path: str = "", media_type: str = "text/plain") -> Blob:
    digest = hashlib.sha256(f"{name}{path}".encode()).hexdigest()
    return Blob(name, digest, 10, 10, media_type, path=path)


def gate(title: str, command: str, *evidence: Evidence, kind: str = "command") -> Gate:
    calls = (Call("1", kind, {"run": command}, text=command),)
    return runs.gate(title, calls=calls, evidence=evidence, criteria=())


def ran(of: Gate, *blobs: Blob) -> GateView:
    call = of.calls[0]
    captured = Capture(call.kind, call.text, blobs=(blob(f"stdout-of-{of.id}"), *blobs), exit=0, call="1")
    named = replace(captured, blobs=(replace(captured.blobs[0], name="stdout"), *captured.blobs[1:]))
    return runs.green(of, captures=(named,))


BUILD = gate("Build all", "npm run build", Evidence("build-output.log", "build-output.log", or_capture=True),
             Evidence("build-metrics.json", "build-metrics.json"))  # fmt: skip
TESTS = gate("Unit tests", "npm run test:ci", Evidence("x", "test-results/coverage-results.json", or_capture=True))
E2E = gate("E2E", "npm run test:e2e", Evidence("backend/playwright-report/", "backend/playwright-report/"))
AUDIT = gate("Security", "npm run security", Evidence("x", "security-audit-results.json"))
MIGRATE = gate("Pre-migration", "npx prisma migrate deploy", Evidence("Backup filename"), Evidence("migrate logs"))
DEPLOY = gate("Bring up the app", "docker compose up -d", Evidence("`docker compose ps` output"))
SMOKE = gate("Smoke endpoints", "curl -I https://staging/health", Evidence("Curl logs"), kind="http")
DASH = gate("Metrics flowing", "grafana", Evidence("Grafana dashboard screenshots"), kind="screenshot")
ALERTS = gate("Alarms steady", "alerts", Evidence("Alertmanager status"), kind="alertmanager")


def run(*gates: GateView) -> RunView:
    view = runs.run(*gates)
    return replace(view, plan=replace(view.plan, evidence_bundle=MEDIANEST))


def answers(view: RunView) -> dict[str, Wanted]:
    """Of the list for the bundle only."""
    listed = sum(len(item.items) for item in MEDIANEST)
    return {wish.name: wish for wish in mapped(view, _pieces(view))[:listed]}


def _pieces(view: RunView) -> list[Piece]:
    class Told:
        pass

    told = Told()
    told.view = view  # type: ignore[attr-defined]
    return list(whole(told))  # type: ignore[arg-type]


FULL = run(
    ran(BUILD, blob("evidence/build-metrics.json", "build-metrics.json")),
    ran(TESTS, blob("evidence/c", "test-results/coverage-results.json")),
    ran(
        E2E,
        blob("evidence/i", "backend/playwright-report/index.html"),
        blob("evidence/d", "backend/playwright-report/data/x.png"),
    ),
    ran(AUDIT, blob("evidence/s", "security-audit-results.json")),
    ran(MIGRATE, blob("backup.json")),
    ran(DEPLOY, blob("ps.json")),
    ran(SMOKE, blob("facts.json")),
    ran(DASH, blob("dashboard.png", media_type="image/png")),
    ran(ALERTS, blob("facts.json")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "gate", "files"),
    [
        ("build-output.log", "build-all", ["stdout"]),
        ("build-metrics.json", "build-all", ["evidence/build-metrics.json"]),
        ("test-results/coverage-results.json", "unit-tests", ["evidence/c"]),
        ("backend/playwright-report/", "e2e", ["evidence/i", "evidence/d"]),
        ("`security-audit-results.json` (redacted)", "security", ["evidence/s"]),
        ("Migration logs", "pre-migration", ["stdout", "backup.json"]),
        ("backup artifact name/hash", "pre-migration", ["backup.json"]),
        ("`docker compose ps` output", "bring-up-the-app", ["stdout", "ps.json"]),
        ("curl checks", "smoke-endpoints", ["stdout", "facts.json"]),
        ("Grafana screenshots", "metrics-flowing", ["dashboard.png"]),
        ("alert status", "alarms-steady", ["stdout", "facts.json"]),
    ],
)
def test_every_name_of_the_document(name: str, gate: str, files: list[str]) -> None:
    wish = answers(FULL)[name]
    assert (wish.gate, [piece.name for piece in wish.pieces], wish.missing) == (gate, files, "")


def test_nothing_is_answered_twice_or_left_unsaid() -> None:
    told = answers(FULL)
    assert list(told) == [name for item in MEDIANEST for name in item.items]
    assert all(bool(wish.pieces) != bool(wish.missing) for wish in told.values())


def test_missing_because_the_gate_was_not_run() -> None:
    view = run(runs.seen(MIGRATE, Outcome.NOT_RUN, "phase 1 is not green"))
    assert answers(view)["Migration logs"].missing == "gate `Pre-migration` was not run: phase 1 is not green"
    assert answers(view)["Migration logs"].gate == "pre-migration"


def test_missing_because_the_gate_does_not_apply() -> None:
    view = run(runs.seen(ALERTS, Outcome.NOT_APPLICABLE, "no monitoring here"))
    assert answers(view)["alert status"].missing == "gate `Alarms steady` does not apply: no monitoring here"


def test_missing_because_the_file_was_stale() -> None:
    stale = Trouble(Outcome.STALE, "evidence-stale", "`security-audit-results.json` was there before")
    view = run(replace_verdict(ran(AUDIT), outcome=Outcome.STALE, troubles=(stale,)))
    told = answers(view)["`security-audit-results.json` (redacted)"].missing
    assert told == "gate `Security` is STALE: `security-audit-results.json` was there before"


def replace_verdict(view: GateView, **fields: object) -> GateView:
    return replace(view, verdict=replace(view.verdict, **fields))  # type: ignore[arg-type]


def test_missing_because_no_gate_brings_it() -> None:
    view = run(ran(runs.gate("Lint", evidence=())))
    told = answers(view)
    assert told["build-metrics.json"].missing == "no gate of the checklist brings `build-metrics.json`"
    assert told["curl checks"].missing == "no gate of the checklist brings it"


def test_a_capture_stands_in_only_where_the_checklist_allows_it() -> None:
    view = run(ran(BUILD))
    told = answers(view)
    assert [piece.name for piece in told["build-output.log"].pieces] == ["stdout"]
    assert told["build-metrics.json"].missing == "gate `Build all` is PASS: `build-metrics.json` was not written anew"


def test_a_gate_of_its_own_answers_for_its_own_evidence_line() -> None:
    wishes = [wish for wish in mapped(FULL, _pieces(FULL)) if wish.group == "E2E"]
    assert [(wish.name, len(wish.pieces)) for wish in wishes] == [("backend/playwright-report/", 2)]


def test_the_heading_tells_where_two_gates_fit_alike() -> None:
    """As in the example: monitoring and the application both show what Compose runs."""
    line = (Evidence("`docker compose ps` output"),)
    first = runs.gate("Monitoring stack up", "4", evidence=line)
    second = runs.gate("Deploy app", "5", evidence=line)
    view = run(ran(first, blob("ps.json")), ran(second, blob("ps.json")))
    listed = (
        EvidenceItem("Deploy", ("`docker compose ps` output",)),
        EvidenceItem("Monitoring", ("docker compose ps",)),
    )
    view = replace(view, plan=replace(view.plan, evidence_bundle=listed))
    assert [wish.gate for wish in mapped(view, _pieces(view))[:2]] == ["deploy-app", "monitoring-stack-up"]
