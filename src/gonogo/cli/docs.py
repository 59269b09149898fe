"""`gonogo docs`, hidden: write the reference pages from the code. A test compares what is committed with this."""

from __future__ import annotations

from pathlib import Path

import click

from gonogo import plugins
from gonogo.cli import reference
from gonogo.cli.main import COMMANDS, gonogo
from gonogo.model.outcome import ExitCode
from gonogo.plugins import Family, Kind, Registry

_MEANINGS = {
    ExitCode.GO: "GO, or the command did its work (`check` without mistakes)",
    ExitCode.NO_GO: "NO-GO: a required gate fails, or an owner said no",
    ExitCode.BAD_INPUT: "the checklist, an option or a value is wrong; every mistake is told, with its place",
    ExitCode.HOLD: "HOLD: something could not be seen, waits for a person, or did not run",
    ExitCode.COULD_NOT_FINISH: "gonogo could not finish: somebody else runs, no space, no git",
    ExitCode.INTEGRITY: "something kept does not match its own digest or chain",
    ExitCode.BUG: "a bug in gonogo; a crash report without secrets was written, and its path told",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C); `gonogo run --resume` goes on",
    ExitCode.TERMINATED: "terminated (SIGTERM); `gonogo run --resume` goes on",
}


@click.command("docs", hidden=True)
@click.option("--write", "directory", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="DIR")
def command(directory: Path) -> int:
    """Write the reference pages into DIR."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages(plugins.builtin()).items():
        (directory / name).write_text(text, encoding="utf-8")
    return 0


def pages(registry: Registry) -> dict[str, str]:
    """File name -> text of every generated page."""
    return {
        "probes.md": reference.kinds_page(
            "Probes and actions",
            "A probe looks at the world; an action changes it, once. A call in a checklist names one as its `kind`.",
            (reference.probe_page(registry.probes[name]) for name in sorted(registry.probes)),
        ),
        "tools.md": reference.kinds_page(
            "Tools",
            "Programs that gonogo recognises inside a command and asks for their own machine-readable report.",
            (reference.tool_page(registry.tools[name]) for name in sorted(registry.tools)),
        ),
        "parsers.md": reference.kinds_page(
            "Parsers",
            "Formats of reports. A report that no parser is named for is recognised by its content, never by its name.",
            (reference.parser_page(registry.parsers[name]) for name in sorted(registry.parsers)),
        ),
        "targets.md": reference.kinds_page(
            "Targets",
            "Where releases are put. A checklist declares them under `targets:`, each by name with its `kind`.",
            (reference.target_page(registry.targets[name]) for name in sorted(registry.targets)),
        ),
        "notices.md": reference.kinds_page(
            "Notices",
            "Ways to tell people about a run. A checklist lists them under `notify:`, each with its `kind`.",
            (reference.notice_page(registry.notices[name]) for name in sorted(registry.notices)),
        ),
        "observations.md": reference.observations_page(registry),
        "kinds.md": reference.kinds_page(
            "Kinds", "Every kind there is, by the open set it belongs to.", [_index(registry)]
        ),
        "exit-codes.md": _exit_codes(),
        "cli.md": _commands(),
    }


def _index(registry: Registry) -> str:
    shelves: tuple[tuple[str, str, dict[str, Kind | Family]], ...] = (
        ("probe or action", "probes.md", dict(registry.probes)),
        ("tool", "tools.md", dict(registry.tools)),
        ("parser", "parsers.md", dict(registry.parsers)),
        ("observations", "observations.md", dict(registry.families)),
        ("target", "targets.md", dict(registry.targets)),
        ("notice", "notices.md", dict(registry.notices)),
        ("output", "", dict(registry.outputs)),
    )
    lines = ["| Kind | Set | What it is |", "|---|---|---|"]
    for word, page, shelf in shelves:
        for name in sorted(shelf):
            link = f"[{name}]({page}#{name})" if page else name
            lines.append(f"| {link} | {word} | {_first(shelf[name].doc)} |")
    return "\n".join(lines)


def _first(doc: str) -> str:
    return (doc.strip().splitlines() or [""])[0].replace("|", "\\|")


def _exit_codes() -> str:
    rows = [f"| {int(code)} | {text} |" for code, text in _MEANINGS.items()]
    about = "Each cause has a number of its own, so that a script can tell *bad* from *could not look*."
    return reference.HEAD + "\n".join([f"# Exit codes\n\n{about}\n", "| Code | Means |", "|---|---|", *rows, ""])


def _commands() -> str:
    context = click.Context(gonogo, info_name="gonogo", terminal_width=100, **gonogo.context_settings)
    parts = ["# Commands", _block(gonogo.get_help(context))]
    for name in COMMANDS:
        found = gonogo.get_command(context, name)
        assert found is not None
        inner = click.Context(found, info_name=name, parent=context, terminal_width=100)
        parts += [f"## gonogo {name}", _block(found.get_help(inner))]
        for below, command in sorted(found.commands.items()) if isinstance(found, click.Group) else ():
            deeper = click.Context(command, info_name=below, parent=inner, terminal_width=100)
            parts += [f"### gonogo {name} {below}", _block(command.get_help(deeper))]
    return reference.HEAD + "\n\n".join(parts) + "\n"


def _block(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"```text\n{lines}\n```"
