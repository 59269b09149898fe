"""Run commands in turn, several times, and compare their medians."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Timed:
    """One command over several rounds."""

    name: str
    seconds: float
    """Median wall clock."""
    spread: float
    """Slowest minus fastest."""
    peak_mib: float
    """Largest resident set of the process itself, in MiB."""
    rounds: tuple[float, ...] = ()
    """Seconds of each round."""

    def against(self, other: Timed) -> float:
        """How many times as long as the other: the median over the rounds, in each of which both ran under one load."""
        return statistics.median(mine / its for mine, its in zip(self.rounds, other.rounds, strict=True))


def once(command: Sequence[str], cwd: Path, env: Mapping[str, str], exits: Sequence[int] = (0,)) -> tuple[float, float]:
    """Seconds and peak MiB of one run; raises `RuntimeError` with its output where its exit code is not in `exits`."""
    log = cwd / ".bench-output"
    with log.open("wb") as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **env}, stdout=out, stderr=subprocess.STDOUT)
        _, wait_status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(wait_status)
    if process.returncode not in exits:
        raise RuntimeError(f"{command} exited {process.returncode}:\n{log.read_text(errors='replace')[-2000:]}")
    return seconds, usage.ru_maxrss / 1024


def in_turn(
    commands: Mapping[str, tuple[Sequence[str], Path]],
    rounds: int,
    env: Mapping[str, str] | None = None,
    exits: Sequence[int] = (0,),
) -> dict[str, Timed]:
    """Each round runs every command once, so that a noisy minute hits them all.

    A round before the first is not counted: after it all of them find their byte code and the disk's cache, as they do
    from the second time on wherever they are installed.
    """
    env = {**(env or {}), "PYTHONDONTWRITEBYTECODE": ""}
    for command, cwd in commands.values():
        once(command, cwd, env, exits)
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, (command, cwd) in commands.items():
            samples[name].append(once(command, cwd, env, exits))
    return {
        name: Timed(
            name,
            statistics.median(s for s, _ in taken),
            max(s for s, _ in taken) - min(s for s, _ in taken),
            max(m for _, m in taken),
            tuple(s for s, _ in taken),
        )
        for name, taken in samples.items()
    }


def raise_file_limit() -> None:
    """Peers open many files; take what the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
