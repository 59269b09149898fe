"""Words without a key: signed for an identity, verified offline by Sigstore's own client, against a double's roots."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from gonogo.errors import InputError, IntegrityError, OperationError, Refused
from gonogo.evidence import sign
from gonogo.evidence.sign import Envelope
from gonogo.model import codec
from gonogo.model.roster import Person
from gonogo.owners import keyless, keys
from gonogo.owners.keyless import Identity
from tests.cli.conftest import Gonogo, Repository, gonogo, repository
from tests.owners.sigstore_double import ISSUER, SigstoreDouble, token

__all__ = ["gonogo", "repository"]  # fixtures

CLEO = "cleo@example.org"
WORKFLOW = "https://github.example.org/o/r/.github/workflows/release.yml@refs/heads/main"
STATEMENT = codec.canonical(
    {
        "_type": sign.STATEMENT,
        "subject": [{"name": "seen.json", "digest": {"sha256": "ab" * 32}}],
        "predicateType": "urn:gonogo:test:1",
        "predicate": {},
    }
)


@pytest.fixture
def double(httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SigstoreDouble:
    """Sigstore's services on loopback, trusted and asked by gonogo; Cleo is signed in, as in a CI job."""
    made = SigstoreDouble()
    made.serve(httpserver)
    (tmp_path / "sigstore.json").write_text(json.dumps(made.configuration(httpserver.url_for("/"))))
    monkeypatch.setenv(keyless.CONFIG_VARIABLE, str(tmp_path / "sigstore.json"))
    for name in ("GITHUB_ACTIONS", "CIRCLECI", "BUILDKITE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", token(CLEO))
    return made


def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: dict[str, Any]) -> None:
    (tmp_path / "root.json").write_text(json.dumps(root))
    monkeypatch.setenv(keyless.CONFIG_VARIABLE, str(tmp_path / "root.json"))


@pytest.fixture
def signed(double: SigstoreDouble) -> Envelope:
    return Identity("cleo", CLEO, ISSUER).sign(STATEMENT)


