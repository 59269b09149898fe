"""Run what a shell would run, and bring back its streams, its exit code and its tools' reports."""

from __future__ import annotations

from dataclasses import field

from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.plugins import SHELL_TEXT, Context, probe


@dataclass(frozen=True, slots=True)
class DeclaredReport:
    """A report that the command writes to a place of its own."""

    path: str
    """Relative to the repository. It is moved aside first, so that only what is written anew counts."""
    parser: str = ""
    """Name of a parser; empty: found by the report's content."""


@dataclass(frozen=True, slots=True)
class CommandParams:
    """A command line and how to run it."""

    run: str = field(metadata=SHELL_TEXT)
    """The command line. It meets a shell only where it needs one: pipes, `&&`, redirections, expansions."""
    cwd: str = "."
    """Working directory, relative to the repository."""
    env: dict[str, str] = field(default_factory=dict)
    """Variables added to those of gonogo's own process."""
    env_files: tuple[str, ...] = ()
    """Env files whose variables are added; their values are secrets."""
    reports: tuple[DeclaredReport, ...] = ()
    """Reports it writes by itself."""
    ask: bool = True
    """Ask each recognised tool for its machine-readable report."""


@probe("command")
def command(params: CommandParams, context: Context) -> Capture:
    """Run a command line.

    Every recognised tool in it (through `npm run`, `npx`, `cd x &&`, `&&` chains and workspaces) is asked for its
    own machine-readable report. The exit code is the observation `exit`, what it printed is `output`; everything
    else comes from the reports.
    """
    ran = context.run(params.run, cwd=params.cwd, env=params.env)
    return Capture(
        kind="command",
        shown=params.run if params.cwd == "." else f"{params.run}  (from {params.cwd}/)",
        blobs=(ran.stdout, ran.stderr, *ran.report_blobs),
        reports=ran.reports,
        exit=ran.exit,
        signal=ran.signal,
        troubles=ran.troubles,
        notes=ran.notes,
        seconds=ran.seconds,
    )
