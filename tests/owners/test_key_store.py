"""Private halves in the key store of the system: a real backend that keeps a file, and the ones that keep nothing."""

from __future__ import annotations

import base64
import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gonogo.errors import InputError, IntegrityError, OperationError, Refused
from gonogo.evidence import sign
from gonogo.owners import key_store, keys
from tests.cli.conftest import Gonogo, Repository, gonogo, repository

__all__ = ["gonogo", "repository"]  # fixtures

FILE_STORE = "keyrings.alt.file.PlaintextKeyring"
"""A real backend of `keyrings.alt`; it keeps its file below XDG_DATA_HOME."""


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor the user's files choose a backend."""
    import keyring.core

    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)


@pytest.fixture
def file_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the backend writes."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", FILE_STORE)
    return tmp_path / "home" / "python_keyring" / "keyring_pass.cfg"


def never() -> str:
    pytest.fail("a passphrase was asked for")


def test_the_store_has_the_key_and_no_passphrase_is_asked_for(key_directory: Path, file_store: Path) -> None:
    pem, where = keys.create_in_store("ada")
    key = keys.unlock("ada", never)
    assert key.keyid == sign.keyid(sign.public_key(pem))
    assert (keys.mine(), where) == (("ada",), "file PlaintextKeyring")
    kept = (key_directory / "ada").read_bytes()
    assert kept == f"gonogo key store: {key.keyid}\n".encode()
    assert key.private.private_bytes_raw() not in kept
    assert f"[{key_store.SERVICE}]" in file_store.read_text()


def test_two_directories_of_keys_do_not_share_one(
    key_directory: Path, file_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = keys.create_in_store("ada")
    monkeypatch.setenv(keys.DIRECTORY_VARIABLE, str(key_directory.parent / "others"))
    second, _ = keys.create_in_store("ada")
    assert keys.unlock("ada", never).keyid == sign.keyid(sign.public_key(second)) != sign.keyid(sign.public_key(first))
    with pytest.raises(Refused, match="already"):
        keys.create_in_store("ada")
    assert keys.unlock("ada", never).keyid == sign.keyid(sign.public_key(second))


def test_a_key_that_is_gone_or_another_is_told(key_directory: Path, file_store: Path) -> None:
    import keyring

    pem, _ = keys.create_in_store("ada")
    account = f"ada:{sign.keyid(sign.public_key(pem))[:16]}"
    for other in ("bm8ga2V5", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "no base64"):
        keyring.set_password(key_store.SERVICE, account, other)
        with pytest.raises(IntegrityError, match="has something else of `ada`"):
            keys.unlock("ada", never)
    keyring.delete_password(key_store.SERVICE, account)
    with pytest.raises(InputError, match="has no key of `ada`"):
        keys.unlock("ada", never)


@pytest.mark.parametrize("backend", ["", "keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"])
def test_where_there_is_no_store_it_says_so(key_directory: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    """Without a setting `keyring` itself would take the file that hides nothing: `keyrings.alt` is installed here."""
    if backend:
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    with pytest.raises(Refused, match="there is no key store of the system here"):
        keys.create_in_store("ada")
    assert keys.mine() == ()


def test_a_setting_that_leads_nowhere_is_told(key_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "no.such.backend.Keyring")
    with pytest.raises(Refused, match="settings name a key store that cannot be used"):
        keys.create_in_store("ada")


def test_without_the_extra_it_says_what_to_install(key_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "keyring":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match="needs the extra `keystore`") as error:
        keys.create_in_store("ada")
    assert error.value.diagnostics[0].help == "run: pip install 'gonogo[keystore]'"


@pytest.mark.parametrize("act", ["set_password", "get_password"])
def test_a_store_that_says_no_leaves_nothing_and_quotes_nothing(
    key_directory: Path, file_store: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    def locked(*given: Any) -> None:
        raise RuntimeError(f"locked, and here is what you gave: {given}")

    monkeypatch.setattr(f"{FILE_STORE}.{act}", locked)
    with pytest.raises(OperationError, match="said no") as error:
        keys.create_in_store("ada")
    assert "given" not in str(error.value)
    assert error.value.__cause__ is None
    assert keys.mine() == ()


def test_a_store_that_keeps_nothing_is_told_at_once(
    key_directory: Path, file_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{FILE_STORE}.set_password", lambda *given: None)
    with pytest.raises(Refused, match="did not keep the key"):
        keys.create_in_store("ada")
    assert keys.mine() == ()


def test_a_person_signs_with_a_key_of_the_store(
    repository: Repository, gonogo: Gonogo, key_directory: Path, file_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(keys.DIRECTORY_VARIABLE, str(key_directory))
    made = gonogo("keys", "new", "ada", "--email", "ada@example.org", "--store", "os")
    assert (made.exit, "the private half is in the key store: file PlaintextKeyring" in made.err) == (0, True), made.err
    text = (repository.root / "gonogo.yaml").read_text()
    repository.write("gonogo.yaml", text.replace("phases:", "sign_offs: [Ada]\nphases:", 1))
    repository.commit("feat: ask Ada")
    assert gonogo("run").exit == 3
    assert gonogo("sign", "--go", "-m", "good").exit == 0
    assert gonogo("run", "--resume", "--sign-as", "ada").exit == 0
    secret = keys.unlock("ada", never).private.private_bytes_raw()
    everything = b"".join(path.read_bytes() for path in repository.root.rglob("*") if path.is_file())
    for form in (secret, base64.b64encode(secret), secret.hex().encode()):
        assert form not in everything


def test_nothing_of_it_is_loaded_for_those_who_do_not_ask() -> None:
    code = "import sys, gonogo.owners.keys; sys.exit('keyring' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
