"""Where cosign comes from: the PATH, or, where `CI=true`, Debian's package, unpacked beside the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.turn import turn

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_SUITES = ("trixie", "sid")
"""Those that have the package; older ones do not."""


@pytest.fixture(scope="session")
def cosign() -> str:
    """The program; skips where there is none, and none is to be fetched."""
    found = find()
    if not found:
        pytest.skip("cosign is not installed; it is fetched where CI=true")
    return found


def find() -> str:
    """The program; fetched once for all test processes of this user where `CI=true`. Empty: there is none."""
    found = shutil.which("cosign")
    if found is not None or os.environ.get("CI") != "true":
        return found or ""
    place = Path(tempfile.gettempdir()) / f"gonogo-cosign-{os.getuid()}"
    program = place / "root" / "usr" / "bin" / "cosign"
    with turn(place.with_suffix(".lock")):
        if not (place / "fetched").exists():
            shutil.rmtree(place, ignore_errors=True)
            _fetch(place)
            (place / "fetched").touch()
    return str(program)


def _fetch(place: Path) -> None:
    """Debian's package by a private apt: neither sources nor packages of the system change."""
    (place / "lists" / "partial").mkdir(parents=True)
    (place / "cache" / "archives" / "partial").mkdir(parents=True)
    mirror = _out("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").split()
    main = next(uri for uri in mirror if "security" not in uri)
    for suite in _SUITES:
        (place / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {main} {suite} main\n")
        try:
            _apt(place, "update")
            _apt(place, "download", "cosign")
        except subprocess.CalledProcessError:
            continue
        [package] = place.glob("cosign_*.deb")
        _out("dpkg-deb", "-x", str(package), str(place / "root"))
        package.unlink()
        shutil.rmtree(place / "lists")
        return
    raise AssertionError(f"no suite of {_SUITES} has cosign")


def _apt(place: Path, *arguments: str) -> None:
    options = {
        "Dir::Etc::SourceList": place / "sources.list",
        "Dir::Etc::SourceParts": place / "none",
        "Dir::State::Lists": place / "lists",
        "Dir::Cache": place / "cache",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
    }
    said = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    _out("apt-get", "-q", *said, *arguments, cwd=place)


def _out(*command: str, cwd: Path | None = None) -> str:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout
