"""Ask each tool for its own report while a command runs, wherever in it the tool is called.

`prepare` fills a directory with one tiny wrapper per program and puts it first on PATH. npm puts node_modules/.bin
before everything when it runs a script, so npm is also given a script shell of ours that puts the wrappers first
again. A wrapper finds the real program further down PATH; where its tool knows how to ask, it runs it with the asked
options and leaves a record, else it becomes the real program at once. Exit code, signal, stdout and stderr pass
through. What an asked tool runs itself is not asked: a linter called by a test is no report of this gate.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from gonogo.frozen import dataclass
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Tool

REPORTS = "GONOGO_REPORTS"
"""Variable with the directory that records and reports go to; unset, every wrapper is the real program."""

MARK = ".gonogo-shims"
"""Present in each directory of wrappers, ours or another run's: no real program is looked for there."""

_SHELL = "gonogo-script-shell"

_WRAPPER = """\
#!/bin/sh
# Stands before the program of the same name; see gonogo.shim.
name=${{0##*/}}
if [ -n "${{{reports}:-}}" ]; then
  case "$name $*" in
{asked}
  esac
fi
rest=$PATH:
while [ -n "$rest" ]; do
  dir=${{rest%%:*}}; rest=${{rest#*:}}; dir=${{dir:-.}}
  if [ -f "$dir/$name" ] && [ -x "$dir/$name" ] && [ ! -e "$dir/{mark}" ]; then exec "$dir/$name" "$@"; fi
done
echo "$name: command not found" >&2
exit 127
"""

_SCRIPT_SHELL = """\
#!/bin/sh
# The script shell of npm and its kin: npm puts node_modules/.bin first, this puts the wrappers first again.
PATH={directory}:$PATH
export PATH
shell={shell}
for file in "$HOME/.npmrc" "${{npm_config_local_prefix:-.}}/.npmrc"; do
  if [ -f "$file" ]; then
    own=$(sed -n 's/^[[:space:]]*script-shell[[:space:]]*=[[:space:]]*//p' "$file" | tail -n 1)
    [ -z "$own" ] || shell=$own
  fi
done
exec "$shell" "$@"
"""


_FILLING = threading.Lock()
"""Gates of one phase ask for the same directory at the same moment."""


def prepare(directory: Path, tools: Mapping[str, Tool], reports: Path | str = "") -> dict[str, str]:
    """Fill `directory` with wrappers (once; later calls find them) and return the variables to merge.

    `reports` is where records go (default: `directory/reports`); the first tool that is asked makes it, in a directory
    that is there. One directory of wrappers serves many attempts at once, each with its own reports directory.
    """
    mark = f"{directory}/{MARK}"
    if not os.path.exists(mark):  # noqa: PTH110 - asked once for each process of a run
        with _FILLING:
            if not os.path.exists(mark):  # noqa: PTH110 - as above
                _fill(directory, tools)
    return {
        "PATH": f"{directory}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "npm_config_script_shell": f"{directory}/{_SHELL}",
        REPORTS: str(reports or f"{directory}/reports"),
    }


def _fill(directory: Path, tools: Mapping[str, Tool]) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    wrapped: dict[str, list[Tool]] = {}
    for tool in tools.values():
        for executable in tool.executables:
            wrapped.setdefault(executable, []).append(tool)
    table = {name: [_origin(tool) for tool in known] for name, known in wrapped.items()}
    _executable(directory / ".asked.json", json.dumps({"path": [p for p in sys.path if p], "tools": table}), 0o600)
    _executable(directory / _SHELL, _SCRIPT_SHELL.format(directory=_quote(directory), shell=_own_script_shell()))
    wrapper = directory / ".wrapper"
    _executable(wrapper, _wrapper_text(directory, wrapped))
    for name, known in wrapped.items():
        if any(tool.wrap for tool in known):
            link = directory / name
            link.unlink(missing_ok=True)
            link.symlink_to(wrapper.name)
    (directory / MARK).touch(mode=0o600)


def _wrapper_text(directory: Path, wrapped: Mapping[str, list[Tool]]) -> str:
    """The one script behind every wrapper: which calls are worth starting Python for."""
    python = f"exec {_quote(sys.executable)} -I -S {_quote(directory / '.ask.py')}"
    _executable(directory / ".ask.py", _ASK.format(directory=str(directory)), 0o600)
    lines = [
        f'    {_quote(name)}\\ *{_quote(word)}*) {python} "$name" "$@" ;;'
        for name, known in sorted(wrapped.items())
        for word in sorted({word for tool in known for word in tool.wrap})
    ]
    return _WRAPPER.format(reports=REPORTS, mark=MARK, asked="\n".join(lines))


