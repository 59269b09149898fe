"""Two people take the example project from NO-GO over HOLD to GO, as `docs/tutorials/two-people.md` tells it.

Each has a clone, a home directory and a key. npm's advisory service is a loopback double that answers what was once
recorded: the real one does not answer everywhere. The bundle is proven where no repository is, by a gonogo of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from ruamel.yaml import YAML

from gonogo.bundle.statements import VERDICT, VSA
from tests.cosign import cosign
from tests.e2e.conftest import REPOSITORY, Finished

__all__ = ["cosign"]  # the fixture

pytestmark = [pytest.mark.timeout(900)]

DEMO = REPOSITORY / "demo" / "demo.py"
ROSTER = """\
roster:
  owners:
    Backend: [ada]
    Frontend: [ada]
    Shared: [ada]
    DevOps: [ben]
sign_offs: [Backend, DevOps]
"""
MEDIUM = {
    "id": 1091173, "url": "https://github.com/advisories/GHSA-aaaa-bbbb-cccc", "title": "a medium hole",
    "severity": "moderate", "vulnerable_versions": "*", "cwe": [], "cvss": {"score": 5.3, "vectorString": None},
}  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """One person's machine: a home directory, a clone, and whatever else is on the PATH."""

    person: str
    home: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def clone(self) -> Path:
        return self.home / "medianest"

    def __call__(self, *command: str, cwd: Path | None = None, exits: int = 0) -> Finished:
        """A command as this person types it; fails the test where it exits otherwise than expected."""
        done = subprocess.run(
            command, cwd=cwd or self.clone, env=self.env, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        told = f"{self.person}$ {' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        assert done.returncode == exits, f"exited {done.returncode}, not {exits}\n{told}"
        return Finished(done.returncode, done.stdout, done.stderr)

    def gonogo(self, *arguments: str, exits: int = 0, cwd: Path | None = None) -> Finished:
        return self(str(Path(sys.executable).with_name("gonogo")), *arguments, exits=exits, cwd=cwd)


def desk(person: str, folder: Path, path: str, **more: str) -> Desk:
    """With nothing of the machine that runs the tests but its programs."""
    home = folder / f"home-{person}"
    home.mkdir()
    (home / "passphrase").write_text(f"Sentinel-Phrase-Of-{person.title()}-7f3c\n")
    kept = {name: os.environ[name] for name in ("LANG", "CI", "PIP_CERT", "SSL_CERT_FILE") if name in os.environ}
    name = {f"GIT_{role}_NAME": person.title() for role in ("AUTHOR", "COMMITTER")}
    mail = {f"GIT_{role}_EMAIL": f"{person}@example.org" for role in ("AUTHOR", "COMMITTER")}
    own = {"HOME": str(home), "PATH": path, "NO_COLOR": "1", "GONOGO_PASSPHRASE_FILE": str(home / "passphrase")}
    return Desk(person, home, {**kept, **own, **name, **mail, **more})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's project, installed, in Ada's home."""
    folder = tmp_path_factory.mktemp("two-people")
    command = [sys.executable, str(DEMO), "--only-prepare"]
    env = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def advisories(httpserver: HTTPServer) -> HTTPServer:
    """npm's advisory service, doubled on this machine's loopback."""
    for path in ("/-/npm/v1/security/advisories/bulk", "/-/npm/v1/security/audits/quick"):
        httpserver.expect_request(path, method="POST").respond_with_json({"express": [MEDIUM]})
    return httpserver


@pytest.fixture
def desks(folder: Path, advisories: HTTPServer) -> tuple[Desk, Desk]:
    """Ada, who runs the checklist, and Ben, who has a clone of hers."""
    (made,) = folder.glob("gonogo-demo-*/medianest")
    path = f"{made.parent}/docs-venv/bin:{os.environ['PATH']}"
    npm = {"npm_config_registry": advisories.url_for("/"), "npm_config_fetch_retries": "0"}
    ada, ben = desk("ada", folder, path, **npm), desk("ben", folder, path, **npm)
    shutil.move(made, ada.clone)
    ada("git", "clone", "-q", str(ada.clone), str(ben.clone), cwd=ada.home)
    return ada, ben


def shortened(checklist: str) -> str:
    """The example's checklist without what takes minutes, with a roster; other tests run the whole of it."""
    yaml = YAML()
    data = yaml.load(checklist)
    data["phases"] = [phase for phase in data["phases"] if str(phase["id"]) in {"0", "2"}]
    data["phases"][1]["gates"] = [gate for gate in data["phases"][1]["gates"] if gate["title"].startswith("Security")]
    stream = StringIO()
    yaml.dump(data, stream)
    head, rest = stream.getvalue().split("phases:", 1)
    return f"{head}{ROSTER}phases:{rest}"


def test_from_no_go_over_hold_to_go(desks: tuple[Desk, Desk], folder: Path, cosign: str) -> None:
    ada, ben = desks
    trust_each_other(ada, ben)
    waive_a_medium(ada, ben)
    release = say_go(ada, ben)
    other = another_machine(folder, release, ben.clone / ".gonogo" / "people")
    prove(other, cosign)
    change_a_character(other)


def trust_each_other(ada: Desk, ben: Desk) -> None:
    """Each makes a key; the public halves meet in reviewed commits."""
    (ada.clone / "team.yaml").write_text(shortened((ada.clone / "gonogo.yaml").read_text()))
    ada("npx", "prettier", "--log-level", "warn", "--write", "team.yaml")
    ada.gonogo("keys", "new", "ada", "--name", "Ada", "--email", "ada@example.org")
    ada("git", "add", "-A")
    ada("git", "commit", "-qm", "chore: ask Backend and DevOps; trust Ada's key")
    ben("git", "pull", "-q")
    ben.gonogo("keys", "new", "ben", "--name", "Ben", "--email", "ben@example.org")
    ben("git", "add", "-A")
    ben("git", "commit", "-qm", "chore: trust Ben's key")
    ada("git", "pull", "-q", str(ben.clone), "main")
    listed = ada.gonogo("keys", "list").stdout
    assert re.search(r"^ada .*trusted .*private half here", listed, re.MULTILINE), listed
    assert re.search(r"^ben (?!.*private half here)", listed, re.MULTILINE), listed


def waive_a_medium(ada: Desk, ben: Desk) -> None:
    """NO-GO for a medium finding; Ada writes a waiver for 30 days, and Ben, who approves it, commits nothing of it."""
    red = ada.gonogo("run", "team.yaml", "--target", "local", "--format", "json", exits=1)
    assert red.outcome("security") == "FAIL"
    assert {g["id"] for g in red.json["gates"] if g["outcome"] == "FAIL"} == {"security"}, red.stderr
    findings = [f["id"] for f in red.gate("security")["findings"] if f["severity"] == "medium"]
    written = ada.gonogo("waive", *dict.fromkeys(findings), "--owner", "DevOps", "--approver", "ben",
                         "-m", "only used to build", "--days", "30")  # fmt: skip
    until = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    assert until in written.stdout + written.stderr
    ada("git", "add", "-A")
    ada("git", "commit", "-qm", "chore: bear the medium hole in express for 30 days")
    ben("git", "pull", "-q")


def say_go(ada: Desk, ben: Desk) -> Path:
    """HOLD for two words; Ada says hers where the run is, Ben his over its bundle; then GO, sealed by Ada."""
    held = ada.gonogo("run", "team.yaml", "--target", "local", "--format", "json", exits=3)
    assert held.json["decision"] == "HOLD"
    assert held.gate("security")["waived"] is True
    assert "the word of Backend" in ada.gonogo("ask").stdout
    ada.gonogo("sign", "--owner", "Backend", "--go", "-m", "looked at all of it")
    ada.gonogo("bundle", "--output", str(ada.home / "hold.zip"))
    shutil.copy(ada.home / "hold.zip", ben.home)
    assert (
        "gonogo sign --bundle hold.zip --owner DevOps --go"
        in ben.gonogo("ask", "--bundle", "hold.zip", "--as", "ben", cwd=ben.home).stdout
    )
    ben.gonogo("report", "--bundle", "hold.zip", "--format", "html", "--output", "hold.html", cwd=ben.home)
    assert "only used to build" in (ben.home / "hold.html").read_text()
    ben.gonogo("sign", "--bundle", "hold.zip", "--go", "-m", "fine by us", "--output", "devops.word", cwd=ben.home)
    shutil.copy(ben.home / "devops.word", ada.home)
    assert "everything that was waited for is in" in ada.gonogo("sign", "--take", str(ada.home / "devops.word")).stderr
    go = ada.gonogo("run", "--resume", "--sign-as", "ada", "--format", "json")
    assert go.json["decision"] == "GO"
    assert {one["person"] for one in go.json["sign_offs"]} == {"ada", "ben"}
    ada.gonogo("bundle", "--key", "ada", "--output", str(ada.home / "release.zip"))
    return ada.home / "release.zip"


# --- somewhere else ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Elsewhere:
    """A machine with a gonogo of its own, the bundle, and the team's public keys; no repository, no network."""

    desk: Desk
    program: Path

    def verify(self, bundle: str = "release.zip", *more: str, exits: int = 0) -> Finished:
        command = (str(self.program), "verify", bundle, "--trust", "people", *more)
        return self.desk(*command, cwd=self.desk.home, exits=exits)


def another_machine(folder: Path, release: Path, people: Path) -> Elsewhere:
    cleo = desk("cleo", folder, os.environ["PATH"], http_proxy="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9")
    shutil.copy(release, cleo.home)
    shutil.copytree(people, cleo.home / "people")
    venv = cleo.home / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, capture_output=True)
    source = cleo.home / "source"
    shutil.copytree(REPOSITORY, source, ignore=shutil.ignore_patterns(".*", "node_modules", "tests", "examples"))
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", str(source)]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(source)
    return Elsewhere(cleo, venv / "bin" / "gonogo")


