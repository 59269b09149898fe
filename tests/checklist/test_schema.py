"""The published schema, the reference page, and what kinds declare for prose."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gonogo.checklist import Loaded, load
from gonogo.checklist.clauses import ClauseReader, GateCalls, evidence_rules
from gonogo.checklist.entries import phrase_of
from gonogo.checklist.export import to_yaml
from gonogo.checklist.fields import CALL, FORMS
from gonogo.checklist.reference import rewritten
from gonogo.checklist.schema import schema
from gonogo.checklist.source import Written
from gonogo.plugins import Clause, Registry
from gonogo.text.source import Problems, Source
from gonogo.text.yaml import parse
from tests.checklist.conftest import ROOT, SHARED

GOOD: dict[str, Any] = {
    "title": "T",
    "phases": [{"id": 1, "gates": [{"title": "A", "owners": ["X"], "commands": ["ls"], "criteria": ["exit == 0"]}]}],
}


@pytest.fixture(scope="module")
def validator(registry: Registry) -> Draft202012Validator:
    published = schema(registry)
    Draft202012Validator.check_schema(published)
    return Draft202012Validator(published)


def test_it_is_2020_12_and_describes_every_field(registry: Registry) -> None:
    published = schema(registry)
    assert published["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for one in FORMS:
        for field in one.fields:
            assert field.doc.endswith("."), (one.name, field.name)
    described = published["$defs"]["gate"]["properties"]
    assert described["timeout"]["description"] == "For each call. 900 unless given."


def test_it_accepts_what_loads(validator: Draft202012Validator) -> None:
    assert list(validator.iter_errors(GOOD)) == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared document is not beside this checkout")
def test_it_accepts_the_real_document_exported(validator: Draft202012Validator, registry: Registry) -> None:
    exported = to_yaml(load(SHARED / "medianest-staging.md", registry).checklist, registry)
    raw = parse(Source.of("gonogo.yaml", exported), Problems())
    assert raw is not None
    assert [e.message for e in validator.iter_errors(raw.data())] == []


@pytest.mark.parametrize(
    "change",
    [
        {"titel": "x"},
        {"phases": "x"},
        {"inputs": ["x"]},
        {"phases": [{"id": "1", "gates": [{"title": "A", "criteria": ["exit == 0"]}]}]},
        {"phases": [{"id": "1", "gates": [{"title": "A", "owners": []}]}]},
        {"phases": [{"id": "1", "gates": [{"title": "A", "owners": [], "criteria": [], "timout": 1}]}]},
        {"phases": [{"id": "1", "gates": [{"title": "A", "owners": [], "criteria": [], "timeout": 0}]}]},
        {"phases": [{"id": "1", "gates": [{"title": "A", "owners": [], "criteria": [], "commands": [{"kind": "x"}]}]}]},
        {"phases": [{"id": "1", "gates": [{"title": "A", "owners": [], "criteria": [], "commands": [{"cwd": "x"}]}]}]},
    ],
)
def test_it_refuses_what_does_not_load(
    validator: Draft202012Validator, change: dict[str, Any], loads: Callable[[str, str], Loaded]
) -> None:
    import json

    from gonogo.errors import InputError

    bad = {**GOOD, **change}
    assert list(validator.iter_errors(bad))
    with pytest.raises(InputError):
        loads("a.json", json.dumps(bad))


def test_the_reference_page_is_what_the_schema_says() -> None:
    page = (ROOT / "docs" / "reference" / "checklist.md").read_text(encoding="utf-8")
    assert rewritten(page) == page, "run python -m gonogo.checklist.reference docs/reference/checklist.md"


def test_the_examples_of_the_page_load(loads: Callable[[str, str], Loaded]) -> None:
    page = (ROOT / "docs" / "reference" / "checklist.md").read_text(encoding="utf-8")
    markdown = re.search(r"^````markdown\n(.*?)^````$", page, re.DOTALL | re.MULTILINE)
    yaml = re.search(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert markdown is not None
    assert yaml is not None
    assert loads("a.md", markdown[1]).checklist.gates[0].timeout == 300
    assert [w.slug for w in loads("a.yaml", yaml[1]).warnings] == []


def test_no_param_hides_behind_a_field_of_the_call(registry: Registry) -> None:
    for probe in registry.probes.values():
        clash = {f.name for f in dataclasses.fields(probe.params)} & set(CALL.names)
        assert not clash, f"{probe.name}: {clash}"


def written(text: str) -> Written:
    return Written(text, Source.of("", text), ((0, 0, 0),))


def test_every_declared_clause_is_understood_in_a_gate(registry: Registry) -> None:
    """The example of each clause, read in a gate of its own family or kind, becomes the criteria it declares."""
    owners: list[tuple[str, tuple[Clause, ...], list[str]]] = [
        *((f.name, f.clauses, []) for f in registry.families.values()),
        *((p.name, p.clauses, [p.name]) for p in registry.probes.values()),
    ]
    everything = " ".join(f.name for f in registry.families.values()) + " typecheck security k6 lint format"
    for name, clauses, kinds in owners:
        for clause in clauses:
            from gonogo.text.raw import record

            calls = GateCalls([record(None, kind=kind) for kind in kinds])
            reader = ClauseReader(registry, everything, calls)
            if not clause.criteria:
                reader.read_evidence(written(clause.example))
                assert name in [rule.name for rule in evidence_rules(registry)]
            else:
                reader.read(written(clause.example), "pass")
            assert name in {rule for reading in reader.readings for rule in reading.rules}, (name, clause.example)


def test_every_declared_phrase_is_understood(registry: Registry) -> None:
    for probe in registry.probes.values():
        for phrase in probe.phrases:
            found = phrase_of(phrase.example, registry)
            assert found is not None
            assert found[0].name == probe.name, phrase.example


def test_the_examples_two_forms_are_the_same(registry: Registry) -> None:
    example = ROOT / "examples" / "medianest"
    if not (example / "gonogo.yaml").exists():
        pytest.skip("the example has no checklists yet")
    prose, yaml = (load(Path(example / name), registry) for name in ("READINESS.md", "gonogo.yaml"))
    assert prose.checklist == yaml.checklist
