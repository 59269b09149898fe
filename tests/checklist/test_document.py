"""The real document: `reading.md` is the norm, and its table of 26 gates is this table."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gonogo.checklist import Loaded, explain, load
from gonogo.errors import Severity
from gonogo.model.checklist import Effect, Gate, Input
from gonogo.plugins import Registry
from tests.checklist.conftest import SHARED

DOCUMENT = SHARED / "medianest-staging.md"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared document is not beside this checkout")

TESTS = ("tests.failed == 0", "tests.errored == 0", "tests.not_run == 0", "tests.passed > 0")
CONDITION = "a condition only a person can answer"


@dataclass(frozen=True)
class Row:
    phase: str
    id: str
    title: str
    calls: tuple[str, ...]
    criteria: tuple[str, ...]
    owners: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    documented: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    """Empty: all of them read."""
    evidence: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    ci_jobs: tuple[str, ...] = ()
    cache: str = ""
    optional: bool = False
    condition: str = ""
    alternatives: tuple[str, ...] = ()
    unread: tuple[str, ...] = field(default=())


TABLE = [
    Row(
        "0", "tooling", "Tooling", ("toolchain",),
        ("engines.unsatisfied == 0", "docker.available && compose.available"),
        questions=("access to secrets store",),
    ),
    Row(
        "0", "branch-hygiene", "Branch hygiene", ("git", "github"),
        ("commits.nonconforming == 0", "hooks.active", "ci.green"),
    ),
    Row(
        "0", "env-files", "Env files", ("dotenv", "git"),
        ("env.exists", "parity.missing == 0", "placeholders == 0", "secrets.committed == 0"),
    ),
    Row(
        "1", "formatting-linting", "Formatting & linting", ("command",) * 4,
        ("lint.errors == 0", "format.unformatted == 0", "lint.warnings == 0"),
        ("Backend", "Frontend", "Shared"), documented=("lint.warnings == 0",), evidence=("Lint output snippet in PR",),
    ),
    Row(
        "1", "type-safety", "Type safety", ("command",), ("types.errors == 0",), ("Backend", "Frontend"),
        evidence=("TS logs if fixes were required",),
        alternatives=("npm run typecheck:backend && npm run typecheck:frontend",),
    ),
    Row("1", "fast-tests-smoke", "Fast tests smoke", ("command",), TESTS, ("All",), evidence=("Test summary",)),
    Row(
        "1", "env-parity-check", "Env parity check", ("dotenv",), ("parity.missing == 0",), ("DevOps", "Backend"),
        evidence=("Short diff or “no diff”",),
    ),
    Row(
        "2", "build-all", "Build all", ("command",) * 2,
        ("exit == 0", 'output.marked("Backend")', 'output.marked("Frontend")'), ("Backend", "Frontend"),
        evidence=("build-output.log", "build-metrics.json"), paths=("build-output.log", "build-metrics.json"),
        ci_jobs=("build-all",), cache="node_modules by `package-lock.json`",
    ),
    Row(
        "2", "unit-integration-coverage", "Unit/integration + coverage", ("command",),
        (*TESTS, "coverage.lines.pct >= 65"), ("All",),
        evidence=("`test-results/coverage-results.json` or coverage summary",),
        paths=("test-results/coverage-results.json",), ci_jobs=("test-ci", "test-coverage"), cache="vitest cache",
    ),
    Row(
        "2", "security", "Security (deps + SAST hooks)", ("command",) * 2,
        ("vulnerabilities.critical == 0", "vulnerabilities.high == 0", "vulnerabilities.medium == 0"),
        ("DevOps", "Backend"), documented=("vulnerabilities.medium == 0",),
        evidence=("security-audit-results.json",), paths=("security-audit-results.json",), ci_jobs=("security-scan",),
    ),
    Row(
        "2", "docs-build", "Docs build", ("command",), ("exit == 0",), ("DevOps",),
        evidence=("`site/` build log",), paths=("site/",), ci_jobs=("build-docs",),
    ),
    Row(
        "2", "e2e", "E2E (API-level where feasible)", ("command",), TESTS, ("Backend",),
        evidence=("backend/playwright-report/",), paths=("backend/playwright-report/",), ci_jobs=("e2e-backend",),
    ),
    Row(
        "3", "production-images", "Production images", ("image_build", "image_build", "image"),
        ("exit == 0", "images.unhealthy == 0"), ("DevOps",), effects=(Effect.WRITE, Effect.WRITE, Effect.READ),
        evidence=("Image digests", "`docker history` size snapshot"), ci_jobs=("build-push-containers",),
        cache="Docker layer cache",
    ),
    Row(
        "3", "docs-publish", "Docs publish (optional on tag)", ("command",), (), ("DevOps",), ("Site live",),
        effects=(Effect.PUBLISH,), evidence=("Build logs",), optional=True, alternatives=("scripts/deploy-docs.sh",),
    ),
    Row(
        "4", "secrets-config-set", "Secrets & config set", ("file", "config"),
        ("file.exists", "env.exists", "config.unresolved == 0", "placeholders == 0"),
        ("DevOps",), ("Validate from secure store",),
        evidence=("Redacted checklist (no secrets)",),
    ),
    Row(
        "4", "db-backup-then-migrate", "DB backup then migrate", ("backup", "migrate", "backups", "migrations"),
        ("backup.exists", "backup.fresh", "backup.restored", "exit == 0", "migrations.pending == 0"),
        ("DevOps", "Backend"), effects=(Effect.WRITE, Effect.WRITE, Effect.READ, Effect.READ),
        evidence=("Backup filename", "migrate logs"), unread=("(or compose `pg_dump`)",),
    ),
    Row(
        "4", "pull-new-images", "Pull new images (if using registry)", ("image_pull", "image"),
        ("exit == 0", "images.missing == 0"), ("DevOps",), ("if using registry",),
        effects=(Effect.WRITE, Effect.READ), evidence=("Compose pull output",), condition="if using registry",
    ),
    Row(
        "4", "monitoring-stack-up", "Monitoring stack up (if separate host, skip here)", ("command", "monitoring"),
        ("prometheus.healthy", "grafana.healthy", "loki.healthy"), ("DevOps",), ("if separate host, skip here",),
        effects=(Effect.WRITE, Effect.READ), evidence=("`docker compose ps` output",),
        condition="if separate host, skip here",
    ),
    Row(
        "5", "deploy-app", "Deploy app", ("rollout", "compose"),
        ("services.unhealthy == 0", "services.wrong_image == 0", "services.restarts == 0"), ("DevOps",),
        effects=(Effect.WRITE, Effect.READ), evidence=("`docker compose ps` output",),
    ),
    Row(
        "5", "smoke-endpoints", "Smoke endpoints", ("http", "http"), ("http.status == 200", "http.release_matches"),
        ("Backend", "Frontend"), evidence=("Curl logs",),
    ),
    Row(
        "5", "e2e-against-staging", "E2E against staging", ("command",), TESTS, ("Backend",),
        evidence=("backend/playwright-report/",), paths=("backend/playwright-report/",),
    ),
    Row(
        "5", "performance-sanity", "Performance sanity (optional gate)", ("command",), ("load.errors.pct <= 1.0",),
        ("DevOps",), ("baseline p95 within agreed band",), evidence=("k6 summary JSON",), optional=True,
        alternatives=("npm run load-test:staged",),
    ),
    Row(
        "6", "metrics-logs-flowing", "Metrics & logs flowing", ("compose", "prometheus", "loki", "grafana"),
        ("metrics.version_matches", "logs.indexed_seconds <= 300"), ("DevOps",),
        evidence=("Grafana dashboard screenshots",),
    ),
    Row(
        "6", "runtime-guards", "Runtime guards", ("ratelimit", "alertmanager"),
        ("ratelimit.works", "alerts.rules > 0", "alerts.firing == 0", "alerts.quiet_minutes >= 15"), ("DevOps",),
        evidence=("Alertmanager status",),
    ),
    Row(
        "7", "image-level-rollback", "Image\u2011level rollback", ("rollback",),
        ("rollback.healthy", "rollback.smoke_ok", "rollback.forward_ok"), ("DevOps",), effects=(Effect.WRITE,),
        evidence=("Deployment and smoke logs",),
    ),
    Row("7", "schema-compatibility", "Schema compatibility", ("migrations",), ("migrations.irreversible == 0",),
        documented=("migrations.irreversible == 0",)),
]  # fmt: skip


@pytest.fixture(scope="module")
def loaded(registry: Registry) -> Loaded:
    return load(DOCUMENT, registry)


def gate_of(loaded: Loaded, identity: str) -> Gate:
    return next(gate for gate in loaded.checklist.gates if gate.id == identity)


def test_eight_phases_and_26_gates_in_order(loaded: Loaded) -> None:
    assert [phase.id for phase in loaded.checklist.phases] == list("01234567")
    assert [gate.id for gate in loaded.checklist.gates] == [row.id for row in TABLE]
    assert len(TABLE) == 26


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_the_table(loaded: Loaded, row: Row) -> None:
    gate = gate_of(loaded, row.id)
    found = Row(
        gate.phase,
        gate.id,
        gate.title,
        tuple(call.kind for call in gate.calls),
        tuple(criterion.expression for criterion in gate.criteria),
        gate.owners,
        tuple(question.text for question in gate.questions),
        tuple(criterion.expression for criterion in gate.criteria if criterion.documented),
        tuple(call.effect for call in gate.calls) if any(call.effect != "read" for call in gate.calls) else (),
        tuple(item.text for item in gate.evidence),
        tuple(item.path for item in gate.evidence if item.path),
        gate.ci_jobs,
        gate.cache,
        gate.optional,
        gate.condition,
        tuple(other.text for call in gate.calls for other in call.alternatives),
        gate.unread,
    )
    assert found == row
    assert [question.id for question in gate.questions] == [f"{row.id}.{n}" for n, _ in enumerate(row.questions, 1)]


def test_clauses_that_name_a_capture_are_judged_on_it_alone(loaded: Loaded) -> None:
    build, migrate = gate_of(loaded, "build-all"), gate_of(loaded, "db-backup-then-migrate")
    assert [(c.expression, c.calls) for c in build.criteria] == [
        ("exit == 0", ()),
        ('output.marked("Backend")', ("verify",)),
        ('output.marked("Frontend")', ("verify",)),
    ]
    assert {c.expression: c.calls for c in migrate.criteria}["exit == 0"] == ("migrate",)


def test_commands_keep_label_directory_and_text(loaded: Loaded) -> None:
    e2e = gate_of(loaded, "e2e").calls[0]
    assert (e2e.params, e2e.text) == ({"run": "npm run test:e2e", "cwd": "backend"}, "npm run test:e2e")
    backup, migrate = gate_of(loaded, "db-backup-then-migrate").calls[:2]
    assert [(c.id, c.label, c.text) for c in (backup, migrate)] == [
        ("backup", "Backup", "backend/scripts/backup-procedures.sh pre-deployment"),
        ("migrate", "Migrate", "npm run db:migrate"),
    ]
    api = gate_of(loaded, "smoke-endpoints").calls[0]
    assert (api.id, api.params["url"], api.text) == (
        "api",
        "http://<staging>/health",
        "curl -sfS http://<staging>/health",
    )


def test_placeholders_are_inputs(loaded: Loaded) -> None:
    assert loaded.checklist.inputs == (Input("GIT_SHA"), Input("staging"))


def test_what_stands_around_the_phases(loaded: Loaded) -> None:
    checklist = loaded.checklist
    assert checklist.title == "MediaNest Staging Deployment Readiness Checklist"
    assert checklist.objective.startswith("Ship to staging with guardrails")
    assert len(checklist.assumptions) == 6
    assert checklist.assumptions[0] == "Node ≥ 18, npm ≥ 8"
    assert [item.group for item in checklist.evidence_bundle] == [
        "Build",
        "Tests",
        "Security",
        "Infra",
        "Deploy",
        "Monitoring",
    ]
    assert checklist.evidence_bundle[0].items == ("build-output.log", "build-metrics.json")
    assert [heading for heading, _ in checklist.other_sections] == [
        "Repo Pointers",
        "Rationale Highlights",
        "Gaps & Light Proposals (planning only; no edits made)",
    ]
    assert checklist.other_sections[0][1].startswith("- Workspaces: `backend/`")


def test_nine_ci_jobs(loaded: Loaded) -> None:
    jobs = {job.id: job for job in loaded.checklist.ci_jobs}
    assert list(jobs) == [
        "build-all", "test-ci", "test-coverage", "security-scan", "e2e-backend", "build-push-containers",
        "deploy-staging", "post-deploy-verify", "monitoring-check",
    ]  # fmt: skip
    assert jobs["build-all"].commands == ("npm run build", "npm run build:verify")
    assert jobs["build-all"].cache == "node_modules by `package-lock.json`"
    assert [job.id for job in jobs.values() if job.manual] == ["deploy-staging"]


def test_remarks_are_warnings_and_notes(loaded: Loaded) -> None:
    told = [(d.severity, d.slug, d.span.line if d.span else 0) for d in loaded.warnings]
    assert told == [
        (Severity.WARNING, "no-owner", 28),
        (Severity.WARNING, "no-owner", 29),
        (Severity.WARNING, "no-owner", 30),
        (Severity.NOTE, "unread-text", 130),
        (Severity.WARNING, "no-owner", 204),
    ]


def test_no_word_of_the_document_is_dropped(loaded: Loaded) -> None:
    """Every backticked span and every line's longest words are somewhere in the checklist."""
    import re

    from gonogo.model.codec import canonical

    kept = canonical(loaded.checklist).decode().replace("\\n", " ").replace('\\"', '"')
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    headings = ("## PR Evidence", "## CI Job Map")
    missing = [
        (number, word)
        for number, line in enumerate(lines, 1)
        if not line.startswith(headings)
        for word in re.findall(r"`([^`]+)`|([A-Za-z]{9,})", line)
        if (word[0] or word[1]) not in kept and word[1] not in ("Assumptions", "Objective")
    ]
    assert missing == []


