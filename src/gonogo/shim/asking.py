"""What a wrapper of `gonogo.shim.wrappers` does: run the real program, asked for its report, and leave a record.

This module runs once per call of a tool, so it imports little and starts nothing but the program itself.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from gonogo.plugins import Ask, AskedReport, Invocation, Tool, kinds_in, module_of
from gonogo.shell import in_place
from gonogo.shim.wrappers import MARK, REPORTS

_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_LEFT_TO_THE_PROGRAM = (signal.SIGINT, signal.SIGQUIT)
"""A terminal sends these to the whole group: the program has them already, a second one would mean "at once"."""


def main(argv: Sequence[str], table: Mapping[str, list[dict[str, str]]]) -> NoReturn:
    """Become the program `argv[0]`, or run it asked; never returns."""
    program = real_program(argv[0], os.environ.get("PATH", os.defpath))
    if program is None:
        print(f"{argv[0]}: command not found", file=sys.stderr)  # noqa: T201 - the words of a shell
        os._exit(127)
    cwd = Path(os.environ.get("PWD", "")) if _pwd_is_true() else Path.cwd()
    found = in_place(Invocation(tuple(argv), cwd, dict(os.environ)), _Tools(table))
    if found is None:
        os.execv(program, [program, *argv[1:]])  # noqa: S606 - this is the program that was called
    tool, ask = found
    _leave(_run(_Attempt(tool, ask, tuple(argv), cwd, program)))


def _pwd_is_true() -> bool:
    """Whether $PWD names this directory: then paths look as the user sees them, symbolic links included."""
    try:
        return Path(os.environ["PWD"]).samefile(".")
    except (KeyError, OSError):
        return False


def real_program(name: str, path: str) -> str | None:
    """The first program called `name` on `path` that is not a wrapper."""
    for directory in path.split(os.pathsep):
        candidate = Path(directory or ".") / name
        if candidate.is_file() and os.access(candidate, os.X_OK) and not (candidate.parent / MARK).exists():
            return str(candidate)
    return None


class _Tools(Mapping[str, tuple[Tool, ...]]):
    """The tools that may know a program, loaded when they are asked for."""

    def __init__(self, table: Mapping[str, list[dict[str, str]]]) -> None:
        self._table = table

    def __getitem__(self, name: str) -> tuple[Tool, ...]:
        return tuple(tool for origin in self._table[name] for tool in _load(origin))

    def __iter__(self) -> Any:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


def _load(origin: Mapping[str, str]) -> list[Tool]:
    name, file = origin["module"], origin["file"]
    module = module_of(name, file) if file else importlib.import_module(name)
    return [kind for kind in kinds_in(module) if isinstance(kind, Tool) and kind.name == origin["name"]]


@dataclass(slots=True)
class _Attempt:
    """One asked run, from its start to its record."""

    tool: Tool
    ask: Ask
    argv: tuple[str, ...]
    cwd: Path
    program: str
    name: str = field(default_factory=lambda: f"{time.time_ns():020d}-{os.getpid()}")
    reports: Path = field(default_factory=lambda: Path(os.environ[REPORTS]))
    before: dict[str, tuple[int, ...]] = field(default_factory=dict)
    code: int = 0
    """As `os.waitpid` gives it."""
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    """What was seen of its reports."""

    def file(self, asked: AskedReport) -> Path:
        """Where the raw bytes of a report go in our directory."""
        return self.reports / f"{self.name}-{Path(asked.file).name}"

    def filled(self, text: str) -> str:
        """The text with `{reports}/name` made this attempt's own file."""
        return text.replace("{reports}/", f"{self.reports}/{self.name}-").replace("{reports}", str(self.reports))

    def own(self, asked: AskedReport) -> Path:
        """Where the tool writes a report of its own."""
        return self.cwd / asked.file


def _run(attempt: _Attempt) -> _Attempt:
    ask = attempt.ask
    attempt.reports.mkdir(mode=0o700, exist_ok=True)
    _write_record(attempt, ended=False)
    for asked in ask.reports:
        if asked.cwd_relative:
            attempt.before[asked.file] = _trace(attempt.own(asked))
    environ = {**os.environ, **{key: attempt.filled(value) for key, value in ask.env.items()}}
    environ.pop(REPORTS, None)
    started = time.monotonic()
    stdout, both = (None, None) if ask.also else (ask.stdout_report, ask.text_report)
    with _Tee(attempt.file(stdout) if stdout else None, attempt.file(both) if both else None) as tee:
        argv = [attempt.program, *(attempt.filled(word) for word in ask.argv[1:])]
        attempt.code = _spawn(attempt.program, argv, environ, tee)
    if ask.also:
        _look_again(attempt, environ)
    attempt.seconds = time.monotonic() - started
    _write_record(attempt, ended=True)
    return attempt


def _look_again(attempt: _Attempt, environ: Mapping[str, str]) -> None:
    """Run the second command line; what it prints is its report or nobody's."""
    null = os.open(os.devnull, os.O_RDWR)
    kept = attempt.ask.stdout_report or attempt.ask.text_report
    out = os.open(attempt.file(kept), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if kept else null
    err = out if attempt.ask.text_report else null
    argv = [attempt.program, *(attempt.filled(word) for word in attempt.ask.also[1:])]
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, err, 2)]
    os.waitpid(os.posix_spawn(attempt.program, argv, dict(environ), file_actions=actions), 0)


