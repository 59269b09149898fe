"""A `Checklist` -> text in either form, such that loading the text gives the same checklist again.

Markdown is written as prose first, read back, and compared. What prose did not say exactly moves into a
`yaml gonogo` block: first single fields, then a whole gate or phase, at last everything.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gonogo import plugins
from gonogo.checklist import plain
from gonogo.checklist.emit import emit
from gonogo.checklist.fields import DEFAULT_KIND
from gonogo.checklist.loading import read_back
from gonogo.checklist.schema import KINDS
from gonogo.checklist.source import gate_slug
from gonogo.model.checklist import Call, Checklist, CiJob, Evidence, EvidenceItem, Gate, Phase
from gonogo.plugins import Registry

_HEAD = ("title", "objective", "assumptions")
_TAIL = ("evidence_bundle", "ci_jobs", "other_sections")
_ONLY_YAML = ("directory", "inputs", "input_files", "secret_files", "targets", "roster", "sign_offs", "notify")
_MOST_ROUNDS = 5


def to_yaml(checklist: Checklist, registry: Registry | None = None) -> str:
    """The checklist in the YAML form. Without a registry: with the kinds that come with gonogo."""
    return emit(plain.checklist_data(checklist, registry or plugins.builtin(KINDS)))


def to_markdown(checklist: Checklist, registry: Registry | None = None) -> str:
    """The checklist in the document form. Without a registry: with the kinds that come with gonogo."""
    registry = registry or plugins.builtin(KINDS)
    told = _Blocks()
    for _ in range(_MOST_ROUNDS):
        text = _document(checklist, told, registry)
        if not told.widen(checklist, read_back(text, registry)):
            return text
    return f"# Checklist\n\n{_fence(plain.checklist_data(checklist, registry))}"


def _fence(data: dict[str, Any], indent: str = "") -> str:
    text = emit(data).rstrip("\n")
    ticks = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    lines = [f"{ticks}yaml gonogo", *text.split("\n"), ticks]
    return "\n".join(f"{indent}{line}" if line else line for line in lines) + "\n"


@dataclass(slots=True)
class _Blocks:
    """What is said in blocks, because prose does not say it exactly."""

    document: set[str] = field(default_factory=set)
    """Attributes of the checklist."""
    phases: set[int] = field(default_factory=set)
    gates: dict[tuple[int, int], set[str]] = field(default_factory=dict)
    """Phase and gate by number -> groups of `plain.GROUPS`."""

    def widen(self, wanted: Checklist, got: Checklist) -> bool:
        """Move into blocks what came back different; whether anything was. Nothing left to move: everything moves."""
        if [len(p.gates) for p in wanted.phases] != [len(p.gates) for p in got.phases]:
            self.document.add("phases")
            return True
        different = False
        for name in (*_HEAD, *_ONLY_YAML, *_TAIL):
            if getattr(wanted, name) != getattr(got, name):
                different = True
                self.document.add(name)
        for number, (phase, other) in enumerate(zip(wanted.phases, got.phases, strict=True)):
            if (phase.id, phase.title, phase.unread) != (other.id, other.title, other.unread):
                different = True
                self.phases.add(number)
            for index, (gate, back) in enumerate(zip(phase.gates, other.gates, strict=True)):
                different |= self.widen_gate((number, index), gate, back)
        return different

    def widen_gate(self, key: tuple[int, int], gate: Gate, back: Gate) -> bool:
        back = dataclasses.replace(back, phase=gate.phase)
        if gate == back:
            return False
        mine = self.gates.setdefault(key, set())
        new = {
            group
            for group, names in plain.GROUPS.items()
            if any(getattr(gate, name) != getattr(back, name) for name in names)
        }
        mine |= new if new - mine else set(plain.GROUPS)
        return True


def _document(checklist: Checklist, told: _Blocks, registry: Registry) -> str:
    parts = [f"# {checklist.title if 'title' not in told.document else 'Checklist'}"]
    if checklist.objective and "objective" not in told.document:
        parts.append(f"Objective: {checklist.objective}")
    if checklist.assumptions and "assumptions" not in told.document:
        parts.append("Assumptions\n\n" + "\n".join(f"- {text}" for text in checklist.assumptions))
    if "phases" not in told.document:
        parts += [_phase(phase, number, told, registry) for number, phase in enumerate(checklist.phases)]
    if checklist.evidence_bundle and "evidence_bundle" not in told.document:
        parts.append("## PR Evidence Bundle\n\n" + "\n".join(_bundle(item) for item in checklist.evidence_bundle))
    if checklist.ci_jobs and "ci_jobs" not in told.document:
        parts.append("## CI Job Map\n\n" + "\n".join(_ci_job(job) for job in checklist.ci_jobs))
    if "other_sections" not in told.document:
        parts += [f"## {heading}\n\n{text}".rstrip("\n") for heading, text in checklist.other_sections]
    if told.document:
        data = plain.checklist_data(checklist, registry)
        kept = {name: data.get(name, []) for name in told.document}
        parts.append(_fence({"gonogo": data["gonogo"], **kept}).rstrip("\n"))
    return "\n\n".join(parts) + "\n"


def _phase(phase: Phase, number: int, told: _Blocks, registry: Registry) -> str:
    in_block = number in told.phases
    parts = [f"## Phase {phase.id}: {phase.title}".rstrip() if not in_block else f"## Phase p{number}: phase"]
    if not in_block:
        parts += list(phase.unread)
    gates = [_gate(g, told.gates.get((number, i), set()), registry) for i, g in enumerate(phase.gates)]
    if gates:
        parts.append("\n\n".join(gates))
    if in_block:
        parts.append(_fence({"id": phase.id, "title": phase.title, "unread": list(phase.unread)}).rstrip("\n"))
    return "\n\n".join(parts)


def _gate(gate: Gate, groups: set[str], registry: Registry) -> str:
    title = gate.title if "title" not in groups else "Gate"
    inline = _one_line(gate, groups)
    lines = [f"- {title}: {inline}" if inline else f"- {title}:"]
    for group, line in _LINES.items():
        if group not in groups and not (inline and group == "pass"):
            lines += line(gate)
    data: dict[str, Any] = {}
    for group in plain.GROUPS:
        if group in groups:
            data.update(plain.group_data(gate, group, registry))
    data.update(plain.settings_data(gate))
    if gate.id != gate_slug(gate.title):
        data = {"id": gate.id, **data}
    text = "\n".join(lines)
    return f"{text}\n\n{_fence(data, '  ')}".rstrip("\n") if data else text


def _one_line(gate: Gate, groups: set[str]) -> str:
    """The pass text, where the gate says nothing else: it stands on the gate's own line."""
    said = (gate.owners, gate.evidence, gate.action, gate.note, gate.ci_jobs, gate.cache, gate.unread)
    entries = [entry for call in gate.calls for entry in _entry(call)]
    return gate.passes if not any(said) and not entries and not groups & {"pass", "commands"} else ""


