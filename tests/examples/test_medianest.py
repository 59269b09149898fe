"""The example project: one checklist in two forms, and scripts that do what their names say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonogo import checklist, plugins
from gonogo import plan as planning
from gonogo.model.checklist import Call, Checklist
from gonogo.model.plan import Plan, Subject
from gonogo.plan.selection import Selection

EXAMPLE = Path(__file__).parents[2] / "examples" / "medianest"
REGISTRY = plugins.load(None)
PLACEHOLDER = re.compile(r"<[^<>\n]+>|\bchange-?me\b", re.IGNORECASE)
SUBJECT = Subject(commit="c" * 40, branch="main")


def load(name: str) -> Checklist:
    return checklist.load(EXAMPLE / name, REGISTRY).checklist


def compiled(name: str, target: str = "local") -> Plan:
    return planning.compile(
        load(name),
        subject=SUBJECT,
        target=target,
        inputs={},
        selection=Selection(),
        registry=REGISTRY,
        root=EXAMPLE,
    )


# --- one checklist in two forms ---------------------------------------------------------------------------------


def test_both_forms_are_the_same_checklist() -> None:
    assert load("gonogo.yaml") == load("READINESS.md")


@pytest.mark.parametrize("target", ["local", "staging"])
def test_both_forms_compile_to_the_same_plan(target: str) -> None:
    words, yaml = compiled("READINESS.md", target), compiled("gonogo.yaml", target)
    assert yaml.nodes == words.nodes
    assert (yaml.checklist_digest, yaml.digest) == (words.checklist_digest, words.digest)
    assert words.digest != compiled("READINESS.md", "another target").digest, "the digest says something"


@pytest.mark.parametrize("name", ["READINESS.md", "gonogo.yaml"])
def test_nothing_in_it_is_left_unread(name: str) -> None:
    loaded = checklist.load(EXAMPLE / name, REGISTRY)
    assert [w.message for w in loaded.warnings] == []
    assert all(gate.owners for gate in loaded.checklist.gates)
    assert not any(gate.unread for gate in loaded.checklist.gates)


def test_it_uses_what_the_document_form_can_say() -> None:
    gates = {gate.id: gate for gate in load("READINESS.md").gates}
    assert [phase.id for phase in load("READINESS.md").phases] == list("01234567")
    assert [call.params["cwd"] for call in gates["e2e"].calls] == ["backend"]
    assert [call.label for call in gates["db-backup-then-migrate"].calls][:2] == ["Backup", "Migrate"]
    assert gates["build-all"].calls[1].label == "verify"
    assert gates["type-safety"].calls[0].alternatives
    assert gates["docs-publish"].optional
    assert gates["pull-new-images"].condition
    assert gates["runtime-guards"].action
    assert gates["schema-compatibility"].note
    assert gates["unit-and-api-tests-with-coverage"].ci_jobs == ("test-ci", "test-coverage")
    assert gates["build-all"].cache == "node_modules by `package-lock.json`"
    assert len(load("READINESS.md").ci_jobs) == 10
    assert len(load("READINESS.md").evidence_bundle) == 6


def test_on_local_it_looks_ships_and_goes_back_and_each_exclusion_says_why() -> None:
    plan = compiled("READINESS.md")
    out = {node.id: node.not_applicable for node in plan.nodes if node.not_applicable}
    runs = [node.id for node in plan.nodes if node.runs]
    assert runs == [
        *("node-toolchain", "branch-hygiene", "env-files"),
        *("formatting-linting", "type-safety", "fast-tests", "env-parity"),
        *("build-all", "unit-and-api-tests-with-coverage", "security", "docs-build", "e2e"),
        *("db-backup-then-migrate", "deploy-app", "smoke-endpoints", "e2e-against-staging"),
        *("image-level-rollback", "schema-compatibility"),
    ]
    optional = {node.id for node in plan.nodes if node.left_out}
    assert set(out) | optional == {node.id for node in plan.nodes} - set(runs)
    assert all(reason for reason in out.values())
    assert not plan.missing_inputs
    acts = [node.id for node in plan.nodes if node.runs and node.acts]
    assert acts == ["db-backup-then-migrate", "deploy-app", "image-level-rollback"]
    assert plan.spec is not None
    assert plan.spec.kind == "local"
    assert not any(node.gate.questions for node in plan.nodes if node.runs), "nobody has to be asked"


# --- what it names is there -------------------------------------------------------------------------------------


def lines(calls: tuple[Call, ...]) -> Iterator[tuple[str, str]]:
    """Each command line, alternatives too, with its working directory."""
    for call in calls:
        if call.kind == "command":
            yield str(call.params["run"]), str(call.params.get("cwd", "."))
        yield from lines(call.alternatives)


def named_scripts() -> set[tuple[str, str]]:
    """(workspace, script) for each `npm run` of the checklist and of its CI job map."""
    loaded = load("READINESS.md")
    commands = [line for gate in loaded.gates for line in lines(gate.calls)]
    commands += [(command, ".") for job in loaded.ci_jobs for command in job.commands]
    found = set()
    for text, cwd in commands:
        here = cwd
        for part in re.split(r"&&|;", text):
            here = match[1] if (match := re.match(r"\s*cd (\S+)", part)) else here
            found |= {(here, script) for script in re.findall(r"npm run ([\w:-]+)", part)}
    return found


def test_every_npm_script_named_exists() -> None:
    named = named_scripts()
    missing = {
        (workspace, script)
        for workspace, script in named
        if script not in json.loads((EXAMPLE / workspace / "package.json").read_text())["scripts"]
    }
    assert not missing
    assert len(named) >= 20


def test_every_script_of_a_workspace_that_a_script_calls_exists() -> None:
    root = json.loads((EXAMPLE / "package.json").read_text())["scripts"]
    called = {m for line in root.values() for m in re.findall(r"npm run ([\w:-]+) --workspace (\w+)", line)}
    assert called
    for script, workspace in called:
        assert script in json.loads((EXAMPLE / workspace / "package.json").read_text())["scripts"]


def test_every_file_that_a_command_names_exists() -> None:
    for script in ("scripts/deploy-docs.sh", "backend/scripts/backup-procedures.sh"):
        assert (EXAMPLE / script).stat().st_mode & 0o100, f"{script} can be run"
    root = json.loads((EXAMPLE / "package.json").read_text())["scripts"]
    for line in root.values():
        for path in re.findall(r"(?:node|k6 run --\S+) ((?:scripts|load-tests)/\S+)", line):
            assert (EXAMPLE / path).is_file(), path


# --- what is committed ------------------------------------------------------------------------------------------


def env_files() -> list[Path]:
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split("\0")
    names = tracked if any(tracked) else [str(p.relative_to(EXAMPLE)) for p in EXAMPLE.rglob(".env*")]
    return [EXAMPLE / name for name in names if Path(name).name.startswith(".env")]


def test_env_files_other_than_examples_hold_no_placeholders() -> None:
    files = env_files()
    assert {file.name for file in files} >= {".env.example", ".env.staging.example"}
    for file in files:
        if not file.name.endswith(".example"):
            assert not PLACEHOLDER.search(file.read_text()), file
    ignored = (EXAMPLE / ".gitignore").read_text().splitlines()
    assert {".env", ".env.staging"} <= set(ignored)


def test_both_examples_name_the_same_variables() -> None:
    keys = [
        re.findall(r"^([A-Z_]+)=", (EXAMPLE / name).read_text(), re.MULTILINE)
        for name in (".env.example", ".env.staging.example")
    ]
    assert set(keys[0]) == set(keys[1])
    assert all(len(k) == len(set(k)) for k in keys)


def test_the_lock_file_names_no_host() -> None:
    lock = json.loads((EXAMPLE / "package-lock.json").read_text())
    linked = {package["resolved"] for package in lock["packages"].values() if "resolved" in package}
    assert linked == {"shared", "backend", "frontend"}, "workspaces only"
    without_funding = [{k: v for k, v in p.items() if k != "funding"} for p in lock["packages"].values()]
    assert "://" not in json.dumps(without_funding)


def test_the_lock_file_serves_other_platforms_too() -> None:
    packages = json.loads((EXAMPLE / "package-lock.json").read_text())["packages"]
    for platform in ("darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"):
        assert any(name.endswith(f"@esbuild/{platform}") for name in packages)
        assert any(f"@rollup/rollup-{platform}" in name for name in packages)


# --- scripts that must be able to fail --------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources without packages: these scripts need none."""
    root = tmp_path / "medianest"
    written = ("node_modules", "dist", "build-metrics.json", "security-scan.sarif")
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns(*written))
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def node(root: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["node", script], cwd=root, capture_output=True, text=True, check=False)


