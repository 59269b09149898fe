"""SARIF 2.1.0, which static analysers and scanners share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from gonogo.families import LINT, VULNERABILITIES
from gonogo.model.observation import Finding, Reading, Value
from gonogo.parsers._gather import Findings, Unreadable, load_object, observations, plain, silent, unknown, whole
from gonogo.parsers._place import relative
from gonogo.plugins import parser

_GRADES = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "info"))
_LEVELS = {"error": "error", "warning": "warning"}


def _sniff(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b'"runs"' in head and b'"version"' in head


@dataclass(slots=True)
class _Counts:
    """Counts of both families; a family speaks only where some run belongs to it."""

    findings: Findings = field(default_factory=Findings)
    lint: dict[str, int] | None = None
    grades: dict[str, int] | None = None
    suppressed: int = 0


@parser("sarif", yields=(*LINT.types, *VULNERABILITIES.types), media_type="application/sarif+json", sniff=_sniff)
def sarif(stream: BinaryIO, params: Mapping[str, Any]) -> Reading:
    """SARIF: results by level, or by severity where the rules carry a `security-severity` score.

    A run whose rules carry that score counts as `vulnerabilities.*` (9 critical, 7 high, 4 medium, as GitHub grades
    it), any other as `lint.*`; notes are listed and not counted. Results suppressed in the file are left out, with a
    note. Traps: `results` that are absent mean that nothing was computed; `executionSuccessful: false` means that the
    tool broke off: both are UNKNOWN, like a file without runs.

    Source: OASIS SARIF 2.1.0; GitHub's SARIF support for code scanning.
    """
    data = load_object(stream)
    runs = data.get("runs")
    if not str(data.get("version", "")).startswith("2.1") or not isinstance(runs, list):
        raise Unreadable("it is no SARIF 2.1")
    if not runs:
        return silent(unknown("no-runs", "the SARIF file holds no run"))
    counts = _Counts()
    for run in runs:
        why = _read_run(run, params, counts)
        if why:
            return silent(unknown("tool-broke-off", why), counts.findings)
    values: dict[str, Value | None] = {}
    if counts.lint is not None:
        values |= {"lint.errors": counts.lint["error"], "lint.warnings": counts.lint["warning"]}
    if counts.grades is not None:
        values |= {f"vulnerabilities.{grade}": count for grade, count in counts.grades.items()}
    left_out = (f"{counts.suppressed} results are suppressed in the file",) if counts.suppressed else ()
    return Reading(observations(values), tuple(counts.findings.kept), (*left_out, *counts.findings.notes))


def _read_run(run: Any, params: Mapping[str, Any], counts: _Counts) -> str:
    """Count one run; returns why it cannot speak, empty where it can."""
    if not isinstance(run, dict):
        raise Unreadable("a run in it is no object")
    driver = run.get("tool", {}).get("driver", {})
    name = driver.get("name", "the tool")
    if any(one.get("executionSuccessful") is False for one in run.get("invocations") or ()):
        return f"{name} says that it did not succeed"
    results = run.get("results")
    if not isinstance(results, list):
        return f"{name} computed no results"
    rules = _rules(run)
    graded = any(_score(rule) is not None for rule in rules.values())
    if graded:
        counts.grades = counts.grades or dict.fromkeys((grade for _, grade in _GRADES), 0)
    else:
        counts.lint = counts.lint or {"error": 0, "warning": 0}
    for one in results:
        _count(one, rules, counts, params, graded=graded)
    return ""


def _rules(run: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    tool = run.get("tool", {})
    components = [tool.get("driver", {}), *(tool.get("extensions") or ())]
    return {str(rule.get("id", "")): rule for part in components for rule in part.get("rules") or ()}


def _score(rule: Mapping[str, Any]) -> float | None:
    try:
        return float(rule.get("properties", {})["security-severity"])
    except (KeyError, TypeError, ValueError):
        return None


def _count(
    one: dict[str, Any], rules: dict[str, dict[str, Any]], counts: _Counts, params: Mapping[str, Any], *, graded: bool
) -> None:
    if one.get("suppressions"):
        counts.suppressed += 1
        return
    rule_id = str(one.get("ruleId") or one.get("rule", {}).get("id") or "rule")
    rule = rules.get(rule_id, {})
    level = one.get("level") or rule.get("defaultConfiguration", {}).get("level") or "warning"
    if one.get("kind", "fail") not in {"fail", "open", "review"} or level == "none":
        return
    severity = _LEVELS.get(level, "info")
    if graded:
        score = _score(rule)
        by_level = {"error": "high", "warning": "medium"}.get(level, "low")
        severity = by_level if score is None else next(grade for least, grade in _GRADES if score >= least)
        assert counts.grades is not None
        counts.grades[severity] += 1
    elif counts.lint is not None and severity in counts.lint:
        counts.lint[severity] += 1
    counts.findings.add(_finding(one, rule_id, severity, params, "vulnerabilities" if graded else "lint"))


def _finding(one: dict[str, Any], rule: str, severity: str, params: Mapping[str, Any], family: str) -> Finding:
    places = one.get("locations") or [{}]
    physical = places[0].get("physicalLocation", {})
    path = relative(str(physical.get("artifactLocation", {}).get("uri", "")), params)
    region = physical.get("region", {})
    text = one.get("message", {}).get("text", "")
    return Finding(
        family=family,
        id=f"{rule}:{path}",
        severity=severity,
        message=plain(f"{text} ({rule})"),
        path=path,
        line=whole(region.get("startLine")),
        column=whole(region.get("startColumn")),
    )
