"""A look at a target outside of any run: nothing is kept, and nothing may be changed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gonogo.engine import orders
from gonogo.engine.context import CallContext, Workshop
from gonogo.engine.order import Order
from gonogo.engine.recover import SCRATCH_PREFIX
from gonogo.engine.run import environ
from gonogo.engine.tree import Tree
from gonogo.evidence import secrets
from gonogo.evidence.redact import Redactor
from gonogo.evidence.store import Store
from gonogo.model.checklist import Call, Gate
from gonogo.model.plan import Node, Plan
from gonogo.plugins import Registry, Target

_PATIENCE = 120.0
"""Seconds for each process of a look."""


@contextmanager
def visit(plan: Plan, *, root: Path, registry: Registry) -> Iterator[Target]:
    """The plan's target, to look at.

    Raises:
        OutOfReach: Nobody says what the target is, or it cannot be reached.
    """
    scratch = Path(tempfile.mkdtemp(prefix=f"{SCRATCH_PREFIX}visit-"))
    redactor = Redactor(secrets.harvest([root / path for path in plan.secret_files]), common=[root.name])
    workshop = Workshop(
        store=Store(scratch / "evidence", redactor),
        redactor=redactor,
        registry=registry,
        scratch=scratch,
        tracked=Tree(root).tracked,
        environ=environ("visit"),
        progress=scratch / "progress",
    )
    order = Order(
        run="visit",
        node=Node(Gate("visit", "A visit", "")),
        attempt=1,
        calls=(),
        root=str(root),
        worktree=False,
        subject=plan.subject,
        target=plan.target,
        inputs=dict(plan.inputs),
        input_files=tuple(plan.input_files),
        reports=(),
        evidence=(),
        aside=(),
        spec=orders.filled(plan, plan.inputs),
    )
    try:
        yield CallContext(order, Call("visit", "visit"), None, workshop, timeout=_PATIENCE, on_line=None).reach()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
