"""`gonogo explain`: how a gate is read, or what an observation or a kind is."""

from __future__ import annotations

from pathlib import Path

import click

from gonogo.checklist import ClauseReading, Loaded
from gonogo.checklist.fields import DEFAULT_KIND
from gonogo.checklist.near import why_a_question
from gonogo.cli import reference
from gonogo.cli.place import Place, here, write
from gonogo.cli.plan import shown
from gonogo.errors import GonogoError, InputError, nearest
from gonogo.model.checklist import Criterion, Gate
from gonogo.model.plan import Node
from gonogo.plugins import Family, Kind, Registry
from gonogo.telling.words import safe


@click.command("explain")
@click.argument("what", required=False, default="", metavar="[GATE|OBSERVATION|KIND]")
@click.option("--checklist", "path", type=click.Path(path_type=Path), metavar="FILE", help="Where gates are looked up.")
@click.option("--kinds", is_flag=True, help="List every kind there is.")
def command(what: str, path: Path | None, kinds: bool) -> int:
    """Say how a gate of the checklist is read, clause by clause, or what an observation or a kind is."""
    place = here(repository=False)
    if kinds:
        write(_kinds(place.registry))
    elif not what:
        raise click.UsageError("name a gate, an observation or a kind, or say --kinds")
    else:
        write(_explained(place, what, path))
    return 0


def _explained(place: Place, what: str, path: Path | None) -> str:
    """The first that fits: a gate, an observation, a group of observations, a kind."""
    loaded, problem = _checklist(place, path)
    gates = [gate.id for gate in loaded.checklist.gates] if loaded else []
    if loaded is not None and what in gates:
        node = place.plan(loaded.checklist, {}).node(what)
        return gate_text(node, loaded.readings.get(what, ()), place.registry)
    known = known_text(place.registry, what)
    if known:
        return known
    if problem is not None and path is not None:
        raise problem
    near = nearest(what, [*gates, *place.registry.observation_types, *_names(place.registry)])
    raise InputError.of(
        "unknown-name",
        f"no gate, observation or kind is called `{what}`",
        help=f"did you mean `{near}`?" if near else "run `gonogo explain --kinds`, or `gonogo plan` to see the gates",
    )


def _checklist(place: Place, path: Path | None) -> tuple[Loaded | None, GonogoError | None]:
    """The checklist, or why there is none: observations and kinds are explained without one too."""
    try:
        return place.load(path), None
    except GonogoError as error:
        return None, error


def known_text(registry: Registry, what: str) -> str:
    """What the registry knows under a name; empty where it knows nothing."""
    types = registry.observation_types
    if what in types:
        return reference.observation_text(registry, types[what])
    pages = []
    if what in registry.families:
        pages.append(reference.family_page(registry.families[what]))
    if what in registry.targets:
        pages.append(reference.target_page(registry.targets[what]))
    if what in registry.notices:
        pages.append(reference.notice_page(registry.notices[what]))
    if what in registry.probes:
        pages.append(reference.probe_page(registry.probes[what]))
    if what in registry.tools:
        pages.append(reference.tool_page(registry.tools[what]))
    if what in registry.parsers:
        pages.append(reference.parser_page(registry.parsers[what]))
    group = [types[name] for name in sorted(types) if name.startswith(f"{what}.")]
    if not pages and group:
        pages = [reference.observation_text(registry, observation) for observation in group]
    return "\n".join(pages)


def gate_text(node: Node, readings: tuple[ClauseReading, ...], registry: Registry) -> str:
    """A gate as gonogo reads it: each clause with its criteria or why it is a question, and each command."""
    gate = node.gate
    where = f"{gate.span.file}:{gate.span.line}" if gate.span else ""
    lines = [f"{safe(gate.title)}  ({gate.id}, phase {gate.phase}{', optional' if gate.optional else ''})"]
    lines += [f"  {safe(where)}"] if where else []
    lines += [f"  owner: {', '.join(safe(owner) for owner in gate.owners) or 'nobody is named'}"]
    lines += [f"  not applicable: {safe(node.not_applicable)}"] if node.not_applicable else []
    lines += [f"  left out: {safe(node.left_out)}"] if node.left_out else []
    for section in (_clauses(gate, readings, registry), _calls(node), _evidence(gate), _unread(gate)):
        lines += ["", *section] if section else []
    return "\n".join(lines) + "\n"


