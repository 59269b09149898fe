"""Who did what to the tree: tracked files changed, and entries removed that others need."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path

from gonogo.engine.aside import overlap
from gonogo.engine.order import Order
from gonogo.engine.tree import Tree, matches
from gonogo.frozen import dataclass
from gonogo.model.observation import Trouble
from gonogo.model.outcome import Outcome

_MOST_NAMED = 10
CHANGED = "changed-tracked-files"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the tree after an attempt found."""

    troubles: tuple[Trouble, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Guard:
    """Watches one working tree. Each look closes a window: whoever ran in it may have done what is found."""

    tree: Tree
    copies: Path
    """Directory for copies of files that a gate declares to change."""
    _entries: frozenset[str] = frozenset()
    _evidence: dict[str, str] = field(default_factory=dict)
    """Evidence path -> the gate that wrote it and has ended."""
    _removed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Entry -> gates that ran when it went away."""
    _tainted: dict[str, list[Trouble]] = field(default_factory=dict)
    _kept: dict[str, tuple[dict[str, str], dict[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._entries = self.tree.entries()

    def before(self, order: Order) -> None:
        """Prepare to undo what the gate declares to change."""
        changes = order.node.gate.changes
        if changes:
            copies = self.tree.keep_copies(changes, self.copies / f"{order.gate}-{order.attempt}")
            self._kept[order.gate] = (copies, self.tree.contents(changes))

    def after(self, order: Order, active: Mapping[str, Order]) -> Seen:
        """Look at the tree when an attempt has ended.

        Args:
            order: The attempt that ended.
            active: Every attempt that works in this tree, the ended one included.
        """
        notes: list[str] = []
        changed = self.tree.changed()
        if changed and order.node.gate.changes:
            changed = self._undo(order, changed, notes)
        if changed:
            trouble = _trouble(changed, sorted(active))
            for gate in active:
                self._tainted.setdefault(gate, []).append(trouble)
        self._kept.pop(order.gate, None)
        self._look_for_removed(active)
        return Seen(tuple(self._tainted.pop(order.gate, ())), tuple(notes))

    def _undo(self, order: Order, changed: tuple[str, ...], notes: list[str]) -> tuple[str, ...]:
        """Give declared changes back; returns what was not declared, or could not be given back."""
        declared = [path for path in changed if matches(path, order.node.gate.changes)]
        copies, before = self._kept.get(order.gate, ({}, {}))
        failed = self.tree.undo(declared, copies, before)
        if declared:
            notes.append(f"changed as declared, and undone: {_named(declared)}")
        return tuple(path for path in changed if path not in declared or path in failed)

    def _look_for_removed(self, active: Mapping[str, Order]) -> None:
        """Entries that went away while these ran; what is moved aside for an attempt has not gone."""
        now = self.tree.entries()
        away = [item.path for order in active.values() for item in order.aside]
        gone = [entry for entry in self._entries - now if not any(overlap(entry, path) for path in away)]
        gone += [
            path
            for path in self._evidence
            if not os.path.lexists(self.tree.root / path) and not any(overlap(path, other) for other in away)
        ]
        for entry in gone:
            self._evidence.pop(entry, None)
            self._removed[entry] = tuple(sorted(active))
        for entry in [entry for entry in self._removed if os.path.lexists(self.tree.root / entry)]:
            del self._removed[entry]
        self._entries = now

    def wrote(self, gate: str, paths: Iterable[str]) -> None:
        """Remember evidence that a gate wrote, so that its loss is noticed."""
        self._evidence.update(dict.fromkeys(paths, gate))

    def missing_for(self, gate: str) -> tuple[str, ...]:
        """What others removed before or while this gate ran, as sentences: a red gate may be red because of it."""
        return tuple(
            f"`{entry}` is not there any more: it went away while {_named(by)} ran"
            for entry, by in sorted(self._removed.items())
            if set(by) != {gate}
        )


def in_worktree(tree: Tree, order: Order) -> Seen:
    """What a gate changed in a checkout of its own, which is thrown away: nothing needs to be undone there."""
    changed = tree.changed()
    declared = [path for path in changed if matches(path, order.node.gate.changes)]
    rest = tuple(path for path in changed if path not in declared)
    notes = (f"changed as declared: {_named(declared)}",) if declared else ()
    return Seen((_trouble(rest, [order.gate]),) if rest else (), notes)


def _edited(changed: tuple[str, ...]) -> str:
    """Who else it may have been: the tree does not tell who wrote into it."""
    return f"or somebody edited {'it' if len(changed) == 1 else 'them'} while the gate ran"


def _trouble(changed: tuple[str, ...], active: list[str]) -> Trouble:
    if len(active) == 1:
        message = f"a check must not change what it checks: it changed {_named(changed)}, {_edited(changed)}"
        return Trouble(Outcome.FAIL, CHANGED, message, "make it check only, or declare the paths under `changes:`")
    return Trouble(
        Outcome.FAIL,
        CHANGED,
        f"a check must not change what it checks: one of these changed {_named(changed)}: {_named(active)}, "
        f"{_edited(changed)}",
        f"run each alone to see which: `gonogo run --gate {active[0]}`",
    )


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
    return ", ".join(f"`{name}`" for name in listed[:_MOST_NAMED]) + more
