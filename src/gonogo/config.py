"""Settings of one invocation, and the two places gonogo looks for: repository and state."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from gonogo.errors import Diagnostic, InputError, OperationError
from gonogo.frozen import dataclass

_PREFIX = "GONOGO_"


DEFAULT_TARGET = "staging"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person can set. Later sources win: default, `GONOGO_*` variables, the command line."""

    state: Path | None = None
    """State directory; None: `.gonogo/state` of the main worktree."""
    jobs: int = 0
    """Gates of one phase that run at the same time; 0: as many as there are cores."""
    keep_going: bool = False
    """Look at later phases although a required gate failed. It never acts."""
    allow_dirty: bool = False
    """A tree that differs from the commit may still end in GO; the record keeps it."""
    time_budget: float | None = None
    """Seconds for the whole run; None: no bound."""
    target: str = DEFAULT_TARGET
    lock_wait: float | None = None
    """Seconds to wait for the target's lock while another run holds it; None: not at all."""

    traces: bool = False
    """Send each run as an OpenTelemetry trace; where to, the `OTEL_*` variables say."""
    events: str = field(default="", repr=False)
    """URL that takes CDEvents by HTTP; may hold a secret, and is told to nobody. Empty: none are sent."""
    metrics_file: Path | None = None
    """File (`*.prom`) that the metrics of each run are written to, for node_exporter's textfile collector."""
    metrics_push: str = field(default="", repr=False)
    """URL of a Pushgateway; may hold a secret, and is told to nobody. Empty: nothing is pushed."""

    @property
    def watched(self) -> bool:
        """Whether runs are told to any program."""
        return bool(self.traces or self.events or self.metrics_file or self.metrics_push)

    @property
    def workers(self) -> int:
        """How many gates may run at once: `jobs`, or the cores this process may use."""
        return self.jobs or cores()


def cores() -> int:
    """The cores this process may use; at least one."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def _truth(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("say `1` or `0`")


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("say 0 or more")
    return number


def _file(text: str) -> Path | None:
    return Path(text) if text.strip() else None


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """A duration: `90`, `90s`, `15m`, `2h`, in seconds; raises `ValueError` for anything else and for 0 or less."""
    plain = text.strip().lower()
    unit = _UNITS.get(plain[-1:], 0.0)
    try:
        number = float(plain[:-1]) * unit if unit else float(plain)
    except ValueError:
        raise ValueError("say a duration such as `90s`, `15m` or `2h`") from None
    if not 0 < number < float("inf"):
        raise ValueError("say a duration of more than 0 seconds")
    return number


_READERS: dict[str, Callable[[str], Any]] = {
    "state": Path,
    "jobs": _whole,
    "keep_going": _truth,
    "allow_dirty": _truth,
    "time_budget": seconds,
    "lock_wait": seconds,
    "target": str,
    "traces": _truth,
    "events": str.strip,
    "metrics_file": _file,
    "metrics_push": str.strip,
}

WATCHING_SECRETS = ("GONOGO_EVENTS", "GONOGO_METRICS_PUSH")
"""Variables with URLs that may hold a secret."""
WATCHING_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
"""Variables with `name=value` pairs whose values may be secret (OpenTelemetry, "OTLP exporter")."""


def gather(command_line: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this invocation.

    Args:
        command_line: Setting -> value; None means that it was not given.
        environ: The variables to read; absent: those of this process.

    Raises:
        InputError: With every value that cannot be read.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    problems: list[Diagnostic] = []
    for name, reader in _READERS.items():
        variable = f"{_PREFIX}{name.upper()}"
        text = environ.get(variable)
        if text is None:
            continue
        try:
            values[name] = reader(text)
        except ValueError as error:
            problems.append(
                Diagnostic("bad-setting", f"`{variable}={text}` cannot be read", help=f"{error}, or unset it")
            )
    values |= {name: value for name, value in command_line.items() if value is not None and name in _READERS}
    if problems:
        raise InputError(problems)
    return Settings(**values)


def git_output(root: Path, *arguments: str) -> bytes | None:
    """What git prints, or None where it fails; raises `OperationError` where there is no git.

    Optional locks stay off: looking must not touch the index that a person's own git is using.
    """
    try:
        done = subprocess.run(
            ("git", *arguments),  # noqa: S607 - the git of the person's own PATH
            cwd=root,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        if not root.is_dir():
            raise InputError.of(
                "no-directory", f"`{root}` is no directory", help="name a directory that exists"
            ) from error
        raise OperationError("git is not installed, or not on the PATH", help="install git") from error
    return done.stdout if done.returncode == 0 else None


def repository_root(path: Path) -> Path:
    """The top of the working tree that `path` lies in; raises `InputError` outside any."""
    printed = git_output(path if path.is_dir() else path.parent, "rev-parse", "--show-toplevel")
    top = (printed or b"").decode(errors="surrogateescape").rstrip("\n")
    if not top:
        raise InputError.of(
            "no-repository",
            f"`{path}` is in no git working tree",
            help="go into the repository, or run `git init` and commit: what is released is a commit",
        )
    return Path(top)


def state_directory(root: Path) -> Path:
    """`.gonogo/state` of the main worktree, found through git's common directory, so that worktrees share it."""
    printed = git_output(root, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return _state_of(root, (printed or b"").decode(errors="surrogateescape").rstrip("\n"))


def repository_and_state(path: Path) -> tuple[Path, Path]:
    """`repository_root` and `state_directory` with one question to git; raises what the former raises."""
    asked = ("rev-parse", "--path-format=absolute", "--show-toplevel", "--git-common-dir")
    lines = (git_output(path, *asked) or b"").decode(errors="surrogateescape").split("\n")
    if len(lines) != 3 or not lines[0]:  # noqa: PLR2004 - two paths and the end; a path with a line end in it, or none
        root = repository_root(path)
        return root, state_directory(root)
    return Path(lines[0]), _state_of(Path(lines[0]), lines[1])


def _state_of(root: Path, common: str) -> Path:
    directory = Path(common)
    home = directory.parent if directory.name == ".git" else root
    return home / ".gonogo" / "state"


def state_salt(root: Path) -> bytes:
    """A key made once per repository, which stays in its state directory: a digest that is keyed with it says nothing.

    Raises `OperationError` where the state directory cannot be written.
    """
    path = prepare_state(state_directory(root)) / "salt"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    return path.read_bytes()


def prepare_state(directory: Path) -> Path:
    """Make the state directory, private and ignored by git; raises `OperationError` where that cannot be done."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = directory / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise OperationError(
            f"cannot write the state directory `{directory}`: {error.strerror}", help="free space, or set GONOGO_STATE"
        ) from error
    return directory