def test_verifying_without_a_build_is_red(copy: Path) -> None:
    done = node(copy, "scripts/build-verify.mjs")
    assert done.returncode == 1
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["Backend", "❌"], ["Frontend", "❌"]]


def test_a_build_that_cannot_start_is_red(copy: Path) -> None:
    for workspace, script in (("backend", "dist/index.js"), ("frontend", "dist/server/index.js")):
        file = copy / workspace / script
        file.parent.mkdir(parents=True)
        file.write_text("console.error('cannot start'); process.exit(78);\n")
    done = node(copy, "scripts/build-verify.mjs")
    assert done.returncode == 1
    assert "Backend ❌ backend/dist/index.js does not answer: cannot start" in done.stdout


def test_measuring_without_a_build_is_red(copy: Path) -> None:
    done = node(copy, "scripts/build-metrics.mjs")
    assert (done.returncode, done.stderr) == (1, "nothing built in: shared, backend, frontend\n")
    assert not (copy / "build-metrics.json").exists()


def pretend_to_build(root: Path) -> None:
    for workspace in ("shared", "backend", "frontend"):
        (root / workspace / "dist").mkdir()
        (root / workspace / "dist/index.js").write_text("export {};\n")


def test_a_measure_that_fails_leaves_no_older_one(copy: Path) -> None:
    pretend_to_build(copy)
    assert node(copy, "scripts/build-metrics.mjs").returncode == 0
    assert json.loads((copy / "build-metrics.json").read_text())["workspaces"]["backend"]["bytes"] == 11
    shutil.rmtree(copy / "backend/dist")
    assert node(copy, "scripts/build-metrics.mjs").stderr == "nothing built in: backend\n"
    assert not (copy / "build-metrics.json").exists()


