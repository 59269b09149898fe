"""The YAML form, field by field: what is read, published as a schema and printed as reference comes from here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gonogo.text.form import Form, FormField

DEFAULT_KIND = "command"
"""A call without a kind is a command line."""


class Shape(StrEnum):
    """What may stand in a field."""

    TEXT = "text"
    ID = "text or number"
    """A number is read as it is written."""
    FLAG = "true or false"
    COUNT = "whole number, 0 or more"
    SECONDS = "seconds, or text such as `90s`, `15m`, `2h`, `1d`"
    TEXTS = "list of texts"
    CALLS = "list of calls"
    CRITERIA = "list of criteria"
    QUESTIONS = "list of questions"
    EVIDENCE = "list of evidence"
    WHEN = "a condition"
    TOLERANCES = "mapping of gate id to a list of outcomes"
    INPUTS = "mapping of name to an input"
    PHASES = "list of phases"
    GATES = "list of gates"
    CI_JOBS = "list of CI jobs"
    BUNDLE = "list of evidence groups"
    SECTIONS = "list of sections"
    ROSTER = "a roster"
    GROUPS = "mapping of group to a list of people"
    TARGETS = "mapping of name to a target"
    VALUES = "mapping of name to text"
    NOTICES = "list of notices"
    SEATS = "mapping of owner to a list of people, or to a seat"


_ID_AND_TITLE = "Slug of the title without what stands in parentheses, unique in the checklist, unless given."

CALL = Form(
    "call",
    "One entry of a gate's commands. The params of its kind stand beside these fields.",
    (
        FormField("kind", Shape.TEXT, "Name of a probe or an action; `command` unless given."),
        FormField("id", Shape.ID, "Unique in its gate. The slug of the label, else its number, unless given."),
        FormField("label", Shape.TEXT, "A short name, such as `Backup`."),
        FormField("text", Shape.TEXT, "As its author says it. The command line, unless given."),
        FormField(
            "effect",
            Shape.TEXT,
            "`read`, `write` (never repeated) or `publish` (runs only when selected by name). Unless given: what the "
            "kind or the tools in the command say; a command that no tool knows writes in phases 3 and later.",
            choices=("read", "write", "publish"),
        ),
        FormField(
            "alternatives", Shape.CALLS, "Calls that a person may select in its place. None runs because it failed."
        ),
        FormField("condition", Shape.TEXT, "A condition in words, for people. gonogo judges the gate's `when`."),
    ),
    short="a command line",
)

CRITERION = Form(
    "criterion",
    "One boolean CEL expression over observations.",
    (
        FormField("expression", Shape.TEXT, "The expression, such as `coverage.lines.pct >= 65`.", required=True),
        FormField("clause", Shape.TEXT, "The clause of the pass text that it stands for."),
        FormField(
            "calls", Shape.TEXTS, "Ids of the calls it is judged on. Each call that can speak of it, unless given."
        ),
        FormField("documented", Shape.FLAG, "Each finding it counts must be covered by a live waiver."),
    ),
    short="the expression",
)

QUESTION = Form(
    "question",
    "What only a person can answer.",
    (
        FormField("text", Shape.TEXT, "The question.", required=True),
        FormField("id", Shape.ID, "Unique. The gate's id and a number (`docs-publish.1`), unless given."),
        FormField("why", Shape.TEXT, "Why it is a question."),
    ),
    short="the question",
)

EVIDENCE = Form(
    "evidence",
    "One thing that the gate must bring.",
    (
        FormField("text", Shape.TEXT, "What it is. The path, unless given."),
        FormField("path", Shape.TEXT, "Relative to the repository; expected anew from each attempt."),
        FormField("or_capture", Shape.FLAG, "What gonogo captured serves as well. True for a `*.log`, unless given."),
    ),
    short="a path, where it has no blanks and holds `/` or `.`; words that gonogo's own capture serves, otherwise",
)

WHEN = Form(
    "when",
    "The gate's own condition. Where it is false, the gate is NOT_APPLICABLE, for the reason given.",
    (
        FormField("expression", Shape.TEXT, "CEL over `target`, `subject`, `inputs` and `machine`.", required=True),
        FormField("reason", Shape.TEXT, "Why the gate does not apply then.", required=True),
    ),
)

GATE = Form(
    "gate",
    "One thing that must hold. In YAML it needs `owners`, and `criteria` or `questions`.",
    (
        FormField("id", Shape.ID, _ID_AND_TITLE),
        FormField("title", Shape.TEXT, "What people call it.", required=True),
        FormField("owners", Shape.TEXTS, "Who answers for it. `[]` says nobody, on purpose, and is a warning."),
        FormField("commands", Shape.CALLS, "What is looked at or done, in order."),
        FormField("criteria", Shape.CRITERIA, "What must hold."),
        FormField("questions", Shape.QUESTIONS, "What its owner must answer."),
        FormField("evidence", Shape.EVIDENCE, "What it must bring."),
        FormField("action", Shape.TEXT, "What a person does, in words."),
        FormField("note", Shape.TEXT, "A remark."),
        FormField("pass", Shape.TEXT, "The pass text, in words. In YAML it is kept and not compiled."),
        FormField("ci_jobs", Shape.TEXTS, "CI jobs that run it."),
        FormField("cache", Shape.TEXT, "What CI caches for it, and by which key."),
        FormField("optional", Shape.FLAG, "Not required, and not run unless selected."),
        FormField("condition", Shape.TEXT, "A condition in words, for people. gonogo judges `when`."),
        FormField("when", Shape.WHEN, "The condition, for gonogo to judge."),
        FormField("needs", Shape.TEXTS, "Ids of gates that must be green first, beyond the order of the phases."),
        FormField("exclusive", Shape.FLAG, "Runs alone in its working tree."),
        FormField(
            "isolation",
            Shape.TEXT,
            "`worktree`: in a clean checkout of the subject. Empty: in the working tree.",
            choices=("", "worktree"),
        ),
        FormField("timeout", Shape.SECONDS, "For each call. 900 unless given."),
        FormField("retries", Shape.COUNT, "Further attempts after FAIL or ERROR. Only for what reads."),
        FormField("max_age", Shape.SECONDS, "How long a PASS of an earlier run for the same commit stays good."),
        FormField("changes", Shape.TEXTS, "Tracked paths (globs) that it changes; shown and undone."),
        FormField(
            "proceed_on",
            Shape.TOLERANCES,
            "Outcomes of other gates that its action tolerates. The decision stays HOLD.",
        ),
        FormField("unread", Shape.TEXTS, "Text of the document form that no rule understood."),
    ),
)

PHASE = Form(
    "phase",
    "A group of gates. Phases run in order; the gates of one run in parallel.",
    (
        FormField("id", Shape.ID, "`0` to `7` in the document form.", required=True),
        FormField("title", Shape.TEXT, "What people call it."),
        FormField("gates", Shape.GATES, "Its gates."),
        FormField("unread", Shape.TEXTS, "Text of the document form that is no gate."),
    ),
)

INPUT = Form(
    "input",
    "A value from outside. `${NAME}` and `<name>` in a call declare one by appearing.",
    (
        FormField("meaning", Shape.TEXT, "What it is for."),
        FormField("default", Shape.ID, "Taken where no value is given."),
        FormField("secret", Shape.FLAG, "Its value reaches no file, log or screen."),
    ),
    short="its meaning",
)

CI_JOB = Form(
    "ci job",
    "One line of the CI job map.",
    (
        FormField("id", Shape.ID, "Name of the job.", required=True),
        FormField("text", Shape.TEXT, "What it does, in words."),
        FormField("commands", Shape.TEXTS, "Commands it runs."),
        FormField("cache", Shape.TEXT, "What it caches, and by which key."),
        FormField("manual", Shape.FLAG, "A person starts it."),
    ),
)

BUNDLE_GROUP = Form(
    "evidence group",
    "One line of the evidence bundle.",
    (
        FormField("group", Shape.TEXT, "Name of the group.", required=True),
        FormField("items", Shape.TEXTS, "What belongs to it."),
    ),
)

SECTION = Form(
    "section",
    "A section of the document form that gonogo does not act on.",
    (
        FormField("heading", Shape.TEXT, "Its heading."),
        FormField("text", Shape.TEXT, "Its Markdown."),
    ),
)

_PEOPLE = "Ids of `.gonogo/people/`, addresses or handles (`@ada`)."

SEAT = Form(
    "seat",
    "One owner: who speaks for it, and how many of them must say go.",
    (
        FormField("people", Shape.TEXTS, _PEOPLE),
        FormField("groups", Shape.TEXTS, "Groups of the roster; everybody in them."),
        FormField("quorum", Shape.COUNT, "How many different people must say go. 1 unless given."),
        FormField("four_eyes", Shape.FLAG, "One of them must not be an author of the subject's commits."),
    ),
)

ROSTER = Form(
    "roster",
    "Who speaks for which owner. `All`, where it is not listed, is everybody here.",
    (
        FormField(
            "from",
            Shape.TEXT,
            "`CODEOWNERS`: owners that are not listed here are read from that file when the plan is made.",
            choices=("", "CODEOWNERS"),
        ),
        FormField("four_eyes", Shape.FLAG, "Somebody who is no author of the subject's commits must say go too."),
        FormField("groups", Shape.GROUPS, "Groups of people, to be named by owners."),
        FormField("owners", Shape.SEATS, f"The owners. {_PEOPLE}"),
    ),
)

TARGET = Form(
    "target",
    "Where a release goes. The params of its kind stand beside these fields.",
    (
        FormField("kind", Shape.TEXT, "Name of a kind of target: `compose`, `local`.", required=True),
        FormField("inputs", Shape.VALUES, "Values that inputs have on this target; what the command line gives wins."),
        FormField(
            "urls",
            Shape.VALUES,
            "Base URLs of what answers there: `app`, `prometheus`, `alertmanager`, `grafana`, `loki`.",
        ),
    ),
)

NOTICE = Form(
    "notice",
    "Who is told about a run. The params of its kind stand beside these fields.",
    (
        FormField("kind", Shape.TEXT, "Name of a kind of notice: `webhook`, `slack`, `mail`.", required=True),
        FormField(
            "about",
            Shape.TEXTS,
            "`decision`: the run is decided, or was told to stop. `waiting`: it waits for people. Both unless given.",
        ),
    ),
)

CHECKLIST = Form(
    "checklist",
    "The whole document.",
    (
        FormField("gonogo", Shape.COUNT, "Version of this form: 1."),
        FormField("title", Shape.TEXT, "What people call it.", required=True),
        FormField("objective", Shape.TEXT, "What it is for."),
        FormField("assumptions", Shape.TEXTS, "What it takes for granted."),
        FormField("inputs", Shape.INPUTS, "Values it needs from outside."),
        FormField(
            "directory",
            Shape.TEXT,
            "Where its commands run and its paths count from, seen from the top of the repository; `.` is the top. Not "
            "given: the nearest directory at or above this file that has a manifest (`package.json`, `go.mod`).",
        ),
        FormField("input_files", Shape.TEXTS, "Files outside git that gates may read. Recorded by salted digest."),
        FormField(
            "secret_files", Shape.TEXTS, "Env files whose values are secrets, beyond every `.env*` a gate names."
        ),
        FormField("targets", Shape.TARGETS, "Where releases go, by the name that `--target` takes."),
        FormField("roster", Shape.ROSTER, "Who speaks for which owner."),
        FormField("sign_offs", Shape.TEXTS, "Owners whose signed word a GO needs. Nobody's, unless given."),
        FormField("notify", Shape.NOTICES, "Who is told about a run. Nobody, unless given."),
        FormField("phases", Shape.PHASES, "Its phases, in order.", required=True),
        FormField("evidence_bundle", Shape.BUNDLE, "What the bundle for the pull request holds."),
        FormField("ci_jobs", Shape.CI_JOBS, "The CI job map."),
        FormField("other_sections", Shape.SECTIONS, "Sections kept as they are."),
    ),
)

FORMS = (
    *(CHECKLIST, PHASE, GATE, CALL, CRITERION, QUESTION, EVIDENCE, WHEN, INPUT, TARGET, NOTICE, ROSTER, SEAT),
    *(CI_JOB, BUNDLE_GROUP, SECTION),
)

FORM_OF: Mapping[str, Form] = {
    Shape.CALLS: CALL,
    Shape.CRITERIA: CRITERION,
    Shape.QUESTIONS: QUESTION,
    Shape.EVIDENCE: EVIDENCE,
    Shape.WHEN: WHEN,
    Shape.INPUTS: INPUT,
    Shape.PHASES: PHASE,
    Shape.GATES: GATE,
    Shape.CI_JOBS: CI_JOB,
    Shape.BUNDLE: BUNDLE_GROUP,
    Shape.SECTIONS: SECTION,
}
