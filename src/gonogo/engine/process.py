"""Run one process: its own group, a time limit that holds for grandchildren too, output that cannot fill the memory.

One loop over both pipes and the process itself; no threads. What is printed goes through the sinks, which redact it,
before anyone can see it.
"""

from __future__ import annotations

import errno
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from gonogo.engine import leftovers
from gonogo.engine.commandline import (
    SHELL,
    CannotStart,
    argv_of,
    demand_executable,
    interpreter,
    not_executable,
    program,
    told_by_exit,
    tool_missing,
    trouble,
)
from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Sink
from gonogo.model.capture import Blob
from gonogo.model.observation import Trouble
from gonogo.plugins import Ran

PIPE_PATIENCE = 2.0
"""Seconds that pipes may stay open after the process has ended: somebody it started holds them."""

_READ = 256 * 1024
_LIVE = 0.1
"""Seconds between two live lines."""
_LONGEST_LIVE_LINE = 500
_HEARTBEAT = 0.5
"""Seconds after which a loop looks around even if nothing happens: at `stop_all`, and at exits where no pidfd is."""
_KILL_PATIENCE = 5.0

_running: set[_Watch] = set()


def run(
    command: str | Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float | None,
    stdout: Sink,
    stderr: Sink,
    on_line: Callable[[str], None] | None = None,
    grace: float = 5.0,
    leave_running: bool = False,
    stopping: Callable[[], bool] = lambda: False,
) -> Ran:
    """Run a command until it ends or its `timeout` (seconds) is up, and close both sinks.

    `env` is the whole environment of the process. Text is split into words, or given to `/bin/sh -c` where it needs a
    shell; a sequence never meets one. Standard input is empty. At the end of its time the group is asked to end
    (SIGTERM) and after `grace` seconds killed, with all descendants that can be found. Processes left behind by one
    that ended by itself are ended as well, unless `leave_running`. `on_line` is given the last line printed, redacted
    and free of control characters, at most ten times a second. Where `stopping()` is true once it has started, it is
    ended at once: `stop_all` may have looked a moment before.

    Whatever the command does comes back as a value. Raises `OperationError` where the evidence cannot be written.
    """
    started = time.monotonic()
    with stdout, stderr:
        try:
            argv, shell = argv_of(command, env)
            watch = _Watch(_start(argv, cwd, env), stdout, stderr, on_line, grace)
        except CannotStart as refusal:
            told = (_redacted(refusal.trouble, stdout.redactor),)
            return Ran(None, "", stdout.close(), stderr.close(), told, time.monotonic() - started)
        watch.deadline = None if timeout is None else started + timeout
        watch.to_its_end(leave_running, stopping)
        blobs = stdout.close(), stderr.close()  # before it is asked how it ended: the last bytes may tell
        return replace(watch.ran(blobs, timeout, (SHELL, "-c") if shell else argv), seconds=time.monotonic() - started)


def _redacted(found: Trouble, redactor: Redactor) -> Trouble:
    """The trouble without secrets: it may repeat a piece of the command."""
    return replace(found, message=redactor.text(found.message), help=redactor.text(found.help))


def stop_all() -> int:
    """End every process that `run` waits for in any thread, as if its time were up; returns how many."""
    watches = tuple(_running)
    for watch in watches:
        watch.stop()
    return len(watches)


class _Child:
    """A started process with the token it hands down."""

    def __init__(self, popen: subprocess.Popen[bytes], token: str) -> None:
        self.popen = popen
        self.pid = popen.pid
        self.token = token


