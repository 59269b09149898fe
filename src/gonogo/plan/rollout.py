"""The shape of a rollout in a plan: which target it goes to, and what tells that a release answers there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from gonogo.model.checklist import Call, Criterion, Gate
from gonogo.model.codec import digest
from gonogo.model.observation import Type
from gonogo.model.plan import Node, PhaseTitle, Plan
from gonogo.model.release import TargetSpec
from gonogo.plugins import Registry


def described(name: str, nodes: Iterable[Node], registry: Registry) -> TargetSpec | None:
    """The target that a command of the plan describes (`docker compose -f … up -d`); None: none does."""
    for node in nodes:
        for call in node.gate.calls:
            describes = registry.probe(call.kind).describes
            told = describes(call.params) if describes is not None else None
            if told is not None:
                params = {key: value for key, value in told.items() if key != "kind"}
                return TargetSpec(name, str(told["kind"]), params)
    return None


def smoke(nodes: Iterable[Node], registry: Registry) -> tuple[Node, ...]:
    """The gates of the rollout's phase that tell whether a release answers; empty where nothing is put anywhere."""
    nodes = tuple(nodes)
    phase = next((node.gate.phase for node in nodes if node.runs and puts_a_release(node, registry)), None)
    return tuple(node for node in nodes if node.gate.phase == phase and node.runs and smoke_calls(node, registry))


def smoke_calls(node: Node, registry: Registry) -> tuple[Call, ...]:
    """The calls of a node that are smoke checks, and run."""
    return tuple(
        call for call in node.gate.calls if registry.probe(call.kind).smokes and call.id not in node.calls_left_out
    )


def puts_a_release(node: Node, registry: Registry) -> bool:
    """Whether a call of the node that runs puts a release on the target."""
    return any(registry.probe(call.kind).releases for call in node.gate.calls if call.id not in node.calls_left_out)


def rehearses(node: Node, registry: Registry) -> bool:
    """Whether a call of the node that runs goes back and comes forward again."""
    return any(registry.probe(call.kind).rehearses for call in node.gate.calls if call.id not in node.calls_left_out)


def closing(nodes: tuple[Node, ...], registry: Registry) -> tuple[Node, ...]:
    """What ends a plan that puts a release on its target: one node for each kind that closes a rollout."""
    putting = [node for node in nodes if node.runs and puts_a_release(node, registry)]
    if not putting:
        return ()
    said = next(call.params for call in putting[0].gate.calls if registry.probe(call.kind).releases)
    return tuple(
        Node(
            gate=Gate(
                id=probe.name,
                title=probe.doc.split(".", 1)[0],
                phase=nodes[-1].gate.phase,
                owners=putting[0].gate.owners,
                calls=(Call("1", probe.name, _shared(said, probe.params), text=probe.name, effect=probe.effect),),
                criteria=tuple(Criterion(one.name) for one in probe.yields if one.type is Type.BOOL),
                timeout=putting[0].gate.timeout,
            ),
            speaks={"1": tuple(one.name for one in probe.yields)},
            effects={"1": probe.effect},
            exclusive=True,
        )
        for probe in sorted(registry.probes.values(), key=lambda probe: probe.name)
        if probe.closes
    )


def _shared(said: Mapping[str, Any], params: type) -> dict[str, Any]:
    """The params of the rollout that what closes it takes too: how long to look."""
    taken = {field.name for field in dataclasses.fields(params)}
    return {name: value for name, value in said.items() if name in taken}


def only(plan: Plan, kind: str, params: Mapping[str, Any], registry: Registry) -> Plan:
    """A plan that does one act on the same target and nothing else, with the smoke checks of the plan it comes from."""
    probe = registry.probe(kind)
    node = Node(
        gate=Gate(
            id=kind,
            title=kind.replace("_", " ").capitalize(),
            phase=kind,
            calls=(Call("1", kind, dict(params), text=kind, effect=probe.effect),),
            criteria=tuple(Criterion(one.name) for one in probe.yields if one.name in DEMANDED),
        ),
        speaks={"1": tuple(one.name for one in probe.yields)},
        effects={"1": probe.effect},
        exclusive=True,
    )
    asked = dataclasses.replace(
        plan, digest="", source="", phases=(PhaseTitle(kind, node.gate.title),), nodes=(node,), closing=(),
        allow_dirty=True, sign_offs=(), evidence_bundle=(),
    )  # fmt: skip
    return dataclasses.replace(asked, digest=digest(asked), source=plan.source)


DEMANDED = ("rollback.healthy", "rollback.smoke_ok")
"""What a rollback that stays must show; it comes forward to nothing."""
