"""Markdown text -> the document's parts with their places: title, phases, gates, fields, sections, YAML blocks.

Nothing is understood here beyond the outline, and nothing is dropped: what has no place in the outline is kept as
`unread` beside the gate or the phase it stands in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from gonogo.checklist.source import Written, hidden
from gonogo.errors import Span
from gonogo.text.source import Source

FIELD_NAMES = {
    "command": "commands",
    "commands": "commands",
    "action": "action",
    "actions": "action",
    "note": "note",
    "notes": "note",
    "pass": "pass",
    "evidence": "evidence",
    "owner": "owners",
    "owners": "owners",
    "ci job": "ci_jobs",
    "ci jobs": "ci_jobs",
    "cache": "cache",
}
"""What a field may be called in the document form, and the field of the YAML form it becomes."""

_PHASE = re.compile(r"^Phase\s+(\w+)\s*(?:[:.\u2013\u2014-]\s*(.*))?$", re.IGNORECASE | re.DOTALL)
_STRAY_PHASE = re.compile(r"^Phase\s+(?:\d\w*|[A-Z]|[IVX]+)\s*(?:[:.\u2013\u2014-]|$)", re.IGNORECASE)
_LABEL = re.compile(r"^(?:\*\*|__)?([A-Za-z][A-Za-z ]*?)(?:\*\*|__)?\s*:(?:\*\*|__)?(?=\s|$)\s*")
_BAR = re.compile(r"\s\|\s+(?=[A-Za-z ]+:)")
_CHECKBOX = re.compile(r"^\[[ xX]\]\s+")
BLOCK_INFO = ("yaml", "gonogo")
_RULE = re.compile(r"^\s*(?:-\s*){3,}$|^\s*(?:\*\s*){3,}$|^\s*(?:_\s*){3,}$")


@dataclass(slots=True)
class Block:
    """A fenced block marked `yaml gonogo`."""

    text: str
    line: int
    """First line of its content, counted from 0."""
    indent: int
    span: Span


@dataclass(slots=True)
class Field:
    """One field of a gate: the text after its label, and the bullets below it."""

    name: str
    label: Span
    entries: list[Written]


@dataclass(slots=True)
class GateText:
    """A top-level bullet under a phase."""

    title: Written
    rest: Written | None
    """What follows the title on its own line: `Tooling: clause; clause`."""
    fields: list[Field] = field(default_factory=list)
    unread: list[Written] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class PhaseText:
    """What stands under a `## Phase N: title` heading."""

    id: str
    title: str
    span: Span
    gates: list[GateText] = field(default_factory=list)
    unread: list[Written] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class SectionText:
    """Any other section: its items where it is a list, and its text as it stands."""

    heading: Written | None
    items: list[Written] = field(default_factory=list)
    only_items: bool = True
    """It is nothing but one flat list."""
    body: str = ""


@dataclass(slots=True)
class Document:
    """The outline of a document."""

    title: Written | None = None
    sections: list[SectionText] = field(default_factory=list)
    phases: list[PhaseText] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    strays: list[Written] = field(default_factory=list)
    """Headings that read like a phase, at a level that opens none."""


def parse(source: Source) -> Document:
    """The outline of a Markdown text; any text has one."""
    return _Outline(source).document()


class _Outline:
    def __init__(self, source: Source) -> None:
        self.source = source

    def document(self) -> Document:
        root = SyntaxTreeNode(MarkdownIt("commonmark").parse(self.source.text))
        found = Document()
        heading: Written | None = None
        group: list[SyntaxTreeNode] = []
        for node in root.children:
            level = int(node.tag[1]) if node.type == "heading" else 9
            self.stray(found, node, level)
            if level == 1 and found.title is None:
                found.title = self.inline(node.children[0]) if node.children else None
            elif level <= 2:  # noqa: PLR2004 - h1 and h2 open sections
                self.section(found, heading, group)
                heading, group = (self.inline(node.children[0]) if node.children else self.empty(node)), []
            else:
                group.append(node)
        self.section(found, heading, group)
        return found

    def stray(self, found: Document, node: SyntaxTreeNode, level: int) -> None:
        """Keep a heading that reads like a phase but opens none: its gates would join the phase before it."""
        is_title = level == 1 and found.title is None
        if node.type != "heading" or not node.children or not (is_title or level > 2):  # noqa: PLR2004 - h1 and h2 open
            return
        text = self.inline(node.children[0])
        if _STRAY_PHASE.match(text.plain):
            found.strays.append(text)

    # --- places ------------------------------------------------------------------------------------------------

    def inline(self, node: SyntaxTreeNode) -> Written:
        """The text of an inline node; each of its lines is looked up in the source."""
        first = node.map[0] if node.map else 0
        starts, offset = [], 0
        for index, line in enumerate(node.content.split("\n")):
            source = self.source.lines[first + index] if first + index < len(self.source.lines) else ""
            starts.append((offset, first + index, max(0, source.find(line))))
            offset += len(line) + 1
        return Written(node.content, self.source, tuple(starts)).cut(0)

    def verbatim(self, node: SyntaxTreeNode) -> Written:
        """The source lines of a node as they stand, without the indentation that is common to all."""
        first, last = node.map or (0, 0)
        lines = list(self.source.lines[first:last])
        while lines and not lines[-1].strip():
            lines.pop()
        indent = min((len(x) - len(x.lstrip()) for x in lines if x.strip()), default=0)
        text = "\n".join(x[indent:] for x in lines)
        return Written(text, self.source, ((0, first, indent),))

    def empty(self, node: SyntaxTreeNode) -> Written:
        return Written("", self.source, ((0, (node.map or (0, 0))[0], 0),))

    def block(self, node: SyntaxTreeNode) -> Block | None:
        """The node as a `yaml gonogo` block, or None where it is none."""
        if node.type != "fence" or tuple(node.info.lower().split()[:2]) != BLOCK_INFO:
            return None
        first = (node.map or (0, 0))[0]
        line = self.source.lines[first]
        indent = len(line) - len(line.lstrip())
        return Block(node.content, first + 1, indent, self.source.span(first, indent))

    # --- sections ----------------------------------------------------------------------------------------------

    def section(self, found: Document, heading: Written | None, nodes: list[SyntaxTreeNode]) -> None:
        match = _PHASE.match(heading.plain) if heading is not None else None
        if match is not None and heading is not None:
            phase = PhaseText(match[1], (match[2] or "").strip(), heading.span)
            self.phase(phase, nodes)
            found.phases.append(phase)
            return
        rest = []
        for node in nodes:
            block = self.block(node)
            if block is not None:
                found.blocks.append(block)
            else:
                rest.append(node)
        if heading is not None:
            found.sections.append(self.other(heading, rest))
        else:
            self.preamble(found, rest)

    def preamble(self, found: Document, nodes: list[SyntaxTreeNode]) -> None:
        """What stands before the first `##`: a one-line paragraph with a list below it is a section of its own."""
        index = 0
        while index < len(nodes):
            node = nodes[index]
            following = nodes[index + 1] if index + 1 < len(nodes) else None
            text = self.inline(node.children[0]) if node.type == "paragraph" else None
            if text is not None and following is not None and following.type == "bullet_list" and _heads(text.text):
                found.sections.append(self.other(text.cut(0, len(text.text.rstrip(":"))), [following]))
                index += 2
                continue
            if node.type != "hr":
                section = self.other(None, [node])
                section.items, section.only_items = [text or self.verbatim(node)], False
                found.sections.append(section)
            index += 1

    def other(self, heading: Written | None, nodes: list[SyntaxTreeNode]) -> SectionText:
        section = SectionText(heading)
        for node in nodes:
            if node.type in ("bullet_list", "ordered_list"):
                for item in node.children:
                    first = item.children[0] if item.children else None
                    section.only_items &= len(item.children) == 1 and first is not None and first.type == "paragraph"
                    if first is not None and first.type == "paragraph":
                        section.items.append(self.inline(first.children[0]))
            elif node.type != "hr":
                section.only_items = False
        section.body = self.body(nodes)
        return section

    def body(self, nodes: list[SyntaxTreeNode]) -> str:
        """The nodes' source lines; rules (`---`) at either end only set sections apart."""
        nodes = list(nodes)
        while nodes and nodes[-1].type == "hr":
            nodes.pop()
        while nodes and nodes[0].type == "hr":
            nodes.pop(0)
        lines: list[str] = []
        previous = None
        for node in nodes:
            first, last = node.map or (0, 0)
            if previous is not None:
                lines += [""] * max(0, first - previous)
            lines += self.source.lines[first:last]
            previous = last
        return "\n".join(lines).strip("\n")

    # --- phases and gates --------------------------------------------------------------------------------------

    def phase(self, phase: PhaseText, nodes: list[SyntaxTreeNode]) -> None:
        for node in nodes:
            block = self.block(node)
            if block is not None:
                phase.blocks.append(block)
            elif node.type in ("bullet_list", "ordered_list"):
                phase.gates += [gate for item in node.children if (gate := self.gate(item, phase)) is not None]
            elif node.type != "hr":
                phase.unread.append(self.verbatim(node))

    def gate(self, item: SyntaxTreeNode, phase: PhaseText) -> GateText | None:
        if not item.children or item.children[0].type != "paragraph":
            phase.unread.append(self.verbatim(item))
            return None
        head = self.inline(item.children[0].children[0])
        head = head.cut(_end(_CHECKBOX, head.text))
        colon = re.search(r":(?:\*\*|__)?(?=\s|$)", hidden(head.text))
        title = head.cut(0, colon.start()) if colon else head
        rest = head.cut(colon.end()) if colon else None
        gate = GateText(_unmarked(title), rest if rest is not None and rest.text else None)
        for node in item.children[1:]:
            self.below(gate, node)
        return gate

    def below(self, gate: GateText, node: SyntaxTreeNode) -> None:
        block = self.block(node)
        if block is not None:
            gate.blocks.append(block)
        elif node.type in ("bullet_list", "ordered_list"):
            for item in node.children:
                self.bullet(gate, item)
        else:
            gate.unread.append(self.verbatim(node))

    def bullet(self, gate: GateText, item: SyntaxTreeNode) -> None:
        first = item.children[0] if item.children else None
        text = self.inline(first.children[0]) if first is not None and first.type == "paragraph" else None
        match = _LABEL.match(text.text) if text is not None else None
        if text is None or match is None or _known(match[1]) is None:
            gate.unread.append(self.item_text(item, text))
            return
        for piece in _bars(text):
            label = _LABEL.match(piece.text)
            name = _known(label[1]) if label else None
            if label is None or name is None:
                gate.unread.append(piece)
                continue
            value = piece.cut(label.end())
            gate.fields.append(Field(name, piece.cut(0, label.end()).span, [value] if value.text else []))
        for node in item.children[1:]:
            self.nested(gate, node)

    def item_text(self, item: SyntaxTreeNode, text: Written | None) -> Written:
        """One bullet as text: its own line where it is no more than that, else its source without the bullet."""
        if text is not None and len(item.children) == 1:
            return text
        whole = self.verbatim(item)
        return whole.cut(_end(re.compile(r"^(?:[-*+]|\d+[.)])\s+"), whole.text))

    def nested(self, gate: GateText, node: SyntaxTreeNode) -> None:
        """What stands below a field: each bullet is one more entry of it."""
        block = self.block(node)
        if block is not None:
            gate.blocks.append(block)
            return
        if node.type not in ("bullet_list", "ordered_list"):
            gate.unread.append(self.verbatim(node))
            return
        for item in node.children:
            if len(item.children) == 1 and item.children[0].type == "paragraph":
                gate.fields[-1].entries.append(self.inline(item.children[0].children[0]))
            else:
                gate.unread.append(self.item_text(item, None))


def _known(label: str) -> str | None:
    return FIELD_NAMES.get(" ".join(label.lower().split()))


def _heads(text: str) -> bool:
    return "\n" not in text and not text.rstrip().endswith((".", ";", ",")) and ": " not in text


def _bars(text: Written) -> list[Written]:
    """`CI job: a | Cache: b` is two fields."""
    pieces, last = [], 0
    for match in _BAR.finditer(hidden(text.text)):
        pieces.append(text.cut(last, match.start()))
        last = match.end()
    return [*pieces, text.cut(last)]


def _end(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.match(text)
    return match.end() if match else 0


def _unmarked(title: Written) -> Written:
    """A title without the marks of bold or italic around it."""
    for mark in ("**", "__"):
        if title.text.startswith(mark):
            title = title.cut(len(mark), len(title.text) - len(mark) if title.text.endswith(mark) else None)
    return title
