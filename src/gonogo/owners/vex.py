"""OpenVEX documents as waivers: which of a run's vulnerabilities somebody says do no harm, and why.

Source: the OpenVEX specification 0.2.0 (github.com/openvex/spec), package URLs (github.com/package-url/purl-spec).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from gonogo.errors import Diagnostic, InputError
from gonogo.frozen import dataclass
from gonogo.model.observation import Finding
from gonogo.owners.waivers_file import IMPACT, JUSTIFICATIONS

CONTEXT = "https://openvex.dev/ns"
STATUSES = ("not_affected", "affected", "fixed", "under_investigation")
FAMILY = "vulnerabilities"


@dataclass(frozen=True, slots=True)
class Package:
    """What a package URL names: `pkg:npm/%40scope/name@1.2.3`."""

    kind: str
    name: str
    """With its namespace: `@scope/name`."""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a document says of one vulnerability."""

    names: frozenset[str]
    """All it is called, in small letters: `ghsa-…`, `cve-…`."""
    shown: str
    status: str
    justification: str = ""
    reason: str = ""
    link: str = ""
    products: tuple[Package, ...] = ()
    components: tuple[Package, ...] = ()
    """Parts of the products it speaks of; none: the products as a whole."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """What the id of a vulnerability's finding says: advisory, package and range."""

    name: str
    package: str
    affected: str


def advisory(finding: Finding) -> Advisory | None:
    """The parts of the finding's id; None where it names no advisory: a dependant, or another kind of finding."""
    name, _, rest = finding.id.partition(":")
    package, colon, affected = rest.partition(":")
    if finding.family != FAMILY or not colon or not name or not package or name.startswith("via "):
        return None
    return Advisory(name, package, affected)


def package(purl: str) -> Package | None:
    """The package that a package URL names; None where it is no package URL."""
    if not purl.startswith("pkg:"):
        return None
    bare = purl.removeprefix("pkg:").partition("#")[0].partition("?")[0].strip("/")
    kind, _, path = bare.partition("/")
    name, at, version = path.rpartition("@")
    if not at:
        name, version = path, ""
    return Package(kind.lower(), unquote(name), unquote(version)) if kind and name else None


def read(text: str) -> tuple[Statement, ...]:
    """The statements of an OpenVEX document in JSON; raises `InputError` with every mistake in it."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InputError.of(
            "vex-syntax", f"this is no JSON: {error}", help="give an OpenVEX document, which is JSON"
        ) from None
    problems: list[Diagnostic] = []
    if not isinstance(data, dict) or not str(data.get("@context", "")).startswith(CONTEXT):
        raise InputError.of(
            "not-openvex", "this is no OpenVEX document", help=f"give one whose `@context` begins with `{CONTEXT}`"
        )
    statements = data.get("statements")
    if not isinstance(statements, list) or not statements:
        raise InputError.of("vex-empty", "the document states nothing", help="give one with `statements`")
    found = [_statement(number, one, problems) for number, one in enumerate(statements, 1)]
    if problems:
        raise InputError(problems)
    return tuple(statement for statement in found if statement is not None)


def _statement(number: int, data: Any, problems: list[Diagnostic]) -> Statement | None:
    """One statement; mistakes go into `problems`."""
    before = len(problems)

    def wrong(message: str, order: str) -> None:
        problems.append(Diagnostic("vex-statement", f"statement {number} {message}", help=order))

    if not isinstance(data, dict):
        wrong("is no object", "mend the document")
        return None
    about = data.get("vulnerability")
    about = {"name": about} if isinstance(about, str) else about
    if not isinstance(about, dict) or not isinstance(about.get("name"), str) or not about["name"]:
        wrong("names no vulnerability", "add `vulnerability` with its `name`")
        return None
    status, justification = data.get("status"), data.get("justification", "")
    if status not in STATUSES:
        wrong(f"has the status `{status}`", f"use one of: {', '.join(STATUSES)}")
    if justification and justification not in JUSTIFICATIONS:
        wrong(f"has the justification `{justification}`", f"use one of: {', '.join(JUSTIFICATIONS)}")
    impact = str(data.get("impact_statement", ""))
    if status == "not_affected" and not justification and not impact:
        wrong("says `not_affected` and not why", "add `justification` or `impact_statement`")
    if len(problems) > before:
        return None
    products = _objects(data.get("products"))
    link = str(about.get("@id", ""))
    called = [about["name"], *about.get("aliases", ()), *([link.rstrip("/").rpartition("/")[2]] if link else [])]
    return Statement(
        names=frozenset(name.casefold() for name in called if isinstance(name, str) and name),
        shown=about["name"],
        status=str(status),
        justification=justification or (IMPACT if status == "not_affected" else ""),
        reason=" ".join((impact or str(data.get("status_notes", "")) or justification.replace("_", " ")).split()),
        link=link if link.startswith(("https://", "http://")) else "",
        products=_packages(products),
        components=_packages(part for one in products for part in _objects(one.get("subcomponents"))),
    )


def _objects(data: Any) -> list[Mapping[str, Any]]:
    """A list's objects; a bare text, as version 0.0 wrote products, is its `@id`."""
    found = data if isinstance(data, list) else []
    return [{"@id": one} if isinstance(one, str) else one for one in found if isinstance(one, (str, dict))]


def _packages(parts: Iterable[Mapping[str, Any]]) -> tuple[Package, ...]:
    found = []
    for part in parts:
        identifiers = part.get("identifiers")
        purls = [part.get("@id"), identifiers.get("purl") if isinstance(identifiers, dict) else None]
        found += [one for purl in purls if isinstance(purl, str) and (one := package(purl)) is not None]
    return tuple(dict.fromkeys(found))


def speaks_of(statement: Statement, finding: Finding, subject: Sequence[str] = ()) -> bool:
    """Whether a statement is about a finding.

    Args:
        statement: What somebody says.
        finding: One of the run's vulnerabilities.
        subject: What the released thing is called: a statement about it as a whole speaks of all its packages.
    """
    about = advisory(finding)
    if about is None or about.name.casefold() not in statement.names:
        return False
    if statement.components:
        return any(_is(one, about) for one in statement.components)
    names = {name.casefold() for name in subject}
    whole = any(one.name.casefold() in names for one in statement.products)
    return whole or any(_is(one, about) for one in statement.products)


def _is(one: Package, about: Advisory) -> bool:
    """The same package; where the document says which version, one that the advisory affects."""
    if one.name.casefold() != about.package.casefold():
        return False
    if one.kind != "npm" or not one.version:
        return True
    import nodesemver

    try:
        return bool(nodesemver.satisfies(one.version, about.affected, loose=True))
    except ValueError:
        return False