_ASK = """\
import json, sys
with open({directory!r} + "/.asked.json", encoding="utf-8") as file:
    table = json.load(file)
sys.path[:0] = table["path"]
from gonogo.shim.asking import main
main(sys.argv[1:], table["tools"])
"""


def _quote(text: object) -> str:
    return "'" + str(text).replace("'", "'\\''") + "'" if str(text) else ""


def _own_script_shell() -> str:
    own = os.environ.get("npm_config_script_shell", "")  # noqa: SIM112 - npm reads it in lower case
    return _quote(own if own and Path(own).name != _SHELL else "/bin/sh")


def _executable(path: Path, text: str, mode: int = 0o700) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _origin(tool: Tool) -> dict[str, str]:
    """Where a wrapper finds the tool again: its module, and the file of a module that is on no path."""
    module = sys.modules.get(tool.module)
    on_path = tool.module.startswith("gonogo.") or "." not in tool.module
    file = "" if on_path else str(getattr(module, "__file__", "") or "")
    return {"name": tool.name, "module": tool.module, "file": file}


# --- afterwards ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """A report that a tool wrote during the command."""

    file: Path
    """The raw bytes: in the reports directory, or a copy taken there right after the tool ended."""
    parser: str
    path: str = ""
    """Where the tool itself wrote it, absolute, if not into our directory."""
    params: dict[str, object] = field(default_factory=dict)
    """For `ReportRef.params`: `tool run` it belongs to, `cwd`, `root`, and what the tool's entry says."""


@dataclass(frozen=True, slots=True)
class Record:
    """One run of a recognised tool, as its wrapper saw it."""

    name: str
    """Unique within the command, in order of the start."""
    tool: str
    argv: tuple[str, ...]
    """As the command called it, without what was added."""
    cwd: str
    exit: int | None
    """None where a signal ended it, or the wrapper was killed before it could say."""
    signal: str
    started: str
    """UTC, RFC 3339."""
    seconds: float
    reports: tuple[Written, ...] = ()
    missing: tuple[str, ...] = ()
    """Parsers of the reports that it was asked for and did not write."""
    notes: tuple[str, ...] = ()


def collect(directory: Path, root: Path | None = None) -> tuple[Record, ...]:
    """The records in a reports directory, in the order the tools were started.

    `root`, the checkout, is handed to the parsers so that findings name paths relative to it.
    """
    records = []
    for path in sorted(directory.glob("*.record.json")):
        try:
            records.append(_record(json.loads(path.read_text(encoding="utf-8")), directory, root))
        except (ValueError, KeyError, TypeError):
            name = path.name.removesuffix(".record.json")
            records.append(Record(name, "", (), "", None, "", "", 0.0, missing=("record",)))
    return tuple(records)


def _record(data: dict[str, Any], directory: Path, root: Path | None) -> Record:
    name = str(data["name"])
    roots = {"root": str(root), "real_root": os.path.realpath(root)} if root else {}
    written = tuple(
        Written(
            directory / str(report["file"]),
            str(report["parser"]),
            str(report.get("path", "")),
            {**report.get("params", {}), "run": name, "cwd": data["cwd"], **roots},
        )
        for report in data["reports"]
    )
    return Record(
        name=name,
        tool=str(data["tool"]),
        argv=tuple(data["argv"]),
        cwd=str(data["cwd"]),
        exit=data["exit"],
        signal=str(data["signal"]),
        started=str(data["started"]),
        seconds=float(data["seconds"]),
        reports=written,
        missing=tuple(data["missing"]),
        notes=tuple(data["notes"]),
    )


def troubles(record: Record, tool: Tool | None) -> tuple[Trouble, ...]:
    """Why a tool that ran cannot speak: killed, not found, or no report where one was asked for; () where it can."""
    shown = " ".join(record.argv) or "a tool"
    if record.exit is None:
        how = f"was ended by {record.signal}" if record.signal else "never ended as far as its wrapper saw"
        return (Trouble(Outcome.ERROR, "tool-killed", f"`{shown}` {how}", "run it alone and see what stops it"),)
    if record.exit in {126, 127} and not record.reports:
        text = f"`{shown}` could not be started (exit {record.exit})"
        return (Trouble(Outcome.ERROR, "tool-missing", text, f"install `{record.tool}`, or mend the command"),)
    if not record.missing:
        return ()
    meaning = tool.exits.get(record.exit, "") if tool else ""
    if meaning not in {"", "clean", "findings"}:
        return (Trouble(Outcome.ERROR, "tool-looked-at-nothing", f"`{shown}`: {meaning} (exit {record.exit})"),)
    text = f"`{shown}` was asked for its report and wrote none (exit {record.exit})"
    return (Trouble(Outcome.UNKNOWN, "no-report", text, "run it alone and read what it prints"),)
