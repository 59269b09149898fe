"""Either form, written and read again, is the same checklist."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Phase_
from hypothesis import strategies as st

from gonogo import plugins
from gonogo.checklist import Loaded, load
from gonogo.checklist.export import to_markdown, to_yaml
from gonogo.checklist.loading import load_markdown, load_yaml
from gonogo.checklist.params import schema_of
from gonogo.checklist.schema import KINDS
from gonogo.checklist.shape import _appearing
from gonogo.checklist.source import gate_slug
from gonogo.model.checklist import (
    Call,
    Checklist,
    CiJob,
    Criterion,
    Effect,
    Evidence,
    EvidenceItem,
    Gate,
    Input,
    Phase,
    Question,
    When,
)
from gonogo.model.notice import OCCASIONS, NoticeSpec
from gonogo.model.release import TargetSpec
from gonogo.model.roster import Roster, Seat
from gonogo.plugins import Registry
from gonogo.text.source import Source
from tests.checklist.conftest import SHARED

REGISTRY = plugins.builtin(KINDS)
AWKWARD = [
    "- x",
    "a: b",
    "# h",
    "`a` (or `b`)",
    "```",
    "````yaml gonogo",
    "yes",
    "null",
    "~",
    "1",
    "1.0",
    "0o7",
    "a; b",
    "<x>",
    "...",
    "---",
    "\t",
    " lead",
    "trail ",
    "Phase 2: x",
    "x\u2028y",
    "\x85",
    "\ufeff",
    "\x00",
    "\r\n",
    "a\n\nb",
    "a\nb",
    "(optional)",
    "G (if x)",
    "Pass: exit 0",
    "0 errors",
    "exit 0",
    "Owner: me",
    "'",
    '"',
    "\\",
    "${A}",
    "| b: c",
    "&a *b",
    "!!x",
    "{a: b}",
    "[a]",
    "%",
    "@",
    "a #b",
    "2026-01-01",
    "> q",
    "1. x",
    "<!-- x -->",
    "*a*",
    "**a**",
    "Conventional Commits",
    "Assumptions",
    "CI Job Map",
    "Diff `.env.a` vs `.env.b`",
    "when x",
    "a (from `b/`)",
    "`a/b`",
    "a.log",
    "x" * 300,
]
any_text = st.one_of(st.sampled_from(AWKWARD), st.text(st.characters(codec="utf-8"), min_size=1, max_size=12))
plain_text = st.from_regex(r"[A-Z][a-z]{2,8}( [a-z]{2,8}){0,2}", fullmatch=True)
text = st.one_of(plain_text, plain_text, any_text)
maybe = st.one_of(st.just(""), text)
texts = st.lists(text, max_size=3).map(tuple)
EXPRESSIONS = [
    "exit == 0",
    "lint.errors == 0",
    "coverage.lines.pct >= 65.5",
    'output.marked("A")',
    "http.status == 200",
]
PROSE = [
    "exit 0",
    "Exit 0; 0 errors",
    "All tests pass; happy",
    "Backend ✅, Frontend ✅",
    "Conventional Commits; hooks enabled.",
]


@st.composite
def calls(draw: st.DrawFn) -> tuple[Call, ...]:
    found: dict[str, Call] = {}
    for number in range(1, draw(st.integers(0, 3)) + 1):
        label = draw(st.sampled_from(["", "", "Backup", "verify"]))
        identity = draw(st.one_of(st.just(str(number)), st.just(label.lower() or str(number)), text))
        found[identity] = draw(call(identity, label, alternatives=True))
    return tuple(found.values())


@st.composite
def call(draw: st.DrawFn, identity: str, label: str, *, alternatives: bool = False) -> Call:
    kind = draw(st.sampled_from(["command", "command", "http", "dotenv"]))
    if kind == "command":
        run = draw(text)
        params: dict[str, object] = {"run": run}
        if draw(st.booleans()):
            params["cwd"] = draw(st.sampled_from(["backend", "a b", "x/y"]))
        if draw(st.booleans()):
            params["env"] = {draw(text): draw(maybe)}
        if draw(st.booleans()):
            params["reports"] = [{"path": draw(text)}]
        words = draw(st.one_of(st.just(run), text))
    elif kind == "http":
        params, words = {"url": draw(text)}, draw(maybe)
    else:
        params, words = {"template": draw(text), "file": draw(text)}, draw(maybe)
    others: tuple[Call, ...] = ()
    if alternatives and draw(st.booleans()):
        others = (draw(call(f"{identity}-or-1", "")),)
    return Call(
        identity, kind, params, words, label, draw(st.sampled_from(Effect)), others, draw(maybe), effect_said=True
    )


@st.composite
def gates(draw: st.DrawFn, identity: str, phase: str, earlier: tuple[str, ...]) -> Gate:
    made = draw(calls())
    ids = [one.id for one in made]
    criteria = tuple(
        Criterion(
            draw(st.sampled_from(EXPRESSIONS)), draw(maybe),
            draw(st.sets(st.sampled_from(ids)).map(tuple)) if ids else (), draw(st.booleans()),
        )
        for _ in range(draw(st.integers(0, 3)))
    )  # fmt: skip
    asked = draw(st.integers(0 if criteria else 1, 2))
    return Gate(
        id=identity,
        title=draw(text),
        phase=phase,
        owners=draw(texts),
        calls=made,
        criteria=criteria,
        questions=tuple(Question(f"{identity}.{n}", draw(text), draw(maybe)) for n in range(1, asked + 1)),
        evidence=tuple(draw(st.lists(evidence(), max_size=2))),
        action=draw(maybe),
        note=draw(maybe),
        passes=draw(st.one_of(maybe, st.sampled_from(PROSE))),
        ci_jobs=draw(texts),
        cache=draw(maybe),
        optional=draw(st.booleans()),
        condition=draw(maybe),
        when=draw(st.sampled_from([None, When("target == 'local'", "because: of"), When("subject.clean", "-")])),
        needs=draw(st.sets(st.sampled_from(earlier)).map(tuple)) if earlier else (),
        exclusive=draw(st.booleans()),
        isolation=draw(st.sampled_from(["", "worktree"])),
        timeout=draw(st.sampled_from([900.0, 1.0, 0.25, 86400.0])),
        retries=draw(st.integers(0, 3)),
        max_age=draw(st.sampled_from([None, 60.0, 1e9])),
        changes=draw(texts),
        proceed_on=draw(st.dictionaries(st.sampled_from(earlier), st.just(("FAIL", "STALE")))) if earlier else {},
        unread=draw(texts),
    )


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    path = draw(st.one_of(st.just(""), st.sampled_from(["a/b.json", "x.log", "site/"]), text))
    return Evidence(path if path and draw(st.booleans()) else draw(text), path, draw(st.booleans()))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    people = st.lists(text, min_size=1, max_size=3, unique=True).map(tuple)
    groups = draw(st.dictionaries(text, people, max_size=2))
    seats = []
    for owner in draw(st.lists(text, max_size=3, unique_by=str.casefold)):
        seat = Seat(
            owner, draw(people), tuple(draw(st.lists(st.sampled_from(sorted(groups)), max_size=2)) if groups else ())
        )
        seat = dataclasses.replace(seat, four_eyes=draw(st.booleans()))
        named = len({*seat.people, *(name for group in seat.groups for name in groups[group])})
        seats.append(dataclasses.replace(seat, quorum=draw(st.integers(1, named))))
    return Roster(
        seats=tuple(seats),
        groups=groups,
        four_eyes=draw(st.booleans()),
        source=draw(st.sampled_from(["", "CODEOWNERS"])),
    )


@st.composite
def checklists(draw: st.DrawFn) -> Checklist:
    phases: list[Phase] = []
    known: list[str] = []
    for phase_id in draw(st.lists(st.one_of(st.sampled_from("01234567"), text), min_size=1, max_size=2, unique=True)):
        made = []
        for _ in range(draw(st.integers(0 if known else 1, 2))):
            number = len(known)
            identity = draw(st.one_of(st.just(f"gate-{number}"), text.map(lambda t, n=number: f"{t}{n}")))  # type: ignore[misc]
            made.append(draw(gates(identity, phase_id, tuple(known))))
            known.append(identity)
        phases.append(Phase(phase_id, draw(maybe), tuple(made), draw(texts)))
    names = draw(st.lists(st.sampled_from(["A", "staging", "GIT_SHA"]), unique=True))
    roster = draw(rosters())
    owners = [seat.owner for seat in roster.seats]
    declared = [Input(name, draw(maybe), draw(st.none() | maybe), draw(st.booleans())) for name in names]
    return Checklist(
        title=draw(text),
        phases=tuple(phases),
        objective=draw(maybe),
        assumptions=draw(texts),
        evidence_bundle=tuple(draw(st.lists(st.builds(EvidenceItem, text, texts), max_size=2))),
        ci_jobs=tuple(draw(st.lists(st.builds(CiJob, text, maybe, texts, maybe, st.booleans()), max_size=2))),
        inputs=(*declared, *_appearing(tuple(phases), set(names)).values()),
        directory=draw(st.sampled_from(["", ".", "apps/portal"])),
        input_files=draw(texts),
        secret_files=draw(texts),
        other_sections=tuple(draw(st.lists(st.tuples(maybe, maybe), max_size=2))),
        roster=roster,
        sign_offs=tuple(draw(st.lists(st.sampled_from([*owners, "All"]), max_size=2))),
        targets=tuple(draw(targets())),
        notify=tuple(draw(st.lists(notices(), max_size=2))),
    )


def notices() -> st.SearchStrategy[NoticeSpec]:
    """Notices of every kind that comes with gonogo."""
    variable = st.sampled_from(["HOOK_URL", "_x", "A1"])
    address = st.sampled_from(["ada@example.org", "b+c@example.org"])
    params = {
        "webhook": st.fixed_dictionaries({"url_from": variable}, optional={"token_from": variable}),
        "slack": st.fixed_dictionaries({"url_from": variable}),
        "mail": st.fixed_dictionaries(
            {"to": st.lists(address, min_size=1, max_size=2), "sender": address, "server_from": variable}
        ),
    }
    assert set(params) == set(REGISTRY.notices)
    about = st.sampled_from([OCCASIONS, OCCASIONS[:1], OCCASIONS[1:]])
    return st.sampled_from(sorted(params)).flatmap(
        lambda kind: st.builds(NoticeSpec, st.just(kind), params[kind], about)
    )


def targets() -> st.SearchStrategy[list[TargetSpec]]:
    """Targets of the kinds that need no params."""
    kinds = [name for name, kind in REGISTRY.targets.items() if not schema_of(kind.params).get("required")]
    urls = st.dictionaries(st.sampled_from(["app", "prometheus"]), text, max_size=2)
    one = st.builds(TargetSpec, text, st.sampled_from(kinds or [""]), urls=urls)
    return st.lists(one, max_size=2 if kinds else 0, unique_by=lambda target: target.name)


WITHOUT_SHRINKING = (Phase_.explicit, Phase_.reuse, Phase_.generate)
"""A checklist takes some milliseconds to write and read; shrinking one takes minutes. Turn it on to look closer."""
SLOW = settings(
    max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), phases=WITHOUT_SHRINKING, derandomize=True
)


@SLOW
@given(checklists())
def test_yaml_keeps_every_field(checklist: Checklist) -> None:
    assert load_yaml(Source.of("", to_yaml(checklist, REGISTRY)), REGISTRY).checklist == checklist


@SLOW
@given(checklists())
def test_markdown_keeps_every_field(checklist: Checklist) -> None:
    assert load_markdown(Source.of("", to_markdown(checklist, REGISTRY)), REGISTRY).checklist == checklist


def test_every_field_of_the_model_is_generated() -> None:
    """A field added to the model without a place in the forms makes the property above say nothing about it."""
    import inspect

    here = inspect.getsource(inspect.getmodule(checklists))  # type: ignore[arg-type]
    for noun in (Checklist, Phase, Gate):
        for field in dataclasses.fields(noun):
            if field.name not in ("span", "source", "id", "title", "gates"):
                assert f"{field.name}=" in here or noun is Phase, f"{noun.__name__}.{field.name}"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared document is not beside this checkout")
def test_the_real_document_comes_back_as_prose(registry: Registry, tmp_path: Path) -> None:
    first = load(SHARED / "medianest-staging.md", registry).checklist
    (tmp_path / "a.yaml").write_text(to_yaml(first, registry), encoding="utf-8")
    second = load(tmp_path / "a.yaml", registry).checklist
    written = to_markdown(second, registry)
    (tmp_path / "a.md").write_text(written, encoding="utf-8")
    assert load(tmp_path / "a.md", registry).checklist == second == first
    assert "yaml gonogo" not in written


def test_what_prose_can_say_is_said_in_prose(loads: Callable[[str, str], Loaded], registry: Registry) -> None:
    yaml = (
        "title: T\nphases:\n  - id: '1'\n    title: One\n    gates:\n      - title: Lint\n        owners: [Me]\n"
        "        commands: [npm run lint, {run: npm run check, cwd: web}]\n        pass: 0 errors\n"
        "        criteria: [{expression: lint.errors == 0, clause: 0 errors}]\n        timeout: 1m\n"
    )
    assert to_markdown(loads("a.yaml", yaml).checklist, registry) == (
        "# T\n\n## Phase 1: One\n\n- Lint:\n  - Commands: `npm run lint`; `npm run check` (from `web/`)\n"
        "  - Pass: 0 errors\n  - Owner: Me\n\n  ```yaml gonogo\n  timeout: 60\n  ```\n"
    )


def test_a_plain_gate_is_plain_yaml(loads: Callable[[str, str], Loaded], registry: Registry) -> None:
    loaded = loads(
        "a.md", "# T\n\n## Phase 1: One\n\n- Lint:\n  - Command: `npm run lint`\n  - Pass: 0 errors\n  - Owner: Me\n"
    )
    assert to_yaml(loaded.checklist, registry) == (
        'gonogo: 1\ntitle: T\nphases:\n  - id: "1"\n    title: One\n    gates:\n      - title: Lint\n        owners:\n'
        "          - Me\n        commands:\n          - npm run lint\n        pass: 0 errors\n        criteria:\n"
        "          - expression: lint.errors == 0\n            clause: 0 errors\n"
    )


def test_slugs_drop_what_stands_in_parentheses() -> None:
    assert gate_slug("Security (deps + SAST hooks)") == "security"
    assert gate_slug("Image\u2011level rollback") == "image-level-rollback"
    assert gate_slug("(only this)") == "only-this"
    assert gate_slug("Über: 100 %") == "uber-100"
