"""The configuration of a target: is every variable resolved that it needs, with a value worth having."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from gonogo import envfile
from gonogo.config import state_salt
from gonogo.docker.client import Docker
from gonogo.docker.project import Files, Project
from gonogo.frozen import dataclass
from gonogo.model.capture import Capture
from gonogo.model.observation import Finding, Observation, Reading
from gonogo.model.outcome import Outcome
from gonogo.plugins import SHELL_TEXT, Clause, Context, OutOfReach, probe
from gonogo.probes import _values as values
from gonogo.probes._facts import Problem, count, problem, read_text, trouble
from gonogo.probes._values import Value
from gonogo.probes.dotenv import EXISTS, PLACEHOLDERS, needed

_RESOLVED = r"all required (?:vars|variables) (?:are )?(?:resolved|set)"
_CRITERIA = ("env.exists", "config.unresolved == 0", "placeholders == 0")
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


@dataclass(frozen=True, slots=True)
class ConfigParams:
    """Which variables, and where their values come from."""

    file: str = ".env.staging"
    """The target's env file."""
    groups: str = ""
    """Groups that must be complete, as the checklist names them: `JWT, NextAuth, DB/Redis URLs, encryption keys`."""
    template: str = ""
    """File that names every variable. Empty: the env file's name with `.example`, where there is one."""
    compose: tuple[str, ...] = ()
    """Compose files whose variables are needed. Empty: those of the target, where it is a Compose project."""
    required: tuple[str, ...] = ()
    """Variables that are needed beside those of the template and the Compose files."""
    provider: str = field(default="", metadata=SHELL_TEXT)
    """Command of the secret store. With `{name}` in it, it is run for each variable that the file lacks, and prints the
    value; without, it prints all of them, as an env file or as one JSON object: `sops -d --output-type dotenv …`."""
    secret_files: dict[str, str] = field(default_factory=dict)
    """Variable -> file that holds nothing but its value (a Docker secret), relative to the repository."""
    environment: bool = False
    """Take what else is missing from the variables of gonogo's own process, which no target is given by itself."""


def _read(facts: Mapping[str, Any], params: ConfigParams) -> Reading:
    """Names, sources and lengths alone: values never leave the probe."""
    troubles = tuple(trouble(one) for one in facts.get("problems", ()))
    if "rows" not in facts:
        there = [Observation(EXISTS.name, facts["exists"], "facts.json")] if "exists" in facts else []
        return Reading(tuple(there), troubles=troubles)
    findings = tuple(_findings(facts, params))
    counted = {severity: sum(1 for one in findings if one.severity == severity) for severity in _SEVERITIES}
    seen: dict[str, Any] = {
        EXISTS.name: facts["exists"],
        PLACEHOLDERS.name: counted["placeholder"],
        "config.required": len(facts["required"]),
        "config.unresolved": counted["unresolved"] + counted["eaten"],
        **{f"config.{name}": counted[name] for name in ("weak", "reused", "eaten")},
    }
    observations = tuple(Observation(name, value, "facts.json") for name, value in seen.items())
    return Reading(observations, findings, tuple(facts.get("notes", ())), troubles)


_SEVERITIES = ("unresolved", "placeholder", "weak", "reused", "eaten")


def _findings(facts: Mapping[str, Any], params: ConfigParams) -> Iterable[Finding]:
    rows = {row["key"]: row for row in facts["rows"]}

    def of(kind: str, key: str, said: str) -> Finding:
        family = "placeholders" if kind == "placeholder" else "config"
        row = rows.get(key, {})
        return Finding(family, f"{kind}:{params.file}:{key}", kind, said, row.get("path", ""), row.get("line", 0))

    wanted = {key: f"`{key}` has no value; {why}" for key, why in facts["required"].items()}
    for group, members in facts["groups"].items():
        if not members:
            yield of("unresolved", f"group {group}", f"no variable of group `{group}` is there")
        for key in members:
            wanted.setdefault(key, f"`{key}` of group `{group}` has no value")
    for key, said in sorted(wanted.items()):
        if not rows.get(key, {}).get("characters"):
            yield of("unresolved", key, said)
    for row in facts["rows"]:
        for kind in ("placeholder", "weak", "reused", "eaten"):
            if row.get(kind):
                yield of(kind, row["key"], f"`{row['key']}`: {row[kind]}")


