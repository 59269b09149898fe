"""A run with everything that a page can show, one that means harm, and a reader of what was made of them."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass, field, replace
from datetime import date
from html.parser import HTMLParser

from gonogo.model.capture import Blob, Capture, ReportRef
from gonogo.model.checklist import Effect, Question
from gonogo.model.observation import Finding, Trouble
from gonogo.model.outcome import DecisionWord, Outcome
from gonogo.model.roster import Person, Roster, Seat
from gonogo.model.run import RunView
from gonogo.model.sign_off import SignOff, Word
from gonogo.model.verdict import Decision, Judgement, Reason, Waiver
from gonogo.outputs.surroundings import Picture, Surroundings
from tests.outputs.runs import gate, green, mixed, red, run

OUT = "1" * 64
"""Digest of what the coverage gate's command printed."""

SOURCE = "import a;\n\nexport function f(x) {\n  return x == 1;\n}\n"
BOARD, SEEN = "4" * 64, "5" * 64
"""Digests of a picture that a probe took, and of one that a person attached."""


FACTS = "8" * 64


def png(width: int, height: int) -> bytes:
    """A picture of a slope, in grey."""
    rows = b"".join(b"\0" + bytes((x * 255 // width) & 0xFF for x in range(width)) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _url(width: int, height: int) -> str:
    return f"data:image/png;base64,{base64.b64encode(png(width, height)).decode()}"


AROUND = Surroundings(
    sources={"backend/src/app.ts": "\n" * 9 + SOURCE},
    tails={OUT: "Statements: 57.85 %\nLines: 57.85 %"},
    facts={FACTS: '{\n "panels": 12,\n "without_data": []\n}'},
    pictures={
        BOARD: Picture(_url(1600, 500), "The dashboard `Staging`: error rate 0 %, p95 180 ms, no panel without data"),
        SEEN: Picture(_url(300, 200)),
    },
    evidence=".gonogo/state/evidence",
)


def people_view() -> RunView:
    """NO-GO: a gate short of its bound, a waived one, a void and a standing word, one word missing."""
    short = red(
        gate("Coverage"),
        judgements=(
            Judgement(
                "coverage.lines.pct >= 65",
                Outcome.FAIL,
                call="1",
                shown="npm test",
                value="57.85 %",
                bound=">= 65 %",
                margin=-7.15,
                distance="lines coverage 57.85 %, needs >= 65 %, short by 7.15 points: 45 lines",
                mend="cover 45 lines more",
            ),
        ),
        findings=(Finding("lint", "eqeqeq:backend/src/app.ts", "error", "Expected ===", "backend/src/app.ts", 13, 12),),
        findings_total=1,
        captures=(
            Capture(
                "command",
                "npm test",
                blobs=(
                    Blob("stdout", OUT, 40, 9_000_000, "text/plain", total_sha256="2" * 64),
                    Blob("report/1", "3" * 64, 900, 900, "application/json"),
                ),
                reports=(ReportRef("report/1", "vitest_json", "vitest"),),
                exit=1,
                seconds=4.2,
                call="1",
                images={"api": "sha256:" + "7" * 64},
            ),
        ),
    )
    waived = red(gate("Security"), waived=True)
    waived = replace(
        waived,
        verdict=replace(waived.verdict, judgements=(replace(waived.verdict.judgements[1], waived_by=("W1", "W2")),)),
    )
    waivers = (
        Waiver("W1", "Backend", "Cleo", "no request reaches it", date(2026, 12, 22), finding="GHSA-1:left-pad:<2",
               link="https://example.org/issues/7"),
        Waiver("W2", "Backend", "Cleo", "mended next week", date(2026, 11, 29), criterion="lint.errors <= 3"),
        Waiver("W3", "Backend", "Cleo", "was for the old parser", date(2026, 11, 20), finding="gone"),
    )  # fmt: skip
    said = (
        SignOff("r", "DevOps", "ada", Word.GO, "seen it", "a" * 64, at="2026-11-22T10:01:00Z", keyid="b" * 64),
        SignOff("r", "Backend", "ben", Word.GO, "", "c" * 64, void="the verdicts have changed since"),
        SignOff("r", "Backend", "ben", Word.NO_GO, "coverage is short", "d" * 64, gate="coverage", digest="e" * 64),
    )
    view = run(green(gate("Tooling", "0")), short, waived)
    roster = Roster((Seat("DevOps", ("ada",)), Seat("Backend", ("ben",))))
    key = "-----BEGIN PUBLIC KEY-----"
    plan = replace(
        view.plan,
        roster=roster,
        sign_offs=("DevOps", "Backend"),
        people=(Person("ada", "Ada Lovelace", key), Person("ben", "Ben", key)),
        inputs={"GIT_SHA": "abc"},
    )
    reasons = (
        Reason("coverage", "lines coverage 57.85 %"),
        Reason("coverage", "ben (Backend) says no-go: coverage is short"),
        Reason("", "waits for the word of Backend: 0 of 1 said go; ben may"),
        Reason("security", "waived by Backend until 2026-12-22 (`W1`): no request reaches it"),
        Reason("", "ada (DevOps) says go: seen it"),
    )
    decision = Decision(DecisionWord.NO_GO, reasons, "2026-11-22T10:00:21.000000Z")
    return replace(view, plan=plan, waivers=waivers, sign_offs=said, decision=decision, notes=("a note of the run",))


def rollout_view() -> RunView:
    """GO: a release put on its target, pictures of it, a way back that was walked, and load that was measured."""
    deploy = green(
        gate("Deploy app", "5"),
        42.5,
        notes=("r8 in the place of r7: PASS after 41.9 s", "r8 was looked at 30 times"),
        captures=(Capture("rollout", "r8 on staging", images={"api": "sha256:" + "7" * 64}, call="1"),),
    )
    board = green(
        gate("Metrics & logs flowing", "6"),
        captures=(
            Capture(
                "grafana",
                "dashboard Staging",
                blobs=(
                    Blob("facts.json", FACTS, 60, 60, "application/json"),
                    Blob("dashboard.png", BOARD, 900, 900, "image/png"),
                    Blob("dashboard.png.txt", "6" * 64, 70, 70, "text/plain"),
                ),
                call="1",
            ),
        ),
    )
    load = green(
        gate("Performance sanity", "5"),
        judgements=(
            Judgement(
                "load.duration.p95 <= 500.0",
                Outcome.PASS,
                call="1",
                value="182 ms",
                bound="<= 500 ms",
                margin=318,
                distance="95 % of the requests within 182 ms, needs <= 500 ms",
            ),
        ),
        notes=("baseline: r7 had 176 ms",),
    )
    back = green(
        gate("Image-level rollback", "7"),
        61.0,
        notes=("r7 in the place of r8: PASS after 12.3 s", "forward again to r8: PASS after 14.1 s"),
        captures=(Capture("rollback", "back to r7 and forward to r8", call="1"),),
    )
    view = run(deploy, load, board, back, decision=DecisionWord.GO, exit_code=0)
    changes = {"deploy-app": Effect.WRITE, "image-level-rollback": Effect.WRITE}
    nodes = tuple(
        replace(node, effects={"1": changes[node.id]}) if node.id in changes else node for node in view.plan.nodes
    )
    word = SignOff(
        "r", "DevOps", "ada", Word.GO, "all panels have data", "a" * 64, gate="metrics-logs-flowing", digest="e" * 64,
        attachments=(Blob("seen.png", SEEN, 400, 400, "image/png"),),
    )  # fmt: skip
    return replace(view, plan=replace(view.plan, nodes=nodes), sign_offs=(word,))


EVIL = "</style></pre><script>hacked=1</script><img src=x onerror=hacked=1>{{ 7*7 }}\"'><svg onload=hacked=1>"
HIDDEN = "\x1b[31m\x1b]0;title\x07\u202e\u2066\x00\x9b2J"


def hostile() -> RunView:
    """The run `people_view`, with text of other people that means harm, in every place that holds such text."""
    view = people_view()
    text = EVIL + HIDDEN + "x" * 300
    subject = replace(view.plan.subject, branch=text, dirty=(text,), remote=text)
    gates = tuple(
        replace(
            one,
            gate=replace(one.gate, title=text, owners=(text,), questions=(Question("q", text, text),)),
            verdict=replace(
                one.verdict,
                judgements=tuple(
                    replace(j, distance=text, criterion=text, shown=text, clause=text, mend=text)
                    for j in one.verdict.judgements
                ),
                findings=(Finding(text, text, text, text, "backend/src/app.ts", 13, 12),),
                troubles=(Trouble(Outcome.ERROR, text, text, text),),
                notes=(text,),
                questions=(text,),
                captures=tuple(replace(c, shown=text, signal=text) for c in one.verdict.captures),
            ),
        )
        for one in view.gates
    )
    plan = replace(view.plan, title=text, target=text, subject=subject, inputs={text: text}, source=text)
    return replace(
        view,
        plan=plan,
        gates=gates,
        notes=(text,),
        holder={"user": text, "host": text},
        waivers=tuple(
            replace(w, reason=text, owner=text, link=link)
            for w, link in zip(view.waivers, ("javascript:hacked=1", "data:text/html,x", text), strict=True)
        ),
        sign_offs=tuple(replace(s, message=text, person=text, owner=text) for s in view.sign_offs),
    )


HOSTILE_AROUND = Surroundings(
    sources={"backend/src/app.ts": (EVIL + HIDDEN + "\n") * 20}, tails={OUT: EVIL + HIDDEN}, evidence="evidence"
)

VOID = {"meta", "link", "rect", "br", "img"}


@dataclass
class Reader(HTMLParser):
    """The tags of a page, in order; raises `AssertionError` where one is closed that is not the open one."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        opened = self.stack.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.text.append(data)


def read(page: str) -> Reader:
    """The page, read to its end."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.stack == []
    return reader


VIEWS = {"mixed": mixed, "people": people_view, "rollout": rollout_view, "hostile": hostile}
