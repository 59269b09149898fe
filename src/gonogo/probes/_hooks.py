"""Is the commit-msg hook really active? It is there, it can run, and it refuses a bad message when tried."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gonogo.model.observation import Finding, Observation, Trouble
from gonogo.model.outcome import Outcome
from gonogo.plugins import Context, Ran
from gonogo.probes._facts import last_line, problem

HOOK = "commit-msg"
_NEVER_RAN = {126, 127}


def look(context: Context, bad_message: str, good_message: str, runs: list[Ran]) -> dict[str, Any]:
    """Where git looks for the hook, what lies there, and what it does with a bad and a good message.

    The messages lie in a temporary file: no commit is made.
    """
    named = context.run(["git", "rev-parse", "--git-path", f"hooks/{HOOK}"], name="git-path")
    runs.append(named)
    if named.exit != 0:
        message = f"git does not say where its hooks are: {last_line(named.err)}"
        return {"problem": problem(Outcome.ERROR, "no-git", message, "run it inside a git repository")}
    shown = os.fsdecode(named.out).rstrip("\n")
    path = context.root / shown
    facts: dict[str, Any] = {"path": shown, "exists": path.is_file()}
    facts["executable"] = facts["exists"] and os.access(path, os.X_OK)
    facts["interpreter"] = _interpreter(path) if facts["exists"] else ""
    facts["interpreter_found"] = not facts["interpreter"] or shutil.which(facts["interpreter"]) is not None
    if facts["executable"] and facts["interpreter_found"]:
        facts["bad"] = _try(context, path, bad_message, runs)
        facts["good"] = _try(context, path, good_message, runs)
    return facts


def _interpreter(path: Path) -> str:
    """The program its `#!` line names; `env` is looked through. Empty: none is named."""
    with path.open("rb") as stream:
        first = stream.readline(512)
    if not first.startswith(b"#!"):
        return ""
    words = first[2:].decode(errors="replace").split()
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    return words[0] if words else ""


def _try(context: Context, hook: Path, message: str, runs: list[Ran]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="gonogo-") as folder:
        file = Path(folder) / "COMMIT_EDITMSG"
        file.write_text(message + "\n", encoding="utf-8")
        # As git calls it: from the top of the tree, with the message's path; a script without `#!` by the shell.
        argv = [str(hook), str(file)] if _interpreter(hook) else ["/bin/sh", str(hook), str(file)]
        ran = context.run(argv, env={"GIT_EDITOR": ":"}, name=f"hook-{len(runs)}")
    runs.append(ran)
    return {"exit": ran.exit, "signal": ran.signal, "said": last_line(ran.out, ran.err)}


def read(facts: Mapping[str, Any]) -> Iterator[Observation | Finding | Trouble | str]:
    """Active means: found where git looks, executable, a bad message refused, a good one accepted."""
    path = facts["path"]
    why = _lying(facts)
    if not why:
        ends = (facts["bad"]["exit"], facts["good"]["exit"])
        if None in ends or _NEVER_RAN & set(ends):
            broken = facts["bad"] if ends[0] in {None, *_NEVER_RAN} else facts["good"]
            ended = f"exit {broken['exit']}" if broken["exit"] is not None else broken["signal"] or "it did not end"
            message = f"the hook `{path}` could not run: {broken['said'] or ended}"
            yield Trouble(Outcome.ERROR, "hook-broken", message, "install what the hook calls: `npm ci`")
            return
        why = _tried(facts)
    yield Observation("hooks.active", not why, "facts.json")
    if why:
        yield Finding("hooks", HOOK, "inactive", why, path)
    else:
        yield f"`{path}` refused a bad message: {facts['bad']['said'] or 'without a word'}"


def _lying(facts: Mapping[str, Any]) -> str:
    path = facts["path"]
    if not facts["exists"]:
        return f"git looks for `{path}`, and there is none: no message is checked"
    if not facts["executable"]:
        return f"`{path}` is not executable: git passes it over"
    if not facts["interpreter_found"]:
        return f"`{path}` asks for `{facts['interpreter']}`, which is not there"
    return ""


def _tried(facts: Mapping[str, Any]) -> str:
    if facts["bad"]["exit"] == 0:
        return f"`{facts['path']}` accepts a bad message"
    if facts["good"]["exit"] != 0:
        return f"`{facts['path']}` refuses a good message too: {facts['good']['said']}"
    return ""
