"""The door: finds the command that was asked for, and turns what goes wrong into a message and an exit code."""

from __future__ import annotations

import gc
import importlib
import signal
import sys
from types import FrameType

import click

from gonogo import __version__

COMMANDS = {
    "init": "Look at this repository and write a checklist that runs.",
    "check": "Read a checklist and tell every mistake, question and hollow command.",
    "explain": "Say how a gate is read, or what an observation or kind is.",
    "plan": "Print what a run would do, and what is on the target now.",
    "run": "Run a checklist and decide: GO, NO-GO or HOLD.",
    "deploy": "Run a checklist up to its rollout, and put the release on its target.",
    "rollback": "Put an earlier release back, and prove it.",
    "releases": "List what is, and was, on a target.",
    "resolve": "Say what became of an act that was cut off.",
    "ask": "List what waits for your answer or your word.",
    "sign": "Sign a go or a no-go for an owner.",
    "waive": "Write down that a named person accepts a finding, until a day.",
    "keys": "Make, list, trust and revoke people's keys.",
    "status": "Say what runs now, and how the last run ended.",
    "show": "Show a run, or one gate of it with all its evidence.",
    "logs": "Print what the commands of a gate printed.",
    "report": "Render a run again: text, json, markdown, junit, html, sarif, vex.",
    "diff": "Say which gates changed between two runs, and why.",
    "trend": "Show what load tests measured over many runs, and where it changed.",
    "bundle": "Seal a run into one file that anyone can prove.",
    "verify": "Prove a bundle, claim by claim, offline.",
    "schema": "Print the JSON Schema of checklists, decisions or verdicts.",
    "export": "Write a checklist in its other form.",
    "doctor": "Say what this machine has, and what a missing thing means.",
}
"""Name -> the line that `gonogo --help` shows; a command's own help is its docstring."""

HIDDEN = ("docs",)


class Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command called `cmd_name`."""
        if cmd_name not in COMMANDS and cmd_name not in HIDDEN:
            return None
        command: click.Command = importlib.import_module(f"gonogo.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 GO, 1 NO-GO, 2 bad input, 3 HOLD, 4 could not finish, 5 integrity broken, 70 bug in gonogo.",
)
@click.version_option(__version__, "-V", "--version", prog_name="gonogo", message="%(prog)s %(version)s")
def gonogo() -> None:
    """Run a release-readiness checklist for real and answer GO, NO-GO or HOLD.

    A checklist is named by its path, or found: `gonogo.yaml`, else `READINESS.md`.
    """


_FEWER_COLLECTIONS = 50_000
"""Objects made before cyclic garbage is looked for: what a command makes it mostly keeps until its end."""


def main() -> None:
    """The `gonogo` program."""
    gc.set_threshold(_FEWER_COLLECTIONS, *gc.get_threshold()[1:])
    code = run(sys.argv[1:])
    gc.freeze()  # the process ends: to look for garbage among all its objects once more takes 0.1 s and frees nothing
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; everything that goes wrong is told on standard error."""
    _survive_any_text()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        returned = gonogo.main(arguments, prog_name="gonogo", standalone_mode=False)
    except click.Abort:
        click.echo("interrupted", err=True)
        return 130
    except click.ClickException as error:
        from gonogo.cli.failure import told_usage  # only when something went wrong

        return told_usage(error, COMMANDS)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 70
    except BaseException as error:  # the last door: nothing may leave it as a traceback
        from gonogo.cli.failure import told  # only when something went wrong

        return told(error, arguments)
    return returned if isinstance(returned, int) else 0


def _survive_any_text() -> None:
    """A stream that cannot write a character shows another in its place, and nothing breaks."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _terminated(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal module's signature
    sys.exit(128 + number)
