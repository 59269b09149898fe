"""`gonogo verify`: a bundle proven, claim by claim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gonogo.bundle.proof import Finding, Proof, Stopped, Unchecked
from gonogo.bundle.verify import Proven, demand, open_bundle, prove
from gonogo.cli.failure import say, tell
from gonogo.cli.place import write
from gonogo.telling.words import safe

_WORDS = {Finding.HOLDS: "holds", Finding.BROKEN: "BROKEN", Finding.OPEN: "OPEN"}


@click.command("verify")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--require", multiple=True, metavar="OWNER", help="This owner must have said go; may be repeated.")
@click.option(
    "--trust",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="KEYS",
    help="Only these keys count: a PEM file, a person's file, or a directory of them; may be repeated.",
)
@click.option("--rejudge", is_flag=True, help="Parse the kept evidence again; it must come to the same verdicts.")
@click.option(
    "--checklist",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Judge the kept evidence under this checklist and show what would change.",
)
@click.option("--format", "kind", type=click.Choice(["text", "json"]), default="text", help="[default: text]")
def command(bundle: Path, rejudge: bool, checklist: Path | None, kind: str, **demands: Any) -> int:
    """Prove BUNDLE: every claim, how it was checked, and what came of it.

    Works offline, from the file alone: it loads no plugin, starts no process and needs no repository. Exit code 0:
    every claim holds; 5: one is broken; 4: one could not be checked.
    """
    keys = None
    if demands["trust"]:
        from gonogo.bundle.keyring import load

        keys = load(demands["trust"])
    proof = Proof()
    replayed = None
    try:
        with open_bundle(bundle, proof) as packed:
            proven = prove(proof, packed)
            demand(proof, proven, demands["require"], keys)
            if rejudge:
                from gonogo.bundle import rejudge as again

                again.rejudge(proof, proven)
            if checklist is not None:
                replayed = _under(proven, checklist)
    except Stopped:
        pass
    told = {**proof.data(), **({"under": replayed} if replayed is not None else {})}
    write(json.dumps(told, indent=2, ensure_ascii=False) + "\n" if kind == "json" else _text(proof, replayed))
    _say_end(proof)
    return int(proof.exit_code)


def _under(proven: Proven, path: Path) -> dict[str, Any] | None:
    """The evidence judged under another checklist; raises `InputError` with every mistake in that."""
    from gonogo import checklist, plugins
    from gonogo.bundle.rejudge import under

    loaded = checklist.load(path, plugins.builtin())
    tell(loaded.warnings)
    try:
        replay = under(proven, loaded.checklist)
    except Unchecked as error:
        say(f"cannot judge under {path}: {safe(error.message)}")
        return None
    changes = [change.data() for change in replay.changes]
    return {"checklist": str(path), "before": replay.before.value, "after": replay.after.value, "gates": changes}


# --- for people ----------------------------------------------------------------------------------------------


def _text(proof: Proof, replayed: dict[str, Any] | None) -> str:
    lines = []
    for claim in proof.claims:
        lines.append(f"{claim.number:>2}  {_WORDS[claim.found]:<7} {safe(claim.text)}")
        lines += [f"            {safe(claim.told)}"] if claim.told else []
        lines.append(f"            checked: {safe(claim.how)}")
    lines += ["", _summary(proof)]
    if replayed is not None:
        lines += ["", *_replay(replayed)]
    return "".join(f"{line}\n" for line in lines)


def _summary(proof: Proof) -> str:
    broken, facts = proof.broken, proof.facts
    if broken is not None:
        word = "not proven" if broken.found is Finding.BROKEN else "not wholly checked"
        return f"{word}: {safe(broken.told)} (claim {broken.number})"
    by = ", ".join(facts["signed_by"]) or "nobody"
    commit = f"{facts['commit'][:12] or 'no commit'}{'' if facts['clean'] else ', with uncommitted changes'}"
    text = f"proven: {facts['decision']} for {commit} on {facts['target']}, run {facts['run']}, signed by {by}"
    return safe(text)


def _replay(replayed: dict[str, Any]) -> list[str]:
    changed = [gate for gate in replayed["gates"] if gate["changed"]]
    lines = [f"under {safe(replayed['checklist'])}: {replayed['before']} -> {replayed['after']}"]
    for gate in changed:
        why = f": {safe(gate['why'])}" if gate["why"] else ""
        lines.append(f"  {safe(gate['title'])}: {gate['before'] or 'not there'} -> {gate['after'] or 'not there'}{why}")
    lines.append(f"  {len(replayed['gates']) - len(changed)} gates as before")
    return lines


def _say_end(proof: Proof) -> None:
    if proof.broken is not None:
        say(f"error: {_summary(proof)} [integrity]")