# --- one field, as prose ----------------------------------------------------------------------------------------


def _commands(gate: Gate) -> list[str]:
    entries = [entry for call in gate.calls for entry in _entry(call)]
    if len(entries) <= 1:
        return [f"  - Command: {entry}" for entry in entries]
    line = "; ".join(entries)
    if len(line) < 120 and not any(call.label and call.label != "verify" for call in gate.calls):  # noqa: PLR2004 - our width
        return [f"  - Commands: {line}"]
    return ["  - Commands:", *(f"    - {entry}" for entry in entries)]


def _entry(call: Call) -> list[str]:
    """A call as an entry; nothing for one that a clause brings, or that only a block can say."""
    if call.kind != DEFAULT_KIND and not (call.label and call.params.get("run") == call.text):
        core = f"`{call.text}`" if re.match(r"[a-z][\w-]* .*[-/]", call.text) and "`" not in call.text else call.text
        return [_labelled(call, core)] if call.label or _looks_done(call) else []
    core = f"`{call.params.get('run', '')}`"
    for other in call.alternatives:
        core += f" (or `{other.params.get('run', '')}`)"
    if "cwd" in call.params:
        core += f" (from `{call.params['cwd']}/`)"
    if call.condition:
        core += f" ({call.condition})"
    return [_labelled(call, core)]


def _looks_done(call: Call) -> bool:
    return bool(re.match(r"(?:[Dd]iff|[Cc]ompare|curl|docker|git) ", call.text))


def _labelled(call: Call, core: str) -> str:
    if call.label == "verify":
        return f"verify with {core}"
    return f"{call.label}: {core}" if call.label else core


def _evidence(item: Evidence) -> str:
    return f"`{item.path}`" if item.path and item.text == item.path else item.text


def _listed(name: str, texts: list[str], joint: str = ", ") -> list[str]:
    return [f"  - {name}: {joint.join(texts)}"] if texts else []


_LINES: dict[str, Callable[[Gate], list[str]]] = {
    "commands": _commands,
    "action": lambda gate: _listed("Action", [gate.action] if gate.action else []),
    "note": lambda gate: _listed("Note", [gate.note] if gate.note else []),
    "pass": lambda gate: _listed("Pass", [gate.passes] if gate.passes else []),
    "evidence": lambda gate: _listed("Evidence", [_evidence(item) for item in gate.evidence], "; "),
    "owners": lambda gate: _listed("Owner", list(gate.owners)),
    "ci_jobs": lambda gate: _listed("CI job", [f"`{job}`" for job in gate.ci_jobs]),
    "cache": lambda gate: _listed("Cache", [gate.cache] if gate.cache else []),
    "unread": lambda gate: [f"  - {text}" for text in gate.unread],
}


def _bundle(item: EvidenceItem) -> str:
    items = [f"`{text}`" if re.fullmatch(r"[^\s`]*[./][^\s`]*", text) else text for text in item.items]
    return f"- {item.group}: {', '.join(items)}" if items else f"- {item.group}"


def _ci_job(job: CiJob) -> str:
    return f"- {job.id}{' (manual)' if job.manual else ''}: {job.text}"