def _clauses(gate: Gate, readings: tuple[ClauseReading, ...], registry: Registry) -> list[str]:
    """Each clause with the criteria it became and the rule that did it, or why it is a question."""
    lines = [f"Pass: {safe(gate.passes)}"] if gate.passes else ["criteria"] if readings else []
    for reading in readings:
        known = {c.expression: c for c in gate.criteria}
        if reading.clause not in reading.criteria:
            lines.append(f'  "{safe(reading.clause)}"')
        for expression in reading.criteria:
            lead = "  " if reading.clause == expression else "    becomes  "
            lines.append(f"{lead}{safe(expression)}{_qualified(known.get(expression))}")
        if reading.rules and reading.source != "yaml":
            also = f", which adds a look of kind {', '.join(reading.brought)}" if reading.brought else ""
            lines.append(f"    by the rules of {', '.join(reading.rules)}{also}")
        if reading.question:
            why = why_a_question(reading.why, reading.clause, gate, registry)
            lines.append(f"    is a question for the owner: {safe(why)}")
    return lines


def _qualified(criterion: Criterion | None) -> str:
    if criterion is None:
        return ""
    on = f"  (on {', '.join(criterion.calls)})" if criterion.calls else ""
    return on + ("  (or each finding it counts is waived)" if criterion.documented else "")


def _calls(node: Node) -> list[str]:
    lines = ["commands"] if node.gate.calls else []
    for call in node.gate.calls:
        effect = node.effects.get(call.id, call.effect)
        lines.append(f"  {call.id}  {safe(shown(call))}")
        lines.append(f"     {call.kind}, {effect}; expected to yield {_listed(node.speaks.get(call.id, ()))}")
        if call.label and call.kind != DEFAULT_KIND and call.params.get("run"):
            lines.append(
                f"     run as written; its label `{safe(call.label)}` says that it is a call of kind {call.kind}"
            )
        lines += [f"     leads nowhere here: {safe(node.problems[call.id])}"] if call.id in node.problems else []
        lines += [f"     stays still: {safe(node.calls_left_out[call.id])}"] if call.id in node.calls_left_out else []
        lines += [f"     or, if a person selects it: {safe(shown(other))}" for other in call.alternatives]
    return lines


def _listed(names: tuple[str, ...]) -> str:
    """Observations by family, where a family has more than three: `tests.* (7)`."""
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(name.partition(".")[0], []).append(name)
    many = 3
    said = [
        f"{family}.* ({len(group)})" if len(group) > many else ", ".join(group) for family, group in families.items()
    ]
    return ", ".join(said) or "nothing that is known before it runs"


def _evidence(gate: Gate) -> list[str]:
    lines = ["evidence"] if gate.evidence else []
    for item in gate.evidence:
        how = f"`{item.path}`, written anew by this gate" if item.path else "gonogo's own capture serves it"
        also = ", or gonogo's own capture" if item.path and item.or_capture else ""
        lines.append(f"  {safe(item.text)}: {safe(how)}{also}")
    return lines


def _unread(gate: Gate) -> list[str]:
    return ["text that no rule understood", *(f"  {safe(text)}" for text in gate.unread)] if gate.unread else []


def _names(registry: Registry) -> list[str]:
    return [
        *registry.probes,
        *registry.tools,
        *registry.parsers,
        *registry.families,
        *registry.targets,
        *registry.notices,
    ]


def _kinds(registry: Registry) -> str:
    shelves: tuple[tuple[str, dict[str, Kind | Family]], ...] = (
        ("probes and actions", dict(registry.probes)),
        ("tools", dict(registry.tools)),
        ("parsers", dict(registry.parsers)),
        ("observations that tools share", dict(registry.families)),
        ("targets", dict(registry.targets)),
        ("notices", dict(registry.notices)),
        ("outputs", dict(registry.outputs)),
    )
    lines: list[str] = []
    for title, shelf in shelves:
        lines += [title]
        for name in sorted(shelf):
            first = (shelf[name].doc.strip().splitlines() or [""])[0]
            lines.append(f"  {name:<18}{first}")
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"