@probe(
    "config",
    yields=(
        EXISTS,
        PLACEHOLDERS,
        count("config.required", "variables that the target needs"),
        count(
            "config.unresolved",
            "required variables without a value, or whose value does not come through as written",
            "unresolved",
            "eaten",
        ),
        count("config.weak", "secrets that are short, plain or common", "weak"),
        count("config.reused", "secrets with the value of another", "reused"),
        count("config.eaten", "values that Compose changes on their way, because of a `$` or a quote", "eaten"),
    ),
    reader=_read,
    clauses=(
        Clause(
            rf"{_RESOLVED} \((?P<groups>[^()]+)\)",
            _CRITERIA,
            "All required vars resolved (JWT, NextAuth, DB/Redis URLs, encryption keys)",
            brings={"groups": "{groups}"},
        ),
        Clause(_RESOLVED, _CRITERIA, "All required vars resolved", brings={}),
        Clause(r"(?:0|no|zero) weak (?:secrets|values)", ("config.weak == 0",), "no weak secrets"),
        Clause(r"(?:0|no|zero) reused (?:secrets|values)", ("config.reused == 0",), "no reused secrets"),
    ),
)
def config(params: ConfigParams, context: Context) -> Capture:
    """Look whether every variable that the target needs has a value, group by group.

    Needed is what the template names, what the Compose files use without a default, and what `required` adds. A value
    comes from the env file, else from the command of a secret store, a file of a Docker secret, or, where the checklist
    says so, the process environment. Placeholders, weak and reused secrets are counted. Where Docker Compose is there,
    each value of the env file makes the round trip through it: a `$` that it would replace is found out. The evidence
    is a checklist of names, sources, lengths and keyed fingerprints; no value leaves the probe.
    """
    look = _Look(params, context)
    facts = look.facts()
    blobs = [context.keep_facts(facts)]
    if "rows" in facts:
        blobs.append(context.keep("checklist.md", _checklist(facts).encode(), "text/markdown"))
    return Capture("config", f"the configuration of the target in {params.file}", blobs=tuple(blobs))


