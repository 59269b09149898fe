"""What holds for every probe and action, walked over the registry."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from gonogo import plugins
from gonogo.checklist.clauses import filled
from gonogo.criterion import compile as compile_criterion
from gonogo.evidence import reading
from gonogo.model.capture import Capture
from gonogo.model.checklist import Call
from gonogo.model.codec import canonical, load
from gonogo.model.observation import Reading
from gonogo.model.outcome import Outcome
from gonogo.plan.commands import look
from gonogo.plugins import Clause, Phrase, Probe
from tests.probes.conftest import MemoryContext

REGISTRY = plugins.builtin()
PROBES = sorted(REGISTRY.probes.values(), key=lambda probe: probe.name)
EXAMPLES: dict[str, dict[str, Any]] = {
    "command": {"run": "true"},
    "image_build": {"run": "docker build -t gonogo-never/built:1 not-there"},
    "image_pull": {"run": "docker compose pull"},
    "image_push": {"run": "docker push 127.0.0.1:1/gonogo-never:1"},
    "dotenv": {"template": ".env.example", "file": ".env.staging"},
    "file": {"path": "README.md"},
    "migrate": {"run": "true"},
    "http": {"url": "http://127.0.0.1:1/health"},
    "person": {"question": "Is the site live?"},
}
"""Params for the kinds that cannot do without."""


def params_of(probe: Probe) -> Any:
    return load(probe.params, EXAMPLES.get(probe.name, {}))


def clauses() -> list[tuple[Probe, Clause]]:
    return [(probe, clause) for probe in PROBES for clause in probe.clauses]


def phrases() -> list[tuple[Probe, Phrase]]:
    return [(probe, phrase) for probe in PROBES for phrase in probe.phrases]


@pytest.mark.parametrize("probe", PROBES, ids=lambda p: p.name)
def test_a_kind_is_a_reference_page(probe: Probe) -> None:
    assert probe.doc.split("\n")[0].endswith((".", ":"))
    assert dataclasses.is_dataclass(probe.params)
    source = Path(REGISTRY.probes[probe.name].function.__code__.co_filename).read_text(encoding="utf-8")
    for field in dataclasses.fields(probe.params):
        assert re.search(rf'^    {field.name}: .*(?:\n(?!    \w).*)*\n    """', source, re.MULTILINE), field.name
    for observation in probe.yields:
        assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", observation.name)


@pytest.mark.parametrize("probe", PROBES, ids=lambda p: p.name)
def test_nothing_stored_reads_as_nothing_seen(probe: Probe) -> None:
    seen = probe.reader({}, params_of(probe)) if probe.reader else Reading()
    assert seen.observations == ()


@pytest.mark.parametrize("probe", [p for p in PROBES if p.name != "command"], ids=lambda p: p.name)
def test_an_empty_folder_is_never_green(probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    context = MemoryContext(tmp_path, timeout=20)
    params = params_of(probe)
    try:
        capture = probe.function(params, context)
    except plugins.OutOfReach:
        return  # no target is declared: the engine makes a trouble of that, UNKNOWN or ERROR
    facts = capture.blob("facts.json")
    seen = probe.reader(_json(context.blobs[facts.sha256]), params) if probe.reader and facts else Reading()
    types = REGISTRY.observation_types
    for clause in probe.clauses:
        match = re.fullmatch(clause.pattern, clause.example, re.IGNORECASE)
        for expression in _filled(clause, match):
            outcome = compile_criterion(expression, types, None).evaluate(seen).outcome
            assert outcome is not Outcome.PASS or capture.troubles or seen.troubles, (expression, seen)
    assert load(Capture, _json(canonical(capture))) == capture


def test_no_probe_claims_to_be_unbuilt() -> None:
    assert [probe.name for probe in PROBES if "not built in" in probe.doc] == []


@pytest.mark.parametrize(("probe", "clause"), clauses(), ids=lambda x: getattr(x, "example", getattr(x, "name", "")))
def test_a_clause_understands_its_example_and_compiles(probe: Probe, clause: Clause) -> None:
    match = re.fullmatch(clause.pattern, clause.example, re.IGNORECASE)
    assert match, clause.pattern
    for expression in _filled(clause, match):
        assert "{" not in expression
        compiled = compile_criterion(expression, REGISTRY.observation_types, None)
        assert compiled.names
    if clause.brings is not None:
        load(probe.params, filled(clause.brings, match))


@pytest.mark.parametrize(("probe", "phrase"), phrases(), ids=lambda x: getattr(x, "example", getattr(x, "name", "")))
def test_a_phrase_understands_its_example(probe: Probe, phrase: Phrase) -> None:
    match = re.fullmatch(phrase.pattern, phrase.example, re.IGNORECASE)
    assert match, phrase.pattern
    load(probe.params, dict(phrase.params(match)))


def test_a_reader_is_given_its_params_as_a_plan_keeps_them(tmp_path: Path) -> None:
    """Plans hold params as JSON; a re-judged bundle too."""
    (tmp_path / ".env.example").write_text("A=1\nB=1\n", encoding="utf-8")
    (tmp_path / ".env.staging").write_text("A=1\n", encoding="utf-8")
    params = {"template": ".env.example", "file": ".env.staging"}
    probe, context = REGISTRY.probe("dotenv"), MemoryContext(tmp_path)
    capture = probe.function(load(probe.params, params), context)
    seen, unexplained = reading.read(capture, params, context, REGISTRY)
    assert seen.value("parity.missing") == 1
    assert seen.troubles == ()
    assert unexplained == ""


@pytest.mark.parametrize("params", [{}, {"query": "up"}, {"minutes": 15}])
def test_what_a_call_cannot_bring_is_among_what_its_kind_yields(params: dict[str, Any], tmp_path: Path) -> None:
    for probe in PROBES:
        silent = probe.without(params) if probe.without is not None else ()
        yielded = {t.name for t in probe.yields}
        assert set(silent) <= yielded
        call = Call("1", probe.name, {**EXAMPLES.get(probe.name, {}), **params})
        if probe.without is not None:
            assert set(look(call, "6", tmp_path, REGISTRY).speaks) == yielded - set(silent)


def test_examples_match_no_phrase_of_another_kind() -> None:
    for probe, phrase in phrases():
        others = {
            other.name for other, pattern in phrases() if re.fullmatch(pattern.pattern, phrase.example, re.IGNORECASE)
        }
        assert others == {probe.name}


def _filled(clause: Clause, match: re.Match[str] | None) -> list[str]:
    assert match is not None
    filled = list(clause.criteria)
    for name, value in match.groupdict().items():
        filled = [expression.replace(f"{{{name}}}", value or "") for expression in filled]
    return filled


def _json(data: bytes) -> Any:
    import json

    return json.loads(data)
