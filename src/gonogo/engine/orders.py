"""From a node of the plan to the order of one attempt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from gonogo.engine import aside
from gonogo.engine.order import Order
from gonogo.engine.tree import Tree, matches
from gonogo.frozen import dataclass
from gonogo.ledger.view import Acted
from gonogo.model.checklist import Call
from gonogo.model.plan import Node, Plan
from gonogo.model.release import TargetSpec
from gonogo.model.verdict import Verdict
from gonogo.plan.inputs import fill, fill_all, substitute
from gonogo.plan.rollout import smoke_calls
from gonogo.plugins import Registry


@dataclass(frozen=True, slots=True)
class Recipe:
    """What every attempt at one gate has in common."""

    node: Node
    calls: tuple[Call, ...]
    reports: tuple[tuple[str, str, str], ...]
    evidence: tuple[tuple[str, bool], ...]
    spec: TargetSpec | None = None
    smoke: tuple[tuple[Node, tuple[Call, ...]], ...] = ()

    @property
    def claims(self) -> tuple[str, ...]:
        """Paths that it moves aside and writes."""
        if not self.calls or self.node.gate.isolation:
            return ()
        return (*(path for _, path, _ in self.reports), *(path for path, _ in self.evidence))


def recipes(plan: Plan, values: Mapping[str, str], registry: Registry) -> dict[str, Recipe]:
    """The recipe of each gate that runs, inputs filled in; raises `InputError` where a value cannot be put in."""
    spec = filled(plan, values)
    smoke = tuple(
        (node, tuple(substitute(call, values, registry) for call in smoke_calls(node, registry))) for node in plan.smoke
    )
    made = (_recipe(node, values, registry, spec, smoke) for node in (*plan.nodes, *plan.closing) if node.runs)
    return {recipe.node.id: recipe for recipe in made}


def filled(plan: Plan, values: Mapping[str, str]) -> TargetSpec | None:
    """The plan's target with the values of the inputs in it."""
    spec = plan.spec
    if spec is None:
        return None
    return replace(spec, params=fill_all(spec.params, values), urls=fill_all(spec.urls, values))


def _recipe(
    node: Node,
    values: Mapping[str, str],
    registry: Registry,
    spec: TargetSpec | None,
    smoke: tuple[tuple[Node, tuple[Call, ...]], ...],
) -> Recipe:
    calls = tuple(substitute(call, values, registry) for call in node.gate.calls if call.id not in node.calls_left_out)
    reports = tuple(
        (call.id, str(report["path"]), str(report.get("parser", "") or ""))
        for call in calls
        for report in call.params.get("reports", ())
    )
    evidence = tuple((fill(item.path, values), item.or_capture) for item in node.gate.evidence if item.path)
    return Recipe(node, calls, reports, evidence, spec, smoke)


def order(
    recipe: Recipe,
    plan: Plan,
    *,
    run: str,
    attempt: int,
    root: Path,
    worktree: bool,
    tree: Tree,
    aside_directory: str,
    values: Mapping[str, str],
    budget: float | None,
    before: Mapping[str, Acted] | None = None,
    verdicts: Mapping[str, Verdict] | None = None,
) -> Order:
    """The order of attempt number `attempt`; looks at what lies at the declared paths now, and moves nothing.

    The images that gates of earlier phases made, as their `verdicts` say, belong to its subject.
    """
    node = recipe.node
    stays, moves = _what_lies_there(recipe, root, tree, aside_directory)
    images = _images(plan, node, verdicts or {})
    return Order(
        run=run,
        node=node,
        attempt=attempt,
        calls=recipe.calls,
        root=str(root),
        worktree=worktree,
        subject=replace(plan.subject, images=images) if images else plan.subject,
        target=plan.target,
        inputs=dict(values),
        input_files=tuple(plan.input_files),
        reports=recipe.reports,
        evidence=recipe.evidence,
        aside=moves,
        tracked=stays,
        directory=plan.directory,
        timeout=node.gate.timeout,
        budget=budget,
        spec=recipe.spec,
        smoke=recipe.smoke,
        before=dict(before or {}),
    )


def _what_lies_there(
    recipe: Recipe, root: Path, tree: Tree, directory: str
) -> tuple[tuple[str, ...], tuple[aside.Moved, ...]]:
    """Of what is at the declared paths now: what git tracks, which stays, and what is moved aside, and where to."""
    if not recipe.calls:
        return (), ()
    paths = [*(path for _, path, _ in recipe.reports), *(path for path, _ in recipe.evidence)]
    if not paths:
        return (), ()
    declared = recipe.node.gate.changes
    stays = tuple(path for path in sorted(set(_committed(paths, root, tree))) if not matches(path, declared))
    return stays, tuple(item for item in aside.choose(paths, root, Path(directory)) if item.path not in stays)


def _images(plan: Plan, node: Node, verdicts: Mapping[str, Verdict]) -> dict[str, str]:
    images = dict(plan.subject.images)
    for earlier in plan.nodes:
        if earlier.gate.phase == node.gate.phase:
            break
        verdict = verdicts.get(earlier.id)
        for capture in verdict.captures if verdict is not None else ():
            images |= capture.images
    return images


def _committed(paths: Iterable[str], root: Path, tree: Tree) -> Iterable[str]:
    """What lies at these paths and is tracked by git: it stays, and is no evidence."""
    for path in paths:
        for place in aside.matching(root, path):
            name = place.relative_to(root).as_posix()
            if tree.tracks(name):
                yield name
