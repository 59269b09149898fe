"""300 gates of `/bin/true`, journal and tree check on, against make, doit and go-task."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.timing import Timed, in_turn

GATES = 300
LIMIT_AGAINST_DOIT = 1.5
LIMIT_MIB = 80


def _repository(directory: Path) -> None:
    gates = "".join(
        f"      - {{id: gate-{n}, title: Gate {n}, owners: [All], commands: [/bin/true], criteria: [exit == 0]}}\n"
        for n in range(GATES)
    )
    directory.joinpath("gonogo.yaml").write_text(
        f"gonogo: 1\ntitle: Bench\nphases:\n  - id: '1'\n    title: Three hundred times true\n    gates:\n{gates}"
    )
    names = " ".join(f"t{n}" for n in range(GATES))
    rules = "".join(f"t{n}:\n\t@/bin/true\n" for n in range(GATES))
    directory.joinpath("Makefile").write_text(f"all: {names}\n.PHONY: all {names}\n{rules}")
    directory.joinpath("dodo.py").write_text(
        "def task_t():\n"
        f"    for n in range({GATES}):\n"
        "        yield {'name': str(n), 'actions': ['/bin/true'], 'verbosity': 0}\n"
    )
    tasks = "".join(f"  t{n}: {{cmds: [/bin/true], silent: true}}\n" for n in range(GATES))
    deps = ", ".join(f"t{n}" for n in range(GATES))
    directory.joinpath("Taskfile.yml").write_text(f"version: '3'\ntasks:\n  all: {{deps: [{deps}]}}\n{tasks}")
    directory.joinpath(".gitignore").write_text(".bench-output\n.doit.db*\n.task\n__pycache__\n")
    for command in (
        ["git", "init", "-q"],
        ["git", "add", "-A"],
        ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "commit", "-qm", "chore: bench"],
    ):
        subprocess.run(command, cwd=directory, check=True)


def measure(rounds: int = 9) -> dict[str, Timed]:
    """Median seconds and peak memory of each, by name."""
    binaries = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        _repository(directory)
        return in_turn(
            {
                "gonogo run": ([str(binaries / "gonogo"), "run", "--jobs", "2"], directory),
                "make -j2": (["make", "-s", "-j2"], directory),
                "doit -n 2": ([str(binaries / "doit"), "-n", "2"], directory),
                "go-task": ([str(binaries / "task"), "--concurrency", "2", "all"], directory),
            },
            rounds,
            env={"NO_COLOR": "1"},
        )