def test_explain_says_what_became_of_each_clause(loaded: Loaded) -> None:
    found = explain(loaded, "formatting-linting")
    assert [(r.clause, r.rules, r.criteria, r.question) for r in found] == [
        ("0 errors", ("lint", "format"), ("lint.errors == 0", "format.unformatted == 0"), ""),
        ("warnings acceptable only if documented", ("lint",), ("lint.warnings == 0",), ""),
    ]
    tooling = explain(loaded, "tooling")
    assert [(r.rules, r.brought, r.question, r.why) for r in tooling] == [
        (("toolchain",), ("toolchain",), "", ""),
        (("toolchain",), (), "", ""),
        ((), (), "tooling.1", "no rule understands this clause"),
    ]
    assert tooling[2].span is not None
    assert tooling[2].span.line == 28


def test_explain_tells_which_evidence_brought_a_call(loaded: Loaded) -> None:
    last = explain(loaded, "metrics-logs-flowing")[-1]
    assert (last.source, last.clause, last.rules, last.brought, last.question) == (
        "evidence",
        "Grafana dashboard screenshots",
        ("grafana",),
        ("grafana",),
        "",
    )


def test_every_gate_can_be_explained(loaded: Loaded) -> None:
    for gate in loaded.checklist.gates:
        told = explain(loaded, gate.id)
        assert {c for r in told for c in r.criteria} == {c.expression for c in gate.criteria}
        assert {r.question for r in told} - {""} == {q.id for q in gate.questions}


def test_reading_needs_nothing_but_the_text(loaded: Loaded, registry: Registry, tmp_path: Path) -> None:
    """Whatever lies beside it: here a package.json whose scripts would tell more."""
    (tmp_path / "package.json").write_text('{"scripts": {"build": "docker push x"}}')
    copy = tmp_path / "staging.md"
    copy.write_bytes(DOCUMENT.read_bytes())
    assert load(copy, registry).checklist == loaded.checklist
