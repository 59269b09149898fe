"""Takes the example project through its checklist, in a git repository of its own: ships it, drills the way back.

Standard output is gonogo's own. Whatever else is said goes to standard error, so that `--format json` prints nothing
but the decision.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from history import COMMITS, NEXT, RELEASE_BEFORE, Commit
from ruamel.yaml import YAML

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "medianest"
NEXT_CHANGES = Path(__file__).with_name("1.5.0.patch")
"""What the last commit brings, as `git diff` tells it; taken back for the commits before."""
LEFT_BEHIND = (
    *("node_modules", "dist", "site", "coverage", "test-results", "playwright-report", "backups", ".gonogo"),
    *(
        ".env",
        ".env.staging",
        "build-metrics.json",
        "security-audit-results.json",
        "security-scan.sarif",
        "load-test-summary.json",
    ),
)
"""What work on the example itself leaves in its folder: no part of the project."""

LEAST_NODE = 20
_PLACEHOLDER = re.compile(r"<[^<>]+>")
ENDS_WELL = {0: "GO", 3: "HOLD"}
BAD_INPUT, COULD_NOT_FINISH, INTERRUPTED = 2, 4, 130


def say(text: str) -> None:
    """Tell the person at the terminal; never on standard output."""
    sys.stderr.write(f"demo: {text}\n")
    sys.stderr.flush()


def stop(text: str, code: int = COULD_NOT_FINISH) -> NoReturn:
    """End the demo with a reason."""
    say(text)
    raise SystemExit(code)


def check_machine() -> None:
    """End the demo where a program it needs is missing, naming all of them."""
    missing = [name for name in ("git", "node", "npm") if shutil.which(name) is None]
    if missing:
        stop(f"install first: {', '.join(missing)} (Node.js {LEAST_NODE} or newer)", BAD_INPUT)
    version = subprocess.run(
        [shutil.which("node") or "node", "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()
    number = re.match(r"v(\d+)\.", version)
    if number is None or int(number[1]) < LEAST_NODE:
        stop(f"Node.js {LEAST_NODE} or newer is needed, this is {version or 'unknown'}", BAD_INPUT)


def git(root: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
    """Run git, untouched by what the person at this machine has configured."""
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        [shutil.which("git") or "git", *arguments],
        cwd=root,
        env={**inherited, **quiet, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        stop(f"git {arguments[0]} failed: {done.stderr.strip()}")


def commit(root: Path, entry: Commit) -> None:
    """One step of the history, as its author made it."""
    name = entry.author
    address = f"{name.split()[0].lower()}@example.org"
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", name), ("EMAIL", address), ("DATE", entry.date))
    }
    git(root, "add", "--", *entry.paths)
    git(root, "commit", "--quiet", "--message", entry.message, env=who)


def make_repository(root: Path) -> None:
    """The example with a small history, on the branch `main`: release 1.4.0, tagged, and what is released next."""
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "config", "user.name", "Demo")
    git(root, "config", "user.email", "demo@example.org")
    git(root, "apply", "--reverse", str(NEXT_CHANGES))
    for entry in COMMITS:
        commit(root, entry)
    git(root, "tag", RELEASE_BEFORE)
    git(root, "apply", str(NEXT_CHANGES))
    commit(root, NEXT)


def install(root: Path, docs: Path) -> None:
    """Put the npm packages into the project and, meanwhile, MkDocs into a virtual environment of its own."""
    started = time.monotonic()
    npm = start(root, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
    finish(start(root, sys.executable, "-m", "venv", str(docs)), "python -m venv")
    pip = (str(docs / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    finish(start(root, *pip, "--requirement", "requirements-docs.txt"), "pip install")
    finish(npm, "npm ci")
    say(f"installed npm packages and MkDocs in {time.monotonic() - started:.0f} s")


def start(root: Path, *argv: str) -> subprocess.Popen[str]:
    """Start an installer; what it prints is kept for the day it fails."""
    return subprocess.Popen(
        argv, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process: subprocess.Popen[str], name: str) -> None:
    """Wait for an installer; end the demo with what it printed where it failed."""
    printed, _ = process.communicate()
    if process.returncode:
        stop(f"{name} failed with exit code {process.returncode}\n{printed.strip()}")


def write_values(root: Path, ports: Mapping[str, int]) -> None:
    """`.env.staging` from its example, with a made-up value for each `<placeholder>`; only its owner may read it.

    A placeholder that says `generate` is a new value wherever it stands; any other name is one value throughout.
    `ports` are variables that say where something is published.
    """
    known: dict[str, str] = {}

    def made_up(found: re.Match[str]) -> str:
        value = secrets.token_hex(32)
        return value if found[0].startswith("<generate") else known.setdefault(found[0], value)

    lines = (root / ".env.staging.example").read_text(encoding="utf-8").splitlines()
    lines = [f"{name}={ports[name]}" if (name := line.partition("=")[0]) in ports else line for line in lines]
    values = "".join(f"{_PLACEHOLDER.sub(made_up, line)}\n" for line in lines if not line.startswith("#"))
    path = root / ".env.staging"
    path.touch(mode=0o600)
    path.write_text(values, encoding="utf-8")


def first_release(root: Path) -> Path:
    """The checklist that puts the very first release there: built, migrated, up and answering; nothing lies behind it.

    It goes to the targets of the project's own checklist, and is gone before that one runs.
    """
    yaml = YAML()
    whole = yaml.load(root / "gonogo.yaml")
    kept = {name: whole[name] for name in ("inputs", "input_files", "targets")}
    path = root / FIRST_RELEASE
    with path.open("w", encoding="utf-8") as file:
        yaml.dump({**yaml.load(FIRST_GATES), **kept}, file)
    with (root / ".git" / "info" / "exclude").open("a", encoding="utf-8") as file:
        file.write(f"{FIRST_RELEASE}\n")
    return path


FIRST_RELEASE = "first-release.yaml"
FIRST_GATES = """
title: The first release
phases:
  - id: "2"
    gates:
      - title: Build
        owners: [DevOps]
        commands: [npm run build]
        criteria: [exit == 0]
      - title: Images
        owners: [DevOps]
        commands:
          - kind: image_build
            run: >-
              docker build -f Dockerfile --target backend-production --build-arg GIT_SHA=${GIT_SHA}
              -t medianest-backend:${GIT_SHA} .
          - kind: image_build
            run: >-
              docker build -f Dockerfile --target frontend-production --build-arg GIT_SHA=${GIT_SHA}
              -t medianest-frontend:${GIT_SHA} .
        criteria: [exit == 0]
        timeout: 15m
        when: {expression: target != "local", reason: the target `local` runs no images}
  - id: "4"
    gates:
      - title: Migrate
        owners: [DevOps]
        commands: [{kind: migrate, run: npm run db:migrate}]
        criteria: [migrations.pending == 0]
  - id: "5"
    gates:
      - title: Rollout
        owners: [DevOps]
        commands: [{kind: rollout}]
        criteria: [rollout.held]
      - title: Smoke
        owners: [DevOps]
        needs: [rollout]
        commands: [{kind: http, url: "http://<staging>/health"}, {kind: http, url: "http://<staging>/"}]
        criteria: [http.status == 200, http.release_matches]