def _start(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> _Child:
    """Start the process in a session of its own; raises `CannotStart`.

    Why it cannot be started is looked for once it could not: each look before would be one more for every gate.
    """
    path = program(argv[0], cwd, env)
    token = os.urandom(8).hex()
    outer = env.get(leftovers.MARKER, "")
    marked = {**env, leftovers.MARKER: f"{outer}/{token}" if outer else token}
    try:
        return _Child(_popen(argv, path, cwd, marked), token)
    except OSError as error:
        if not cwd.is_dir():
            told = trouble("cwd-missing", f"the working directory `{cwd}` is not there", "correct it, or make it")
            raise CannotStart(told) from error
        demand_executable(argv[0], cwd / path)
        if error.errno == errno.ENOEXEC:  # a script without `#!`: a shell would read it, and so do we
            return _Child(_popen((SHELL, str(cwd / path), *argv[1:]), SHELL, cwd, marked), token)
        raise CannotStart(_why_not_started(error, argv[0], str(cwd / path))) from error
    except ValueError as error:
        raise CannotStart(trouble("cannot-start", f"cannot start `{argv[0]}`: {error}")) from error


def _popen(argv: Sequence[str], path: str, cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: signals reach the whole group, and nothing in it can ask the terminal for a password.
    return subprocess.Popen(
        argv,
        executable=path,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )


def _why_not_started(error: OSError, name: str, path: str) -> Trouble:
    if error.errno == errno.ENOENT:
        line = interpreter(path)
        if line.endswith("\r"):
            return trouble(
                "tool-missing",
                f"the first line of `{name}` names `{line[:-1]}` with a Windows line end, and no such program is there",
                f"convert `{name}` to Unix line ends",
            )
        if line:
            return tool_missing(line.split()[0], f"is not there, and the first line of `{name}` asks for it")
        return tool_missing(name, "is there, but what loads it is not: it was built for another system")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return not_executable(interpreter(path).split(" ")[0] or name)
    return trouble("cannot-start", f"cannot start `{name}`: {error.strerror}")


class _Watch:
    """A running process: reads its pipes, keeps its time, knows how it ended."""

    def __init__(
        self, child: _Child, stdout: Sink, stderr: Sink, on_line: Callable[[str], None] | None, grace: float
    ) -> None:
        self.child = child
        self.deadline: float | None = None
        self.code = 0
        self.notes: list[str] = []
        self.timed_out = self.stopped = self.unkillable = False
        self._asked_to_end: float | None = None
        self._killed = False
        self._ended: float | None = None
        self._grace = grace
        self._stderr, self._stdout = stderr, stdout
        self._on_line = on_line
        self._fresh: Sink | None = None
        self._shown_at = 0.0
        self._shown = ""
        # Of three descriptors, `poll` costs one call each time, where `epoll` costs one more for each and each change.
        self._selector = getattr(selectors, "PollSelector", selectors.DefaultSelector)()
        self._pipes = 0
        for pipe, sink in ((child.popen.stdout, stdout), (child.popen.stderr, stderr)):
            assert pipe is not None
            self._selector.register(pipe.fileno(), selectors.EVENT_READ, sink)
            self._pipes += 1
        self._pidfd = _open_pidfd(child.pid)
        if self._pidfd >= 0:
            self._selector.register(self._pidfd, selectors.EVENT_READ, None)

    @property
    def cut_short(self) -> bool:
        """Whether we ended it: its exit code says nothing then."""
        return self.timed_out or self.stopped or self.unkillable

    def stop(self) -> None:
        """End it soon; called from other threads."""
        self.stopped = True
        leftovers.send(signal.SIGTERM, self.child.pid)

    def to_its_end(self, leave_running: bool, stopping: Callable[[], bool]) -> None:
        """Wait until it has ended, and end what it left behind; nothing of it is held afterwards."""
        _running.add(self)
        try:
            if stopping():
                self.stop()
            self.until_ended()
            self.end_leftovers(leave_running)
        finally:
            _running.discard(self)
            self.release()

    def until_ended(self) -> None:
        """Read until the process has ended and its pipes are closed, or nobody should wait for them any longer."""
        while self._pipes or self._ended is None:
            for key, _ in self._selector.select(self._patience()):
                if key.data is None:
                    self._reap()
                else:
                    self._read(key.fd, key.data)
            now = time.monotonic()
            if self._ended is None and (self._pidfd < 0 or not self._pipes):
                self._reap()
            self._show(now)
            if not self._goes_on(now):
                return

    def _patience(self) -> float:
        now = time.monotonic()
        moments = [now + _HEARTBEAT if self._pidfd >= 0 else now + 0.02]
        if self._ended is not None:
            asked = self._asked_to_end
            moments.append(self._ended + PIPE_PATIENCE if asked is None else asked + self._grace)
        elif self.deadline is not None:
            moments.append(self.deadline)
        if self._fresh is not None:
            moments.append(self._shown_at + _LIVE)
        return max(0.0, min(moments) - now)

    def _read(self, descriptor: int, sink: Sink) -> None:
        data = os.read(descriptor, _READ)
        if not data:
            self._selector.unregister(descriptor)
            self._pipes -= 1
            return
        sink.write(data)
        if self._on_line is not None:
            self._fresh = sink

    def _reap(self) -> None:
        code = self.child.popen.poll()
        if code is None:
            return
        self.code, self._ended = code, time.monotonic()
        if self._pidfd >= 0:
            self._selector.unregister(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

    def _goes_on(self, now: float) -> bool:
        """Let time pass: past its end the process is asked to go, then killed, then given up."""
        if self._ended is not None:
            return self._waits_for_pipes(now, self._ended)
        if self.stopped and self._asked_to_end is None:
            self.deadline = now
        if self.deadline is None or now < self.deadline:
            return True
        return self._press(now)

    def _waits_for_pipes(self, now: float, ended: float) -> bool:
        if self._asked_to_end is not None:  # whoever holds them was asked too, and is killed when that time is over
            return now < self._asked_to_end + self._grace
        if self._pipes and now >= ended + PIPE_PATIENCE:
            self.notes.append(f"its output was held open by another process {PIPE_PATIENCE:g} s after it ended")
            return False
        return True

    def _press(self, now: float) -> bool:
        """One step harder: asked, killed, given up."""
        if self._asked_to_end is None:
            self.timed_out = not self.stopped
            self._asked_to_end = now
            self.deadline = now + self._grace
            self._send(signal.SIGTERM)
        elif not self._killed:
            self._killed = True
            self.deadline = now + _KILL_PATIENCE
            self._send(signal.SIGKILL)
        else:
            self.unkillable = True
            return False
        return True

    def _send(self, number: signal.Signals) -> None:
        leftovers.send(number, self.child.pid, leftovers.marked(self.child.token))

    def end_leftovers(self, leave_running: bool) -> None:
        """End what the process left behind."""
        if self.unkillable or (leave_running and not self.cut_short):
            return
        grace = self._grace
        if self._asked_to_end is not None:  # they were asked together with it
            grace = max(0.0, self._asked_to_end + self._grace - time.monotonic())
        after = 0 if self.cut_short else self.child.pid
        count = leftovers.end(self.child.pid, self.child.token, after=after, grace=grace)
        if count and not self.cut_short:
            self.notes.append(f"it left {count} {'process' if count == 1 else 'processes'} behind, which gonogo ended")

    def release(self) -> None:
        """Give back what the process holds; kills it where an exception ended the wait."""
        if self._ended is None and not self.unkillable:
            self._send(signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self.child.popen.wait(_KILL_PATIENCE)
        self._selector.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
        for pipe in (self.child.popen.stdout, self.child.popen.stderr):
            if pipe is not None:
                pipe.close()

    def ran(self, blobs: tuple[Blob, Blob], timeout: float | None, argv: Sequence[str]) -> Ran:
        """What became of it, with its stored streams."""
        redactor = self._stdout.redactor
        return Ran(
            exit=None if self.cut_short or self.code < 0 else self.code,
            signal=_signal_name(-self.code) if self.code < 0 else "",
            stdout=blobs[0],
            stderr=blobs[1],
            troubles=tuple(_redacted(found, redactor) for found in self.troubles(timeout, argv)),
            seconds=0.0,
            out=self._stdout.head,
            err=self._stderr.head,
            notes=tuple(self.notes),
        )

    def troubles(self, timeout: float | None, argv: Sequence[str]) -> tuple[Trouble, ...]:
        """How it ended, where that was no end of its own."""
        if self.unkillable:
            return (trouble("timeout", f"did not end even when killed, after {timeout or 0:g} s"),)
        if self.timed_out:
            return (
                trouble("timeout", f"timed out after {timeout:g} s", "raise the gate's `timeout`, or make it faster"),
            )
        if self.stopped:
            return (trouble("interrupted", "ended because gonogo was told to stop", "run `gonogo run --resume`"),)
        if self.code < 0:
            return (trouble("crash", f"killed by {_signal_name(-self.code)}", "run it alone to see what kills it"),)
        printed = (self._stderr.head[-65536:] + b"\n" + self._stdout.head[-65536:]).decode("utf-8", "backslashreplace")
        told = told_by_exit(self.code, printed, argv) if self.code in {126, 127} else None
        return (told,) if told else ()

    def _show(self, now: float) -> None:
        if self._fresh is None or self._on_line is None or now < self._shown_at + _LIVE:
            return
        line, self._fresh, self._shown_at = shown(self._fresh.line()), None, now
        # Once more after the escapes are gone: a coloured half of a secret beside a plain half is whole again.
        line = self._stdout.redactor.text(line)
        if line and line != self._shown:
            self._shown = line
            self._on_line(line)


def _open_pidfd(pid: int) -> int:
    """A descriptor that becomes readable when the process ends; -1 where the system has none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def shown(line: bytes) -> str:
    """A line as a terminal may show it: no escape sequence, no control or direction character, not too long."""
    text = _ESCAPE.sub("", line.decode("utf-8", "backslashreplace").replace("\t", " "))
    return _CONTROL.sub("", text).strip()[:_LONGEST_LIVE_LINE]
