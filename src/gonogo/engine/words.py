"""What people say to a run that no process works on: it is in the ledger, and the run goes on with it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from gonogo.engine.poll import post
from gonogo.engine.turn import lease, whole
from gonogo.errors import InputError, Refused
from gonogo.evidence.sign import Envelope
from gonogo.ledger import Ledger
from gonogo.ledger.view import find_run, fold
from gonogo.owners import sign_off


def deliver(envelope: Envelope, *, run_id: str, root: Path, state: Path) -> bool:
    """Hand in a sign-off: into the run's file, and into the ledger unless a process at work will take it in itself.

    Whether it is in the ledger now. Raises `OperationError` where the file or the ledger cannot be written.
    """
    post(state, run_id, envelope)
    with closing(Ledger(state / "ledger.db")) as ledger:
        try:
            with lease(ledger, run_id, root):
                whole(ledger)
                folded = fold(ledger.events(run_id), run_id)
                said = sign_off.admit(envelope, folded.view(alive=False))
                if envelope.digest not in folded.envelopes:
                    data = {"sign_off": said, "envelope": envelope.data()}
                    ledger.append_all(run_id, [("sign-off", "", data)], durable=True)
        except Refused:
            return False
    return True


def resolve(run_id: str, gate: str, said: str, by: str, *, root: Path, state: Path) -> str:
    """Write down what a person says became of an act that was cut off; the run goes on with it when it is resumed.

    Args:
        run_id: Which; its beginning is enough. Empty: the latest.
        gate: The gate of the act.
        said: `done` or `not done`.
        by: Who says so, and in which words.
        root: The checkout, absolute.
        state: The state directory.

    Returns:
        The run's whole id.

    Raises:
        InputError: There is no such run, or no act of that gate was cut off in it.
        Refused: Another process holds the ledger.
    """
    with closing(Ledger(state / "ledger.db")) as ledger:
        found = find_run(ledger, run_id)
        with lease(ledger, found, root):
            whole(ledger)
            folded = fold(ledger.events(found), found)
            cut = [call for call, act in folded.acts.get(gate, {}).items() if act.capture is None]
            if not cut:
                open_ = sorted(
                    name for name, acts in folded.acts.items() if any(a.capture is None for a in acts.values())
                )
                near = f"name one of {', '.join(f'`{name}`' for name in open_)}" if open_ else "nothing is open there"
                raise InputError.of("nothing-cut-off", f"no act of gate `{gate}` was cut off in run {found}", help=near)
            events = [("act-said", gate, {"said": said, "by": by})]
            if gate in folded.verdicts:
                events.append(("gate-reopened", gate, {}))
            ledger.append_all(found, events, durable=True)
    return found
