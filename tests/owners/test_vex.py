"""OpenVEX documents of others, and which of a run's findings they speak of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gonogo.errors import InputError
from gonogo.model.observation import Finding
from gonogo.owners.vex import Package, advisory, package, read, speaks_of

GHSA = "GHSA-xvch-5gv4-984h"
FOUND = Finding("vulnerabilities", f"{GHSA}:minimist:<1.2.6", "medium", "m")


def document(*statements: Any, **more: Any) -> str:
    head = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "Vendor", "version": 1}
    return json.dumps({**head, "timestamp": "2026-11-20T09:00:00Z", "statements": list(statements), **more})


def statement(**more: Any) -> dict[str, Any]:
    told = {
        "vulnerability": {"name": GHSA},
        "products": [{"@id": "pkg:npm/minimist"}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_present",
    }
    return {key: value for key, value in {**told, **more}.items() if value is not None}


@pytest.mark.parametrize(
    ("purl", "wanted"),
    [
        ("pkg:npm/minimist@1.2.5", Package("npm", "minimist", "1.2.5")),
        ("pkg:npm/%40scope/name@1.0.0?x=y#z", Package("npm", "@scope/name", "1.0.0")),
        ("pkg:npm/@scope/name", Package("npm", "", "scope/name")),
        ("pkg:generic/shop", Package("generic", "shop")),
        ("pkg:npm", None),
        ("https://example.org/minimist", None),
    ],
)
def test_package_urls(purl: str, wanted: Package | None) -> None:
    found = package(purl)
    assert found == wanted if wanted is None or wanted.name else found is None or found.name != "@scope/name"


@pytest.mark.parametrize(
    ("identity", "wanted"),
    [
        (f"{GHSA}:minimist:<1.2.6", (GHSA, "minimist", "<1.2.6")),
        (f"{GHSA}:@scope/name:>=1.0.0 <2.0.0", (GHSA, "@scope/name", ">=1.0.0 <2.0.0")),
        ("via minimist:mkdirp:<=0.5.1", None),
        ("no-console:src/a.ts", None),
        ("", None),
    ],
)
def test_the_parts_of_a_fingerprint(identity: str, wanted: tuple[str, str, str] | None) -> None:
    found = advisory(Finding("vulnerabilities", identity, "medium", ""))
    assert (None if found is None else (found.name, found.package, found.affected)) == wanted
    assert advisory(Finding("lint", identity, "medium", "")) is None


@pytest.mark.parametrize(
    ("more", "speaks"),
    [
        ({}, True),
        ({"vulnerability": {"name": "CVE-2021-44906", "aliases": [GHSA.lower()]}}, True),
        ({"vulnerability": {"name": "x", "@id": f"https://github.com/advisories/{GHSA}"}}, True),
        ({"vulnerability": GHSA}, True),
        ({"vulnerability": {"name": "GHSA-xvch-5gv4-0000"}}, False),
        ({"products": [{"@id": "pkg:npm/other"}]}, False),
        ({"products": None}, False),
        ({"products": [{"identifiers": {"purl": "pkg:npm/minimist@1.2.5"}}]}, True),
        ({"products": [{"@id": "pkg:npm/minimist@1.2.6"}]}, False),
        ({"products": [{"@id": "pkg:npm/minimist@what"}]}, False),
        ({"products": ["pkg:npm/minimist"]}, True),
        ({"products": [{"@id": "pkg:generic/shop@1"}]}, True),
        ({"products": [{"@id": "pkg:generic/shop", "subcomponents": [{"@id": "pkg:npm/minimist"}]}]}, True),
        ({"products": [{"@id": "pkg:generic/shop", "subcomponents": [{"@id": "pkg:npm/other"}]}]}, False),
        ({"products": [{"@id": "pkg:generic/another"}]}, False),
    ],
)
def test_what_a_statement_speaks_of(more: dict[str, Any], speaks: bool) -> None:
    (told,) = read(document(statement(**more)))
    assert speaks_of(told, FOUND, ("shop",)) is speaks


def test_why_it_does_no_harm() -> None:
    justified, explained, noted = read(
        document(
            statement(),
            statement(justification=None, impact_statement="never\n  called"),
            statement(status_notes="see 7", vulnerability={"name": GHSA, "@id": "https://example.org/7"}),
        )
    )
    assert (justified.justification, justified.reason) == ("vulnerable_code_not_present", "vulnerable code not present")
    assert (explained.justification, explained.reason) == ("impact_statement", "never called")
    assert (noted.reason, noted.link) == ("see 7", "https://example.org/7")


def test_every_mistake_at_once() -> None:
    with pytest.raises(InputError) as caught:
        read(
            document(
                statement(status="fine"), 7, statement(justification=None), statement(vulnerability={}), statement()
            )
        )
    assert [one.message.split()[1] for one in caught.value.diagnostics] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("{", "vex-syntax"),
        ("[]", "not-openvex"),
        ('{"statements": []}', "not-openvex"),
        (json.dumps({"@context": "https://openvex.dev/ns", "statements": []}), "vex-empty"),
        (document(statement(justification="because")), "vex-statement"),
    ],
)
def test_what_is_no_openvex(text: str, slug: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert caught.value.diagnostics[0].slug == slug
