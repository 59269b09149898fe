"""npm audit."""

from __future__ import annotations

from gonogo.plugins import Ask, AskedReport, Invocation, tool
from gonogo.tools import _options as options


@tool("npm_audit", executables=("npm",), exits={0: "clean", 1: "findings"}, wrap=("audit",))
def npm_audit(invocation: Invocation) -> Ask | None:
    """Npm audit: the JSON of a second, identical look, or of the first where it asked for JSON itself.

    Traps: exit 1 means findings *and* every kind of error (a registry that answers 405, no lockfile): only an answer
    with `auditReportVersion` or `advisories` counts anything; `--audit-level` and `--omit` hide findings from the
    exit code, `--omit=dev` from the report too, which is noted.

    Source: runs of npm 11.19; arborist's audit-report.js.
    """
    words = options.positionals(
        invocation.argv, ("--audit-level", "--omit", "--include", "-w", "--workspace", "--prefix")
    )
    if words != ("audit",) or options.only_asks(invocation.argv):
        return None
    left_out = options.values(invocation.argv, "--omit") + (
        ("dev",) if options.has(invocation.argv, "--production") else ()
    )
    notes = (f"`npm audit` leaves out {', '.join(left_out)} dependencies",) if left_out else ()
    report = AskedReport("npm-audit.json", "npm_audit")
    if options.has(invocation.argv, "--json"):
        return Ask(argv=invocation.argv, stdout_report=report, notes=notes)
    return Ask(
        argv=invocation.argv,
        also=options.extended(invocation.argv, "--json"),
        stdout_report=report,
        notes=notes,
    )