def test_what_is_signed_for_an_identity_verifies_offline(
    signed: Envelope, double: SigstoreDouble, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.clear()
    trust(tmp_path, monkeypatch, double.trusted_root())
    kept = sign.parse(signed.line())
    assert kept == signed
    keyless.verify(kept, CLEO, ISSUER)
    assert httpserver.log == []
    assert json.loads(signed.signatures[0].extension)["kind"] == keyless.KIND
    assert len(double.entries) == 1


def test_the_identity_of_a_workflow_is_one_too(double: SigstoreDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", token(WORKFLOW))
    envelope = Identity("release", WORKFLOW, ISSUER).sign(STATEMENT)
    keyless.verify(envelope, WORKFLOW, ISSUER)


@pytest.mark.parametrize(("identity", "issuer"), [("ada@example.org", ISSUER), (CLEO, "https://other.example.org")])
def test_another_identity_or_issuer_is_refused(signed: Envelope, identity: str, issuer: str) -> None:
    with pytest.raises(IntegrityError, match="did not sign it"):
        keyless.verify(signed, identity, issuer)


def test_nobody_signs_as_somebody_else(double: SigstoreDouble) -> None:
    with pytest.raises(Refused, match=r"`cleo@example.org` is signed in, and `ada` is `ada@example.org`"):
        Identity("ada", "ada@example.org", ISSUER).sign(STATEMENT)
    assert double.entries == []


def _ext(envelope: Envelope, edit: Callable[[dict[str, Any]], None]) -> Envelope:
    extension = json.loads(envelope.signatures[0].extension)
    edit(extension)
    one = replace(envelope.signatures[0], extension=codec.canonical(extension).decode())
    return replace(envelope, signatures=(one,))


def _entry(extension: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = extension["ext"]["tlogEntries"][0]
    return found


CHANGES: dict[str, Callable[[Envelope], Envelope]] = {
    "payload": lambda e: replace(e, payload=e.payload.replace(b"seen.json", b"seem.json")),
    "type": lambda e: replace(e, payload_type="text/plain"),
    "signature": lambda e: replace(e, signatures=(replace(e.signatures[0], sig=e.signatures[0].sig[:-1] + b"\0"),)),
    "no extension": lambda e: replace(e, signatures=(replace(e.signatures[0], extension=""),)),
    "another kind": lambda e: _ext(e, lambda x: x.update(kind="text/plain")),
    "no certificate": lambda e: _ext(e, lambda x: x["ext"].pop("certificate")),
    "no entry": lambda e: _ext(e, lambda x: x["ext"].update(tlogEntries=[])),
    "no proof": lambda e: _ext(e, lambda x: _entry(x).pop("inclusionProof")),
    "no promise": lambda e: _ext(e, lambda x: _entry(x).pop("inclusionPromise")),
    "another time": lambda e: _ext(e, lambda x: _entry(x).update(integratedTime="1700000000")),
    "odd form": lambda e: _ext(e, lambda x: x.update(ext=[1])),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_anywhere_is_found(signed: Envelope, change: str) -> None:
    with pytest.raises(IntegrityError, match="did not sign it"):
        keyless.verify(CHANGES[change](signed), CLEO, ISSUER)


def test_other_roots_of_trust_do_not_vouch_for_it(
    signed: Envelope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(tmp_path, monkeypatch, SigstoreDouble().trusted_root())
    with pytest.raises(IntegrityError, match="did not sign it"):
        keyless.verify(signed, CLEO, ISSUER)
    monkeypatch.delenv(keyless.CONFIG_VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(IntegrityError, match="did not sign it"):  # the public instance, from what the package brings
        keyless.verify(signed, CLEO, ISSUER)


def test_services_that_say_no_are_told(double: SigstoreDouble, httpserver: HTTPServer) -> None:
    httpserver.clear()
    httpserver.expect_request("/api/v2/signingCert").respond_with_data("", status=503)
    with pytest.raises(OperationError, match="Sigstore did not sign") as error:
        Identity("cleo", CLEO, ISSUER).sign(STATEMENT)
    assert token(CLEO)[:20] not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", '{"mediaType": "x"}', None])
def test_a_configuration_that_is_none_is_told(
    signed: Envelope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "odd").write_text(text)
    monkeypatch.setenv(keyless.CONFIG_VARIABLE, str(tmp_path / "odd"))
    with pytest.raises(InputError, match=r"is no trust configuration|cannot be read"):
        keyless.verify(signed, CLEO, ISSUER)


def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "sigstore":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)


def test_without_the_extra_it_says_what_to_install(signed: Envelope, monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_extra(monkeypatch)
    for act in (lambda: keyless.verify(signed, CLEO, ISSUER), lambda: Identity("cleo", CLEO, ISSUER).sign(STATEMENT)):
        with pytest.raises(keyless.NotInstalled, match="needs the extra `keyless`") as error:
            act()
        assert error.value.help == "run: pip install 'gonogo[keyless]'"


def test_nothing_of_it_is_loaded_for_those_who_have_keys() -> None:
    code = "import sys, gonogo.owners.sign_off; sys.exit('sigstore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- a person without a key ----------------------------------------------------------------------------------


def test_a_persons_file_without_a_key_reads_back(repository: Repository) -> None:
    person = Person("cleo", "Cleo", "", (CLEO,), since="2026-11-22", identity=CLEO, issuer=ISSUER)
    text = keys.write(repository.root, person).read_text()
    assert "public_key" not in text
    assert keys.present(repository.root) == (person,)
    for wrong, slug in (
        (text.replace(f"issuer: {ISSUER}\n", ""), "no-identity"),
        (text + "public_key: x\n", "key-and-identity"),
    ):
        repository.write(f"{keys.PEOPLE}/cleo.yaml", wrong)
        with pytest.raises(InputError) as error:
            keys.present(repository.root)
        assert slug in [one.slug for one in error.value.diagnostics]


@dataclass(frozen=True)
class Elsewhere:
    """A directory, and an environment that can be changed."""

    path: Path
    monkeypatch: pytest.MonkeyPatch


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    return Elsewhere(tmp_path, monkeypatch)


@pytest.fixture
def waiting(repository: Repository, gonogo: Gonogo, double: SigstoreDouble) -> Repository:
    """A run that waits for Cleo, who has no key."""
    made = gonogo("keys", "trust", "--identity", CLEO, "--issuer", ISSUER, "--email", CLEO)
    assert (made.exit, "cleo.yaml: cleo, as cleo@example.org" in made.err) == (0, True), made.err
    text = (repository.root / "gonogo.yaml").read_text()
    repository.write("gonogo.yaml", text.replace("phases:", "sign_offs: [cleo]\nphases:", 1))
    repository.commit("feat: ask Cleo")
    assert gonogo("run").exit == 3
    return repository


def test_a_word_without_a_key_counts_and_proves_itself_in_a_bundle(
    waiting: Repository, gonogo: Gonogo, double: SigstoreDouble, httpserver: HTTPServer, elsewhere: Elsewhere
) -> None:
    tmp_path, monkeypatch = elsewhere.path, elsewhere.monkeypatch
    said = gonogo("sign", "--as", "cleo", "--go", "-m", "good")
    assert said.exit == 0, said.err
    assert gonogo("run", "--resume").exit == 0
    bundle = str(tmp_path / "release.zip")
    assert gonogo("bundle", "--output", bundle).exit == 0
    httpserver.clear()
    trust(tmp_path, monkeypatch, double.trusted_root())
    people = str(waiting.root / ".gonogo" / "people")
    proven = gonogo("verify", bundle, "--require", "cleo")
    assert proven.exit == 0, proven.out
    listed = gonogo("keys", "list").out
    assert "without a key     trusted since" in listed
    assert f"as {CLEO} of {ISSUER}" in listed
    assert "signed by nobody" in gonogo("verify", bundle, "--trust", people).out
    assert httpserver.log == []

    trust(tmp_path, monkeypatch, SigstoreDouble().trusted_root())
    forged = gonogo("verify", bundle)
    assert (forged.exit, "did not sign it" in forged.out) == (5, True), forged.out
    without_the_extra(monkeypatch)
    open_ = gonogo("verify", bundle)
    assert (open_.exit, "OPEN" in open_.out, "gonogo[keyless]" in open_.out) == (4, True, True), open_.out


def test_a_word_that_cannot_be_verified_here_holds_the_run(
    waiting: Repository, gonogo: Gonogo, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gonogo("sign", "--as", "cleo", "--go", "-m", "good").exit == 0
    without_the_extra(monkeypatch)
    held = gonogo("run", "--resume", "--format", "json")
    assert held.exit == 3
    assert any("needs the extra `keyless`" in one["text"] for one in json.loads(held.out)["remarks"]), held.out
