"""npm audit's JSON, version 2 (npm 7 and later) and version 1 (npm 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from gonogo.families import VULNERABILITIES
from gonogo.model.observation import Finding, Reading, Value
from gonogo.parsers._gather import Findings, Unreadable, load_object, number, observations, plain, silent, unknown
from gonogo.plugins import parser

_SEVERITIES = {"critical": "critical", "high": "high", "moderate": "medium", "low": "low", "info": "info"}
_WHAT_TO_DO = {
    "ENOLOCK": "commit a package-lock.json, or run `npm install --package-lock-only`",
}


def _sniff(head: bytes) -> bool:
    return head.lstrip().startswith(b"{") and (
        b'"auditReportVersion"' in head
        or (b'"advisories"' in head and b'"actions"' in head)
        or (b'"statusCode"' in head and b"audit" in head.lower() and b'"error"' in head)
        or (b'"error"' in head and b'"code": "ENOLOCK"' in head)
    )


@parser("npm_audit", yields=VULNERABILITIES.types, media_type="application/json", sniff=_sniff)
def npm_audit(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:  # noqa: ARG001 - the seam gives both
    """JSON of npm audit: vulnerable packages by severity (npm's "moderate" is medium), and how many were looked at.

    Only an answer with `auditReportVersion` or `advisories` counts anything. Every other answer, with exit 1 just like
    findings, is UNKNOWN with the words of whoever refused: a registry that does not offer the service (405), a missing
    lockfile (ENOLOCK). Traps: `metadata.vulnerabilities` counts packages, not advisories; a report over no dependency
    at all would count 0 of everything and is UNKNOWN.

    Source: arborist's audit-report.js, and runs of npm 11.19.
    """
    data = load_object(stream)
    if "auditReportVersion" not in data and "advisories" not in data:
        return _refused(data)
    metadata = data.get("metadata")
    counts = metadata.get("vulnerabilities") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(counts, dict):
        raise Unreadable("it has no counts")
    looked_at = _packages(metadata)
    if not looked_at:
        return silent(unknown("no-packages", "npm audit looked at no dependency"))
    findings = Findings()
    listed = _version_two(data, findings) if "auditReportVersion" in data else _version_one(data, findings)
    values: dict[str, Value | None] = {
        f"vulnerabilities.{ours}": max(number(counts.get(theirs, 0)), listed.get(ours, 0))
        for theirs, ours in _SEVERITIES.items()
    }
    values["vulnerabilities.packages"] = looked_at
    return Reading(observations(values), tuple(findings.kept), findings.notes)


def _packages(metadata: Mapping[str, Any]) -> int:
    dependencies = metadata.get("dependencies", metadata.get("totalDependencies", 0))
    if isinstance(dependencies, dict):
        return number(dependencies.get("total", 0))
    return number(metadata.get("totalDependencies", dependencies))


def _refused(data: Mapping[str, Any]) -> Reading:
    error = data.get("error")
    inner = error if isinstance(error, dict) else {}
    code = str(inner.get("code") or data.get("statusCode") or "")
    words = next((plain(w) for w in (inner.get("summary"), data.get("message"), inner.get("detail"), error) if w), "")
    said = " ".join(part for part in (code if code not in words else "", words) if part) or "it names no report version"
    return silent(
        unknown(
            "audit-refused",
            f"npm audit could not look: {said}",
            _WHAT_TO_DO.get(code, "run it where the advisory service answers: what was not looked at cannot be waived"),
        )
    )


def _version_two(data: Mapping[str, Any], findings: Findings) -> dict[str, int]:
    listed: dict[str, int] = {}
    packages = data.get("vulnerabilities")
    if not isinstance(packages, dict):
        raise Unreadable("it has no `vulnerabilities`")
    for name, package in sorted(packages.items()):
        severity = _SEVERITIES.get(str(package.get("severity")))
        if severity is None:
            raise Unreadable(f"`{name}` has the severity `{package.get('severity')}`")
        listed[severity] = listed.get(severity, 0) + 1
        advisories = [via for via in package.get("via") or () if isinstance(via, dict)]
        for via in advisories:
            _add(
                findings,
                name,
                via.get("url") or via.get("source"),
                via.get("range"),
                severity=severity,
                title=via.get("title"),
            )
        if not advisories:
            through = ", ".join(str(via) for via in package.get("via") or ())
            _add(
                findings, name, f"via {through}", package.get("range"), severity=severity, title=f"depends on {through}"
            )
    return listed


def _version_one(data: Mapping[str, Any], findings: Findings) -> dict[str, int]:
    for advisory in data["advisories"].values():
        severity = _SEVERITIES.get(str(advisory.get("severity")), "info")
        name, where = str(advisory.get("module_name", "")), advisory.get("url") or advisory.get("id")
        _add(findings, name, where, advisory.get("vulnerable_versions"), severity=severity, title=advisory.get("title"))
    return {}


def _add(findings: Findings, package: str, advisory: object, affected: object, *, severity: str, title: object) -> None:
    """`severity` is the package's, which is what the counts count."""
    named = str(advisory).rpartition("/")[2] if str(advisory).startswith("http") else str(advisory)
    identity = f"{named}:{package}:{affected}"
    message = plain(f"{package} {affected}: {title} ({advisory})")
    findings.add(Finding("vulnerabilities", identity, severity, message))
