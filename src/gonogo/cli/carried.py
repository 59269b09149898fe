"""Words carried between machines: signed over the run in a bundle, handed in where the run is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gonogo import engine
from gonogo.bundle.proof import Proof, Stopped
from gonogo.bundle.verify import Proven, open_bundle, prove
from gonogo.cli.place import Place
from gonogo.engine.poll import keep_seen
from gonogo.errors import InputError, IntegrityError, Refused
from gonogo.evidence import sign
from gonogo.evidence.sign import Envelope
from gonogo.model.run import RunView
from gonogo.model.sign_off import SignOff
from gonogo.owners import keys, sign_off

_MOST_BYTES = 16 * 1024 * 1024


def run_in(bundle: Path) -> RunView:
    """The run in a bundle, once every claim of it holds: nobody signs what is not proven.

    Raises:
        IntegrityError: A claim does not hold.
        OperationError: There is no such file, or it cannot be read.
    """
    with _proven(bundle) as proven:
        return proven.record.view


@contextmanager
def unpacked(bundle: Path) -> Iterator[tuple[RunView, Path]]:
    """The run in a bundle, and a state directory with its evidence that is there for as long as it is looked at.

    Raises:
        IntegrityError: A claim does not hold.
        OperationError: There is no such file, or it cannot be read.
    """
    with _proven(bundle) as proven, TemporaryDirectory(prefix="gonogo-bundle-") as place:
        for piece in proven.pieces:
            if not piece.cut:
                file = Path(place) / "evidence" / piece.sha256[:2] / piece.sha256
                file.parent.mkdir(parents=True, exist_ok=True)
                with proven.packed.open(piece.file) as stream, file.open("wb") as out:
                    shutil.copyfileobj(stream, out)
        yield proven.record.view, Path(place)


@contextmanager
def _proven(bundle: Path) -> Iterator[Proven]:
    proof = Proof()
    with ExitStack() as stack:
        try:
            proven = prove(proof, stack.enter_context(open_bundle(bundle, proof)))
        except Stopped as stopped:
            raise IntegrityError(
                f"`{bundle}` is not proven: {stopped}", help=f"say `gonogo verify {bundle}`, and ask for another one"
            ) from None
        yield proven


def send(envelope: Envelope, output: Path) -> None:
    """Write a word for the way to where its run is; raises `InputError` where it cannot be written."""
    try:
        output.write_bytes(envelope.line() + b"\n")
    except OSError as error:
        raise InputError.of(
            "cannot-write", f"cannot write `{output}`: {error.strerror}", help="name a file in a directory that exists"
        ) from error


def hand_in(place: Place, file: Path) -> list[tuple[SignOff, bool]]:
    """Hand in every word in a file; each with whether the ledger has it now.

    Nothing of the file is handed in unless all of it may count.

    Raises:
        InputError: The file cannot be read or holds no word, or its run is not here.
        IntegrityError: A word is not what was signed.
        Refused: Somebody is not trusted, or does not speak for that owner.
    """
    admitted = []
    for envelope in _envelopes(file):
        view = place.run_view(sign_off.parse(envelope).run)
        said = sign_off.admit(envelope, view)
        revoked = keys.revoked_now(place.root).get(said.person)
        if revoked:
            raise Refused(f"the key of `{said.person}` was revoked: {revoked}", help="let somebody else sign")
        admitted.append((envelope, view, said))
    taken = []
    for envelope, view, said in admitted:
        if sign_off.seen_digest(view, said.gate)[0] == said.seen:
            keep_seen(place.state, sign_off.seen_document(view, said.gate))
        into = engine.deliver(envelope, run_id=view.id, root=place.root, state=place.state)
        taken.append((sign_off.still(view, [said])[0], into))
    return taken


def _envelopes(file: Path) -> list[Envelope]:
    try:
        with file.open("rb") as stream:
            text = stream.read(_MOST_BYTES)
    except OSError as error:
        raise InputError.of(
            "cannot-read", f"`{file}` cannot be read: {error.strerror}", help="name another file"
        ) from error
    found = [sign.parse(line) for line in text.split(b"\n") if line]
    if not found:
        raise InputError.of("no-word", f"`{file}` holds no word", help="make one: `gonogo sign --bundle`")
    return found
