"""What k6 prints while it runs: the one place where it says that iterations threw exceptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.model.observation import Finding, Reading, Value
from gonogo.parsers._gather import Findings, Unreadable, observations, plain, silent, text_lines, unknown
from gonogo.parsers._k6 import yields
from gonogo.plugins import parser

_SAID_BY_K6 = re.compile(
    r"execution: local|^time=\S+ level=|^\{\"level\":|complete and \d+ interrupted iterations|\d+ max VUs|█"
    r"|(?:iterations|http_reqs|data_received)\.{3,}:"
)
_VUS = re.compile(r"\bscenarios: .*?(?P<vus>\d+) max VUs")
_THROWN = re.compile(r"source=stacktrace|\"source\": ?\"stacktrace\"")
_MESSAGE = re.compile(r"msg=\"(?P<quoted>(?:\\.|[^\"\\])*)\"|\"msg\": ?\"(?P<json>(?:\\.|[^\"\\])*)\"")
_LONGEST_MESSAGE = 200
_ABORTED = re.compile(r"stopping test prematurely|test run was aborted|test aborted:")


def _sniff(head: bytes) -> bool:
    return b"execution: local" in head and b"script: " in head and b"scenarios: " in head


@parser("k6_log", yields=yields("load.exceptions", "load.vus", each=False), media_type="text/plain", sniff=_sniff)
def k6_log(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:
    """What k6 prints: exceptions that iterations threw, the virtual users it planned, and a test ended early.

    Traps: an iteration that throws counts as completed, fails no check and no threshold, and leaves exit 0: only the
    log tells (grafana/k6#6480); a threshold with `abortOnFail` ends the test early, and its figures are those of a
    part.

    Source: runs of k6 1.1.0, and its documentation of `--log-format`.
    """
    findings, thrown, vus, aborted, said = Findings(), 0, 0, "", False
    seen: set[str] = set()
    for line in text_lines(stream):
        said = said or _SAID_BY_K6.search(line) is not None
        if planned := _VUS.search(line):
            vus = max(vus, int(planned["vus"]))
        if _THROWN.search(line):
            thrown += 1
            message = _message(line)
            if message not in seen:
                seen.add(message)
                findings.add(Finding("load", f"thrown:{message}", "thrown", f"an iteration threw: {message}"))
        elif _ABORTED.search(line):
            aborted = aborted or _message(line)
    if not said:
        raise Unreadable("nothing in it is k6's, so it does not say whether iterations threw exceptions")
    notes = (*((f"{thrown:,} iterations threw exceptions",) if thrown else ()), *findings.notes)
    if aborted:
        return silent(unknown("ended-early", f"the test ended early: {aborted}", "see why, and run it whole"), findings)
    values: dict[str, Value | None] = {"load.exceptions": thrown, "load.vus": vus or None}
    if params.get("elsewhere") and not thrown:
        values["load.exceptions"] = None
        notes = (*notes, f"the log of k6 goes to `{params['elsewhere']}`: whether iterations threw is not known")
    return Reading(observations(values), tuple(findings.kept), notes)


def _message(line: str) -> str:
    """The message of a line of the log, its first line only: what follows is the place in the script."""
    found = _MESSAGE.search(line)
    text = (found["quoted"] or found["json"] or "") if found else line
    return plain(text.replace('\\"', '"').partition("\\n")[0])[:_LONGEST_MESSAGE]