"""


def variables(docs: Path) -> dict[str, str]:
    """Those of a run: gonogo and MkDocs first on the PATH; what a target keeps stays in the demo's own folder."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(docs / "bin"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "XDG_STATE_HOME": str(docs.parent / "state")}


def run_gonogo(root: Path, docs: Path, checklist: str, target: str, more: Sequence[str]) -> int:
    """One run, with standard output and the terminal handed through; gonogo's exit code."""
    argv = [str(Path(sys.executable).parent / "gonogo"), "run", checklist, "--target", target, *more]
    say(f"{' '.join(['gonogo', *argv[1:]])}")
    return subprocess.run(argv, cwd=root, env=variables(docs), check=False).returncode


def ship_first(root: Path, docs: Path, target: str, more: Sequence[str]) -> None:
    """Put release 1.4.0 on the target, so that there is something to go back to; what it prints goes to our talk."""
    git(root, "checkout", "--quiet", RELEASE_BEFORE)
    path = first_release(root)
    argv = ["run", path.name, "--target", target, "--format", "json", *more]
    say(f"the first release: gonogo {' '.join(argv)}")
    gonogo = str(Path(sys.executable).parent / "gonogo")
    done = subprocess.run([gonogo, *argv], cwd=root, env=variables(docs), stdout=subprocess.PIPE, check=False)
    path.unlink()
    if done.returncode:
        stop(f"the first release was not put there (exit code {done.returncode}); look around in {root}")
    git(root, "checkout", "--quiet", "main")


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def take_down(root: Path, folder: Path, target: str) -> None:
    """End what the demo put on this machine: the supervisor with all its services, or the containers."""
    for file in (folder / "state").rglob("supervisord.pid"):
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(file.read_text(encoding="ascii")), signal.SIGTERM)
    if target == "staging":
        env = (root / ".env.staging", "docker-compose.yml")
        argv = ["docker", "compose", "--env-file", str(env[0]), "-f", env[1], "down", "--volumes", "--timeout", "5"]
        subprocess.run(argv, cwd=root, capture_output=True, check=False)


def main() -> int:
    """The demo, from an empty folder to a decision; 0 on GO and on HOLD."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__.partition("\n")[0])
    parser.add_argument("--format", default="text", help="what gonogo prints on standard output (default: text)")
    parser.add_argument("--target", default="local", help="where it ships to: local or staging (default: local)")
    parser.add_argument("--only-prepare", action="store_true", help="make the project and stop before the run")
    parser.add_argument("--leave-running", action="store_true", help="leave the release up at the end")
    options, more = parser.parse_known_args()
    check_machine()
    folder = Path(tempfile.mkdtemp(prefix="gonogo-demo-")).resolve()
    root, docs = folder / "medianest", folder / "docs-venv"
    make_repository(root)
    say(f"the project is in {root}, with {len(COMMITS) + 1} commits")
    install(root, docs)
    port = free_port()
    write_values(root, {"STAGING_PORT": port, "POSTGRES_PORT": free_port()})
    if options.only_prepare:
        return 0
    where = ["--input", f"staging=127.0.0.1:{port}"]
    try:
        ship_first(root, docs, options.target, where)
        code = run_gonogo(root, docs, "READINESS.md", options.target, [*where, "--format", options.format, *more])
    finally:
        if not options.leave_running:
            take_down(root, folder, options.target)
    if code in ENDS_WELL:
        say(f"ended in {ENDS_WELL[code]}; look around in {root}, then remove {folder}")
        return 0
    say(f"gonogo exited with {code}; look around in {root}, then remove {folder}")
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
