"""The demo's own steps, up to the point where it installs anything."""

from __future__ import annotations

import importlib.util
import json
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from gonogo import plugins
from gonogo.checklist import load
from tests.examples.test_medianest import EXAMPLE, PLACEHOLDER

DEMO = Path(__file__).parents[2] / "demo"
CONVENTIONAL = re.compile(r"^(?:build|chore|ci|docs|feat|fix|refactor|test)(?:\([a-z]+\))?: [a-z][^A-Z]*$")


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DEMO))
    monkeypatch.delitem(sys.modules, "history", raising=False)
    spec = importlib.util.spec_from_file_location("gonogo_demo", DEMO / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


def test_the_project_has_a_small_history_and_a_clean_tree(demo: ModuleType, tmp_path: Path) -> None:
    root = tmp_path / "medianest"
    demo.make_repository(root)
    subjects = git(root, "log", "--format=%s").splitlines()
    assert 6 <= len(subjects) <= 10
    assert all(CONVENTIONAL.match(subject) for subject in subjects), subjects
    assert git(root, "status", "--porcelain", "--ignored") == ""
    assert set(git(root, "log", "--format=%ae%n%ce").split()) == {
        f"{name}@example.org" for name in ("ada", "grace", "lin")
    }
    dates = git(root, "log", "--reverse", "--format=%aI").splitlines()
    assert dates == sorted(dates)
    for name in git(root, "ls-files").splitlines():
        assert (root / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_the_release_before_differs_in_one_additive_migration(demo: ModuleType, tmp_path: Path) -> None:
    root = tmp_path / "medianest"
    demo.make_repository(root)
    assert git(root, "tag", "--points-at", "HEAD~1").split() == ["v1.4.0"]
    manifests = [json.loads(git(root, "show", f"{ref}:package.json")) for ref in ("v1.4.0", "HEAD")]
    assert [manifest["version"] for manifest in manifests] == ["1.4.0", "1.5.0"]
    added = git(root, "diff", "--diff-filter=A", "--name-only", "v1.4.0", "HEAD").split()
    assert added == ["backend/prisma/migrations/20250922110000_request_decided_at/migration.sql"]
    statements = [line for line in (root / added[0]).read_text().splitlines() if not line.startswith("--")]
    assert statements == ["ALTER TABLE media_requests ADD COLUMN decided_at TIMESTAMPTZ;"]


def test_a_persons_own_git_settings_do_not_reach_it(
    demo: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    refuse = hooks / "pre-commit"
    refuse.write_text("#!/bin/sh\nexit 1\n")
    refuse.chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[core]\n\thooksPath = {hooks}\n[commit]\n\tgpgsign = true\n[user]\n\tsigningkey = none\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    demo.make_repository(tmp_path / "medianest")
    monkeypatch.delenv("GIT_DIR")
    assert git(tmp_path / "medianest", "log", "--oneline")
    assert not (tmp_path / "elsewhere").exists()


def test_staging_values_are_made_up_and_private(demo: ModuleType, tmp_path: Path) -> None:
    root = tmp_path / "medianest"
    demo.make_repository(root)
    demo.write_values(root, {"STAGING_PORT": 18081})
    file = root / ".env.staging"
    text = file.read_text()
    assert not PLACEHOLDER.search(text)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    keys = re.findall(r"^([A-Z_]+)=(.+)$", text, re.MULTILINE)
    assert [key for key, _ in keys] == re.findall(
        r"^([A-Z_]+)=", (EXAMPLE / ".env.staging.example").read_text(), re.MULTILINE
    )
    assert "STAGING_PORT=18081\n" in text
    secrets = [value for key, value in keys if key.endswith(("SECRET", "KEY", "CODE"))]
    assert len(set(secrets)) == 3
    assert git(root, "status", "--porcelain") == "", "git ignores it"


def test_a_machine_without_node_is_told_so(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit) as stopped:
        demo.check_machine()
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "install first: git, node, npm" in printed.err


def test_an_old_node_is_told_so(
    demo: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("git", "npm", "node"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.19.0\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as stopped:
        demo.check_machine()
    assert stopped.value.code == 2
    assert "Node.js 20 or newer is needed, this is v18.19.0" in capsys.readouterr().err


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 70])
def test_only_go_and_hold_end_well(
    demo: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    done: list[str] = []
    monkeypatch.setattr(demo, "install", lambda root, docs: None)
    monkeypatch.setattr(demo, "ship_first", lambda root, docs, target, more: done.append(f"first on {target}"))
    monkeypatch.setattr(demo, "run_gonogo", lambda root, docs, checklist, target, more: code)
    monkeypatch.setattr(demo, "take_down", lambda root, folder, target: done.append("down"))
    monkeypatch.setattr(sys, "argv", ["demo", "--format", "json"])
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert demo.main() == (0 if code in {0, 3} else code)
    printed = capsys.readouterr()
    assert printed.out == "", "standard output is gonogo's own"
    assert {0: "GO", 3: "HOLD"}.get(code, str(code)) in printed.err
    assert done == ["first on local", "down"]


def test_the_first_release_goes_to_the_targets_of_the_projects_own_checklist(demo: ModuleType, tmp_path: Path) -> None:
    root = tmp_path / "medianest"
    demo.make_repository(root)
    registry = plugins.load()
    first = load(demo.first_release(root), registry).checklist
    assert first.targets == load(root / "gonogo.yaml", registry).checklist.targets
    assert [gate.id for gate in first.gates] == ["build", "images", "migrate", "rollout", "smoke"]
    assert git(root, "status", "--porcelain") == "", "it is no part of the repository"


def test_what_the_demo_put_there_is_ended(demo: ModuleType, tmp_path: Path) -> None:
    supervisor = subprocess.Popen(["sleep", "600"])
    run = tmp_path / "state/gonogo/targets/abc/local/run"
    run.mkdir(parents=True)
    (run / "supervisord.pid").write_text(str(supervisor.pid))
    demo.take_down(tmp_path, tmp_path, "local")
    assert supervisor.wait(120) == -signal.SIGTERM
