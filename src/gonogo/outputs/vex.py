"""The waived vulnerabilities of a run as OpenVEX 0.2.0, for whoever scans the release later.

Source: the OpenVEX specification 0.2.0 (github.com/openvex/spec), package URLs (github.com/package-url/purl-spec).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from gonogo import __version__
from gonogo.errors import InputError
from gonogo.model.plan import Plan
from gonogo.model.run import GateView, RunView
from gonogo.model.verdict import Waiver
from gonogo.outputs.accepted import accepting
from gonogo.owners.vex import Advisory, advisory
from gonogo.owners.waivers_file import IMPACT
from gonogo.plugins import output

CONTEXT = "https://openvex.dev/ns/v0.2.0"
_REMOTE = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^@/\s]+@)?([^/:\s]+)(?::\d+)?[:/]/*([^\s?#]+?)(?:\.git)?/*")
_ECOSYSTEMS = {"npm_audit": "npm"}
"""Parser -> type of the package URLs of what it reports on."""


@output("vex", media_type="application/json")
def vex(view: RunView) -> str:
    """OpenVEX 0.2.0: a statement for each waived vulnerability of the run.

    A waiver with a `justification` states `not_affected`; one without states `affected`, with who bears it until when
    as the action. Dependants that npm counts because of what they depend on are no vulnerabilities of their own.

    Raises `InputError` where no vulnerability is waived: a document of that form states at least one thing.
    """
    statements = list(_statements(view))
    if not statements:
        raise InputError.of(
            "nothing-waived",
            f"no vulnerability of run {view.id} is waived, and OpenVEX knows no empty document",
            help="use another format, or waive one with `gonogo waive`",
        )
    approvers = sorted({waiver.approver for gate in view.gates for _, waiver, _ in _accepted(view, gate)})
    document = {
        "@context": CONTEXT,
        "@id": f"urn:gonogo:vex:{quote(view.id, safe='-')}",
        "author": ", ".join(approvers),
        "role": "accepts findings in the name of the release's owners",
        "timestamp": _moment(view),
        "version": 1,
        "tooling": f"gonogo {__version__}",
        "statements": statements,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _moment(view: RunView) -> str:
    return (view.decision.as_of if view.decision is not None else "") or view.ended or view.started


def _accepted(view: RunView, gate: GateView) -> Iterator[tuple[Advisory, Waiver, str]]:
    """The advisories of a gate's waived findings, each with its waiver and the type of its packages."""
    parsers = {report.parser for capture in gate.verdict.captures for report in capture.reports}
    kind = next((name for parser, name in _ECOSYSTEMS.items() if parser in parsers), "generic")
    for finding in dict.fromkeys(gate.verdict.findings):
        known = advisory(finding)
        for waiver in accepting(view, gate, finding)[:1] if known is not None else ():
            if known is not None and waiver.finding:
                yield known, waiver, kind


def _statements(view: RunView) -> Iterator[dict[str, Any]]:
    seen: set[tuple[str, str]] = set()
    for gate in view.gates:
        for known, waiver, kind in _accepted(view, gate):
            if (known.name, waiver.id) not in seen:
                seen.add((known.name, waiver.id))
                yield _statement(view, gate, known, waiver, kind)


def _statement(view: RunView, gate: GateView, known: Advisory, waiver: Waiver, kind: str) -> dict[str, Any]:
    who = f"{waiver.approver} for {waiver.owner}"
    about: dict[str, Any] = {"name": known.name}
    if known.name.startswith("GHSA-"):
        about["@id"] = f"https://github.com/advisories/{known.name}"
    part = {"@id": f"pkg:{kind}/{quote(known.package, safe='/')}"}
    found: dict[str, Any] = {
        "vulnerability": about,
        "timestamp": waiver.written or _moment(view),
        "products": [{"@id": product(view.plan), "subcomponents": [part]}],
    }
    notes = f"versions {known.affected}; gate `{gate.gate.id}`, waiver `{waiver.id}` by {who} until {waiver.until}"
    notes += f"; {waiver.link}" if waiver.link else ""
    if waiver.justification == IMPACT:
        return {**found, "status": "not_affected", "impact_statement": waiver.reason, "status_notes": notes}
    if waiver.justification:
        notes = f"{waiver.reason}; {notes}"
        return {**found, "status": "not_affected", "justification": waiver.justification, "status_notes": notes}
    borne = f"borne until the end of {waiver.until} (UTC), accepted by {who}: {waiver.reason}"
    return {**found, "status": "affected", "action_statement": borne, "status_notes": notes}


def product(plan: Plan) -> str:
    """The package URL of what is released: its repository at its commit, or the checklist's title where it has none."""
    host, path = _remote(plan.subject.remote)
    version = f"@{plan.subject.commit}" if plan.subject.commit else ""
    if host == "github.com" and path.count("/") == 1:
        return f"pkg:github/{quote(path.lower(), safe='/')}{version}"
    return f"pkg:generic/{quote(product_names(plan)[0], safe='')}{version}"


def product_names(plan: Plan) -> tuple[str, ...]:
    """What somebody else's document may call the product: its repository, with and without its owner, or the title."""
    _, path = _remote(plan.subject.remote)
    title = re.sub(r"\W+", "-", plan.title.lower()).strip("-") or "release"
    return tuple(dict.fromkeys([*([path.rpartition("/")[2], path] if path else []), title]))


def _remote(url: str) -> tuple[str, str]:
    """Host and path of a remote, `o/r`; empty for a directory of this machine."""
    match = _REMOTE.fullmatch(url) if not url.startswith(("/", ".", "file:")) else None
    return (match[1].lower(), match[2].strip("/")) if match else ("", "")