def prove(other: Elsewhere, cosign: str) -> None:
    proven = other.verify("release.zip", "--require", "Backend", "--require", "DevOps", "--rejudge")
    assert "proven: GO for" in proven.stdout
    assert "signed by ada" in proven.stdout
    assert "BROKEN" not in proven.stdout
    home = other.desk.home
    with zipfile.ZipFile(home / "release.zip") as archive:
        for name in ("manifest.json", "attestations/decision.intoto.json", "attestations/verdict.intoto.json"):
            archive.extract(name, home)
    fields = YAML(typ="safe").load((home / "people" / "ada.yaml").read_text())
    (home / "ada.pem").write_text(fields["public_key"])
    for name, kind in (("decision", VSA), ("verdict", VERDICT)):
        command = (cosign, "verify-blob-attestation", "--key", "ada.pem", "--signature",
                   f"attestations/{name}.intoto.json", "--type", kind, "--insecure-ignore-tlog=true",
                   "manifest.json")  # fmt: skip
        assert "Verified OK" in other.desk(*command, cwd=home).stderr
    manifest = home / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"decision":"GO"', b'"decision":"Go"'))
    other.desk(*command, cwd=home, exits=1)


def change_a_character(other: Elsewhere) -> None:
    """One character, in each part of the bundle; each is found, with a reason that names the part."""
    home = other.desk.home
    whole = (home / "release.zip").read_bytes()
    with zipfile.ZipFile(home / "release.zip") as archive:
        names = archive.namelist()
        begins = {
            one.filename: one.header_offset + 30 + len(one.filename) for one in archive.infolist() if one.file_size
        }
    places = {name.split("/")[0]: begin for name, begin in begins.items()}
    assert {"evidence", "attestations", "ledger.jsonl", "sign-offs.intoto.jsonl", "waivers.json"} <= set(places)
    places |= {"the end": len(whole) - 3, "a name": whole.index(names[-1].encode())}
    for place, at in places.items():
        changed = bytearray(whole)
        changed[at] ^= 1
        (home / "changed.zip").write_bytes(changed)
        told = other.verify("changed.zip", "--format", "json", exits=5)
        claims = json.loads(told.stdout)["claims"]
        assert claims[-1]["result"] == "broken", place
        assert len(claims[-1]["told"]) > len("broken"), place
        assert claims[-1]["told"] in told.stderr
    assert other.verify().exit == 0