@dataclass
class _Look:
    """One look at a configuration."""

    params: ConfigParams
    context: Context
    found: dict[str, Value] = field(default_factory=dict)
    required: dict[str, str] = field(default_factory=dict)
    """Variable -> who needs it."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """All that may be kept of it."""
        text = self._text(self.params.file)
        if text is None:
            return {"exists": False, "problems": self.problems} if not self.problems else {"problems": self.problems}
        for entry in envfile.parse(text)[0]:
            self.found[entry.key] = Value(entry.key, entry.value, self.params.file, entry.line)
        self._needs()
        self._provided()
        self.context.add_secrets(list(values.secrets(self.found.values())))
        eaten = self._eaten(text)
        salt = state_salt(self.context.root)
        twice = {later.key: first.key for first, later in values.reused(self.found.values())}
        rows = [self._row(one, salt, eaten, twice) for one in self.found.values()]
        keys = dict.fromkeys([*self.required, *self.found])
        named = values.by_group(values.groups(self.params.groups) if self.params.groups else (), keys)
        return {
            "exists": True,
            "required": self.required,
            "groups": named,
            "rows": rows,
            "problems": self.problems,
            "notes": self.notes,
        }

    def _row(self, one: Value, salt: bytes, eaten: Mapping[str, str], twice: Mapping[str, str]) -> dict[str, Any]:
        row: dict[str, Any] = {
            "key": one.key,
            "source": one.source,
            "path": one.source if one.line else "",
            "line": one.line,
            "characters": len(one.value),
            "fingerprint": values.fingerprint(salt, one.key, one.value),
        }
        told = {
            "placeholder": "it holds a placeholder" if envfile.is_placeholder(one.value) else "",
            "weak": values.weakness(one.key, one.value) if one.value else "",
            "reused": f"it has the value of `{twice[one.key]}`" if one.key in twice else "",
            "eaten": eaten.get(one.key, ""),
        }
        return row | {kind: why for kind, why in told.items() if why}

    def _text(self, path: str) -> str | None:
        """The file's text; None: it is not there, or a problem was noted."""
        try:
            text = read_text(self.context, path)
        except FileNotFoundError:
            return None
        if isinstance(text, str):
            return text
        self.problems.append(text)
        return None

    # --- what is needed ----------------------------------------------------------------------------------------------

    def _needs(self) -> None:
        self.required |= dict.fromkeys(self.params.required, "the checklist requires it")
        template = self.params.template or f"{self.params.file}.example"
        text = self._text(template)
        if text is not None:
            entries = [entry for entry in envfile.parse(text)[0] if entry.value]
            self.required |= {entry.key: f"`{template}` names it" for entry in entries}
        elif self.params.template:
            self.problems.append(problem(Outcome.UNKNOWN, "no-template", f"`{template}` cannot be read", "write it"))
        for path in self._compose_files():
            text = self._text(path)
            for key, line in needed(text or ""):
                self.required.setdefault(key, f"{path}:{line} needs it")
        for key in ("GIT_SHA", *self.context.inputs):
            self.required.pop(key, None)  # a run brings these itself
        if not self.required and not self.params.groups:
            mend = "name them with `template:`, `compose:` or `required:`"
            told = "nothing says which variables are needed"
            self.problems.append(problem(Outcome.UNKNOWN, "nothing-required", told, mend))

    def _compose_files(self) -> tuple[str, ...]:
        if self.params.compose:
            return self.params.compose
        spec = self.context.spec
        return tuple(spec.params.get("files", ())) if spec is not None else ()

    # --- what there is -----------------------------------------------------------------------------------------------

    def _lacking(self) -> list[str]:
        return [key for key in self.required if not self.found.get(key) or not self.found[key].value]

    def _provided(self) -> None:
        for key, path in self.params.secret_files.items():
            text = self._text(path)
            if text is not None:
                self.found[key] = Value(key, text.strip("\r\n"), path)
        if self.params.provider:
            self._from_store()
        if self.params.environment:
            here = {key: os.environ[key] for key in self._lacking() if os.environ.get(key)}
            self.found |= {key: Value(key, value, "environment") for key, value in here.items()}

    def _from_store(self) -> None:
        command = self.params.provider
        if "{name}" in command:
            printed = {key: self._printed(command.replace("{name}", key)) for key in self._lacking()}
            store = {key: text.strip("\r\n") for key, text in printed.items() if text}
        else:
            store = _pairs(self._printed(command) or "")
        for key, value in store.items():
            if value and not (key in self.found and self.found[key].value):
                self.found[key] = Value(key, value, "provider")

    def _printed(self, command: str) -> str | None:
        """What a command prints; straight into a private file, because nobody knows yet what is secret in it."""
        place = self.context.scratch / "printed"
        place.touch(mode=0o600)
        try:
            ran = self.context.run(f'( {command} ) >"$GONOGO_TO"', env={"GONOGO_TO": str(place)}, name="provider")
            text = place.read_bytes().decode("utf-8", "surrogateescape")
        finally:
            place.unlink(missing_ok=True)
        if ran.exit == 0:
            self.context.add_secrets([text.strip("\r\n")] if "{name}" in self.params.provider else [])
            self.context.add_secrets(list(values.secrets(Value(k, v, "") for k, v in _pairs(text).items())))
            return text
        told = f"the secret store did not answer: `{command}` exited with {ran.exit}"
        mend = "log in to it, and try the command yourself"
        self.problems.append(problem(Outcome.ERROR, "provider-failed", told, mend))
        return None

    # --- the round trip ----------------------------------------------------------------------------------------------

    def _eaten(self, text: str) -> dict[str, str]:
        """Variables of the env file whose value Compose changes, and how; nothing where no Compose file is in play."""
        spec = self.context.spec
        if not self._compose_files() and (spec is None or spec.kind != "compose"):
            return {}
        mine = {key: one for key, one in self.found.items() if one.source == self.params.file and one.line}
        try:
            there = self._through_compose(mine)
        except OutOfReach as error:
            self.notes.append(f"no round trip through Compose ({error.message}): only a `$` is looked for")
            told = "Compose would replace what stands behind the `$`: write it in single quotes"
            return {key: told for key, one in mine.items() if values.may_be_eaten(text, one.line)}
        said = "it is another value in a container than in the file: write it in single quotes"
        return {key: said for key, one in mine.items() if there.get(key, one.value) != one.value}

    def _through_compose(self, mine: Mapping[str, Value]) -> Mapping[str, str]:
        """Each variable as a container would be given it; raises `OutOfReach` without Docker Compose."""
        place = self.context.scratch / "round-trip.json"
        environment = {key: f"${{{key}-}}" for key in mine}
        place.write_text(json.dumps({"services": {"any": {"image": "any", "environment": environment}}}))
        files = Files((str(place),), "gonogo-round-trip", str(self.context.root / self.params.file))
        return Project(Docker(self.context), files).config.environment("any")


def _pairs(text: str) -> dict[str, str]:
    """Variables printed as one JSON object, or as an env file."""
    if text.lstrip().startswith("{"):
        try:
            data = json.loads(text)
        except ValueError:
            return {}
        return {str(key): str(value) for key, value in data.items() if isinstance(value, (str, int, float))}
    return {entry.key: entry.value for entry in envfile.parse(text)[0]}


def _checklist(facts: Mapping[str, Any]) -> str:
    """The checklist for people: names, where each value comes from, how long it is, and a fingerprint of it."""
    groups = {key: name for name, members in facts["groups"].items() for key in members}
    rows = {row["key"]: row for row in facts["rows"]}
    lines = ["| | variable | group | from | characters | fingerprint | remark |", "|---|---|---|---|---|---|---|"]
    for key in sorted({*facts["required"], *rows}):
        row = rows.get(key, {})
        remarks = "; ".join(row[kind] for kind in ("placeholder", "weak", "reused", "eaten") if kind in row)
        fine = bool(row.get("characters")) and not remarks
        cells = ("x" if fine else " ", f"`{key}`", groups.get(key, ""), row.get("source", "nowhere"))
        tail = (row.get("characters", 0), row.get("fingerprint", ""), remarks)
        lines.append(f"| {' | '.join(str(cell) for cell in (*cells, *tail))} |")
    return "\n".join([*lines, ""])