class _Tee:
    """Pipes that copy what a program prints to where it would have gone, and into a report file."""

    def __init__(self, stdout: Path | None, both: Path | None) -> None:
        self.targets: dict[int, tuple[int, int]] = {}
        """Read end of a pipe -> (where it goes, report file)."""
        self.actions: list[tuple[int, int, int]] = []
        self._ends: list[int] = []
        self._files: list[int] = []
        if both is not None:
            file = self._open(both)
            self._pipe(1, file)
            self._pipe(2, file)
        elif stdout is not None:
            self._pipe(1, self._open(stdout))

    def _open(self, path: Path) -> int:
        self._files.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600))
        return self._files[-1]

    def _pipe(self, stream: int, file: int) -> None:
        read, write = os.pipe()
        self.targets[read] = (stream, file)
        self._ends.append(write)
        self.actions.append((os.POSIX_SPAWN_DUP2, write, stream))

    def close_ends(self) -> None:
        """Close our copies of what the program writes to."""
        while self._ends:
            os.close(self._ends.pop())

    def __enter__(self) -> _Tee:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_ends()
        for descriptor in (*self.targets, *self._files):
            os.close(descriptor)


def _spawn(program: str, argv: list[str], environ: Mapping[str, str], tee: _Tee) -> int:
    """Run the program to its end, its signals forwarded; returns what `os.waitpid` says."""
    # A signal between the start and the handlers would end the wrapper alone, and leave the program behind.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    child = os.posix_spawn(program, argv, dict(environ), file_actions=tee.actions, setsigmask=before)

    def forward(number: int, _: FrameType | None) -> None:
        if number in _FORWARDED:
            os.kill(child, number)

    for number in (*_FORWARDED, *_LEFT_TO_THE_PROGRAM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    tee.close_ends()
    code = _copy(dict(tee.targets), child)
    return os.waitpid(child, 0)[1] if code is None else code


def _copy(targets: dict[int, tuple[int, int]], child: int) -> int | None:
    """Copy until every pipe is closed, or the program has ended and its pipes are quiet: a daemon may keep them open.

    Returns what `os.waitpid` said where the program was seen to end.
    """
    code: int | None = None
    while targets:
        ready, _, _ = select.select(list(targets), [], [], 0.2)
        for pipe in ready:
            data = os.read(pipe, 1 << 16)
            for target in targets[pipe]:
                _write(target, data)
            if not data:
                del targets[pipe]
        if not ready and code is not None:
            break
        if not ready:
            ended, said = os.waitpid(child, os.WNOHANG)
            code = said if ended else None
    return code


def _write(target: int, data: bytes) -> None:
    """All of it; a reader that has gone (`| head`) is no reason to stop writing the report."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(target, view) :]
        except BrokenPipeError:
            return


def _trace(path: Path) -> tuple[int, ...]:
    """What changes when a file is written anew, even with the same bytes."""
    try:
        stat = path.stat()
    except OSError:
        return ()
    return (stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size)


def _taken(attempt: _Attempt) -> tuple[list[dict[str, Any]], list[str]]:
    """The reports that this attempt wrote, and the parsers of those it did not."""
    written: list[dict[str, Any]] = []
    missing: list[str] = []
    ask = attempt.ask
    for asked in (*ask.reports, *(report for report in (ask.stdout_report, ask.text_report) if report)):
        file, path = attempt.file(asked), ""
        if asked.cwd_relative:
            path = str(attempt.own(asked))
            if _trace(attempt.own(asked)) != attempt.before[asked.file] and attempt.own(asked).is_file():
                import shutil

                shutil.copyfile(path, file)
        if asked.largest and file.is_file() and file.stat().st_size > asked.largest:
            attempt.notes.append(_too_large(attempt.tool.name, asked, file.stat().st_size))
            file.unlink()
        if file.is_file():
            written.append({"file": file.name, "parser": asked.parser, "path": path, "params": dict(asked.params)})
        elif not asked.optional:
            missing.append(asked.parser)
    return written, missing


def _too_large(tool: str, asked: AskedReport, size: int) -> str:
    room = f"{size >> 20:,} MiB, at most {asked.largest >> 20} are kept"
    return f"a report of `{tool}` for {asked.parser} was left out: {room}"


def _write_record(attempt: _Attempt, *, ended: bool) -> None:
    """Write the record before the program starts, and again when it has ended: a killed wrapper leaves a trace."""
    written, missing = _taken(attempt) if ended else ([], [])
    code = attempt.code
    record = {
        "name": attempt.name,
        "tool": attempt.tool.name,
        "argv": list(attempt.argv),
        "cwd": str(attempt.cwd),
        "exit": os.WEXITSTATUS(code) if ended and os.WIFEXITED(code) else None,
        "signal": signal.Signals(os.WTERMSIG(code)).name if ended and os.WIFSIGNALED(code) else "",
        "started": _utc(int(attempt.name.partition("-")[0])),
        "seconds": round(attempt.seconds, 6),
        "reports": written,
        "missing": missing,
        "notes": [*attempt.ask.notes, *attempt.notes],
    }
    final = attempt.reports / f"{attempt.name}.record.json"
    draft = final.with_suffix(".draft")
    draft.write_text(json.dumps(record), encoding="utf-8")
    draft.replace(final)


def _utc(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}Z"


def _leave(attempt: _Attempt) -> NoReturn:
    """End as the program ended: by the same code, or the same signal."""
    if os.WIFSIGNALED(attempt.code):
        number = os.WTERMSIG(attempt.code)
        signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(attempt.code))
