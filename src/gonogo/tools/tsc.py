"""The TypeScript compiler."""

from __future__ import annotations

from gonogo.plugins import Ask, AskedReport, Invocation, tool
from gonogo.tools import _options as options

_NO_CHECK = ("--init", "--showConfig", "--listFilesOnly", "--clean", "--all", "-h", "-v", "--watch", "-w", "--noCheck")


@tool("tsc", executables=("tsc", "vue-tsc"), exits={0: "clean", 1: "findings", 2: "findings"})
def tsc(invocation: Invocation) -> Ask | None:
    """Tsc and vue-tsc: their text with `--pretty false`, and a word on how many files were read.

    The compiler says nothing when it finds nothing, so it is asked for `--diagnostics` (`--verbose` with `-b`), whose
    `Files:` line (`is up to date`) tells that it looked at something.

    Traps: a root tsconfig with `files: []` and references, checked by `tsc --noEmit`, reads no file and exits 0: that
    is UNKNOWN here; `tsc -b` does not look at a project that is up to date; exit 1 and 2 both mean errors, a wrong
    option or a missing configuration among them (those are `error TS5…`, `TS6…` and `TS18…` without a place).

    Source: runs of TypeScript 5.9.
    """
    argv = invocation.argv
    if options.only_asks(argv) or options.has(argv, *_NO_CHECK):
        return None
    builds = len(argv) > 1 and argv[1].lower() in {"-b", "--build"}
    added = ("--pretty", "false", "--verbose" if builds else "--diagnostics")
    return Ask(argv=options.extended(argv, *added), stdout_report=AskedReport("tsc.txt", "tsc_text"))