def test_an_old_build_does_not_stand_for_new_sources(copy: Path) -> None:
    def built_from_here() -> tuple[int, str]:
        argv = ["node", "../scripts/built-from-here.mjs", "shared", "backend"]
        done = subprocess.run(argv, cwd=copy / "backend", capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    refused = "not built, or built from other sources: {}; say: npm run build\n"
    assert built_from_here() == (1, refused.format("shared, backend"))
    pretend_to_build(copy)
    node(copy, "scripts/build-metrics.mjs")
    assert built_from_here() == (0, "")
    (copy / "frontend/index.html").write_text("<h1>Another</h1>")
    assert built_from_here() == (0, "")
    (copy / "backend/src/routes/new.ts").write_text("export {};\n")
    assert built_from_here() == (1, refused.format("backend"))
    lines = json.loads((copy / "backend/package.json").read_text())["scripts"]["test:e2e"]
    assert lines == "node ../scripts/built-from-here.mjs shared backend && playwright test"


def test_the_scan_of_the_sources_finds_nothing_and_says_how_much_it_saw(copy: Path) -> None:
    done = node(copy, "scripts/security-scan.mjs")
    assert done.returncode == 0, done.stdout
    assert re.fullmatch(r"\d{2,} files, \d+ rules: 0 findings, 0 critical or high\n", done.stdout)


@pytest.mark.parametrize(
    ("line", "rule", "severity"),
    [
        ("eval(location.hash);", "code-from-text", "critical"),
        ("const q = (c, x) => c.query(`SELECT ${x}`);", "sql-from-parts", "critical"),
        ("const q = (c, x) => c.query('SELECT ' + x);", "sql-from-parts", "critical"),
        ("element.innerHTML = location.hash;", "markup-from-text", "high"),
        (f"const password = '{'x' * 20}';", "secret-in-source", "high"),
        ("exec(`rm ${path}`);", "shell-from-parts", "high"),
        ("const options = { rejectUnauthorized: false };", "tls-unchecked", "high"),
        ("const header = { alg: 'none' };", "jwt-without-signature", "critical"),
    ],
)
def test_the_scan_finds_what_it_looks_for(copy: Path, line: str, rule: str, severity: str) -> None:
    (copy / "frontend/src/planted.ts").write_text(f"\n{line}\n")
    done = node(copy, "scripts/security-scan.mjs")
    assert done.returncode == 1, done.stdout
    assert re.search(rf"^frontend/src/planted\.ts:2:\d+ {severity} {rule}: ", done.stdout, re.MULTILINE)
    report = json.loads((copy / "security-scan.sarif").read_text())
    assert [result["ruleId"] for result in report["runs"][0]["results"]] == [rule]


def test_a_medium_finding_is_told_but_does_not_stop(copy: Path) -> None:
    (copy / "frontend/src/planted.ts").write_text("const id = Math.random();\n")
    done = node(copy, "scripts/security-scan.mjs")
    assert (done.returncode, "medium weak-random" in done.stdout) == (0, True)


def test_a_scan_of_nothing_is_no_clean_scan(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(EXAMPLE / "scripts/security-scan.mjs", tmp_path / "scripts")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert node(tmp_path, "scripts/security-scan.mjs").returncode == 2
    assert not (tmp_path / "security-scan.sarif").exists()


def test_cleaning_never_leaves_its_folder(copy: Path) -> None:
    done = subprocess.run(
        ["node", "../scripts/clean.mjs", ".."], cwd=copy / "backend", capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert (copy / "backend/package.json").exists()
